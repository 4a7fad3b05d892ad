import { describe, expect, test } from "vitest";
import {
  clampTo,
  crossingArrow,
  fitContain,
  insidePolygon,
  polygonCentre,
  polylineMiddle,
  toSource,
  toView,
  unitVector,
} from "../src/lib/geometry";

const HD = { width: 1920, height: 1080 };

describe("fitContain", () => {
  test("leaves bars beside a narrow picture", () => {
    const fit = fitContain({ width: 768, height: 576 }, { width: 1600, height: 900 });
    expect(fit.scale).toBeCloseTo(1.5625);
    expect(fit.left).toBeCloseTo(200);
    expect(fit.top).toBe(0);
  });

  test("leaves bars above a wide one", () => {
    expect(fitContain(HD, { width: 960, height: 700 })).toEqual({ scale: 0.5, left: 0, top: 80 });
  });

  test("survives a picture whose size is not known yet", () => {
    expect(fitContain({ width: 0, height: 0 }, HD).scale).toBe(1);
  });

  test("goes there and back", () => {
    const fit = fitContain({ width: 768, height: 576 }, { width: 391, height: 219 });
    const back = toSource(fit, toView(fit, { x: 123, y: 456 }));
    expect(back.x).toBeCloseTo(123);
    expect(back.y).toBeCloseTo(456);
  });
});

test("clampTo keeps points on whole pixels of the picture", () => {
  expect(clampTo(HD, { x: -4, y: 2000 })).toEqual({ x: 0, y: 1079 });
  expect(clampTo(HD, { x: 10.6, y: 5.4 })).toEqual({ x: 11, y: 5 });
});

describe("polylineMiddle", () => {
  test("lies half-way along, not half-way across", () => {
    expect(polylineMiddle([{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 30 }])).toEqual({ x: 10, y: 10 });
  });

  test.each([[[], { x: 0, y: 0 }], [[{ x: 3, y: 4 }], { x: 3, y: 4 }]])("of %j", (points, middle) => {
    expect(polylineMiddle(points)).toEqual(middle);
  });
});

describe("crossingArrow", () => {
  const wire = [{ x: 100, y: 500 }, { x: 300, y: 500 }];

  test("stands across the wire", () => {
    expect(crossingArrow(wire, 50)).toEqual({ p1: { x: 200, y: 550 }, p2: { x: 200, y: 450 } });
  });

  test("turns round when flipped", () => {
    expect(crossingArrow(wire, 50, true)).toEqual({ p1: { x: 200, y: 450 }, p2: { x: 200, y: 550 } });
  });

  test("has a place even for a wire of one point", () => {
    expect(crossingArrow([{ x: 5, y: 5 }], 10).p1).toEqual({ x: 5, y: 5 });
  });
});

test("unitVector of nothing points up", () => {
  expect(unitVector({ x: 1, y: 1 }, { x: 1, y: 1 })).toEqual({ x: 0, y: -1 });
  expect(unitVector({ x: 0, y: 0 }, { x: 3, y: 4 })).toEqual({ x: 0.6, y: 0.8 });
});

const SQUARE = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 10 }, { x: 0, y: 10 }];

test("polygonCentre weighs area, whichever way round", () => {
  expect(polygonCentre(SQUARE)).toEqual({ x: 5, y: 5 });
  expect(polygonCentre([...SQUARE].reverse())).toEqual({ x: 5, y: 5 });
  expect(polygonCentre([{ x: 0, y: 0 }, { x: 4, y: 0 }])).toEqual({ x: 2, y: 0 });
});

test("insidePolygon", () => {
  expect(insidePolygon({ x: 5, y: 5 }, SQUARE)).toBe(true);
  expect(insidePolygon({ x: 15, y: 5 }, SQUARE)).toBe(false);
  const notch = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 10 }, { x: 5, y: 2 }, { x: 0, y: 10 }];
  expect(insidePolygon({ x: 5, y: 6 }, notch)).toBe(false);
});
