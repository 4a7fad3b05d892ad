/** One camera in the grid: the picture, and under it a small instrument. */

import { useState } from "preact/hooks";
import * as analytics from "../../api/analytics";
import { stepPath } from "../../lib/sparkline";
import { cameraPath } from "../../state/router";
import type { Camera } from "../../state/cameras";
import { refreshShapes, shapesOf } from "../../state/shapes";
import { useInterval } from "../../ui/hooks";
import { Picture } from "./picture";
import { useCounts } from "./usecounts";

const SPARK_MS = 120_000;
const SPARK = { width: 160, height: 32 };

export function Tile({ camera }: { camera: Camera }) {
  const [count, setCount] = useState<number | null>(null);
  useInterval(() => void refreshShapes(camera.name), 30_000, camera.name);
  return (
    <li class="tile">
      <a class="tile__link" href={cameraPath(camera.sensorId)} aria-label={`Open ${camera.name}`}>
        <Picture camera={camera} onFrame={(frame) => setCount(frame ? frame.objects.length : null)} />
      </a>
      <div class="tile__foot">
        <div class="tile__name">
          <h2>{camera.name}</h2>
          <span class={camera.online ? "lamp lamp--ok" : "lamp lamp--bad"}>{camera.online ? camera.detail || "Online" : "Offline"}</span>
        </div>
        <WireTotals sensor={camera.name} />
        <Spark sensor={camera.name} />
        <p class="tile__count">
          <span class="reading">{count ?? "–"}</span>
          <span class="muted">in view</span>
        </p>
      </div>
    </li>
  );
}

function WireTotals({ sensor }: { sensor: string }) {
  const { tripwires, totals } = shapesOf(sensor).value;
  if (tripwires.length === 0) return null;
  const sum = (way: "in" | "out"): number => tripwires.reduce((n, wire) => n + (totals[wire.id]?.[way] ?? 0), 0);
  return (
    <dl class="inout" aria-label="Crossings today">
      <div><dt>In</dt><dd class="reading inout__in">{sum("in")}</dd></div>
      <div><dt>Out</dt><dd class="reading inout__out">{sum("out")}</dd></div>
    </dl>
  );
}

function Spark({ sensor }: { sensor: string }) {
  const { points } = useCounts(
    sensor,
    (range, signal) => analytics.fovHistogram(sensor, range, 1, signal),
    SPARK_MS,
    1_000,
    2_000,
  );
  const to = points.at(-1)?.at ?? 0;
  const top = Math.max(4, ...points.map((point) => point.max));
  const path = stepPath(
    points.map(({ at, average }) => ({ at, value: average })),
    to - SPARK_MS,
    to,
    top,
    SPARK.width,
    SPARK.height,
  );
  return (
    <svg class="spark" viewBox={`0 0 ${SPARK.width} ${SPARK.height}`} preserveAspectRatio="none" role="img" aria-label="Count over the last two minutes">
      <path d={`M0 ${SPARK.height - 0.5}H${SPARK.width}`} class="spark__base" />
      <path d={path} class="spark__line" />
    </svg>
  );
}
