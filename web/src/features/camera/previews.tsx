/** Small pictures: a row of them over the strip, and one that follows the pointer. */

import { useEffect, useRef, useState } from "preact/hooks";
import { previewTimes, previewUrl } from "../../api/storage";
import { clockTime } from "../../lib/format";
import { cells, pictureCount, steady } from "../../lib/previews";
import { clipSpans, type Span } from "../../lib/timeline";
import { useWidth } from "../../ui/hooks";

const EACH_PX = 112;
const ROW_WIDTH = 160;
const SCRUB_WIDTH = 320;
/** The pointer may move faster than pictures come. */
const SCRUB_EVERY_MS = 90;

/** The row, and whether there are previews at all; the box is asked when the window has moved by half a picture. */
export function Thumbnails({ streamId, window, onKnown }: { streamId: string; window: Span; onKnown: (available: boolean) => void }) {
  const row = useRef<HTMLDivElement>(null);
  const width = useWidth(row);
  const count = pictureCount(width, EACH_PX);
  const held = steady(window, count);
  const [times, setTimes] = useState<readonly number[] | null>([]);
  useEffect(() => {
    if (width === 0 || times === null) return;
    const abort = new AbortController();
    previewTimes(streamId, held, count, abort.signal).then(
      (found) => {
        if (abort.signal.aborted) return;
        setTimes(found);
        onKnown(found !== null);
      },
      // Pictures along the strip are a comfort: without them it works as before, and the strip's own error tells why.
      () => abort.signal.aborted || setTimes([]),
    );
    return () => abort.abort();
  }, [streamId, held.start, held.end, count, width === 0]);
  if (times === null) return null;
  return (
    <div class="thumbs" ref={row} aria-hidden="true">
      {cells(times, held, count).map((at, i) => (
        <span key={i} class="thumbs__cell">{at !== null && <img src={previewUrl(streamId, at, ROW_WIDTH)} alt="" loading="lazy" decoding="async" onError={hide} onLoad={show} />}</span>
      ))}
    </div>
  );
}

function hide(event: Event): void {
  (event.currentTarget as HTMLElement).dataset.failed = "true";
}

function show(event: Event): void {
  delete (event.currentTarget as HTMLElement).dataset.failed;
}

/** The newest value, at most every `ms`. */
function useThrottled<T>(value: T, ms: number): T {
  const [shown, setShown] = useState(value);
  const last = useRef(0);
  useEffect(() => {
    const wait = last.current + ms - performance.now();
    const take = (): void => {
      last.current = performance.now();
      setShown(value);
    };
    if (wait <= 0) return take();
    const timer = setTimeout(take, wait);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return shown;
}

export function Scrub({ streamId, at, window, spans, pictures }: { streamId: string; at: number; window: Span; spans: readonly Span[]; pictures: boolean }) {
  const wanted = useThrottled(Math.floor(at / 1000) * 1000, SCRUB_EVERY_MS);
  const recorded = clipSpans(spans, { start: at, end: at + 1 }).length > 0;
  const place = ((at - window.start) / (window.end - window.start)) * 100;
  return (
    <div class="scrub" style={{ "--at": `${place}%` }} aria-hidden="true">
      {pictures && recorded && <img src={previewUrl(streamId, wanted, SCRUB_WIDTH)} alt="" decoding="async" onError={hide} onLoad={show} />}
      {pictures && !recorded && <span class="scrub__none">Nothing recorded</span>}
      <span class="reading">{clockTime(at)}</span>
    </div>
  );
}
