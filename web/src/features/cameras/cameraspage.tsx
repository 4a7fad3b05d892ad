/** All cameras, those found on the network, and the list as a file. */

import { useState } from "preact/hooks";
import { recordingStates } from "../../api/recording";
import type { RecordingStatus } from "../../api/types";
import { thumbnailUrl } from "../../api/vst";
import { isRecording, statusWords } from "../../lib/recordmode";
import { camerasState, refreshCameras, type Camera } from "../../state/cameras";
import { cameraPath, setupPath } from "../../state/router";
import { mayConfigure, mayRemove } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Empty, HealthLamp, Notice } from "../../ui/parts";
import { AddDialog } from "./adddialog";
import { FoundPanel } from "./found";
import { ListTools } from "./listtools";
import { RemoveDialog } from "./removedialog";

const STATES_EVERY_MS = 8_000;

export function CamerasPage() {
  const { cameras, loaded, error } = camerasState.value;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Camera | null>(null);
  const states = useAsked(recordingStates, STATES_EVERY_MS);
  return (
    <div class="narrow">
      <header class="page-head">
        <h1>Cameras</h1>
        {mayConfigure.value && (
          <button type="button" class="button button--primary" onClick={() => setAdding(true)}><Icon name="plus" />Add camera</button>
        )}
      </header>
      {error && (
        <Notice error action={<button type="button" class="button button--quiet" onClick={() => void refreshCameras()}>Try again</button>}>
          {error}
        </Notice>
      )}
      {!loaded && !error && [0, 1].map((i) => <div key={i} class="skeleton skeleton--row" />)}
      {loaded && cameras.length === 0 && (
        <Empty icon="cameras" title="No cameras yet">Add one from those found below, or by its network or RTSP address; its manual or its web page tells it.</Empty>
      )}
      {cameras.length > 0 && (
        <ul class="panel rows">
          {cameras.map((camera) => (
            <CameraRow key={camera.sensorId} camera={camera} state={states.value?.[camera.streamId]} onRemove={() => setRemoving(camera)} />
          ))}
        </ul>
      )}
      {mayConfigure.value && <FoundPanel />}
      {mayConfigure.value && loaded && <ListTools />}
      {adding && <AddDialog onClose={() => setAdding(false)} />}
      {removing && <RemoveDialog camera={removing} onClose={() => setRemoving(null)} />}
    </div>
  );
}

function CameraRow({ camera, state, onRemove }: { camera: Camera; state: RecordingStatus | undefined; onRemove: () => void }) {
  return (
    <li class="row">
      <a class="row__main" href={cameraPath(camera.sensorId)}>
        <Thumbnail camera={camera} />
        <span class="row__text">
          <strong>{camera.name}</strong>
          <HealthLamp camera={camera} />
        </span>
        {state && <RecordingTag state={state} />}
      </a>
      {mayConfigure.value && (
        <a class="button button--quiet button--icon" href={setupPath(camera.sensorId)} aria-label={`Set up ${camera.name}`}><Icon name="settings" /></a>
      )}
      {mayRemove.value && (
        <button type="button" class="button button--quiet button--icon" aria-label={`Remove ${camera.name}`} onClick={onRemove}>
          <Icon name="trash" />
        </button>
      )}
    </li>
  );
}

export function RecordingTag({ state }: { state: RecordingStatus }) {
  const kind = state === "error" ? "tag tag--bad" : isRecording(state) ? "tag tag--on" : "tag";
  return <span class={kind}>{statusWords(state)}</span>;
}

function Thumbnail({ camera }: { camera: Camera }) {
  const [failed, setFailed] = useState(false);
  if (!camera.online || failed) return <span class="row__icon"><Icon name="cameras" /></span>;
  return <img class="row__icon" src={thumbnailUrl(camera.streamId)} alt="" width={96} height={54} onError={() => setFailed(true)} />;
}
