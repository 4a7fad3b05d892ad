/** Footage that never ages, and the way to let go of it. */

import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { protect, protections, type Protection } from "../../api/storage";
import { lasted } from "../../lib/coverage";
import { momentName, shortTime } from "../../lib/format";
import type { Span } from "../../lib/timeline";
import { camerasState, type Camera } from "../../state/cameras";
import { learnNames, personName } from "../../state/people";
import { cameraPath } from "../../state/router";
import { mayRemove } from "../../state/session";
import { useAsked } from "../../ui/hooks";
import { Icon } from "../../ui/icon";
import { Notice } from "../../ui/parts";
import { toast } from "../../ui/toast";

function rangeOf({ startTime, endTime }: Protection): Span {
  return { start: Date.parse(startTime), end: Date.parse(endTime) };
}

/** Absent on a box that protects nothing. */
export function ProtectedPanel() {
  const { value, error, again } = useAsked(() => protections(), 0);
  const [busy, setBusy] = useState<Protection | null>(null);
  useEffect(() => void learnNames(), []);
  if (value === null) return null;

  async function release(item: Protection): Promise<void> {
    setBusy(item);
    try {
      await protect(item.streamId, rangeOf(item), false);
      toast("It ages like everything else now");
      again();
    } catch (cause) {
      toast(messageOf(cause));
    }
    setBusy(null);
  }

  return (
    <section class="panel" aria-label="Protected footage">
      <div class="panel__head"><h2>Protected footage</h2><p>Neither ages nor can be deleted.</p></div>
      {error && <div class="panel__body"><Notice error>{error}</Notice></div>}
      {value?.length === 0 && <p class="panel__body muted">None. Mark a range on a camera's recordings and choose Protect.</p>}
      <ul class="protected">
        {value?.map((item) => (
          <Line key={`${item.streamId} ${item.startTime}`} item={item} camera={cameraOf(item.streamId)} busy={busy === item} onRelease={() => void release(item)} />
        ))}
      </ul>
    </section>
  );
}

function cameraOf(streamId: string): Camera | undefined {
  return camerasState.value.cameras.find((camera) => camera.streamId === streamId || camera.streams.some((stream) => stream.streamId === streamId));
}

function Line({ item, camera, busy, onRelease }: { item: Protection; camera: Camera | undefined; busy: boolean; onRelease: () => void }) {
  const range = rangeOf(item);
  const now = Date.now();
  return (
    <li>
      <Icon name="lock" />
      <span class="row__text">
        <strong>{camera ? <a href={cameraPath(camera.sensorId)}>{camera.name}</a> : item.streamId}</strong>
        <span class="muted">{momentName(range.start, now)} – {shortTime(range.end)}, {lasted(range)}{item.by && ` · by ${personName(item.by)}`}</span>
      </span>
      {mayRemove.value && <button type="button" class="button" disabled={busy} onClick={onRelease}><Icon name="unlock" />{busy ? "Letting go…" : "Let it age"}</button>}
    </li>
  );
}
