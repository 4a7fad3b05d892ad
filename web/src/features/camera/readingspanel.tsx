/** What other sensors said at this place, on the time of the video. */

import { useState } from "preact/hooks";
import { readings as askReadings } from "../../api/devices";
import { clockTime, isoTime } from "../../lib/format";
import { figure, readingAt, readingPath, readingSeries, type ReadingSeries } from "../../lib/readings";
import type { Span } from "../../lib/timeline";
import type { Camera } from "../../state/cameras";
import { useAsked, useNow } from "../../ui/hooks";
import { Segments } from "../../ui/parts";
import { Axis } from "../coverage/axis";

const LENGTHS = [
  { value: 1, label: "1 h" },
  { value: 24, label: "24 h" },
] as const;
const HOUR_MS = 3_600_000;
const REFRESH_MS = 15_000;
const MOST = 5_000;

/** Absent where nothing but video comes from here. */
export function ReadingsPanel({ camera }: { camera: Camera }) {
  const [hours, setHours] = useState<number>(1);
  const now = useNow(REFRESH_MS);
  const window = { start: now - hours * HOUR_MS, end: now };
  const { value } = useAsked(() => askReadings(camera.sensorId, isoTime(window.start), isoTime(window.end), MOST), REFRESH_MS, camera.sensorId, hours);
  const [seen, setSeen] = useState(false);
  if (value && value.length > 0 && !seen) setSeen(true);
  if (!seen) return null;
  return (
    <section class="panel readings" aria-label="Readings">
      <div class="panel__head">
        <h2>Readings</h2>
        <Segments label="Length of the readings" options={LENGTHS} value={hours} onPick={setHours} />
      </div>
      <div class="panel__body"><Rows series={readingSeries(value ?? [])} window={window} /></div>
    </section>
  );
}

function Rows({ series, window }: { series: readonly ReadingSeries[]; window: Span }) {
  const [place, setPlace] = useState<number | null>(null);
  const at = place === null ? window.end : window.start + place * (window.end - window.start);
  return (
    <>
      {series.map((one) => (
        <div key={one.name} class="reading-row">
          <span class="reading-row__name">{one.name}</span>
          <div
            class="reading-row__plot"
            role="img"
            aria-label={`${one.name}: ${readingAt(one, window.end)}${one.points.length > 0 ? `, between ${figure(one.least)} and ${figure(one.most)}` : ""}`}
            onPointerMove={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              setPlace(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
            }}
            onPointerLeave={() => setPlace(null)}
          >
            <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true"><path d={readingPath(one, window)} /></svg>
            {one.marks.filter((mark) => mark.at >= window.start).map((mark) => (
              <span key={mark.at} class="reading-row__mark" style={{ left: `${((mark.at - window.start) / (window.end - window.start)) * 100}%` }}>{mark.text}</span>
            ))}
            {place !== null && <span class="reading-row__cursor" style={{ left: `${place * 100}%` }} />}
          </div>
          <b class="reading reading-row__value">{readingAt(one, at)}</b>
        </div>
      ))}
      <div class="reading-row reading-row--axis"><span /><Axis window={window} most={6} /><span class="reading muted">{place === null ? "" : clockTime(at)}</span></div>
    </>
  );
}
