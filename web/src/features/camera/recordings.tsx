/** What is recorded, with its gaps; drag a range to watch or keep it. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { timeline } from "../../api/vst";
import { joinSpans, type Span } from "../../lib/timeline";
import type { Camera } from "../../state/cameras";
import { useInterval } from "../../ui/hooks";
import { Notice, Segments } from "../../ui/parts";
import { ClipDialog } from "./clipdialog";
import { RangeBar } from "./rangebar";
import { Strip } from "./strip";

const ZOOMS = [
  { value: 10, label: "10 min" },
  { value: 60, label: "1 h" },
  { value: 1_440, label: "24 h" },
] as const;

const SEAM_MS = 1_500;
const REFRESH_MS = 5_000;

interface Recorded {
  readonly spans: readonly Span[];
  readonly loaded: boolean;
  readonly error: string | null;
}

function useTimeline(streamId: string, round: number): Recorded {
  const [recorded, setRecorded] = useState<Recorded>({ spans: [], loaded: false, error: null });
  useInterval(
    () => {
      timeline(streamId)
        .then((spans) => setRecorded({ spans: joinSpans(spans, SEAM_MS), loaded: true, error: null }))
        .catch((cause: unknown) => setRecorded((old) => ({ ...old, loaded: true, error: messageOf(cause) })));
    },
    REFRESH_MS,
    streamId,
    round,
  );
  return recorded;
}

export function Recordings({ camera }: { camera: Camera }) {
  const [round, setRound] = useState(0);
  const { spans, loaded, error } = useTimeline(camera.streamId, round);
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
            <Strip streamId={camera.streamId} spans={spans} window={window} range={range} onRange={setRange} />
            <RangeBar camera={camera} spans={spans} range={range} onPlay={setPlaying} onClear={() => setRange(null)} onChanged={() => setRound(round + 1)} />
          </>
        )}
      </div>
      {playing && <ClipDialog camera={camera} range={playing} onClose={() => setPlaying(null)} />}
    </section>
  );
}
