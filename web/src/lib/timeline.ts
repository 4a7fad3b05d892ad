/** What is recorded, what is missing, and a range picked from it. Instants are epoch ms. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Joined, ordered spans; seams shorter than `seam` ms between segments are not gaps. */
export function joinSpans(spans: readonly Span[], seam: number): Span[] {
  const ordered = spans.filter((span) => span.end > span.start).sort((a, b) => a.start - b.start);
  const joined: { start: number; end: number }[] = [];
  for (const span of ordered) {
    const last = joined.at(-1);
    if (last && span.start - last.end <= seam) last.end = Math.max(last.end, span.end);
    else joined.push({ ...span });
  }
  return joined;
}

export function clipSpans(spans: readonly Span[], window: Span): Span[] {
  return spans
    .filter((span) => span.end > window.start && span.start < window.end)
    .map((span) => ({ start: Math.max(span.start, window.start), end: Math.min(span.end, window.end) }));
}

/** The holes between recordings (before the first one nothing was missing yet). */
export function gapsBetween(spans: readonly Span[]): Span[] {
  return spans.slice(1).map((span, i) => ({ start: spans[i]?.end ?? span.start, end: span.start }));
}

export function recordedMs(spans: readonly Span[], range: Span): number {
  return clipSpans(spans, range).reduce((sum, span) => sum + span.end - span.start, 0);
}

/** A range in order, at least `least` long, inside the window. */
export function pickRange(a: number, b: number, window: Span, least: number): Span {
  const clamp = (value: number): number => Math.min(Math.max(value, window.start), window.end);
  const start = clamp(Math.min(a, b));
  const end = clamp(Math.max(a, b));
  if (end - start >= least) return { start, end };
  const shifted = Math.min(start, window.end - least);
  return { start: shifted, end: shifted + least };
}

const STEPS_MS = [10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600].map((s) => s * 1000);

/** Round instants for axis labels: at most `most`, on whole steps of local time. */
export function ticks(window: Span, most: number, zoneOffsetMs: number): number[] {
  const length = window.end - window.start;
  const step = STEPS_MS.find((candidate) => length / candidate <= most) ?? 43_200_000;
  const first = Math.ceil((window.start + zoneOffsetMs) / step) * step - zoneOffsetMs;
  const result: number[] = [];
  for (let at = first; at <= window.end; at += step) result.push(at);
  return result;
}
