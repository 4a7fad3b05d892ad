/** The rarer things one does to a camera: new password, restart, replace, remove. */

import { useId, useState } from "preact/hooks";
import { isMissing, messageOf } from "../../api/client";
import { reboot, replace, saveCredentials } from "../../api/devices";
import { camerasState, refreshCameras, type Camera } from "../../state/cameras";
import { navigate } from "../../state/router";
import { mayRemove } from "../../state/session";
import { Icon, type IconName } from "../../ui/icon";
import { Dialog, Field, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";
import { RemoveDialog } from "./removedialog";

type Open = "credentials" | "reboot" | "replace" | "remove" | null;

export function UpkeepPanel({ camera }: { camera: Camera }) {
  const [open, setOpen] = useState<Open>(null);
  const close = (): void => setOpen(null);
  return (
    <section class="panel" aria-label="Upkeep">
      <div class="panel__head"><h2>Upkeep</h2></div>
      <ul class="upkeep">
        <Line icon="lock" title="User name and password" hint="Kept encrypted; nobody can read them back." action="Change" onClick={() => setOpen("credentials")} />
        {camera.device && <Line icon="reboot" title="Restart the camera" hint="It is away for a minute or so." action="Restart" onClick={() => setOpen("reboot")} />}
        {mayRemove.value && <Line icon="swap" title="Replace by another camera" hint="The new one takes over this name and its footage." action="Replace" onClick={() => setOpen("replace")} />}
        {mayRemove.value && <Line icon="trash" title="Remove from this box" hint="With or without what it has recorded." action="Remove" danger onClick={() => setOpen("remove")} />}
      </ul>
      {open === "credentials" && <CredentialsDialog camera={camera} onClose={close} />}
      {open === "reboot" && <RebootDialog camera={camera} onClose={close} />}
      {open === "replace" && <ReplaceDialog camera={camera} onClose={close} />}
      {open === "remove" && <RemoveDialog camera={camera} onClose={close} onRemoved={() => navigate("/cameras")} />}
    </section>
  );
}

function Line({ icon, title, hint, action, danger = false, onClick }: { icon: IconName; title: string; hint: string; action: string; danger?: boolean; onClick: () => void }) {
  return (
    <li>
      <Icon name={icon} />
      <span class="row__text"><strong>{title}</strong><span class="muted">{hint}</span></span>
      <button type="button" class={danger ? "button button--danger" : "button"} onClick={onClick}>{action}</button>
    </li>
  );
}

/** Runs what a dialog is for; its failure stays in the dialog. */
function useWork(onDone: () => void): { busy: boolean; error: string | null; run: (work: () => Promise<void>, said: string) => Promise<void> } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function run(work: () => Promise<void>, said: string): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await work();
      await refreshCameras();
      toast(said);
      onDone();
    } catch (cause) {
      setError(isMissing(cause) ? `Not possible with this camera. ${messageOf(cause)}` : messageOf(cause));
      setBusy(false);
    }
  }
  return { busy, error, run };
}

function CredentialsDialog({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useWork(onClose);
  return (
    <Dialog title="User name and password" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => saveCredentials(camera.sensorId, username, password), "Saved; the camera is asked again");
        }}
      >
        <p class="muted">Those of {camera.name} itself. They take the place of what this box has now.</p>
        <Field label="User name" value={username} onInput={setUsername} maxLength={128} autoFocus />
        <Field label="Password" type="password" value={password} onInput={setPassword} maxLength={128} autoComplete="new-password" />
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Saving…">Save</SubmitButton>
      </form>
    </Dialog>
  );
}

function RebootDialog({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const { busy, error, run } = useWork(onClose);
  return (
    <Dialog title={`Restart ${camera.name}?`} onClose={onClose}>
      <p>Until it is back nothing is recorded here. The coverage will say so.</p>
      {error && <Notice error>{error}</Notice>}
      <div class="dialog__actions">
        <button type="button" class="button" onClick={onClose}>Cancel</button>
        <button type="button" class="button button--primary" disabled={busy} onClick={() => void run(() => reboot(camera.sensorId), "The camera is restarting")}>{busy ? "Asking the camera…" : "Restart"}</button>
      </div>
    </Dialog>
  );
}

function ReplaceDialog({ camera, onClose }: { camera: Camera; onClose: () => void }) {
  const others = camerasState.value.cameras.filter((other) => other.sensorId !== camera.sensorId);
  const [chosen, setChosen] = useState(others[0]?.sensorId ?? "");
  const { busy, error, run } = useWork(onClose);
  const id = useId();
  return (
    <Dialog title={`Replace ${camera.name}`} onClose={onClose}>
      {others.length === 0 ? (
        <p>Add the new camera first, under any name. Then it can take over here.</p>
      ) : (
        <form
          class="form"
          onSubmit={(event) => {
            event.preventDefault();
            void run(() => replace(camera.sensorId, chosen), `${camera.name} has its new camera`);
          }}
        >
          <p class="muted">Add the new camera first, then choose it here. {camera.name} keeps its name, its wires and all its footage; the other entry goes.</p>
          <div class="field">
            <label for={id}>The new camera</label>
            <select id={id} value={chosen} onChange={(event) => setChosen(event.currentTarget.value)}>
              {others.map((other) => <option key={other.sensorId} value={other.sensorId}>{other.name}</option>)}
            </select>
          </div>
          {error && <Notice error>{error}</Notice>}
          <SubmitButton busy={busy} busyLabel="Replacing…">Replace</SubmitButton>
        </form>
      )}
    </Dialog>
  );
}
