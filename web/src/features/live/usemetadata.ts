/** A camera's websocket turned into a frame buffer, crossing counts and alerts. */

import { useEffect, useMemo } from "preact/hooks";
import { watchSensor } from "../../api/feed";
import { FrameBuffer } from "../../lib/frames";
import { Pacing } from "../../lib/pacing";
import { addAlert } from "../../state/alerts";
import { countCrossing } from "../../state/shapes";

export interface Metadata {
  readonly frames: FrameBuffer;
  readonly pacing: Pacing;
}

export function useMetadata(sensor: string, active: boolean): Metadata {
  const metadata = useMemo<Metadata>(() => ({ frames: new FrameBuffer(), pacing: new Pacing() }), [sensor]);
  useEffect(() => {
    if (!active) return;
    const stop = watchSensor(sensor, (message) => {
      if (message.kind === "frame") {
        metadata.frames.push(message.frame);
        metadata.pacing.metadata(message.frame.at);
      } else if (message.kind === "alert") {
        addAlert(message.alert);
      } else {
        countCrossing(sensor, message.crossing.tripwireId, message.crossing.direction, Date.now());
      }
    });
    return () => {
      stop();
      metadata.frames.clear();
    };
  }, [sensor, active, metadata]);
  return metadata;
}
