/** The strip of what is recorded: drag a range, or pull its ends. */

import { useRef, useState } from "preact/hooks";
import { clockTime, duration, shortTime } from "../../lib/format";
import { clipSpans, gapsBetween, pickRange, ticks, type Span } from "../../lib/timeline";
import { Scrub, Thumbnails, type PictureSource } from "./previews";

export const LEAST_CLIP_MS = 1_000;
const TAP_CLIP_MS = 30_000;

function place(span: Span, window: Span): { left: string; width: string } {
  const length = window.end - window.start;
  return {
    left: `${((span.start - window.start) / length) * 100}%`,
    width: `${((span.end - span.start) / length) * 100}%`,
  };
}

export interface StripProps {
  readonly streamId: string;
  readonly spans: readonly Span[];
  readonly window: Span;
  readonly range: Span | null;
  readonly onRange: (range: Span) => void;
}

export function Strip({ streamId, spans, window, range, onRange }: StripProps) {
  const strip = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ at: number; x: number } | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const [source, setSource] = useState<PictureSource | null>(null);

  function instant(event: PointerEvent): number {
    const box = strip.current?.getBoundingClientRect();
    if (!box || box.width === 0) return window.end;
    return window.start + ((event.clientX - box.left) / box.width) * (window.end - window.start);
  }

  function press(event: PointerEvent): void {
    if (event.button !== 0) return;
    strip.current?.setPointerCapture(event.pointerId);
    anchor.current = { at: instant(event), x: event.clientX };
  }

  function drag(event: PointerEvent): void {
    setHovered(instant(event));
    const from = anchor.current;
    if (!from || Math.abs(event.clientX - from.x) < 4) return;
    onRange(pickRange(from.at, instant(event), window, LEAST_CLIP_MS));
  }

  function release(event: PointerEvent): void {
    const from = anchor.current;
    anchor.current = null;
    if (event.pointerType !== "mouse") setHovered(null);
    if (!from || Math.abs(event.clientX - from.x) >= 4) return;
    // A tap asks for what happened around there.
    const reach = Math.min(TAP_CLIP_MS, (window.end - window.start) / 4) / 2;
    onRange(pickRange(from.at - reach, from.at + reach, window, LEAST_CLIP_MS));
  }

  function pickNewest(event: KeyboardEvent): void {
    const newest = clipSpans(spans, window).at(-1);
    if (event.key !== "Enter" || event.target !== event.currentTarget || !newest) return;
    event.preventDefault();
    onRange(pickRange(newest.end - TAP_CLIP_MS, newest.end, window, LEAST_CLIP_MS));
  }

  const shown = clipSpans(spans, window);
  const zone = -new Date(window.end).getTimezoneOffset() * 60_000;
  const most = (strip.current?.clientWidth ?? 700) < 480 ? 5 : 8;
  // A label at the very edge would be cut in half.
  const edge = (window.end - window.start) * 0.04;
  const marks = ticks(window, most, zone).filter((at) => at - window.start > edge && window.end - at > edge);
  return (
    <div class="strip">
      <Thumbnails streamId={streamId} window={window} spans={spans} source={source} onSource={setSource} />
      {hovered !== null && <Scrub streamId={streamId} at={Math.min(Math.max(hovered, window.start), window.end)} window={window} spans={spans} source={source} />}
      <div
        ref={strip}
        class="strip__track"
        role="group"
        tabIndex={0}
        aria-label="Recordings. Enter picks the newest half minute; its ends can then be moved."
        onKeyDown={pickNewest}
        onPointerDown={press}
        onPointerMove={drag}
        onPointerUp={release}
        onPointerCancel={() => (anchor.current = null)}
        onPointerLeave={() => setHovered(null)}
      >
        {shown.map((span) => <div key={span.start} class="strip__span" style={place(span, window)} />)}
        {clipSpans(gapsBetween(spans), window).map((gap) => (
          <div key={gap.start} class="strip__gap" style={place(gap, window)} title={`Nothing recorded for ${duration(gap.end - gap.start)}`} />
        ))}
        {range && <div class="strip__range" style={place(range, window)} />}
        {range && <Handle edge="start" range={range} window={window} onRange={onRange} />}
        {range && <Handle edge="end" range={range} window={window} onRange={onRange} />}
      </div>
      <div class="strip__ticks reading" aria-hidden="true">
        {marks.map((at) => (
          <span key={at} style={{ left: place({ start: at, end: at }, window).left }}>
            {window.end - window.start <= 240_000 ? clockTime(at) : shortTime(at)}
          </span>
        ))}
      </div>
    </div>
  );
}

function Handle({ edge, range, window, onRange }: { edge: "start" | "end"; range: Span; window: Span; onRange: (range: Span) => void }) {
  const at = range[edge];
  const held = useRef(false);
  const move = (to: number): void => {
    const bounded =
      edge === "start" ? Math.min(to, range.end - LEAST_CLIP_MS) : Math.max(to, range.start + LEAST_CLIP_MS);
    onRange(pickRange(bounded, edge === "start" ? range.end : range.start, window, LEAST_CLIP_MS));
  };
  const key = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? 10_000 : 1_000;
    if (event.key === "ArrowLeft") move(at - step);
    else if (event.key === "ArrowRight") move(at + step);
    else return;
    event.preventDefault();
  };
  return (
    <div
      class="strip__handle"
      role="slider"
      tabIndex={0}
      aria-label={edge === "start" ? "Clip starts" : "Clip ends"}
      aria-valuemin={Math.round(window.start)}
      aria-valuemax={Math.round(window.end)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={clockTime(at)}
      style={{ left: place({ start: at, end: at }, window).left }}
      onKeyDown={key}
      onPointerDown={(event) => {
        event.stopPropagation();
        held.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        const box = event.currentTarget.parentElement?.getBoundingClientRect();
        if (!held.current || !box) return;
        event.stopPropagation();
        move(window.start + ((event.clientX - box.left) / box.width) * (window.end - window.start));
      }}
      onPointerUp={(event) => {
        event.stopPropagation();
        held.current = false;
      }}
    />
  );
}
