/** Histograms of the analytics service as columns for a chart. */

import type { OccupancyBucket, TripwireBucket } from "../api/types";

export interface CountPoint {
  readonly at: number;
  readonly average: number;
  readonly min: number;
  readonly max: number;
}

export interface CrossingPoint {
  readonly at: number;
  readonly in: number;
  readonly out: number;
}

/** All types together; a `*` row is already the total and wins over adding. */
export function countPoints(histogram: readonly OccupancyBucket[]): CountPoint[] {
  return histogram.map(({ start, objects }) => {
    const total = objects.find((row) => row.type === "*");
    const rows = total ? [total] : objects;
    const sum = (pick: (row: (typeof rows)[number]) => number): number => rows.reduce((n, row) => n + pick(row), 0);
    return {
      at: Date.parse(start),
      average: sum((row) => row.average),
      min: sum((row) => row.min),
      max: sum((row) => row.max),
    };
  });
}

export function crossingPoints(histogram: readonly TripwireBucket[]): CrossingPoint[] {
  return histogram.map(({ start, events }) => {
    const of = (direction: string): number =>
      events
        .filter((event) => event.type === direction)
        .reduce((sum, event) => sum + totalCount(event.objects), 0);
    return { at: Date.parse(start), in: of("IN"), out: of("OUT") };
  });
}

export function totalCount(objects: readonly { type: string; count: number }[]): number {
  const total = objects.find((row) => row.type === "*");
  return total ? total.count : objects.reduce((sum, row) => sum + row.count, 0);
}

/** Newer points replace older ones of the same instant; what fell out of the window is dropped. */
export function mergePoints<P extends { readonly at: number }>(
  old: readonly P[],
  fresh: readonly P[],
  oldest: number,
): P[] {
  const byTime = new Map<number, P>();
  for (const point of old) if (point.at >= oldest) byTime.set(point.at, point);
  for (const point of fresh) if (point.at >= oldest) byTime.set(point.at, point);
  return [...byTime.values()].sort((a, b) => a.at - b.at);
}

/** Chart columns with nulls where a bucket is missing, so that silence is not drawn as a line. */
export function columns<P extends { readonly at: number }>(
  points: readonly P[],
  bucketMs: number,
  ...pick: ((point: P) => number)[]
): [number[], ...(number | null)[][]] {
  const x: number[] = [];
  const ys: (number | null)[][] = pick.map(() => []);
  let previous: P | undefined;
  for (const point of points) {
    if (previous && point.at - previous.at > bucketMs * 2.5) {
      x.push((previous.at + bucketMs) / 1000);
      for (const y of ys) y.push(null);
    }
    x.push(point.at / 1000);
    pick.forEach((value, i) => ys[i]?.push(value(point)));
    previous = point;
  }
  return [x, ...ys];
}
