/** Cameras that announced themselves on the network: one click adds them, a password only where they ask for one. */

import { useState } from "preact/hooks";
import { ApiError, messageOf } from "../../api/client";
import { addDiscovered, discovered, scan } from "../../api/devices";
import type { DiscoveredCamera } from "../../api/types";
import { age } from "../../lib/format";
import { foundDetail, foundName, needsPassword, ordered } from "../../lib/found";
import { refreshCameras } from "../../state/cameras";
import { cameraPath } from "../../state/router";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Dialog, Field, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";

const REFRESH_MS = 15_000;

/** Absent on a box that does not look for cameras. */
export function FoundPanel() {
  const { value, error, again } = useAsked(() => discovered(), REFRESH_MS);
  const [looking, setLooking] = useState(false);
  const [adding, setAdding] = useState<string | null>(null);
  const [asking, setAsking] = useState<{ camera: DiscoveredCamera; error: string | null } | null>(null);
  if (value === null || value === undefined) return error ? <Notice error>{error}</Notice> : null;

  async function look(): Promise<void> {
    setLooking(true);
    try {
      await scan();
    } catch (cause) {
      toast(messageOf(cause));
    }
    again();
    setLooking(false);
  }

  async function add(camera: DiscoveredCamera): Promise<void> {
    setAdding(camera.endpoint);
    try {
      await addDiscovered(camera.endpoint, {});
      toast(`${foundName(camera)} added`);
      await refreshCameras();
      again();
    } catch (cause) {
      if (cause instanceof ApiError && needsPassword(cause)) setAsking({ camera, error: null });
      else setAsking({ camera, error: messageOf(cause) });
    }
    setAdding(null);
  }

  return (
    <section class="panel found" aria-label="Found on the network">
      <div class="panel__head">
        <h2>Found on the network</h2>
        <button type="button" class="button button--quiet" disabled={looking} onClick={() => void look()}>
          {looking ? <span class="spinner" aria-hidden="true" /> : <Icon name="search" />}{looking ? "Looking…" : "Look now"}
        </button>
      </div>
      {error && <div class="panel__body"><Notice error>{error}</Notice></div>}
      {value.length === 0 && <p class="panel__body muted">No camera has announced itself yet. Those that speak ONVIF do, once they share this network.</p>}
      <ul>
        {ordered(value).map((camera) => (
          <li key={camera.endpoint} class="found__row">
            <Icon name="cameras" />
            <span class="row__text">
              <strong>{foundName(camera)}</strong>
              <span class="muted">{foundDetail(camera)} · seen {seen(camera.lastSeen)}</span>
            </span>
            {camera.sensorId !== null ? (
              <a class="tag tag--on" href={cameraPath(camera.sensorId)}>Added</a>
            ) : (
              <button type="button" class="button" disabled={adding !== null} aria-label={`Add ${foundName(camera)}`} onClick={() => void add(camera)}>
                {adding === camera.endpoint ? <span class="spinner" aria-hidden="true" /> : <Icon name="plus" />}Add
              </button>
            )}
          </li>
        ))}
      </ul>
      {asking && <PasswordDialog camera={asking.camera} reason={asking.error} onClose={() => setAsking(null)} onAdded={again} />}
    </section>
  );
}

function seen(at: string): string {
  const words = age(Date.parse(at), Date.now());
  return words === "now" ? "just now" : `${words} ago`;
}

function PasswordDialog({ camera, reason, onClose, onAdded }: { camera: DiscoveredCamera; reason: string | null; onClose: () => void; onAdded: () => void }) {
  const [name, setName] = useState(foundName(camera));
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(reason);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await addDiscovered(camera.endpoint, { name: name.trim(), ...(username && { username }), ...(password && { password }) });
      await refreshCameras();
      toast(`${name.trim()} added`);
      onAdded();
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Add ${foundName(camera)}`} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {reason === null && <p class="muted">This camera asks who you are. Its own user name and password are meant, those of its web page.</p>}
        <Field label="Name" value={name} onInput={setName} required maxLength={64} />
        <div class="form__pair">
          <Field label="User name" value={username} onInput={setUsername} maxLength={128} autoFocus />
          <Field label="Password" type="password" value={password} onInput={setPassword} maxLength={128} autoComplete="new-password" />
        </div>
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Asking the camera…">Add camera</SubmitButton>
      </form>
    </Dialog>
  );
}
