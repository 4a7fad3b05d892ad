import { afterEach, describe, expect, test, vi } from "vitest";
import { can, forgetAbilities } from "../src/api/abilities";
import * as devices from "../src/api/devices";
import * as recording from "../src/api/recording";
import * as storage from "../src/api/storage";
import { deleteSensor } from "../src/api/vst";
import { defaultRule, isRecording, ruleProblem, ruleSentence, sameRule, statusWords, toDraft, toRule } from "../src/lib/recordmode";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly body: string | undefined;
}

/** A box that answers every request with the same reply, and what it was asked. */
function box(body: unknown, status = 200): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
    const url = new URL(address, "http://box");
    asked.push({ method: init.method ?? "GET", path: url.pathname, query: Object.fromEntries(url.searchParams), body: init.body as string | undefined });
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
  forgetAbilities();
});

const RANGE = { start: 0, end: 60_000 };
const WIRE_RANGE = { startTime: "1970-01-01T00:00:00.000Z", endTime: "1970-01-01T00:01:00.000Z" };
const RULE = { ...defaultRule("Europe/Berlin"), mode: "schedule", schedule: [{ cron: "0 8 * * 1-5", durationSeconds: 36_000 }] } as const;

describe("a box that lacks a feature", () => {
  test.each([404, 405, 501])("answers %d, and the feature is not offered", async (status) => {
    box({ error_code: "VMSNotSupportedError", error_message: "no" }, status);
    const signal = new AbortController().signal;
    expect(await devices.discovered()).toBeNull();
    expect(await devices.ptz("s")).toBeNull();
    expect(await devices.settings("s")).toBeNull();
    expect(await devices.network("s")).toBeNull();
    expect(await devices.readings("s", "", "", 1)).toEqual([]);
    expect(await recording.rule("s")).toBeNull();
    expect(await recording.coverage("s", RANGE)).toBeNull();
    expect(await storage.policy()).toBeNull();
    expect(await storage.forecast(null)).toBeNull();
    expect(await storage.protections()).toBeNull();
    expect(await storage.previewTimes("s", RANGE, 4, signal)).toBeNull();
  });

  test("any other failure is told", async () => {
    box({ error_message: "The disk is gone." }, 503);
    await expect(storage.forecast(null)).rejects.toThrow("The disk is gone.");
    await expect(devices.discovered()).rejects.toThrow("The disk is gone.");
  });
});

describe("what the box can do", () => {
  test("is read from its own lists, once", async () => {
    const asked = box([{ method: "GET", endpoint: "/storage/x" }]);
    expect([await can("GET /storage/x"), await can("GET /storage/y")]).toEqual([true, false]);
    expect(asked.map(({ path }) => path)).toEqual(["/vst/api/v1/storage/help"]);
    box(["POST /sensor/scan"]);
    expect(await can("POST /sensor/scan")).toBe(true);
  });

  test("is asked again after a failure", async () => {
    box({}, 503);
    await expect(can("GET /storage/x")).rejects.toThrow();
    box(["GET /storage/x"]);
    expect(await can("GET /storage/x")).toBe(true);
  });

  test("previews are only asked for where there are any", async () => {
    const asked = box([{ method: "GET", endpoint: "/storage/other" }]);
    expect(await storage.previewTimes("s", RANGE, 4, new AbortController().signal)).toBeNull();
    expect(asked).toHaveLength(1);
    expect(storage.pictureUrl("a", 0, 160)).toContain("/storage/stream/a/picture?startTime=1970");
  });
});

