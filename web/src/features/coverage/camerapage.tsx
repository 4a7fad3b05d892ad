/** One camera's account of its time: a week by days, a day by hours, every absence by name, and the proof. */

import { useEffect, useState } from "preact/hooks";
import { coverage, manifestUrl } from "../../api/recording";
import { episodes, hoursOf, lasted, localDays, longTime, losses, reasonOf, recordedShare, shareSentence, STATE_NAMES, secondsIn, spanOfRecord, type Coverage, type Stretch } from "../../lib/coverage";
import { clockTime, dayHeading, fileStamp, fileStem, percent, shortTime } from "../../lib/format";
import type { Span } from "../../lib/timeline";
import { camerasState, type Camera } from "../../state/cameras";
import { learnNames, personName } from "../../state/people";
import { cameraPath } from "../../state/router";
import { useAsked, useNow } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Empty, Notice, Segments } from "../../ui/parts";
import { Axis } from "./axis";
import { CoverageStrip, Legend, Swatch } from "./strip";

const VIEWS = [
  { value: "day", label: "Day" },
  { value: "week", label: "Week" },
] as const;
type View = (typeof VIEWS)[number]["value"];

const REFRESH_MS = 30_000;
const FIRST_LOSSES = 12;
const MOST_LOSSES = 500;
/** Losses of one kind that follow one another sooner belong together. */
const SEAM_MS = 15 * 60_000;
const dayName = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });

export function CameraCoveragePage({ sensorId }: { sensorId: string }) {
  const { cameras, loaded } = camerasState.value;
  const camera = cameras.find((candidate) => candidate.sensorId === sensorId);
  if (camera) return <CameraCoverage key={camera.sensorId} camera={camera} />;
  if (!loaded) return <div class="skeleton skeleton--chart" />;
  return <Empty icon="coverage" title="No such camera" alone action={<a class="button" href="/coverage">All cameras</a>}>It may have been removed.</Empty>;
}

/** `back`: how many days or weeks before now. */
function rangeOf(view: View, back: number, now: number): { range: Span; days: Span[] } {
  const count = view === "week" ? 7 : 1;
  const days = localDays(now, count * (back + 1)).slice(0, count);
  return { range: { start: days[0]?.start ?? now, end: days.at(-1)?.end ?? now }, days };
}

function CameraCoverage({ camera }: { camera: Camera }) {
  const [view, setView] = useState<View>("week");
  const [back, setBack] = useState(0);
  const [streamId, setStreamId] = useState(camera.streamId);
  const now = useNow(REFRESH_MS);
  const { range, days } = rangeOf(view, back, now);
  const asked = { start: range.start, end: Math.min(range.end, now) };
  const { value, error } = useAsked((signal) => coverage(streamId, asked, signal), back === 0 ? REFRESH_MS : 0, streamId, range.start, range.end);
  useEffect(() => void learnNames(), []);
  const streams = camera.streams.map((stream) => ({ value: stream.streamId, label: stream.isMain ? "Main" : "Sub" }));
  const title = view === "day" ? dayHeading(range.start, now) : `${dayName.format(range.start)} – ${dayName.format(range.end - 1)}`;

  function openDay(day: Span): void {
    setView("day");
    setBack(Math.round((localDays(now, 1)[0]!.start - day.start) / 86_400_000));
  }

  return (
    <div class="coverage">
      <header class="page-head">
        <div class="camera__title coverage__title">
          <a class="button button--quiet button--icon" href="/coverage" aria-label="Back to the coverage of all cameras"><Icon name="back" /></a>
          <h1>{camera.name}</h1>
          <span class="muted">coverage</span>
        </div>
        <div class="coverage__tools">
          {streams.length > 1 && <Segments label="Stream" options={streams} value={streamId} onPick={setStreamId} />}
          <Segments label="How much at a time" options={VIEWS} value={view} onPick={(next) => { setView(next); setBack(0); }} />
        </div>
      </header>
      <div class="coverage__when">
        <button type="button" class="button button--quiet button--icon" aria-label={view === "day" ? "The day before" : "The week before"} onClick={() => setBack(back + 1)}><Icon name="back" /></button>
        <h2 aria-live="polite">{title}</h2>
        <button type="button" class="button button--quiet button--icon" aria-label={view === "day" ? "The day after" : "The week after"} disabled={back === 0} onClick={() => setBack(back - 1)}><Icon name="next" /></button>
      </div>
      {error && <Notice error>{error}</Notice>}
      {value === undefined && !error && <div class="skeleton skeleton--chart" />}
      {value === null && <Notice>This box keeps no coverage ledger yet. It comes with the next version of its recorder.</Notice>}
      {value && <Account camera={camera} streamId={streamId} view={view} days={days} range={range} found={value} of={spanOfRecord(value.seconds, asked.end - asked.start, back === 0 ? `this ${view} so far` : `this ${view}`)} onDay={openDay} />}
    </div>
  );
}

interface AccountProps {
  readonly camera: Camera;
  readonly streamId: string;
  readonly view: View;
  readonly days: readonly Span[];
  readonly range: Span;
  readonly found: Coverage;
  readonly of: string;
  readonly onDay: (day: Span) => void;
}

