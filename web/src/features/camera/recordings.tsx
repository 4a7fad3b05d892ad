/** What is recorded, with its gaps; drag a range to watch or keep it. */

import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { clip as fetchClip, clipUrl, timeline } from "../../api/vst";
import { clockTime, dayHeading, duration, fileStamp, fileStem, shortTime } from "../../lib/format";
import { clipSpans, gapsBetween, joinSpans, pickRange, recordedMs, ticks, type Span } from "../../lib/timeline";
import type { Camera } from "../../state/cameras";
import { mayConfigure } from "../../state/session";
import { useInterval } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Dialog, Notice, Segments } from "../../ui/parts";

const ZOOMS = [
  { value: 10, label: "10 min" },
  { value: 60, label: "1 h" },
  { value: 1_440, label: "24 h" },
] as const;

const SEAM_MS = 1_500;
const LEAST_CLIP_MS = 1_000;
/** What is played is fetched first; longer ones are for saving. */
const LONGEST_PLAY_MS = 10 * 60_000 + 1_000;
const TAP_CLIP_MS = 30_000;
const REFRESH_MS = 5_000;

interface Recorded {
  readonly spans: readonly Span[];
  readonly loaded: boolean;
  readonly error: string | null;
}

function useTimeline(streamId: string): Recorded {
  const [recorded, setRecorded] = useState<Recorded>({ spans: [], loaded: false, error: null });
  useInterval(
    () => {
      timeline(streamId)
        .then((spans) => setRecorded({ spans: joinSpans(spans, SEAM_MS), loaded: true, error: null }))
        .catch((cause: unknown) => setRecorded((old) => ({ ...old, loaded: true, error: messageOf(cause) })));
    },
    REFRESH_MS,
    streamId,
  );
  return recorded;
}

function place(span: Span, window: Span): { left: string; width: string } {
  const length = window.end - window.start;
  return {
    left: `${((span.start - window.start) / length) * 100}%`,
    width: `${((span.end - span.start) / length) * 100}%`,
  };
}

export function Recordings({ camera }: { camera: Camera }) {
  const { spans, loaded, error } = useTimeline(camera.streamId);
  const [minutes, setMinutes] = useState<number>(10);
  const [range, setRange] = useState<Span | null>(null);
  const [now, setNow] = useState(Date.now);
  const [playing, setPlaying] = useState<Span | null>(null);
  // While a range is being chosen the strip holds still under the finger.
  useInterval(() => setNow((old) => (range ? old : Date.now())), 1_000, range === null);
  const window: Span = { start: now - minutes * 60_000, end: now };

  return (
    <section class="panel recordings" aria-label="Recordings">
      <div class="panel__head">
        <div>
          <h2>Recordings</h2>
        </div>
        <Segments label="Length of the strip" options={ZOOMS} value={minutes} onPick={(value) => { setMinutes(value); setRange(null); }} />
      </div>
      <div class="panel__body">
        {error && <Notice error>{error}</Notice>}
        {!loaded && <div class="skeleton skeleton--strip" />}
        {loaded && !error && spans.length === 0 && (
          <Notice>Nothing is recorded yet. The first piece appears about ten seconds after the camera comes online.</Notice>
        )}
        {spans.length > 0 && (
          <>
            <Strip spans={spans} window={window} range={range} onRange={setRange} />
            <RangeBar camera={camera} spans={spans} range={range} onPlay={setPlaying} onClear={() => setRange(null)} />
          </>
        )}
      </div>
      {playing && <ClipDialog camera={camera} range={playing} onClose={() => setPlaying(null)} />}
    </section>
  );
}

interface StripProps {
  readonly spans: readonly Span[];
  readonly window: Span;
  readonly range: Span | null;
  readonly onRange: (range: Span) => void;
}

