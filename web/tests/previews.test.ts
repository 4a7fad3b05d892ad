import { expect, test } from "vitest";
import { grid, nearest, pictureCount, recordedNear } from "../src/lib/previews";

const span = (start: number, end: number) => ({ start, end });

test("cells cover the window and stay where they are while it moves on", () => {
  const before = grid(span(105, 205), 4);
  const after = grid(span(120, 220), 4);
  expect(before).toEqual([span(100, 125), span(125, 150), span(150, 175), span(175, 200), span(200, 225)]);
  expect(after.slice(0, 4)).toEqual(before.slice(0, 4));
  expect(grid(span(100, 200), 4)).toHaveLength(4);
});

test("each cell has the picture nearest to its middle, or none", () => {
  expect(nearest([1, 4, 6, 25], span(0, 10))).toBe(4);
  expect(nearest([1, 25, 30], span(10, 20))).toBeNull();
  expect(nearest([], span(0, 30))).toBeNull();
});

test("without previews a recorded instant is shown, on a whole second where one is recorded", () => {
  expect(recordedNear([span(0, 100_000)], span(10_000, 20_001))).toBe(15_000);
  expect(recordedNear([span(0, 12_300)], span(10_000, 20_000))).toBe(12_000);
  expect(recordedNear([span(18_100, 18_300)], span(10_000, 20_000))).toBe(18_100);
  expect(recordedNear([span(0, 5)], span(10, 20))).toBeNull();
});

test("as many as fit", () => expect([pictureCount(0, 100), pictureCount(1_000, 100)]).toEqual([3, 10]));