function Account({ camera, streamId, view, days, range, found, of, onDay }: AccountProps) {
  const share = recordedShare(found.seconds);
  const rows = view === "week" ? days : hoursOf(range);
  // All rows share one axis: that of the longest, so that a day of 23 hours keeps its scale.
  const length = Math.max(...rows.map((row) => row.end - row.start));
  const frame = { start: rows[0]?.start ?? 0, end: (rows[0]?.start ?? 0) + length };
  return (
    <>
      <section class="panel covsum" aria-label="In numbers">
        <p class="covsum__share">{share === null ? "–" : percent(share)}</p>
        <p class="covsum__words">{shareSentence(found.seconds, of)}</p>
        <Legend seconds={found.seconds} />
      </section>
      <section class={`panel covrows covrows--${view}`} aria-label={view === "week" ? "By day" : "By hour"}>
        <ul>
          {rows.map((row) => (
            <li key={row.start} class="covrow">
              {view === "week"
                ? <button type="button" class="covrow__name covrow__name--day" onClick={() => onDay(row)}>{dayName.format(row.start)}</button>
                : <span class="covrow__name reading">{shortTime(row.start)}</span>}
              <CoverageStrip walkable name={view === "week" ? dayName.format(row.start) : shortTime(row.start)} stretches={found.stretches} window={{ start: row.start, end: row.start + length }} />
              <RowShare stretches={found.stretches} row={row} />
            </li>
          ))}
        </ul>
        <div class="covrow covrow--axis">
          <span />
          {view === "week" ? <Axis window={frame} most={8} /> : <MinuteAxis />}
          <span />
        </div>
      </section>
      <div class="coverage__pair">
        <Losses camera={camera} stretches={found.stretches} />
        <Ledger camera={camera} streamId={streamId} found={found} />
      </div>
    </>
  );
}

function RowShare({ stretches, row }: { stretches: readonly Stretch[]; row: Span }) {
  const share = recordedShare(secondsIn(stretches, row));
  return <span class="covrow__share reading" data-full={share === 1}>{share === null ? "–" : percent(share)}</span>;
}

function MinuteAxis() {
  return (
    <div class="cov__axis reading" aria-hidden="true">
      {[0, 10, 20, 30, 40, 50].map((minute) => <span key={minute} style={{ left: `${(minute / 60) * 100}%` }}>:{String(minute).padStart(2, "0")}</span>)}
    </div>
  );
}

function Losses({ camera, stretches }: { camera: Camera; stretches: readonly Stretch[] }) {
  const [all, setAll] = useState(false);
  const missing = episodes(losses(stretches), SEAM_MS);
  const now = Date.now();
  return (
    <section class="panel" aria-label="What is missing">
      <div class="panel__head"><h2>What is missing</h2><p>{missing.length > 0 && `${missing.length} in all`}</p></div>
      {missing.length === 0 && <p class="panel__body muted">Nothing. Every second that was to be recorded is there.</p>}
      <ol class="losses">
        {missing.slice(0, all ? MOST_LOSSES : FIRST_LOSSES).map((loss) => (
          <li key={loss.start}>
            <Swatch state={loss.state} />
            <span class="losses__what"><strong>{STATE_NAMES[loss.state]}{loss.count > 1 && `, ${loss.count} times`}</strong><span class="muted">{reasonOf({ ...loss, by: personName(loss.by) })}</span></span>
            <span class="losses__when">
              <span class="reading">{clockTime(loss.start)} – {clockTime(loss.end)}</span>
              <span class="muted">{dayHeading(loss.start, now)}, {loss.count > 1 ? `${longTime(loss.lostMs)} in all` : lasted(loss)}</span>
            </span>
          </li>
        ))}
      </ol>
      {missing.length > FIRST_LOSSES && !all && <button type="button" class="button button--quiet button--wide" onClick={() => setAll(true)}>Show {Math.min(missing.length, MOST_LOSSES)}</button>}
      <p class="panel__body muted">The pictures around an absence are on <a class="textlink" href={cameraPath(camera.sensorId)}>the camera's page</a>.</p>
    </section>
  );
}

function Ledger({ camera, streamId, found }: { camera: Camera; streamId: string; found: Coverage }) {
  const { seq, hash } = found.head;
  return (
    <section class="panel ledger" aria-label="The proof">
      <div class="panel__head"><h2>The proof</h2><Icon name="seal" /></div>
      <div class="panel__body">
        <p>
          Each line of this account carries the hash of the line before it. Whoever changes, adds or drops one, changes the last
          hash as well. The manifest holds the lines of this period, signed by this box.
        </p>
        <dl>
          <div><dt>Facts so far</dt><dd class="reading">{seq.toLocaleString("en-GB")}</dd></div>
          <div><dt>Last hash</dt><dd class="reading ledger__hash">{hash || "–"}</dd></div>
        </dl>
        <a class="button button--primary button--wide" href={manifestUrl(streamId, found.range)} download={`${fileStem(camera.name)}_${fileStamp(found.range.start)}_manifest.json`}>
          <Icon name="download" />Download signed manifest
        </a>
        <p class="muted">Anyone can check it without this box: <code class="reading">vedette verify FILE</code></p>
      </div>
    </section>
  );
}
