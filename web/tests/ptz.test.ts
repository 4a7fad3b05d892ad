import { expect, test } from "vitest";
import { axesOf, combined, isStill, motionOf, STILL } from "../src/lib/ptz";

test("held keys add up", () => {
  expect(combined(["ArrowUp", "ArrowLeft"])).toEqual({ pan: -0.6, tilt: 0.6, zoom: 0 });
  expect(isStill(combined(["ArrowLeft", "ArrowRight"]))).toBe(true);
  expect(combined(["x"])).toEqual(STILL);
  expect(motionOf("+")?.zoom).toBeGreaterThan(0);
  expect(motionOf("Enter")).toBeNull();
});

test("only the axes that are meant are sent", () => {
  expect(axesOf({ pan: 0.6, tilt: 0, zoom: 0 })).toEqual({ pan: 0.6, tilt: 0 });
  expect(axesOf({ pan: 0, tilt: 0, zoom: -0.6 })).toEqual({ zoom: -0.6 });
  expect(axesOf({ pan: 0.6, tilt: 0, zoom: 0.6 })).toEqual({ pan: 0.6, tilt: 0, zoom: 0.6 });
});
