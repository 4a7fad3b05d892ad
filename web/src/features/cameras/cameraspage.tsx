/** Adding, checking and removing cameras. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { addSensor, deleteSensor, thumbnailUrl } from "../../api/vst";
import { camerasState, refreshCameras, type Camera } from "../../state/cameras";
import { cameraPath } from "../../state/router";
import { mayConfigure, mayRemove } from "../../state/session";
import { Icon } from "../../ui/icon";
import { Dialog, Empty, Field, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { splitCredentials } from "../../lib/rtspurl";

export function CamerasPage() {
  const { cameras, loaded, error } = camerasState.value;
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Camera | null>(null);
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
        <Empty icon="cameras" title="No cameras yet">Have the camera's RTSP address at hand; its manual or its web page tells it.</Empty>
      )}
      {cameras.length > 0 && (
        <ul class="panel rows">
          {cameras.map((camera) => <CameraRow key={camera.sensorId} camera={camera} onRemove={() => setRemoving(camera)} />)}
        </ul>
      )}
      {adding && <AddDialog onClose={() => setAdding(false)} />}
      {removing && <RemoveDialog camera={removing} onClose={() => setRemoving(null)} />}
    </div>
  );
}

function CameraRow({ camera, onRemove }: { camera: Camera; onRemove: () => void }) {
  return (
    <li class="row">
      <a class="row__main" href={cameraPath(camera.sensorId)}>
        <Thumbnail camera={camera} />
        <span class="row__text">
          <strong>{camera.name}</strong>
          <span class={camera.online ? "lamp lamp--ok" : "lamp lamp--bad"}>{camera.online ? camera.detail || "Online" : camera.reason}</span>
        </span>
      </a>
      {mayRemove.value && (
        <button type="button" class="button button--quiet button--icon" aria-label={`Remove ${camera.name}`} onClick={onRemove}>
          <Icon name="trash" />
        </button>
      )}
    </li>
  );
}

function Thumbnail({ camera }: { camera: Camera }) {
  const [failed, setFailed] = useState(false);
  if (!camera.online || failed) return <span class="row__icon"><Icon name="cameras" /></span>;
  return <img class="row__icon" src={thumbnailUrl(camera.streamId)} alt="" width={96} height={54} onError={() => setFailed(true)} />;
}

function AddDialog({ onClose }: { onClose: () => void }) {
  const [address, setAddress] = useState("");
  const [name, setName] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    const parts = splitCredentials(address.trim());
    try {
      await addSensor({
        sensorUrl: parts.url,
        name: name.trim(),
        username: username || parts.username,
        password: password || parts.password,
      });
      await refreshCameras();
      toast(`${name.trim()} added`);
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog title="Add a camera" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="RTSP address" type="text" value={address} onInput={setAddress} required maxLength={512} placeholder="rtsp://192.168.1.20:554/stream1" autoFocus />
        <Field label="Name" value={name} onInput={setName} required maxLength={64} placeholder="Front door" />
        <div class="form__pair">
          <Field label="User name" value={username} onInput={setUsername} maxLength={128} />
          <Field label="Password" type="password" value={password} onInput={setPassword} maxLength={128} autoComplete="new-password" />
        </div>
        <p class="muted">Leave user name and password empty if the camera asks for none.</p>
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Asking the camera for a picture…">Add camera</SubmitButton>
      </form>
    </Dialog>
  );
}

function RemoveDialog({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function remove(): Promise<void> {
    setBusy(true);
    try {
      await deleteSensor(camera.sensorId);
      await refreshCameras();
      toast(`${camera.name} removed`);
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }
  return (
    <Dialog title={`Remove ${camera.name}?`} onClose={onClose}>
      <p>Vedette stops watching and counting here. What was recorded stays until it ages out.</p>
      {error && <Notice error>{error}</Notice>}
      <div class="dialog__actions">
        <button type="button" class="button" onClick={onClose}>Keep</button>
        <button type="button" class="button button--danger" disabled={busy} onClick={() => void remove()}>{busy ? "Removing…" : "Remove camera"}</button>
      </div>
    </Dialog>
  );
}
