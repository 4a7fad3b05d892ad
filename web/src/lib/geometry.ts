/** Arithmetic between source pixels (where wires live) and screen pixels (where they are drawn). */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Fit {
  /** Screen pixels per source pixel. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

/** Where a picture of `source` size lands in `view` under object-fit: contain. */
export function fitContain(source: Size, view: Size): Fit {
  if (source.width <= 0 || source.height <= 0) return { scale: 1, left: 0, top: 0 };
  const scale = Math.min(view.width / source.width, view.height / source.height);
  return {
    scale,
    left: (view.width - source.width * scale) / 2,
    top: (view.height - source.height * scale) / 2,
  };
}

export function toView(fit: Fit, point: Point): Point {
  return { x: fit.left + point.x * fit.scale, y: fit.top + point.y * fit.scale };
}

export function toSource(fit: Fit, point: Point): Point {
  return { x: (point.x - fit.left) / fit.scale, y: (point.y - fit.top) / fit.scale };
}

export function clampTo(size: Size, point: Point): Point {
  const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), Math.max(max - 1, 0));
  return { x: Math.round(clamp(point.x, size.width)), y: Math.round(clamp(point.y, size.height)) };
}

export function midpoint(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** The point half-way along a polyline, where its label sits. */
export function polylineMiddle(points: readonly Point[]): Point {
  const first = points[0] ?? { x: 0, y: 0 };
  const lengths = points.slice(1).map((point, i) => distance(points[i] ?? first, point));
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [i, length] of lengths.entries()) {
    const from = points[i] ?? first;
    const to = points[i + 1] ?? from;
    if (left <= length) {
      const t = length === 0 ? 0 : left / length;
      return { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t };
    }
    left -= length;
  }
  return points.at(-1) ?? first;
}

export interface Arrow {
  readonly p1: Point;
  readonly p2: Point;
}

/**
 * An arrow across the middle of a wire, `reach` pixels to each side. Walking along the wire from its
 * first point, p2 lies to the left of the walker on screen, or to the right when `flipped`.
 */
export function crossingArrow(wire: readonly Point[], reach: number, flipped = false): Arrow {
  const middle = polylineMiddle(wire);
  const from = wire[0] ?? middle;
  const to = wire.at(-1) ?? middle;
  const length = distance(from, to) || 1;
  const sign = flipped ? -1 : 1;
  const normal = { x: (sign * (to.y - from.y)) / length, y: (sign * -(to.x - from.x)) / length };
  return {
    p1: { x: middle.x - normal.x * reach, y: middle.y - normal.y * reach },
    p2: { x: middle.x + normal.x * reach, y: middle.y + normal.y * reach },
  };
}

/** The arrow turned so that it points IN, whatever the stored one means. */
export function inwards(arrow: Arrow, means: "in" | "out" = "in"): Arrow {
  return means === "in" ? { p1: arrow.p1, p2: arrow.p2 } : { p1: arrow.p2, p2: arrow.p1 };
}

export function unitVector(from: Point, to: Point): Point {
  const length = distance(from, to);
  return length === 0 ? { x: 0, y: -1 } : { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}

/** Area-weighted centre of a polygon; the mean of its corners when it has no area. */
export function polygonCentre(points: readonly Point[]): Point {
  let twiceArea = 0;
  let x = 0;
  let y = 0;
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length] ?? a;
    const cross = a.x * b.y - b.x * a.y;
    twiceArea += cross;
    x += (a.x + b.x) * cross;
    y += (a.y + b.y) * cross;
  });
  if (Math.abs(twiceArea) < 1e-9) {
    const n = Math.max(points.length, 1);
    return { x: points.reduce((s, p) => s + p.x, 0) / n, y: points.reduce((s, p) => s + p.y, 0) / n };
  }
  return { x: x / (3 * twiceArea), y: y / (3 * twiceArea) };
}

/** Even-odd rule; the bottom centre of a box is what stands in a region. */
export function insidePolygon(point: Point, polygon: readonly Point[]): boolean {
  let inside = false;
  polygon.forEach((a, i) => {
    const b = polygon[(i + 1) % polygon.length] ?? a;
    if (a.y > point.y !== b.y > point.y && point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) {
      inside = !inside;
    }
  });
  return inside;
}
