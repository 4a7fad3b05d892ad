/** Adding a camera by hand: one address, whichever kind it is. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { addSensor } from "../../api/vst";
import { readAddress } from "../../lib/address";
import { refreshCameras } from "../../state/cameras";
import { Dialog, Field, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";

const HINTS = {
  empty: "A camera that speaks ONVIF needs its network address only; any other its full rtsp:// address.",
  device: "The camera is asked for its name and its streams (ONVIF).",
  stream: "This one stream is taken as it is.",
} as const;

export function AddDialog({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [name, setName] = useState("");
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const address = readAddress(typed);

  async function submit(): Promise<void> {
    if (address.kind === "empty") return;
    setBusy(true);
    setError(null);
    const where =
      address.kind === "stream"
        ? { sensorUrl: address.url, username: username || address.username, password: password || address.password }
        : { sensorIp: address.host, username, password };
    try {
      await addSensor({ ...where, name: name.trim() });
      await refreshCameras();
      toast(`${name.trim() || "Camera"} added`);
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
        <Field label="Network or RTSP address" value={typed} onInput={setTyped} required maxLength={512} placeholder="192.168.1.20 or rtsp://192.168.1.20:554/stream1" hint={HINTS[address.kind]} autoFocus />
        <Field label="Name" value={name} onInput={setName} required={address.kind !== "device"} maxLength={64} placeholder={address.kind === "device" ? "As the camera calls itself" : "Front door"} />
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
