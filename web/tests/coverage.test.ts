import { describe, expect, test } from "vitest";
import {
  episodes,
  hoursOf,
  lasted,
  layOut,
  localDays,
  longTime,
  losses,
  readCoverage,
  reasonOf,
  recordedShare,
  secondsIn,
  shareSentence,
  spanOfRecord,
  stretchAt,
  stripSummary,
  type CoverageState,
  type Stretch,
} from "../src/lib/coverage";
import { bytes, momentName, percent } from "../src/lib/format";

const DAY = 86_400_000;
const stretch = (start: number, end: number, state: CoverageState = "recorded", cause = "", by = ""): Stretch => ({ start, end, state, cause, by });
const span = (start: number, end: number) => ({ start, end });

describe("readCoverage", () => {
  test("reads the wire and puts it in order", () => {
    const coverage = readCoverage(
      {
        startTime: "1970-01-01T00:00:00.000Z",
        endTime: "1970-01-01T00:00:20.000Z",
        spans: [
          { startTime: "1970-01-01T00:00:10.000Z", endTime: "1970-01-01T00:00:20.000Z", state: "deleted", cause: "deleted", by: "Ada" },
          { startTime: "1970-01-01T00:00:00.000Z", endTime: "1970-01-01T00:00:10.000Z", state: "recorded", cause: null, by: null },
        ],
        seconds: { recorded: 10, deleted: 10 },
        head: { seq: 4, hash: "ab" },
      },
      span(0, 1),
    );
    expect(coverage.range).toEqual(span(0, 20_000));
    expect(coverage.stretches).toEqual([stretch(0, 10_000), stretch(10_000, 20_000, "deleted", "deleted", "Ada")]);
    expect(coverage.seconds).toMatchObject({ recorded: 10, deleted: 10, camera_down: 0 });
    expect(coverage.head).toEqual({ seq: 4, hash: "ab" });
  });

  test("a state nobody knows is a loss, and an empty reply is empty", () => {
    const unknown = { spans: [{ startTime: "1970-01-01T00:00:00Z", endTime: "1970-01-01T00:00:01Z", state: "eclipse" }] };
    expect(readCoverage(unknown, span(0, 1000)).seconds.recorder_down).toBe(1);
    expect(readCoverage({}, span(0, 5))).toMatchObject({ range: span(0, 5), stretches: [], head: { seq: 0, hash: "" } });
  });
});

describe("the share", () => {
  const seconds = (values: Partial<Record<CoverageState, number>>) => ({ ...secondsIn([], span(0, 1)), ...values });

  test("judges the recorder, not the policy", () => {
    expect(recordedShare(seconds({ recorded: 50, aged_out: 40, deleted: 9, camera_down: 1, not_scheduled: 900 }))).toBe(0.99);
    expect(recordedShare(seconds({ not_scheduled: 10 }))).toBeNull();
  });

  test.each([
    [1, "100 %"],
    [0.9998, "99.98 %"],
    [0.99999, "99.999 %"],
    [0.999999999, "99.9999 %"],
    [0.123456, "12.34 %"],
    [0, "0.00 %"],
  ])("%f never looks better than it is", (share, text) => expect(percent(share)).toBe(text));

  test.each([
    [{ recorded: 86_400 }, "recorded 100 % of the last 24 h"],
    [{ recorded: 9_998, camera_down: 2 }, "recorded 99.98 % of the last 24 h"],
    [{ recorded: 50, not_scheduled: 3_600, deleted: 50 }, "recorded 100 % of the last 24 h, 1 h not scheduled, 50 s deleted since"],
    [{ not_scheduled: 5 }, "nothing was to be recorded in the last 24 h"],
    [{}, "nothing is known of the last 24 h"],
  ])("%j", (values, text) => expect(shareSentence(seconds(values), "the last 24 h")).toBe(text));

  test("names the time it knows of", () => {
    expect(spanOfRecord(seconds({ recorded: 57 }), DAY, "the last 24 h")).toBe("the 57 s on record");
    expect(spanOfRecord(seconds({ recorded: 86_000 }), DAY, "the last 24 h")).toBe("the last 24 h");
    expect(spanOfRecord(seconds({}), DAY, "the last 24 h")).toBe("the last 24 h");
  });

  test("for readers of screens", () => {
    expect(stripSummary("Gate", [stretch(0, 9_000), stretch(9_000, 10_000, "camera_down")], span(0, 10_000))).toBe("Gate: 90.00 % recorded, camera down 1 s");
    expect(stripSummary("Gate", [], span(0, 100))).toBe("Gate: nothing recorded");
  });
});

