import { expect, test } from "vitest";
import { combined, isStill, motionOf, STILL } from "../src/lib/ptz";

test("held keys add up", () => {
  expect(combined(["ArrowUp", "ArrowLeft"])).toEqual({ pan: -0.6, tilt: 0.6, zoom: 0 });
  expect(isStill(combined(["ArrowLeft", "ArrowRight"]))).toBe(true);
  expect(combined(["x"])).toEqual(STILL);
  expect(motionOf("+")?.zoom).toBeGreaterThan(0);
  expect(motionOf("Enter")).toBeNull();
});
