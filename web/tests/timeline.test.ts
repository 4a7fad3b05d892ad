import { describe, expect, test } from "vitest";
import { clipSpans, gapsBetween, joinSpans, pickRange, recordedMs, ticks } from "../src/lib/timeline";

const span = (start: number, end: number) => ({ start, end });

describe("joinSpans", () => {
  test("joins the seams of segments, keeps the gaps", () => {
    expect(joinSpans([span(0, 10), span(11, 20), span(30, 40)], 2)).toEqual([span(0, 20), span(30, 40)]);
  });

  test("orders, overlaps and drops what is empty", () => {
    expect(joinSpans([span(30, 40), span(0, 10), span(5, 8), span(9, 9)], 0)).toEqual([span(0, 10), span(30, 40)]);
  });
});

test("clipSpans cuts at the window", () => {
  expect(clipSpans([span(0, 10), span(20, 40), span(50, 60)], span(5, 30))).toEqual([span(5, 10), span(20, 30)]);
});

test("gapsBetween", () => {
  expect(gapsBetween([span(0, 10), span(20, 30), span(31, 40)])).toEqual([span(10, 20), span(30, 31)]);
  expect(gapsBetween([span(0, 10)])).toEqual([]);
});

test("recordedMs counts only what is there", () => {
  expect(recordedMs([span(0, 10), span(20, 30)], span(5, 25))).toBe(10);
});

describe("pickRange", () => {
  test("works in either direction", () => {
    expect(pickRange(70, 30, span(0, 100), 10)).toEqual(span(30, 70));
  });

  test("stays inside the window", () => {
    expect(pickRange(-5, 500, span(0, 100), 10)).toEqual(span(0, 100));
  });

  test("is never shorter than allowed, even at the edge", () => {
    expect(pickRange(50, 51, span(0, 100), 10)).toEqual(span(50, 60));
    expect(pickRange(99, 100, span(0, 100), 10)).toEqual(span(90, 100));
  });
});

describe("ticks", () => {
  test("are round and few", () => {
    const minute = 60_000;
    expect(ticks(span(30_000, 30_000 + 10 * minute), 8, 0).map((at) => at / minute)).toEqual([2, 4, 6, 8, 10]);
  });

  test("follow the local zone", () => {
    const hour = 3_600_000;
    const half = hour / 2;
    expect(ticks(span(0, 24 * hour), 8, half).map((at) => (at + half) / hour)).toEqual([3, 6, 9, 12, 15, 18, 21, 24]);
  });
});
