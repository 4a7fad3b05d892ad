/** Removing a camera, with or without what it has recorded. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { deleteSensor } from "../../api/vst";
import { refreshCameras, type Camera } from "../../state/cameras";
import { Choice, Dialog, Notice } from "../../ui/parts";
import { toast } from "../../ui/toast";

const KEEP = { value: "keep", label: "Keep the recordings", hint: "They stay until they age out, and count in the coverage." } as const;
const DELETE = { value: "delete", label: "Delete the recordings, too", hint: "At once and for good. The ledger will say that you did." } as const;

export function RemoveDialog({ camera, onClose, onRemoved }: { camera: Camera; onClose: () => void; onRemoved?: () => void }) {
  const [footage, setFootage] = useState<"keep" | "delete">("keep");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  async function remove(): Promise<void> {
    setBusy(true);
    try {
      await deleteSensor(camera.sensorId, footage === "delete");
      await refreshCameras();
      toast(`${camera.name} removed`);
      onClose();
      onRemoved?.();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog title={`Remove ${camera.name}?`} onClose={onClose}>
      <p>Vedette stops watching and counting here.</p>
      <Choice label="What it has recorded" options={[KEEP, DELETE]} value={footage} onPick={setFootage} />
      {error && <Notice error>{error}</Notice>}
      <div class="dialog__actions">
        <button type="button" class="button" onClick={onClose}>Cancel</button>
        <button type="button" class="button button--danger" disabled={busy} onClick={() => void remove()}>{busy ? "Removing…" : footage === "delete" ? "Remove with recordings" : "Remove camera"}</button>
      </div>
    </Dialog>
  );
}
