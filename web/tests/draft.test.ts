import { describe, expect, test } from "vitest";
import { addPoint, draftOfRoi, draftOfWire, freeId, movePoint, newDraft, problem, removePoint, toRoi, toTripwire, undo } from "../src/lib/draft";

const SIZE = { width: 1280, height: 720 };

function drawn(kind: "wire" | "zone", ...points: [number, number][]) {
  return points.reduce((draft, [x, y]) => addPoint(draft, { x, y }, SIZE), newDraft(kind, `${kind}-1`, "Gate"));
}

describe("problem", () => {
  test("asks for the points still missing", () => {
    expect(problem(drawn("wire"))).toBe("Tap 2 more points on the picture.");
    expect(problem(drawn("zone", [1, 1], [50, 50]))).toBe("Tap 1 more point on the picture.");
  });

  test("sees doubled points and missing names", () => {
    expect(problem(drawn("wire", [5, 5], [5, 5]))).toMatch(/same spot/);
    expect(problem({ ...drawn("wire", [5, 5], [90, 5]), name: " " })).toBe("Give it a name.");
  });

  test("is content with a wire", () => expect(problem(drawn("wire", [5, 5], [90, 5]))).toBeNull());
});

describe("points", () => {
  test("stay on the picture", () => {
    expect(drawn("wire", [-10, 9_999]).points).toEqual([{ x: 0, y: 719 }]);
  });

  test("one drag is one undo step", () => {
    let draft = drawn("wire", [10, 10], [90, 10]);
    draft = movePoint(draft, 1, { x: 95, y: 20 }, SIZE, true);
    draft = movePoint(draft, 1, { x: 99, y: 30 }, SIZE, false);
    expect(draft.points[1]).toEqual({ x: 99, y: 30 });
    expect(undo(draft).points[1]).toEqual({ x: 90, y: 10 });
    expect(undo(undo(undo(undo(draft)))).points).toEqual([]);
  });

  test("can be taken away and brought back", () => {
    const draft = removePoint(drawn("zone", [1, 1], [50, 50], [90, 1]), 1);
    expect(draft.points).toHaveLength(2);
    expect(undo(draft).points).toHaveLength(3);
  });

  test("end somewhere", () => {
    const many = Array.from({ length: 60 }, (_, i): [number, number] => [i, i]);
    expect(drawn("zone", ...many).points).toHaveLength(32);
  });
});

describe("on the wire", () => {
  const draft = drawn("wire", [100, 400], [500, 400]);

  test("a tripwire has an arrow across it, p1 to p2 being IN", () => {
    expect(toTripwire(draft, SIZE)).toEqual({
      id: "wire-1",
      name: "Gate",
      wire: [{ x: 100, y: 400 }, { x: 500, y: 400 }],
      direction: { p1: { x: 300, y: 460 }, p2: { x: 300, y: 340 }, entry: { name: "IN" }, exit: { name: "OUT" } },
      arrowMeans: "in",
    });
  });

  test.each([false, true])("opening a stored wire keeps its direction (flipped: %s)", (flipped) => {
    const stored = toTripwire({ ...draft, flipped }, SIZE);
    expect(toTripwire(draftOfWire(stored), SIZE)).toEqual(stored);
  });

  test("an arrow stored as OUT is turned, and stays the same wire", () => {
    const stored = toTripwire(draft, SIZE);
    const { p1, p2 } = stored.direction ?? { p1: { x: 0, y: 0 }, p2: { x: 0, y: 0 } };
    const imported = { ...stored, arrowMeans: "out" as const, direction: { ...stored.direction, p1: p2, p2: p1 } };
    expect(toTripwire(draftOfWire(imported), SIZE)).toEqual(stored);
  });

  test("what the editor does not show is kept", () => {
    const stored = { ...toTripwire(draft, SIZE), spatialBufferPx: 9 };
    const direction = { ...stored.direction, p1: { x: 300, y: 460 }, p2: { x: 300, y: 340 }, entry: { name: "Hall" } };
    expect(toTripwire(draftOfWire({ ...stored, direction }), SIZE)).toMatchObject({
      spatialBufferPx: 9,
      direction: { entry: { name: "Hall" }, exit: { name: "OUT" } },
    });
  });

  test("a zone keeps its corners", () => {
    const zone = drawn("zone", [1, 1], [50, 50], [90, 1]);
    expect(toRoi(draftOfRoi(toRoi(zone)))).toEqual(toRoi(zone));
  });
});

test("freeId fills the first hole", () => {
  expect(freeId("wire", ["wire-1", "wire-3", "zone-2"])).toBe("wire-2");
});