function Strip({ spans, window, range, onRange }: StripProps) {
  const strip = useRef<HTMLDivElement>(null);
  const anchor = useRef<{ at: number; x: number } | null>(null);

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
    const from = anchor.current;
    if (!from || Math.abs(event.clientX - from.x) < 4) return;
    onRange(pickRange(from.at, instant(event), window, LEAST_CLIP_MS));
  }

  function release(event: PointerEvent): void {
    const from = anchor.current;
    anchor.current = null;
    if (!from || Math.abs(event.clientX - from.x) >= 4) return;
    // A tap asks for what happened around there.
    const reach = Math.min(TAP_CLIP_MS, (window.end - window.start) / 4) / 2;
    onRange(pickRange(from.at - reach, from.at + reach, window, LEAST_CLIP_MS));
  }

  const shown = clipSpans(spans, window);
  const zone = -new Date(window.end).getTimezoneOffset() * 60_000;
  const most = (strip.current?.clientWidth ?? 700) < 480 ? 5 : 8;
  // A label at the very edge would be cut in half.
  const edge = (window.end - window.start) * 0.04;
  const marks = ticks(window, most, zone).filter((at) => at - window.start > edge && window.end - at > edge);
  return (
    <div class="strip">
      <div
        ref={strip}
        class="strip__track"
        onPointerDown={press}
        onPointerMove={drag}
        onPointerUp={release}
        onPointerCancel={() => (anchor.current = null)}
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

interface RangeBarProps {
  readonly camera: Camera;
  readonly spans: readonly Span[];
  readonly range: Span | null;
  readonly onPlay: (range: Span) => void;
  readonly onClear: () => void;
}

export function clipName(camera: string, range: Span): string {
  return `${fileStem(camera)}_${fileStamp(range.start)}.mp4`;
}

function RangeBar({ camera, spans, range, onPlay, onClear }: RangeBarProps) {
  if (!range) {
    const first = spans[0];
    return (
      <p class="rangebar muted">
        Tap or drag on the strip to pick a clip.
        {first && ` Recorded since ${dayHeading(first.start, Date.now()).toLowerCase()}, ${shortTime(first.start)}.`}
      </p>
    );
  }
  const missing = range.end - range.start - recordedMs(spans, range);
  const nothing = recordedMs(spans, range) === 0;
  return (
    <div class="rangebar">
      <p>
        <span class="reading">{clockTime(range.start)} – {clockTime(range.end)}</span>
        <span class="muted">
          {duration(range.end - range.start)}
          {!nothing && missing > SEAM_MS && `, ${duration(missing)} of it not recorded`}
          {nothing && ", nothing recorded there"}
        </span>
      </p>
      <div class="rangebar__actions">
        <button type="button" class="button button--quiet" onClick={onClear}>Clear</button>
        {mayConfigure.value && <button type="button" class="button" disabled={nothing || range.end - range.start > LONGEST_PLAY_MS} onClick={() => onPlay(range)}><Icon name="play" />Play</button>}
        {mayConfigure.value && (
          <a
            class="button button--primary"
            aria-disabled={nothing}
            href={nothing ? undefined : clipUrl(camera.streamId, range)}
            download={clipName(camera.name, range)}
          >
            <Icon name="download" />Save
          </a>
        )}
      </div>
    </div>
  );
}

function ClipDialog({ camera, range, onClose }: { camera: Camera; range: Span; onClose: () => void }) {
  const [error, setError] = useState<string | null>(null);
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let made: string | null = null;
    fetchClip(camera.streamId, range, abort.signal)
      .then((blob) => setUrl((made = URL.createObjectURL(blob))))
      .catch((cause: unknown) => {
        if (!abort.signal.aborted) setError(messageOf(cause));
      });
    return () => {
      abort.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [camera.streamId, range.start, range.end]);
  return (
    <Dialog title={`${camera.name}, ${clockTime(range.start)}`} wide onClose={onClose}>
      {error && <Notice error>{error}</Notice>}
      {!url && !error && <div class="clip clip--waiting" role="status"><span class="spinner" aria-hidden="true" /><span class="visually-hidden">Fetching the clip</span></div>}
      {url && (
        <video
          class="clip"
          src={url}
          controls
          autoplay
          muted
          playsinline
          onError={() => setError("This browser cannot play the clip. Saving it still works.")}
        />
      )}
      <div class="dialog__actions">
        <a class="button" href={clipUrl(camera.streamId, range)} download={clipName(camera.name, range)}>
          <Icon name="download" />Save clip
        </a>
      </div>
    </Dialog>
  );
}
