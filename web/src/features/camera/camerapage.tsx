/** One camera, closely: picture, counts, recordings, wires and zones. */

import { useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { snapshot } from "../../api/vst";
import type { Draft } from "../../lib/draft";
import { fileStamp, fileStem } from "../../lib/format";
import type { MetaFrame } from "../../lib/frames";
import type { Size } from "../../lib/geometry";
import { camerasState, type Camera } from "../../state/cameras";
import { setupPath } from "../../state/router";
import { refreshShapes, shapesOf } from "../../state/shapes";
import { mayConfigure } from "../../state/session";
import { useInterval } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Empty, HealthLamp } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { CoveragePanel } from "../coverage/panel";
import { RecentAlerts } from "../alerts/recent";
import { LayerToggles } from "../live/layers";
import { Picture } from "../live/picture";
import { Charts } from "./charts";
import { EditorCanvas } from "./editor";
import { ReadingsPanel } from "./readingspanel";
import { Recordings } from "./recordings";
import { PtzPanel } from "./ptzpanel";
import { ShapesPanel } from "./shapespanel";

const FALLBACK_SIZE: Size = { width: 1920, height: 1080 };

export function CameraPage({ sensorId }: { sensorId: string }) {
  const { cameras, loaded } = camerasState.value;
  const camera = cameras.find((candidate) => candidate.sensorId === sensorId);
  if (camera) return <CameraView key={camera.sensorId} camera={camera} />;
  if (!loaded) return <div class="skeleton skeleton--tile" />;
  return (
    <Empty icon="cameras" title="No such camera" alone action={<a class="button" href="/">Back to live</a>}>
      It may have been removed.
    </Empty>
  );
}

async function saveSnapshot(camera: Camera): Promise<void> {
  try {
    const url = URL.createObjectURL(await snapshot(camera.streamId));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${fileStem(camera.name)}_${fileStamp(Date.now())}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    toast("Snapshot saved");
  } catch (cause) {
    toast(messageOf(cause));
  }
}

function CameraView({ camera }: { camera: Camera }) {
  const [frame, setFrame] = useState<MetaFrame | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const stage = useRef<HTMLDivElement>(null);
  useInterval(() => void refreshShapes(camera.name), 15_000, camera.name);
  const size = frame && frame.width > 0 ? { width: frame.width, height: frame.height } : (camera.size ?? FALLBACK_SIZE);

  return (
    <div class="camera">
      <header class="page-head camera__head">
        <a class="button button--quiet button--icon" href="/" aria-label="Back to all cameras"><Icon name="back" /></a>
        <div class="camera__title">
          <h1>{camera.name}</h1>
          <HealthLamp camera={camera} />
        </div>
        {mayConfigure.value && <a class="button button--quiet button--icon camera__setup" href={setupPath(camera.sensorId)} aria-label={`Set up ${camera.name}`}><Icon name="settings" /></a>}
      </header>
      <div class="camera__stage" ref={stage}>
        <Picture camera={camera} onFrame={setFrame} bare={draft !== null}>
          {draft && <EditorCanvas draft={draft} size={size} onChange={setDraft} />}
        </Picture>
        <div class="toolbar">
          <LayerToggles />
          <span class="toolbar__gap" />
          <button type="button" class="button button--quiet" disabled={!camera.online} onClick={() => void saveSnapshot(camera)}>
            <Icon name="snapshot" /><span class="toolbar__word">Snapshot</span>
          </button>
          <button type="button" class="button button--quiet button--icon" aria-label="Full screen" onClick={() => void stage.current?.requestFullscreen?.()}>
            <Icon name="expand" />
          </button>
        </div>
      </div>
      <aside class="camera__side">
        <Now camera={camera} frame={frame} />
        {camera.online && camera.device && mayConfigure.value && <PtzPanel camera={camera} />}
        <ShapesPanel sensor={camera.name} size={size} frame={frame} draft={draft} onDraft={setDraft} />
        <RecentAlerts sensor={camera.name} />
      </aside>
      <div class="camera__below">
        <Recordings camera={camera} />
        <CoveragePanel camera={camera} />
        <ReadingsPanel camera={camera} />
        <Charts sensor={camera.name} />
      </div>
    </div>
  );
}

function Now({ camera, frame }: { camera: Camera; frame: MetaFrame | null }) {
  const { tripwires, totals } = shapesOf(camera.name).value;
  const sum = (way: "in" | "out"): number => tripwires.reduce((n, wire) => n + (totals[wire.id]?.[way] ?? 0), 0);
  return (
    <section class="panel now" aria-label="Now">
      <dl>
        <div class="now__main"><dt>In view</dt><dd class="reading">{frame ? frame.objects.length : "–"}</dd></div>
        {tripwires.length > 0 && <div><dt>In today</dt><dd class="reading inout__in">{sum("in")}</dd></div>}
        {tripwires.length > 0 && <div><dt>Out today</dt><dd class="reading inout__out">{sum("out")}</dd></div>}
      </dl>
    </section>
  );
}
