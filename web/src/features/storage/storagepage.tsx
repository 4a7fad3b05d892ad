/** Where footage lies, how long it stays, and what a change of that would do before it is made. */

import { useEffect, useState } from "preact/hooks";
import { forecast as askForecast, policy as askPolicy } from "../../api/storage";
import { daysWords, diskParts, remainingWords, tierName, type Forecast, type StreamStore, type Volume } from "../../lib/forecast";
import { bytes, momentName } from "../../lib/format";
import { camerasState } from "../../state/cameras";
import { useAsked } from "../../ui/hooks";
import { Empty, Notice } from "../../ui/parts";
import { PolicyPanel } from "./policy";
import { ProtectedPanel } from "./protected";

const REFRESH_MS = 30_000;

export function StoragePage() {
  const now = useAsked(() => askForecast(null), REFRESH_MS);
  const policy = useAsked(() => askPolicy(), 0);
  const [shown, setShown] = useState<Forecast | null>(null);
  useEffect(() => {
    if (now.value) setShown(now.value);
  }, [now.value]);
  return (
    <div class="storage">
      <header class="page-head">
        <div>
          <h1>Storage</h1>
          <p class="muted">Where footage lies, and how long it stays.</p>
        </div>
      </header>
      {now.error && <Notice error action={<button type="button" class="button button--quiet" onClick={now.again}>Try again</button>}>{now.error}</Notice>}
      {!shown && now.value === undefined && !now.error && <div class="skeleton skeleton--chart" />}
      {now.value === null && <Empty icon="storage" title="Not on this box yet">Its recorder does not tell how long the disk will last. The next version does.</Empty>}
      {shown && (
        <>
          {shown.clockSuspect && <Notice error>The clock of this box cannot be trusted just now, so nothing ages until it can.</Notice>}
          <Outlook forecast={shown} />
          <Disks volumes={shown.volumes} />
          {policy.value && <PolicyPanel stored={policy.value} onSaved={() => { policy.again(); now.again(); }} />}
          {policy.error && <Notice error>{policy.error}</Notice>}
          <ByCamera streams={shown.streams} perDay={shown.bytesPerDay} />
          <ProtectedPanel />
        </>
      )}
    </div>
  );
}

function Outlook({ forecast }: { forecast: Forecast }) {
  const now = Date.now();
  return (
    <section class="panel outlook" aria-label="Outlook">
      <dl>
        <div class="outlook__main"><dt>Footage stays for</dt><dd>{daysWords(forecast.retentionDays ?? forecast.daysRemaining)}</dd></div>
        <div><dt>Until the oldest must go</dt><dd>{remainingWords(forecast.daysRemaining)}</dd></div>
        <div><dt>Recorded a day</dt><dd class="reading">{bytes(forecast.bytesPerDay)}</dd></div>
        <div><dt>Oldest footage</dt><dd>{forecast.oldest ? momentName(Date.parse(forecast.oldest), now) : "–"}</dd></div>
      </dl>
    </section>
  );
}

function Disks({ volumes }: { volumes: readonly Volume[] }) {
  return (
    <section class="panel" aria-label="Disks">
      <div class="panel__head"><h2>Disks</h2></div>
      <ul class="disks">{volumes.map((volume) => <Disk key={volume.name} volume={volume} alone={volumes.length === 1} />)}</ul>
    </section>
  );
}

function Disk({ volume, alone }: { volume: Volume; alone: boolean }) {
  const { used, other, free } = diskParts(volume);
  const gone = volume.state !== "connected";
  const share = (part: number): string => `${(part * 100).toFixed(2)}%`;
  return (
    <li class="disk">
      <p class="disk__head">
        <strong>{volume.name}</strong>
        {!alone && volume.tier !== "" && <span class="tag">{tierName(volume.tier)}</span>}
        <span class={gone ? "lamp lamp--bad" : "lamp lamp--ok"}>{gone ? "Disconnected: nothing on it can be played" : "Connected"}</span>
        <span class="disk__free reading">{bytes(volume.freeBytes)} free of {bytes(volume.totalBytes)}</span>
      </p>
      <div class="disk__bar" role="img" aria-label={`${bytes(volume.usedBytes)} recordings, ${bytes(other * volume.totalBytes)} other files, ${bytes(volume.freeBytes)} free`}>
        <span class="disk__used" style={{ width: share(used) }} />
        <span class="disk__other" style={{ width: share(other) }} />
        <span class="disk__rest" style={{ width: share(free) }} />
      </div>
      <p class="disk__key muted">
        <span class="disk__dot disk__dot--used">Recordings {bytes(volume.usedBytes)}</span>
        <span class="disk__dot disk__dot--other">Other {bytes(other * volume.totalBytes)}</span>
      </p>
    </li>
  );
}

/** The box names main streams; a sub stream is told apart by the camera it belongs to. */
function streamName(stream: StreamStore): string {
  if (stream.name !== "") return stream.name;
  const camera = camerasState.value.cameras.find(({ streams }) => streams.some(({ streamId }) => streamId === stream.streamId));
  return camera ? `${camera.name}, sub stream` : stream.streamId;
}

function ByCamera({ streams, perDay }: { streams: readonly StreamStore[]; perDay: number }) {
  const now = Date.now();
  const most = Math.max(1, ...streams.map((stream) => stream.bytesPerDay));
  const ordered = [...streams].sort((a, b) => b.bytesPerDay - a.bytesPerDay);
  return (
    <section class="panel" aria-label="By camera">
      <div class="panel__head"><h2>Recorded a day, by camera</h2><p class="reading">{bytes(perDay)} in all</p></div>
      {ordered.length === 0 && <p class="panel__body muted">Nothing is recorded yet.</p>}
      <ul class="perday">
        {ordered.map((stream) => (
          <li key={stream.streamId}>
            <span class="perday__name">{streamName(stream)}</span>
            <span class="perday__bar"><span style={{ width: `${(stream.bytesPerDay / most) * 100}%` }} /></span>
            <span class="perday__rate reading">{bytes(stream.bytesPerDay)}</span>
            <span class="perday__note muted">
              {bytes(stream.bytes)} kept{stream.oldest && ` since ${momentName(Date.parse(stream.oldest), now)}`}
              {stream.protectedBytes > 0 && `, ${bytes(stream.protectedBytes)} protected`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
