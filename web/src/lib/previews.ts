/** Small pictures along a timeline: which instants to show, on a grid that holds still while the strip moves on. */

import { clipSpans, type Span } from "./timeline";

/** Cells that cover the window, on whole multiples of their width, so that each keeps its picture as time goes by. */
export function grid(window: Span, count: number): Span[] {
  const step = (window.end - window.start) / count;
  const first = Math.floor(window.start / step);
  return Array.from({ length: count + 1 }, (_, i) => ({ start: (first + i) * step, end: (first + i + 1) * step })).filter((cell) => cell.end > window.start && cell.start < window.end);
}

/** The picture nearest to the middle of the cell, null where there is none inside it. */
export function nearest(times: readonly number[], cell: Span): number | null {
  const middle = (cell.start + cell.end) / 2;
  return times
    .filter((at) => at >= cell.start && at < cell.end)
    .reduce<number | null>((best, at) => (best === null || Math.abs(at - middle) < Math.abs(best - middle) ? at : best), null);
}

/** The recorded instant nearest to the middle of the cell, on a whole second where that is possible. */
export function recordedNear(spans: readonly Span[], cell: Span): number | null {
  const middle = (cell.start + cell.end) / 2;
  const within = (span: Span): number => {
    const at = Math.min(Math.max(middle, span.start), span.end - 1);
    const second = Math.round(at / 1000) * 1000;
    return second >= span.start && second < span.end ? second : at;
  };
  return nearest(clipSpans(spans, cell).map(within), cell);
}

/** How many pictures of `each` px fit, at least three. */
export function pictureCount(width: number, each: number): number {
  return Math.max(3, Math.round(width / each));
}
