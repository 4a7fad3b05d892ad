import { describe, expect, test, vi } from "vitest";
import { mergeAlerts } from "../src/state/alerts";
import { parseResolution, toCamera } from "../src/state/cameras";
import { DEFAULT_LAYERS, parseLayers } from "../src/state/layers";
import { readMe } from "../src/api/accounts";

vi.stubGlobal("location", { pathname: "/", origin: "http://box" });
const { cameraPath, coveragePath, parseRoute, setupPath } = await import("../src/state/router");
const { allows } = await import("../src/state/session");
const { countCrossing, shapesOf } = await import("../src/state/shapes");

describe("routes", () => {
  test.each([
    ["/", { page: "live" }],
    ["/cameras", { page: "cameras" }],
    ["/cameras/", { page: "cameras" }],
    ["/cameras/a%20b", { page: "camera", sensorId: "a b" }],
    ["/alerts", { page: "alerts" }],
    ["/alerts/1", { page: "missing" }],
    ["/cameras/a%20b/setup", { page: "camerasetup", sensorId: "a b" }],
    ["/cameras/a/setup/x", { page: "missing" }],
    ["/cameras/a/other", { page: "missing" }],
    ["/coverage", { page: "coverage" }],
    ["/coverage/a%20b", { page: "cameracoverage", sensorId: "a b" }],
    ["/storage", { page: "storage" }],
    ["/storage/x", { page: "missing" }],
    ["/vst/api/v1/x", { page: "missing" }],
  ])("%s", (path, route) => expect(parseRoute(path)).toEqual(route));

  test("a camera's path leads back to it", () => {
    expect(parseRoute(cameraPath("a/b"))).toEqual({ page: "camera", sensorId: "a/b" });
    expect(parseRoute(setupPath("a/b"))).toEqual({ page: "camerasetup", sensorId: "a/b" });
    expect(parseRoute(coveragePath("a/b"))).toEqual({ page: "cameracoverage", sensorId: "a/b" });
  });
});

describe("cameras", () => {
  const sensor = { sensorId: "s1", name: "Gate", state: "online" } as const;

  test("use their main stream", () => {
    const streams = [
      { streamId: "sub", isMain: false },
      { streamId: "main", isMain: true, metadata: { codec: "h264", resolution: "1920x1080", framerate: "29.97" } },
    ];
    expect(toCamera(sensor, undefined, streams)).toMatchObject({
      streamId: "main",
      online: true,
      size: { width: 1920, height: 1080 },
      detail: "H.264 · 1920 × 1080 · 30 fps",
    });
  });

  test("say why they are offline, in the box's words", () => {
    const status = { state: "offline", errorCode: "x", errorMessage: "Wrong password for this camera" } as const;
    expect(toCamera(sensor, status, undefined)).toMatchObject({ online: false, reason: "Wrong password for this camera", streamId: "s1" });
    expect(toCamera({ ...sensor, state: "offline" }, undefined, []).reason).not.toBe("");
  });

  test("may be online and still have something to say", () => {
    const status = { state: "online", errorCode: "CommunicationError", errorMessage: "Pictures stopped a moment ago" } as const;
    expect(toCamera(sensor, status, []).warning).toBe("Pictures stopped a moment ago");
    expect(toCamera(sensor, { ...status, errorCode: "NoError" }, [])).toMatchObject({ warning: "", device: false });
    expect(toCamera({ ...sensor, type: "sensor_onvif" }, undefined, []).device).toBe(true);
  });

  test.each([["1280x720", 1280], ["1280 X 720", 1280], ["auto", null], [undefined, null]])("resolution %s", (text, width) => {
    expect(parseResolution(text)?.width ?? null).toBe(width);
  });
});

test("alerts keep one entry each, newest first, and learn their end", () => {
  const alert = (id: string, minute: number) => ({ id, sensorId: "Gate", type: "fov", startTimestamp: `2026-01-01T00:0${minute}:00Z` });
  const ended = { ...alert("a", 1), endTimestamp: "2026-01-01T00:05:00Z" };
  const merged = mergeAlerts([alert("a", 1), alert("b", 2)], [alert("c", 3), ended]);
  expect(merged.map(({ id }) => id)).toEqual(["c", "b", "a"]);
  expect(merged[2]).toEqual(ended);
});

test("a crossing counts at once", () => {
  countCrossing("Gate", "w", "IN", 5);
  countCrossing("Gate", "w", "OUT", 6);
  countCrossing("Gate", "w", "IN", 7);
  expect(shapesOf("Gate").value.totals.w).toEqual({ in: 2, out: 1, flashedAt: 7 });
});

test("layers survive whatever was stored", () => {
  expect(parseLayers(null)).toEqual(DEFAULT_LAYERS);
  expect(parseLayers("{")).toEqual(DEFAULT_LAYERS);
  expect(parseLayers('{"boxes":false,"ids":"no"}')).toEqual({ ...DEFAULT_LAYERS, boxes: false });
});

test.each([
  ["viewer", false, false],
  ["operator", true, false],
  ["admin", true, true],
  ["owner", true, true],
])("a %s sees the buttons that would not be refused", (role, configure, remove) => {
  expect([allows(role, "configure"), allows(role, "remove")]).toEqual([configure, remove]);
});

test("who am I, tolerantly", () => {
  expect(readMe({ id: "u1", name: "Ada", role: "ADMIN" })).toEqual({ id: "u1", name: "Ada", role: "admin" });
  expect(readMe(null)).toEqual({ id: "", name: "admin", role: "viewer" });
});

test("whoever did it is called by name, as far as one may know", async () => {
  const { learnNames, personName } = await import("../src/state/people");
  const { session } = await import("../src/state/session");
  const people = vi.fn((url: string) => {
    const list = url.endsWith("/users") ? { users: [{ id: "u2", name: "Ben" }] } : { tokens: [{ id: "t1", name: "backup" }] };
    return Promise.resolve(new Response(JSON.stringify(list)));
  });
  vi.stubGlobal("fetch", people);
  session.value = { kind: "signedIn", me: { id: "u1", name: "Ada", role: "viewer" } };
  await learnNames();
  expect(people).not.toHaveBeenCalled();
  expect(["u1", "u2", "service:retention", ""].map(personName)).toEqual(["Ada", "u2", "the box itself", ""]);
  session.value = { kind: "signedIn", me: { id: "u1", name: "Ada", role: "admin" } };
  await learnNames();
  await learnNames();
  expect(people).toHaveBeenCalledTimes(2);
  expect(["u2", "token:t1"].map(personName)).toEqual(["Ben", "the token “backup”"]);
});
