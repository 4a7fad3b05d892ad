/** A camera's counts over the last minutes, kept current by asking for the newest few buckets. */

import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { mergePoints } from "../../lib/series";
import type { Span } from "../../lib/timeline";

export interface Counts<P> {
  readonly points: readonly P[];
  readonly loaded: boolean;
  readonly error: string | null;
}

type Fetch<P> = (range: Span, signal: AbortSignal) => Promise<P[]>;

const SETTLE_MS = 1_000;

/**
 * Short buckets are shown once they are complete and detection has caught up, else each second would
 * begin with a dip to zero; long ones are shown while they fill.
 */
export function newestEdge(now: number, bucketMs: number): number {
  if (bucketMs > SETTLE_MS) return now;
  return Math.floor((now - SETTLE_MS) / bucketMs) * bucketMs;
}

/**
 * Everything once, then only the tail every `everyMs`; buckets still open are fetched again.
 * `key` names what is fetched: a new one starts over.
 */
export function useCounts<P extends { readonly at: number }>(
  key: string,
  fetchPoints: Fetch<P>,
  windowMs: number,
  bucketMs: number,
  everyMs: number,
): Counts<P> {
  const [counts, setCounts] = useState<Counts<P>>({ points: [], loaded: false, error: null });
  const latest = useRef(fetchPoints);
  latest.current = fetchPoints;
  useEffect(() => {
    const abort = new AbortController();
    let points: P[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async (): Promise<void> => {
      const end = newestEdge(Date.now(), bucketMs);
      const oldest = Math.floor((end - windowMs) / bucketMs) * bucketMs;
      const tail = points.at(-1);
      const start = tail ? Math.max(oldest, tail.at - bucketMs * 4) : oldest;
      try {
        points = mergePoints(points, await latest.current({ start, end }, abort.signal), oldest);
        setCounts({ points, loaded: true, error: null });
      } catch (cause) {
        if (abort.signal.aborted) return;
        setCounts({ points, loaded: true, error: messageOf(cause) });
      }
      timer = setTimeout(() => void next(), everyMs);
    };
    const next = async (): Promise<void> => {
      if (document.visibilityState === "visible") return round();
      timer = setTimeout(() => void next(), everyMs);
    };
    setCounts({ points: [], loaded: false, error: null });
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, windowMs, bucketMs, everyMs]);
  return counts;
}
