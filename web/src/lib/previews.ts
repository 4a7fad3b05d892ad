/** Small pictures along a timeline: which instants to ask for, and which picture stands where. */

import type { Span } from "./timeline";

/** The window moves on every second; pictures need not. Its ends are rounded to half a picture. */
export function steady(window: Span, count: number): Span {
  const step = Math.max(1_000, (window.end - window.start) / count / 2);
  const end = Math.ceil(window.end / step) * step;
  return { start: end - (window.end - window.start), end };
}

/** For each of `count` equal cells the picture nearest to its middle, null where there is none inside it. */
export function cells(times: readonly number[], window: Span, count: number): (number | null)[] {
  const width = (window.end - window.start) / count;
  return Array.from({ length: count }, (_, i) => {
    const start = window.start + i * width;
    const inside = times.filter((at) => at >= start && at < start + width);
    const middle = start + width / 2;
    return inside.reduce<number | null>((best, at) => (best === null || Math.abs(at - middle) < Math.abs(best - middle) ? at : best), null);
  });
}

/** How many pictures of `each` px fit, at least three. */
export function pictureCount(width: number, each: number): number {
  return Math.max(3, Math.round(width / each));
}
