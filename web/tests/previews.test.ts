import { expect, test } from "vitest";
import { cells, pictureCount, steady } from "../src/lib/previews";

const span = (start: number, end: number) => ({ start, end });

test("the window of pictures holds still while the strip moves on", () => {
  const a = steady(span(600_000 - 120_000, 600_000), 6);
  expect(a.end - a.start).toBe(120_000);
  expect(steady(span(481_000, 601_000), 6)).toEqual(steady(span(489_000, 609_000), 6));
  expect(steady(span(481_000, 601_000), 6).end).toBeGreaterThanOrEqual(601_000);
});

test("each cell has the picture nearest to its middle, or none", () => {
  expect(cells([1, 4, 6, 25], span(0, 30), 3)).toEqual([4, null, 25]);
  expect(cells([], span(0, 30), 2)).toEqual([null, null]);
  expect(cells([30], span(0, 30), 1)).toEqual([null]);
});

test("as many as fit", () => expect([pictureCount(0, 100), pictureCount(1_000, 100)]).toEqual([3, 10]));
