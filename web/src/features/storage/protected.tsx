/** Footage that never ages, and the way to let go of it. */

import { useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { protect, protectedFiles } from "../../api/storage";
import { plural } from "../../lib/format";
import { groupProtected, type ProtectedGroup } from "../../lib/protectedfiles";
import { camerasState } from "../../state/cameras";
import { cameraPath } from "../../state/router";
import { mayConfigure } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Notice } from "../../ui/parts";
import { toast } from "../../ui/toast";

export function ProtectedPanel() {
  const { value, error, again } = useAsked(() => protectedFiles(), 0);
  const [busy, setBusy] = useState<string | null>(null);
  const cameras = camerasState.value.cameras;
  if (value === null) return null;
  const names = new Map(cameras.flatMap((camera) => [[camera.sensorId, camera] as const, [camera.streamId, camera] as const]));
  const groups = groupProtected(value ?? []);

  async function release(group: ProtectedGroup): Promise<void> {
    setBusy(group.key);
    try {
      await protect(group.files, false);
      toast("It ages like everything else now");
      again();
    } catch (cause) {
      toast(messageOf(cause));
    }
    setBusy(null);
  }

  return (
    <section class="panel" aria-label="Protected footage">
      <div class="panel__head"><h2>Protected footage</h2><p>Never ages, whatever the policy says.</p></div>
      {error && <div class="panel__body"><Notice error>{error}</Notice></div>}
      {value && groups.length === 0 && <p class="panel__body muted">None. Mark a range on a camera's recordings and choose Protect.</p>}
      <ul class="protected">
        {groups.map((group) => {
          const camera = names.get(group.streamId);
          return (
            <li key={group.key}>
              <Icon name="lock" />
              <span class="row__text">
                <strong>{camera ? <a href={cameraPath(camera.sensorId)}>{camera.name}</a> : group.streamId || "Recording"}</strong>
                <span class="muted">{plural(group.files.length, "file")}{group.detail !== "" && ` · ${group.detail}`}</span>
              </span>
              {mayConfigure.value && (
                <button type="button" class="button" disabled={busy !== null} onClick={() => void release(group)}><Icon name="unlock" />{busy === group.key ? "Letting go…" : "Let it age"}</button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
