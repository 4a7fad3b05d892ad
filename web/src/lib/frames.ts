/**
 * The last few seconds of metadata of one camera, looked up by capture instant. Pictures and
 * metadata travel separately; whichever comes first waits for the other here.
 */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface TrackedObject {
  readonly id: string;
  readonly type: string;
  readonly confidence: number;
  readonly box: Box;
}

export interface MetaFrame {
  /** Capture instant, epoch ms. */
  readonly at: number;
  readonly objects: readonly TrackedObject[];
  readonly width: number;
  readonly height: number;
  /** Occupancy by zone id, all types, as the box counted it; absent where it does not say. */
  readonly zones?: Readonly<Record<string, number>>;
}

export type Match = "exact" | "between" | "held" | "newest";

export interface Sample {
  readonly frame: MetaFrame;
  readonly match: Match;
}

export interface TrailPoint {
  readonly x: number;
  readonly y: number;
  readonly at: number;
}

const KEEP_MS = 3_000;
const HOLD_MS = 400;
const BRIDGE_MS = 500;

function lerp(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

function blend(before: MetaFrame, after: MetaFrame, at: number): MetaFrame {
  const t = (at - before.at) / (after.at - before.at);
  const next = new Map(after.objects.map((object) => [object.id, object]));
  const objects = before.objects.flatMap((object) => {
    const later = next.get(object.id);
    if (!later) return t < 0.5 ? [object] : [];
    const box: Box = {
      left: lerp(object.box.left, later.box.left, t),
      top: lerp(object.box.top, later.box.top, t),
      right: lerp(object.box.right, later.box.right, t),
      bottom: lerp(object.box.bottom, later.box.bottom, t),
    };
    return [{ ...later, box }];
  });
  return { ...after, at, objects };
}

export class FrameBuffer {
  private frames: MetaFrame[] = [];

  get newest(): MetaFrame | null {
    return this.frames.at(-1) ?? null;
  }

  clear(): void {
    this.frames = [];
  }

  /** Keeps order by capture instant; a second frame with the same instant replaces the first. */
  push(frame: MetaFrame): void {
    const index = this.firstAtOrAfter(frame.at);
    const replaces = this.frames[index]?.at === frame.at ? 1 : 0;
    this.frames.splice(index, replaces, frame);
    const newest = this.frames.at(-1);
    if (!newest) return;
    // A looped file or a clock set back makes the old frames the "newer" ones: start over.
    if (newest.at - frame.at > KEEP_MS) {
      this.frames = [frame];
      return;
    }
    const drop = this.firstAtOrAfter(newest.at - KEEP_MS);
    if (drop > 0) this.frames.splice(0, drop);
  }

  /**
   * The metadata of the picture captured at `at`: the frame within `tolerance` ms, else one blended
   * from its neighbours, else the last one while it is fresh. Null when nothing is near.
   */
  sample(at: number, tolerance: number): Sample | null {
    const index = this.firstAtOrAfter(at);
    const after = this.frames[index];
    const before = this.frames[index - 1];
    const nearest = this.nearer(before, after, at);
    if (nearest && Math.abs(nearest.at - at) <= tolerance) return { frame: nearest, match: "exact" };
    if (before && after && after.at - before.at <= BRIDGE_MS) {
      return { frame: blend(before, after, at), match: "between" };
    }
    if (before && at - before.at <= HOLD_MS) return { frame: before, match: "held" };
    return null;
  }

  /** For browsers without frame callbacks, or before the clock is known. */
  latest(now: number): Sample | null {
    const newest = this.newest;
    return newest && now - newest.at <= KEEP_MS ? { frame: newest, match: "newest" } : null;
  }

  /** Where each track of `shown` has stood (bottom centre) up to then, oldest first. */
  trails(shown: MetaFrame, lengthMs: number): Map<string, TrailPoint[]> {
    const { at } = shown;
    const trails = new Map<string, TrailPoint[]>(shown.objects.map(({ id }) => [id, []]));
    for (const frame of this.frames) {
      if (frame.at < at - lengthMs || frame.at > at) continue;
      for (const { id, box } of frame.objects) {
        const point = { x: (box.left + box.right) / 2, y: box.bottom, at: frame.at };
        trails.get(id)?.push(point);
      }
    }
    return trails;
  }

  private nearer(a: MetaFrame | undefined, b: MetaFrame | undefined, at: number): MetaFrame | undefined {
    if (!a || !b) return a ?? b;
    return at - a.at <= b.at - at ? a : b;
  }

  private firstAtOrAfter(at: number): number {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.frames[middle]?.at ?? Infinity) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