describe("requests are spelled as the box reads them", () => {
  test("coverage and its manifest", async () => {
    const asked = box({ spans: [], head: { seq: 3, hash: "ab" } });
    expect((await recording.coverage("a b", RANGE))?.head).toEqual({ seq: 3, hash: "ab" });
    expect(asked[0]).toMatchObject({ path: "/vst/api/v1/record/a%20b/coverage", query: WIRE_RANGE });
    expect(recording.manifestUrl("a", RANGE)).toBe("/vst/api/v1/record/a/coverage/manifest?startTime=1970-01-01T00%3A00%3A00.000Z&endTime=1970-01-01T00%3A01%3A00.000Z");
  });

  test("mode, start and stop", async () => {
    const asked = box({});
    await recording.saveRule("a", RULE);
    await recording.startRecording("a");
    await recording.stopRecording("a");
    expect(asked.map(({ method, path }) => `${method} ${path.slice(11)}`)).toEqual(["POST /record/a/mode", "POST /record/a/start", "POST /record/a/stop"]);
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual(RULE);
  });

  test("states, with what is not said", async () => {
    box({ a: { id: "a", recording_status: "alwaysOn" }, b: {} });
    expect(await recording.recordingStates()).toEqual({ a: "alwaysOn", b: "statusUnknown" });
  });

  test("the policy, where missing rules are off, and what if", async () => {
    const asked = box({ maxAgeHours: 24 });
    const policy = await storage.policy();
    expect(policy).toEqual({ maxAgeHours: 24, maxGibPerStream: 0, maxGib: 0, minFreeGib: 0, maxUsedPercent: 0 });
    expect(await storage.forecast(policy)).toMatchObject({ volumes: [], wouldDelete: { segments: 0 } });
    expect(asked[1]?.query).toMatchObject({ maxAgeHours: "24", maxUsedPercent: "0" });
  });

  test("a range is protected, and let go", async () => {
    const asked = box({ invalidFiles: [] });
    await storage.protect("a", RANGE, true);
    await storage.protect("a", RANGE, false);
    expect(asked.map(({ body }) => JSON.parse(body ?? "") as unknown)).toEqual([true, false].map((protect) => ({ filePath: [], ranges: [{ streamId: "a", ...WIRE_RANGE }], protect })));
  });

  test("a range is deleted, linked and shown", async () => {
    const deleted = { segments: 2, bytes: 9, ...WIRE_RANGE };
    const asked = box({ spaceSaved: 0, deleted, videoUrl: "u", expiryISO: "t" });
    expect(await storage.deleteRange("a", RANGE)).toEqual({ ...RANGE, bytes: 9 });
    expect(await storage.temporaryUrl("a", RANGE, 60)).toMatchObject({ videoUrl: "u" });
    expect(asked[0]).toMatchObject({ method: "DELETE", path: "/vst/api/v1/storage/file/a", query: WIRE_RANGE });
    expect(asked[1]?.query).toMatchObject({ expiryMinutes: "60", container: "mp4" });
    expect(storage.previewUrl("a", 0, 160)).toContain("/storage/stream/a/preview?startTime=1970-01-01T00%3A00%3A00.000Z&width=160");
  });

  test("a range without a whole piece in it deletes nothing", async () => {
    box({ spaceSaved: 0, deleted: { segments: 0, bytes: 0, startTime: null, endTime: null } });
    expect(await storage.deleteRange("a", RANGE)).toBeNull();
  });

  test("a discovered camera is added with what was typed", async () => {
    const asked = box({ sensorId: "new" });
    expect(await devices.addDiscovered("urn:uuid:1", { name: "Gate" })).toBe("new");
    expect(asked[0]).toMatchObject({ method: "POST", path: "/vst/api/v1/sensor/discovered/urn%3Auuid%3A1/add", body: '{"name":"Gate"}' });
  });

  test("a list is imported as what it is", async () => {
    const asked = box({ added: ["a"], skipped: [] });
    await devices.importList("name,url", true);
    expect(asked[0]).toMatchObject({ path: "/vst/api/v1/sensor/import", body: "name,url" });
  });

  test("recordings go with a camera only when asked", async () => {
    const asked = box({});
    await deleteSensor("a", false);
    await deleteSensor("a", true);
    expect(asked.map(({ query }) => query)).toEqual([{}, { deleteRecordings: "true" }]);
  });
});

describe("recording rules", () => {
  test("survive the editor", () => {
    expect(toRule(toDraft(RULE))).toEqual(RULE);
    expect(sameRule(toDraft(RULE), toDraft({ ...RULE }))).toBe(true);
    expect(sameRule(toDraft(RULE), toDraft({ ...RULE, audio: true }))).toBe(false);
  });

  test.each([
    [{ mode: "always" }, "Always"],
    [{ mode: "off" }, "Off"],
    [{ mode: "event" }, "On events, 5 s before to 10 s after"],
    [{}, "Mon to Fri 08:00–18:00 (Europe/Berlin)"],
  ] as const)("%j reads", (change, text) => expect(ruleSentence({ ...RULE, ...change })).toBe(text));

  test("say what is missing", () => {
    expect(ruleProblem(toDraft(RULE))).toBeNull();
    expect(ruleProblem(toDraft({ ...RULE, schedule: [] }))).toContain("Paint");
    expect(ruleProblem(toDraft({ ...RULE, mode: "event", preRollSeconds: Number.NaN }))).toContain("Before");
    expect(ruleProblem(toDraft({ ...RULE, mode: "event", postRollSeconds: 4_000 }))).toContain("After");
    expect(ruleProblem(toDraft({ ...RULE, mode: "event" }))).toBeNull();
  });

  test("states have words", () => {
    expect(statusWords("alwaysOn")).toBe("Recording");
    expect(statusWords("new" as "off")).toBe("Not known");
    expect([isRecording("user"), isRecording("off"), isRecording("error")]).toEqual([true, false, false]);
  });
});
