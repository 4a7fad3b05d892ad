import { describe, expect, test } from "vitest";
import { FrameBuffer, type MetaFrame } from "../src/lib/frames";

const T = 1_700_000_000_000;

function frame(at: number, ...objects: [id: string, left: number][]): MetaFrame {
  return {
    at,
    width: 1280,
    height: 720,
    objects: objects.map(([id, left]) => ({
      id,
      type: "Person",
      confidence: 0.9,
      box: { left, top: 100, right: left + 40, bottom: 200 },
    })),
  };
}

function bufferOf(...frames: MetaFrame[]): FrameBuffer {
  const buffer = new FrameBuffer();
  for (const one of frames) buffer.push(one);
  return buffer;
}

describe("sample", () => {
  test("finds the frame of the very picture", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T + 40, ["1", 10]), frame(T + 80, ["1", 20]));
    const sample = buffer.sample(T + 41, 20);
    expect(sample?.match).toBe("exact");
    expect(sample?.frame.at).toBe(T + 40);
  });

  test("takes the nearer of two neighbours", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T + 40, ["1", 10]));
    expect(buffer.sample(T + 19, 20)?.frame.at).toBe(T);
    expect(buffer.sample(T + 21, 20)?.frame.at).toBe(T + 40);
  });

  test("blends boxes when metadata is sparser than pictures", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T + 200, ["1", 100]));
    const sample = buffer.sample(T + 100, 20);
    expect(sample?.match).toBe("between");
    expect(sample?.frame.objects[0]?.box.left).toBe(50);
  });

  test("does not blend an object into one that was not there yet", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T + 200, ["2", 100]));
    expect(buffer.sample(T + 70, 20)?.frame.objects.map((object) => object.id)).toEqual(["1"]);
    expect(buffer.sample(T + 150, 20)?.frame.objects).toEqual([]);
  });

  test("holds the last frame for a moment, then lets go", () => {
    const buffer = bufferOf(frame(T, ["1", 0]));
    expect(buffer.sample(T + 300, 20)?.match).toBe("held");
    expect(buffer.sample(T + 500, 20)).toBeNull();
  });

  test("shows nothing of the future", () => {
    expect(bufferOf(frame(T + 1_000, ["1", 0])).sample(T, 20)).toBeNull();
  });

  test("does not bridge an outage", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T + 2_000, ["1", 100]));
    expect(buffer.sample(T + 1_000, 20)).toBeNull();
  });
});

describe("push", () => {
  test("puts late frames in their place", () => {
    const buffer = bufferOf(frame(T + 80), frame(T), frame(T + 40));
    expect(buffer.newest?.at).toBe(T + 80);
    expect(buffer.sample(T + 40, 1)?.match).toBe("exact");
  });

  test("replaces a frame that is sent again", () => {
    const buffer = bufferOf(frame(T, ["1", 0]), frame(T, ["1", 5]));
    expect(buffer.sample(T, 1)?.frame.objects[0]?.box.left).toBe(5);
  });

  test("keeps three seconds", () => {
    const buffer = bufferOf(...Array.from({ length: 200 }, (_, i) => frame(T + i * 40, ["1", i])));
    expect(buffer.sample(T + 1_000, 1)).toBeNull();
    expect(buffer.sample(T + 199 * 40 - 2_960, 1)?.match).toBe("exact");
  });

  test("starts over when the camera's clock is set back", () => {
    const buffer = bufferOf(frame(T), frame(T - 60_000));
    expect(buffer.newest?.at).toBe(T - 60_000);
  });
});

test("latest is offered only while fresh", () => {
  const buffer = bufferOf(frame(T));
  expect(buffer.latest(T + 100)?.match).toBe("newest");
  expect(buffer.latest(T + 10_000)).toBeNull();
});

test("trails follow the bottom centre of the tracks on screen", () => {
  const shown = frame(T + 80, ["1", 20]);
  const buffer = bufferOf(frame(T, ["1", 0], ["gone", 500]), frame(T + 40, ["1", 10]), shown, frame(T + 120, ["1", 30]));
  const trails = buffer.trails(shown, 1_000);
  expect([...trails.keys()]).toEqual(["1"]);
  expect(trails.get("1")?.map((point) => point.x)).toEqual([20, 30, 40]);
  expect(trails.get("1")?.every((point) => point.y === 200)).toBe(true);
});
