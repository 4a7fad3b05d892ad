/** Counts of one camera over time. */

import { useMemo, useState } from "preact/hooks";
import * as analytics from "../../api/analytics";
import type { Roi, Tripwire } from "../../api/types";
import { decimal } from "../../lib/format";
import { columns } from "../../lib/series";
import { shapesOf } from "../../state/shapes";
import { Notice, Segments } from "../../ui/parts";
import { useNow } from "../../ui/hooks";
import { useCounts } from "../live/usecounts";
import { Chart } from "./chart";

const WINDOWS = [
  { value: 2, label: "2 min" },
  { value: 10, label: "10 min" },
  { value: 60, label: "1 h" },
] as const;

type Minutes = (typeof WINDOWS)[number]["value"];

const CROSSING_BUCKET_S: Readonly<Record<Minutes, number>> = { 2: 5, 10: 20, 60: 120 };
const LINE_BUCKET_S: Readonly<Record<Minutes, number>> = { 2: 1, 10: 1, 60: 1 };
const LINE_HEIGHT = 168;
const BARS_HEIGHT = 148;

interface PartProps {
  readonly sensor: string;
  readonly minutes: Minutes;
  /** One axis for all charts, so that they can be read together. */
  readonly window: { readonly fromMs: number; readonly toMs: number };
}

/** What is still being counted lies right of the axis. */
const SETTLING_MS = 1_000;

function Trouble({ error }: { error: string | null }) {
  return error ? <Notice error>{error}</Notice> : null;
}

function Occupancy({ sensor, minutes, window, label, roi }: PartProps & { label: string; roi?: Roi }) {
  const bucket = LINE_BUCKET_S[minutes];
  const counts = useCounts(
    `${sensor}/${roi?.id ?? ""}`,
    (range, signal) =>
      roi ? analytics.roiHistogram(sensor, roi.id, range, bucket, signal) : analytics.fovHistogram(sensor, range, bucket, signal),
    minutes * 60_000,
    bucket * 1000,
    minutes > 10 ? 5_000 : 1_500,
  );
  const data = useMemo(() => columns(counts.points, bucket * 1000, (point) => point.average), [counts.points]);
  return (
    <section class="charts__part">
      <h3>{label}</h3>
      <Trouble error={counts.error} />
      {counts.loaded ? (
        <Chart
          label={`${label}: people over the last ${minutes} minutes`}
          data={data}
          series={[{ label: "people", colour: roi ? "ok" : "beacon", kind: "step", format: decimal }]}
          window={window}
          height={LINE_HEIGHT}
        />
      ) : (
        <div class="skeleton skeleton--chart" />
      )}
    </section>
  );
}

function Crossings({ sensor, minutes, window, wire }: PartProps & { wire: Tripwire }) {
  const bucket = CROSSING_BUCKET_S[minutes];
  const counts = useCounts(
    `${sensor}/${wire.id}`,
    (range, signal) => analytics.tripwireHistogram(sensor, wire.id, range, bucket, signal),
    minutes * 60_000,
    bucket * 1000,
    2_500,
  );
  const data = useMemo(
    () => columns(counts.points, bucket * 1000, (point) => point.in, (point) => -point.out),
    [counts.points],
  );
  const absolute = (value: number): string => String(Math.abs(value));
  return (
    <section class="charts__part">
      <h3>{wire.name}</h3>
      <Trouble error={counts.error} />
      {counts.loaded ? (
        <Chart
          label={`${wire.name}: crossings in and out per ${bucket} seconds`}
          data={data}
          series={[
            { label: "in", colour: "in", kind: "bars", format: absolute },
            { label: "out", colour: "out", kind: "bars", format: absolute },
          ]}
          window={window}
          height={BARS_HEIGHT}
          mirrored
          leastTop={3}
        />
      ) : (
        <div class="skeleton skeleton--chart" />
      )}
    </section>
  );
}

export function Charts({ sensor }: { sensor: string }) {
  const [minutes, setMinutes] = useState<Minutes>(2);
  const { tripwires, rois } = shapesOf(sensor).value;
  const toMs = Math.floor(useNow(1_000) / 1_000) * 1_000 - SETTLING_MS;
  const window = { fromMs: toMs - minutes * 60_000, toMs };
  return (
    <section class="panel charts" aria-label="Counts over time">
      <div class="panel__head">
        <h2>Counts</h2>
        <Segments label="Period shown" options={WINDOWS} value={minutes} onPick={setMinutes} />
      </div>
      <div class="panel__body charts__parts">
        <Occupancy sensor={sensor} minutes={minutes} window={window} label="Whole picture" />
        {tripwires.map((wire) => <Crossings key={wire.id} sensor={sensor} minutes={minutes} window={window} wire={wire} />)}
        {rois.map((roi) => <Occupancy key={roi.id} sensor={sensor} minutes={minutes} window={window} label={roi.name} roi={roi} />)}
      </div>
    </section>
  );
}
