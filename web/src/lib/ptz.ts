/** Turning a camera: which way the held keys or arrows point. Speeds are -1 to 1. */

export interface Motion {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

const SPEED = 0.6;

export const STILL: Motion = { pan: 0, tilt: 0, zoom: 0 };

const WAYS: Readonly<Record<string, Motion>> = {
  ArrowLeft: { ...STILL, pan: -SPEED },
  ArrowRight: { ...STILL, pan: SPEED },
  ArrowUp: { ...STILL, tilt: SPEED },
  ArrowDown: { ...STILL, tilt: -SPEED },
  "+": { ...STILL, zoom: SPEED },
  "=": { ...STILL, zoom: SPEED },
  "-": { ...STILL, zoom: -SPEED },
};

export function motionOf(key: string): Motion | null {
  return WAYS[key] ?? null;
}

/** All held keys together: up and left is a diagonal, left and right is nothing. */
export function combined(keys: Iterable<string>): Motion {
  let sum = STILL;
  for (const key of keys) {
    const way = motionOf(key);
    if (way) sum = { pan: sum.pan + way.pan, tilt: sum.tilt + way.tilt, zoom: sum.zoom + way.zoom };
  }
  return sum;
}

/** What to send: pan and tilt belong together, zoom only where it is meant, for many cameras cannot. */
export function axesOf({ pan, tilt, zoom }: Motion): Partial<Motion> {
  const turns = pan !== 0 || tilt !== 0;
  return { ...((turns || zoom === 0) && { pan, tilt }), ...(zoom !== 0 && { zoom }) };
}

export function isStill({ pan, tilt, zoom }: Motion): boolean {
  return pan === 0 && tilt === 0 && zoom === 0;
}
