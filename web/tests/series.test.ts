import { describe, expect, test } from "vitest";
import { newestEdge } from "../src/features/live/usecounts";
import { columns, countPoints, crossingPoints, mergePoints, totalCount } from "../src/lib/series";
import { stepPath } from "../src/lib/sparkline";

const START = "2026-01-01T00:00:00.000Z";
const END = "2026-01-01T00:00:01.000Z";

describe("countPoints", () => {
  test("adds the types of a bucket", () => {
    const objects = [
      { type: "Person", average: 2, min: 1, max: 3 },
      { type: "Car", average: 0.5, min: 0, max: 1 },
    ];
    expect(countPoints([{ start: START, end: END, objects }])).toEqual([
      { at: Date.parse(START), average: 2.5, min: 1, max: 4 },
    ]);
  });

  test("does not count a total twice", () => {
    const objects = [
      { type: "*", average: 2, min: 2, max: 2 },
      { type: "Person", average: 2, min: 2, max: 2 },
    ];
    expect(countPoints([{ start: START, end: END, objects }])[0]?.average).toBe(2);
  });

  test("reads an empty bucket as zero", () => {
    expect(countPoints([{ start: START, end: END, objects: [] }])[0]).toMatchObject({ average: 0, max: 0 });
  });
});

test("crossingPoints tells IN from OUT", () => {
  const events = [
    { type: "IN", objects: [{ type: "Person", count: 2 }, { type: "Bag", count: 1 }] },
    { type: "OUT", objects: [{ type: "*", count: 4 }, { type: "Person", count: 4 }] },
  ];
  expect(crossingPoints([{ start: START, end: END, events }])[0]).toMatchObject({ in: 3, out: 4 });
  expect(totalCount([])).toBe(0);
});

test("mergePoints replaces open buckets and forgets old ones", () => {
  const point = (at: number, average: number) => ({ at, average });
  const merged = mergePoints([point(1, 1), point(2, 1), point(3, 1)], [point(3, 9), point(4, 2)], 2);
  expect(merged).toEqual([point(2, 1), point(3, 9), point(4, 2)]);
});

test("columns break the line where nothing was counted", () => {
  const points = [{ at: 0, n: 1 }, { at: 1_000, n: 2 }, { at: 9_000, n: 3 }];
  expect(columns(points, 1_000, (point) => point.n)).toEqual([[0, 1, 2, 9], [1, 2, null, 3]]);
});

describe("newestEdge", () => {
  test("waits for a short bucket to be complete", () => {
    expect(newestEdge(10_999, 1_000)).toBe(9_000);
    expect(newestEdge(11_000, 1_000)).toBe(10_000);
  });

  test("shows a long bucket while it fills", () => {
    expect(newestEdge(10_999, 5_000)).toBe(10_999);
  });
});

test("stepPath steps, holds to the end, and skips what is outside", () => {
  const values = [{ at: -5, value: 9 }, { at: 0, value: 0 }, { at: 50, value: 4 }];
  expect(stepPath(values, 0, 100, 4, 200, 22)).toBe("M0.0 21.0H100.0V1.0H200");
  expect(stepPath([], 0, 100, 4, 200, 22)).toBe("");
});
