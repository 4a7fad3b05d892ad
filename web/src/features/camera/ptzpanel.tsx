/** The pad of a camera that can turn: it moves while a button or an arrow key is held. */

import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../api/client";
import { ptz as askPtz, ptzMove, ptzPreset, ptzStop } from "../../api/devices";
import { combined, isStill, motionOf, type Motion } from "../../lib/ptz";
import type { Camera } from "../../state/cameras";
import { useAsked } from "../../ui/hooks";
import { Icon, type IconName } from "../../ui/icon";
import { toast } from "../../ui/toast";

const BUTTONS: readonly { readonly key: string; readonly icon: IconName; readonly label: string; readonly area: string }[] = [
  { key: "ArrowUp", icon: "up", label: "Up", area: "up" },
  { key: "ArrowLeft", icon: "back", label: "Left", area: "left" },
  { key: "ArrowRight", icon: "next", label: "Right", area: "right" },
  { key: "ArrowDown", icon: "down", label: "Down", area: "down" },
  { key: "+", icon: "plus", label: "Closer", area: "closer" },
  { key: "-", icon: "minus", label: "Farther", area: "farther" },
];

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
        else await ptzMove(sensorId, motion.pan, motion.tilt, motion.zoom);
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
  const { value } = useAsked(() => askPtz(camera.sensorId), 0, camera.sensorId);
  if (!value) return null;
  return <Pad sensorId={camera.sensorId} presets={value.presets ?? []} />;
}

function Pad({ sensorId, presets }: { sensorId: string; presets: readonly { readonly token: string; readonly name?: string }[] }) {
  const held = useRef(new Set<string>());
  const [moving, setMoving] = useState(false);
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
        {presets.length > 0 && (
          <div class="ptz__presets" role="group" aria-label="Stored positions">
            {presets.map((preset) => (
              <button key={preset.token} type="button" class="button" onClick={() => ptzPreset(sensorId, preset.token).catch((cause: unknown) => toast(messageOf(cause)))}>{preset.name || preset.token}</button>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}
