import { describe, expect, test } from "vitest";
import { parseClock, rtpDelta, wallTime } from "../src/lib/mediaclock";

describe("rtpDelta", () => {
  test("is signed", () => {
    expect(rtpDelta(9_000, 0)).toBe(9_000);
    expect(rtpDelta(0, 9_000)).toBe(-9_000);
  });

  test("crosses the 32-bit seam both ways", () => {
    expect(rtpDelta(100, 2 ** 32 - 200)).toBe(300);
    expect(rtpDelta(2 ** 32 - 200, 100)).toBe(-300);
  });
});

describe("wallTime", () => {
  const pair = { rtpTimestamp: 2 ** 32 - 90_000, wallMs: 1_700_000_000_000.5 };

  test("counts 90 ticks a millisecond", () => {
    expect(wallTime(pair, 2 ** 32 - 45_000)).toBe(1_700_000_000_500.5);
  });

  test("goes on after the timestamp wrapped", () => {
    expect(wallTime(pair, 90_000)).toBe(1_700_000_002_000.5);
  });

  test("goes back for a picture older than the pair", () => {
    expect(wallTime(pair, 2 ** 32 - 180_000)).toBe(1_699_999_999_000.5);
  });
});

describe("parseClock", () => {
  test("prefers microseconds over the rounded text", () => {
    const clock = { rtpTimestamp: 7, wallTime: "2026-01-01T00:00:00.000Z", wallTimeUs: 1_767_225_600_000_499 };
    expect(parseClock(clock)).toEqual({ rtpTimestamp: 7, wallMs: 1_767_225_600_000.499 });
  });

  test("reads the text when that is all there is", () => {
    expect(parseClock({ rtpTimestamp: 7, wallTime: "2026-01-01T00:00:00.040Z" })?.wallMs).toBe(1_767_225_600_040);
  });

  test.each([null, undefined, "x", {}, { rtpTimestamp: "7" }, { rtpTimestamp: 7 }, { rtpTimestamp: 7, wallTime: "soon" }])(
    "has no clock in %j",
    (value) => expect(parseClock(value)).toBeNull(),
  );
});
