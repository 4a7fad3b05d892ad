/** Small pictures: a row of them over the strip, and one that follows the pointer. */

import { useEffect, useRef, useState } from "preact/hooks";
import { pictureUrl, previewTimes, previewUrl } from "../../api/storage";
import { clockTime } from "../../lib/format";
import { grid, nearest, pictureCount, recordedNear } from "../../lib/previews";
import { clipSpans, type Span } from "../../lib/timeline";
import { useWidth } from "../../ui/hooks";

const EACH_PX = 112;
const ROW_WIDTH = 160;
const SCRUB_WIDTH = 320;

/** Where pictures come from: ready-made small ones, or out of the recording, which costs the box a decoder each. */
export type PictureSource = "previews" | "recording";

/** The pointer moves faster than pictures come. */
const SCRUB_EVERY_MS: Readonly<Record<PictureSource, number>> = { previews: 90, recording: 300 };

/** Previews have one size, so that the row and the pointer share what was fetched. */
function urlOf(source: PictureSource, streamId: string, at: number, width: number): string {
  return source === "previews" ? previewUrl(streamId, at, SCRUB_WIDTH) : pictureUrl(streamId, at, width);
}

interface ThumbnailsProps {
  readonly streamId: string;
  readonly window: Span;
  readonly spans: readonly Span[];
  readonly source: PictureSource | null;
  readonly onSource: (source: PictureSource) => void;
}

/** The row. The box is asked for its previews whenever the window has moved on by a picture. */
export function Thumbnails({ streamId, window, spans, source, onSource }: ThumbnailsProps) {
  const row = useRef<HTMLDivElement>(null);
  const width = useWidth(row);
  const cells = grid(window, pictureCount(width, EACH_PX));
  const [times, setTimes] = useState<readonly number[]>([]);
  const first = cells[0]?.start ?? 0;
  const last = cells.at(-1)?.end ?? 0;
  useEffect(() => {
    if (width === 0 || source === "recording") return;
    const abort = new AbortController();
    previewTimes(streamId, { start: first, end: last }, cells.length * 2, abort.signal).then(
      (found) => {
        if (abort.signal.aborted) return;
        setTimes(found ?? []);
        onSource(found ? "previews" : "recording");
      },
      // Pictures along the strip are a comfort: without them it works as before, and the strip's own error tells why.
      () => abort.signal.aborted || setTimes([]),
    );
    return () => abort.abort();
  }, [streamId, first, last, cells.length, width === 0, source]);
  const length = window.end - window.start;
  return (
    <div class="thumbs" ref={row} aria-hidden="true">
      {source !== null && cells.map((cell) => {
        const at = source === "previews" ? nearest(times, cell) : recordedNear(spans, cell);
        const place = { left: `${((cell.start - window.start) / length) * 100}%`, width: `${((cell.end - cell.start) / length) * 100}%` };
        return (
          <span key={cell.start} class="thumbs__cell" style={place}>
            {at !== null && <img src={urlOf(source, streamId, at, ROW_WIDTH)} alt="" loading="lazy" decoding="async" onError={hide} onLoad={show} />}
          </span>
        );
      })}
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

interface ScrubProps {
  readonly streamId: string;
  readonly at: number;
  readonly window: Span;
  readonly spans: readonly Span[];
  readonly source: PictureSource | null;
}

export function Scrub({ streamId, at, window, spans, source }: ScrubProps) {
  const wanted = useThrottled(Math.floor(at / 1000) * 1000, source ? SCRUB_EVERY_MS[source] : 0);
  const recorded = clipSpans(spans, { start: at, end: at + 1 }).length > 0;
  const place = ((at - window.start) / (window.end - window.start)) * 100;
  return (
    <div class="scrub" style={{ "--at": `${place}%` }} aria-hidden="true">
      {source && recorded && <img src={urlOf(source, streamId, wanted, SCRUB_WIDTH)} alt="" decoding="async" onError={hide} onLoad={show} />}
      {!recorded && <span class="scrub__none">Nothing recorded</span>}
      <span class="reading">{clockTime(at)}</span>
    </div>
  );
}