describe("layOut", () => {
  test("a lost second in a week is seen", () => {
    const week = 7 * DAY;
    const spans = [stretch(0, 3 * DAY), stretch(3 * DAY, 3 * DAY + 1000, "camera_down", "camera"), stretch(3 * DAY + 1000, week)];
    const pieces = layOut(spans, span(0, week), 400);
    expect(pieces.map(({ state }) => state)).toEqual(["recorded", "camera_down", "recorded"]);
    expect(pieces[1]).toMatchObject({ start: 3 * DAY, end: 3 * DAY + 1000, merged: 0 });
    expect((pieces[1]?.to ?? 0) - (pieces[1]?.from ?? 0)).toBeCloseTo(1 / 400);
  });

  test("many short losses share a place, the gravest gives the colour", () => {
    const spans = [
      stretch(0, 50),
      stretch(50, 51, "network_down", "network"),
      stretch(51, 52, "recorder_down", "crash"),
      stretch(52, 53, "camera_down", "camera"),
      stretch(53, 100),
    ];
    const pieces = layOut(spans, span(0, 100), 10);
    expect(pieces.map(({ state, merged }) => [state, merged])).toEqual([["recorded", 0], ["recorder_down", 2], ["recorded", 0]]);
  });

  test("cuts at the window, leaves open what nothing is known of", () => {
    const pieces = layOut([stretch(-50, 25), stretch(75, 500)], span(0, 100), 100);
    expect(pieces).toMatchObject([{ start: 0, end: 25, from: 0, to: 0.25 }, { start: 75, end: 100, from: 0.75, to: 1 }]);
  });

  test("recordings on both sides of a seam are one", () => {
    expect(layOut([stretch(0, 50), stretch(50, 100)], span(0, 100), 20)).toMatchObject([{ start: 0, end: 100, from: 0, to: 1 }]);
  });

  test("whatever comes, pieces stand in order, inside, without overlap, and no loss is hidden", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const states: CoverageState[] = ["recorded", "camera_down", "network_down", "recorder_down", "not_scheduled", "deleted"];
    for (let round = 0; round < 200; round++) {
      const spans: Stretch[] = [];
      for (let at = Math.floor(random() * 300); at < 10_000; ) {
        const end = at + 1 + Math.floor(random() ** 4 * 2_000);
        spans.push(stretch(at, end, states[Math.floor(random() * states.length)] ?? "recorded"));
        at = end;
      }
      const pieces = layOut(spans, span(500, 9_500), 60);
      expect(pieces.length).toBeLessThanOrEqual(60);
      pieces.forEach((piece, i) => {
        expect(piece.from).toBeGreaterThanOrEqual(pieces[i - 1]?.to ?? 0);
        expect(piece.to).toBeGreaterThan(piece.from);
        expect(piece.to).toBeLessThanOrEqual(1);
      });
      for (const lost of spans.filter(({ state, end, start }) => state === "recorder_down" && end > 500 && start < 9_500)) {
        const middle = (Math.max(lost.start, 500) + Math.min(lost.end, 9_500)) / 2;
        const place = (middle - 500) / 9_000;
        expect(pieces.find(({ from, to }) => from <= place && place <= to)?.state).toBe("recorder_down");
      }
    }
  });

  test("no room, no pieces", () => {
    expect(layOut([stretch(0, 1)], span(5, 5), 10)).toEqual([]);
    expect(layOut([stretch(0, 1)], span(0, 1), 0)).toEqual([]);
  });
});

describe("words", () => {
  test.each([
    [stretch(0, 1), ""],
    [stretch(0, 1, "camera_down", "camera"), "The camera sent nothing"],
    [stretch(0, 1, "deleted", "deleted", "Ada"), "Removed by hand, by Ada"],
    [stretch(0, 1, "aged_out", ""), "Removed by the ageing policy"],
    [stretch(0, 1, "recorder_down", "solar_flare"), "solar flare"],
  ])("%j", (one, text) => expect(reasonOf(one)).toBe(text));

  test.each([
    [400, "0.4 s"],
    [2_000, "2 s"],
    [48_000, "48 s"],
    [12 * 60_000 + 3_000, "12 min 3 s"],
    [3 * 3_600_000, "3 h"],
    [2 * DAY + 4 * 3_600_000 + 50_000, "2 d 4 h"],
  ])("%d ms is %s", (ms, text) => expect(longTime(ms)).toBe(text));

  test("how long it lasted", () => {
    expect(lasted(span(0, 400))).toBe("0.4 s");
    expect(lasted(span(0, 90_000))).toBe("1:30");
    expect(lasted(span(0, 2 * DAY))).toBe("2 d");
  });

  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1024 ** 2 * 870, "870 MiB"],
    [1024 ** 3 * 12.4, "12.4 GiB"],
    [1024 ** 4 * 2, "2 TiB"],
  ])("%d bytes are %s", (count, text) => expect(bytes(count)).toBe(text));

  test("moments are named by their day", () => {
    const now = new Date(2026, 0, 15, 18).getTime();
    expect(momentName(new Date(2026, 0, 15, 14, 5).getTime(), now)).toBe("14:05");
    expect(momentName(new Date(2026, 0, 14, 14, 5).getTime(), now)).toBe("yesterday, 14:05");
    expect(momentName(new Date(2026, 0, 12, 14, 5).getTime(), now)).toBe("Monday 12 January, 14:05");
  });
});

test("losses are the latest first, without what nobody wanted", () => {
  const spans = [stretch(0, 1, "camera_down"), stretch(1, 2), stretch(2, 3, "not_scheduled"), stretch(3, 4, "deleted")];
  expect(losses(spans).map(({ start }) => start)).toEqual([3, 0]);
  expect(stretchAt(spans, 2)?.state).toBe("not_scheduled");
  expect(stretchAt(spans, 9)).toBeUndefined();
});

test("a camera that flaps is one episode", () => {
  const flaps = [0, 10, 20, 90].map((at) => stretch(at, at + 2, "camera_down", "camera"));
  const found = episodes(losses([...flaps, stretch(30, 31, "deleted")]), 20);
  expect(found).toMatchObject([
    { start: 90, end: 92, count: 1, lostMs: 2 },
    { state: "deleted", count: 1 },
    { start: 0, end: 22, count: 3, lostMs: 6 },
  ]);
});

test("days and hours follow the local clock", () => {
  const days = localDays(new Date(2026, 2, 30, 12).getTime(), 3);
  expect(days).toHaveLength(3);
  expect(new Date(days[2]?.start ?? 0).getDate()).toBe(30);
  expect(days[0]?.end).toBe(days[1]?.start);
  expect(hoursOf(span(0, DAY))).toHaveLength(24);
  expect(hoursOf(span(0, DAY - 3_600_000)).at(-1)).toEqual(span(22 * 3_600_000, DAY - 3_600_000));
});
