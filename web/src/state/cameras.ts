/** The cameras of the box, as one list the pages share; refreshed while anyone looks. */

import { computed, signal } from "@preact/signals";
import { messageOf } from "../api/client";
import type { SensorInfo, SensorStatus, StreamInfo } from "../api/types";
import * as vst from "../api/vst";
import type { Size } from "../lib/geometry";

export interface Camera {
  readonly sensorId: string;
  readonly name: string;
  readonly online: boolean;
  /** Why it is offline, as the box says it; empty while online. */
  readonly reason: string;
  /** What is the matter though it is online; empty while all is well. */
  readonly warning: string;
  readonly streamId: string;
  readonly size: Size | null;
  readonly detail: string;
  readonly url: string;
  /** It has a device service of its own (ONVIF), so it can be asked for settings and be turned. */
  readonly device: boolean;
  /** All of its streams, the main one among them. */
  readonly streams: readonly StreamInfo[];
}

export interface CamerasState {
  readonly cameras: readonly Camera[];
  readonly loaded: boolean;
  readonly error: string | null;
}

export const camerasState = signal<CamerasState>({ cameras: [], loaded: false, error: null });
export const onlineCount = computed(() => camerasState.value.cameras.filter((camera) => camera.online).length);

export function parseResolution(text: string | undefined): Size | null {
  const match = /^(\d{2,5})\s*[x×]\s*(\d{2,5})$/i.exec(text?.trim() ?? "");
  return match ? { width: Number(match[1]), height: Number(match[2]) } : null;
}

const MOST_FPS = 480;

export function describe(stream: StreamInfo | undefined): string {
  const size = parseResolution(stream?.metadata?.resolution);
  const rate = Number.parseFloat(stream?.metadata?.framerate ?? "");
  const parts = [
    stream?.metadata?.codec?.toUpperCase().replace(/^H26/, "H.26") ?? "",
    size ? `${size.width} × ${size.height}` : "",
    // A camera that tells its clock instead of its rate tells nothing.
    Number.isFinite(rate) && rate > 0 && rate <= MOST_FPS ? `${Math.round(rate)} fps` : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

export function toCamera(
  sensor: SensorInfo,
  status: SensorStatus | undefined,
  streams: readonly StreamInfo[] | undefined,
): Camera {
  const main = streams?.find((stream) => stream.isMain) ?? streams?.[0];
  const online = (status?.state ?? sensor.state) === "online";
  return {
    sensorId: sensor.sensorId,
    name: sensor.name || sensor.sensorId,
    online,
    reason: online ? "" : status?.errorMessage || "No signal from this camera",
    warning: online && status && status.errorCode !== "NoError" ? status.errorMessage : "",
    streamId: main?.streamId ?? sensor.sensorId,
    size: parseResolution(main?.metadata?.resolution),
    detail: describe(main),
    url: main?.url ?? "",
    device: sensor.type === "sensor_onvif",
    streams: streams ?? [],
  };
}

function sameCameras(a: readonly Camera[], b: readonly Camera[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

let inFlight: Promise<void> | null = null;

async function load(): Promise<void> {
  try {
    const [sensors, status, streams] = await Promise.all([vst.listSensors(), vst.sensorStatus(), vst.sensorStreams()]);
    // In the order of the box, so that a tile stays where the eye expects it.
    const cameras = sensors.map((sensor) => toCamera(sensor, status[sensor.sensorId], streams.get(sensor.sensorId)));
    const old = camerasState.value;
    // The same list must stay the same object, or every tile would render again each few seconds.
    const kept = sameCameras(old.cameras, cameras) ? old.cameras : cameras;
    camerasState.value = { cameras: kept, loaded: true, error: null };
  } catch (cause) {
    camerasState.value = { ...camerasState.value, error: messageOf(cause) };
  }
}

export function refreshCameras(): Promise<void> {
  inFlight ??= load().finally(() => (inFlight = null));
  return inFlight;
}
