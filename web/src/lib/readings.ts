/** Values of sensors that are not cameras, as rows for small charts on the camera's timeline. */

import type { Reading } from "../api/devices";
import type { Span } from "./timeline";

export interface ReadingSeries {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
  /** What is no number (a door, a mode) is shown as marks. */
  readonly marks: readonly { readonly at: number; readonly text: string }[];
  readonly least: number;
  readonly most: number;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** One series a name, in the order of the alphabet; true and false are 1 and 0. */
export function readingSeries(readings: readonly Reading[]): ReadingSeries[] {
  const names = [...new Set(readings.map(({ name }) => name))].sort((a, b) => a.localeCompare(b));
  return names.map((name) => {
    const own = readings.filter((reading) => reading.name === name).map((reading) => ({ ...reading, at: Date.parse(reading.timestamp) })).sort((a, b) => a.at - b.at);
    const points = own.flatMap(({ at, value }) => {
      const number = typeof value === "boolean" ? Number(value) : value;
      return typeof number === "number" && Number.isFinite(number) ? [{ at, value: number }] : [];
    });
    const marks = own.filter(({ value }) => typeof value !== "number" && typeof value !== "boolean").map(({ at, value }) => ({ at, text: text(value) }));
    const values = points.map(({ value }) => value);
    return { name, unit: own.find(({ unit }) => unit)?.unit ?? "", points, marks, least: Math.min(...values), most: Math.max(...values) };
  });
}

/** How long a reading may stay away before the line breaks: some of its usual pauses, whatever its pace. */
export function holeOf(series: ReadingSeries): number {
  const pauses = series.points.slice(1).map(({ at }, i) => at - (series.points[i]?.at ?? at)).sort((a, b) => a - b);
  return (pauses[Math.floor(pauses.length / 2)] ?? 0) * 3;
}

/** A line through the points, broken at holes; a lone point is a dot. y grows downwards, 0 to 1 each way. */
export function readingPath(series: ReadingSeries, window: Span): string {
  const hole = holeOf(series);
  const length = window.end - window.start;
  const height = series.most - series.least || 1;
  let path = "";
  let last: number | null = null;
  for (const { at, value } of series.points) {
    if (at < window.start || at > window.end) continue;
    const x = ((at - window.start) / length).toFixed(4);
    const y = (series.most === series.least ? 0.5 : 1 - (value - series.least) / height).toFixed(4);
    path += last === null || at - last > hole ? `M${x} ${y}h0` : `L${x} ${y}`;
    last = at;
  }
  return path;
}

/** The reading in force at an instant: the latest one before it. */
export function readingAt(series: ReadingSeries, at: number): string {
  const before = [...series.points.map((point) => ({ at: point.at, text: figure(point.value) })), ...series.marks].filter((point) => point.at <= at);
  const latest = before.reduce<{ at: number; text: string } | null>((best, point) => (best === null || point.at >= best.at ? point : best), null);
  return latest === null ? "–" : series.unit === "" ? latest.text : `${latest.text} ${series.unit}`;
}

/** Three figures are enough to read. */
export function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}
