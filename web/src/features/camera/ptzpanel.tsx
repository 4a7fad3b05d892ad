/** The pad of a camera that can turn: it moves while a button or an arrow key is held. */

import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { ptz as askPtz, ptzMove, ptzPreset, ptzStop, ptzStore } from "../../api/devices";
import { combined, isStill, motionOf, type Motion } from "../../lib/ptz";
import type { Camera } from "../../state/cameras";
import { useAsked } from "../../ui/hooks";
import { Icon, type IconName } from "../../ui/icon";
import { Dialog, Field, Notice, SubmitButton } from "../../ui/parts";
import { toast } from "../../ui/toast";

const BUTTONS: readonly { readonly key: string; readonly icon: IconName; readonly label: string; readonly area: string }[] = [
  { key: "ArrowUp", icon: "up", label: "Up", area: "up" },
  { key: "ArrowLeft", icon: "back", label: "Left", area: "left" },
  { key: "ArrowRight", icon: "next", label: "Right", area: "right" },
  { key: "ArrowDown", icon: "down", label: "Down", area: "down" },
  { key: "+", icon: "plus", label: "Closer", area: "closer" },
  { key: "-", icon: "minus", label: "Farther", area: "farther" },
];

/** Shorter than the time after which a camera stops by itself. */
const AGAIN_MS = 3_000;

/** Moves in the order they were asked for; only the newest of those that wait is sent. */
function useMover(sensorId: string): (motion: Motion) => void {
  const wanted = useRef<Motion | null>(null);
  const busy = useRef(false);
  async function drain(): Promise<void> {
    if (busy.current) return;
    busy.current = true;
    try {
      while (wanted.current) {
        const motion = wanted.current;
        wanted.current = null;
        if (isStill(motion)) await ptzStop(sensorId);
        else await ptzMove(sensorId, motion);
      }
    } catch (cause) {
      toast(messageOf(cause));
    }
    busy.current = false;
  }
  return (motion) => {
    wanted.current = motion;
    void drain();
  };
}

/** Absent for cameras that cannot turn. */
export function PtzPanel({ camera }: { camera: Camera }) {
  const { value, again } = useAsked(() => askPtz(camera.sensorId), 0, camera.sensorId);
  if (!value) return null;
  return <Pad sensorId={camera.sensorId} presets={value.presets ?? []} onStored={again} />;
}

interface PadProps {
  readonly sensorId: string;
  readonly presets: readonly { readonly token: string; readonly name?: string }[];
  readonly onStored: () => void;
}

function Pad({ sensorId, presets, onStored }: PadProps) {
  const held = useRef(new Set<string>());
  const [moving, setMoving] = useState(false);
  const [storing, setStoring] = useState(false);
  const move = useMover(sensorId);

  function change(key: string, down: boolean): void {
    if (down === held.current.has(key)) return;
    if (down) held.current.add(key);
    else held.current.delete(key);
    setMoving(held.current.size > 0);
    move(combined(held.current));
  }

  function release(): void {
    if (held.current.size === 0) return;
    held.current.clear();
    setMoving(false);
    move(combined([]));
  }

  useEffect(() => {
    if (!moving) return;
    const timer = setInterval(() => move(combined(held.current)), AGAIN_MS);
    return () => clearInterval(timer);
  }, [moving]);

  // A camera must not go on turning when the page goes away under the finger.
  useEffect(() => {
    addEventListener("blur", release);
    return () => {
      removeEventListener("blur", release);
      release();
    };
  }, [sensorId]);

  return (
    <section class="panel ptz" aria-label="Turn the camera">
      <div class="panel__head"><h2>Turn</h2><p>Hold to move</p></div>
      <div class="panel__body">
        <div
          class="ptz__pad"
          data-moving={moving}
          onKeyDown={(event) => {
            if (!motionOf(event.key) || event.repeat) return;
            event.preventDefault();
            change(event.key, true);
          }}
          onKeyUp={(event) => change(event.key, false)}
        >
          {BUTTONS.map(({ key, icon, label, area }) => (
            <button
              key={key}
              type="button"
              class={`button button--icon ptz__${area}`}
              aria-label={label}
              onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                change(key, true);
              }}
              onPointerUp={() => change(key, false)}
              onPointerCancel={() => change(key, false)}
              onContextMenu={(event) => event.preventDefault()}
              onKeyDown={(event) => (event.key === " " || event.key === "Enter") && !event.repeat && change(key, true)}
              onKeyUp={(event) => (event.key === " " || event.key === "Enter") && change(key, false)}
              onBlur={() => change(key, false)}
            >
              <Icon name={icon} />
            </button>
          ))}
        </div>
        <div class="ptz__presets" role="group" aria-label="Stored positions">
          {presets.map((preset) => (
            <button key={preset.token} type="button" class="button" onClick={() => ptzPreset(sensorId, preset.token).catch((cause: unknown) => toast(messageOf(cause)))}>{preset.name || preset.token}</button>
          ))}
          <button type="button" class="button button--quiet" onClick={() => setStoring(true)}><Icon name="plus" size={16} />Store this view</button>
        </div>
        {storing && <StoreDialog sensorId={sensorId} onClose={() => setStoring(false)} onStored={onStored} />}
      </div>
    </section>
  );
}

function StoreDialog({ sensorId, onClose, onStored }: { sensorId: string; onClose: () => void; onStored: () => void }) {
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function submit(): Promise<void> {
    setBusy(true);
    try {
      await ptzStore(sensorId, name.trim());
      toast(`${name.trim()} stored`);
      onStored();
      onClose();
    } catch (cause) {
      setError(messageOf(cause));
      setBusy(false);
    }
  }
  return (
    <Dialog title="Store this view" onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label="Name" value={name} onInput={setName} required maxLength={64} placeholder="Entrance" autoFocus />
        {error && <Notice error>{error}</Notice>}
        <SubmitButton busy={busy} busyLabel="Asking the camera…">Store</SubmitButton>
      </form>
    </Dialog>
  );
}
