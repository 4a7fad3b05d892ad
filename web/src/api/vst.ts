/** Cameras, recordings and pictures. */

import { getJson, request, withQuery } from "./client";
import type { NewSensor, SensorInfo, SensorStatus, StreamInfo, TimelineEntry } from "./types";
import type { Span } from "../lib/timeline";
import { isoTime } from "../lib/format";

export const BASE = "/vst/api/v1";

export async function listSensors(): Promise<SensorInfo[]> {
  const sensors = await getJson<SensorInfo[] | null>(`${BASE}/sensor/list`);
  return (sensors ?? []).filter((sensor) => sensor.state !== "removed");
}

export async function sensorStatus(): Promise<Record<string, SensorStatus>> {
  return (await getJson<Record<string, SensorStatus> | null>(`${BASE}/sensor/status`)) ?? {};
}

/** Streams by sensor id. The wire is a list of one-key objects. */
export async function sensorStreams(): Promise<Map<string, StreamInfo[]>> {
  const rows = (await getJson<Record<string, StreamInfo[]>[] | null>(`${BASE}/sensor/streams`)) ?? [];
  return new Map(rows.flatMap((row) => Object.entries(row)));
}

/** The box probes the URL before it answers, which takes as long as the camera does. */
export async function addSensor(sensor: NewSensor): Promise<string> {
  const reply = await request(`${BASE}/sensor/add`, { method: "POST", json: sensor, timeoutMs: 45_000 });
  return ((await reply.json()) as { sensorId: string }).sensorId;
}

export async function deleteSensor(sensorId: string, deleteRecordings: boolean): Promise<void> {
  const query = deleteRecordings ? { deleteRecordings: "true" } : {};
  await request(`${BASE}/sensor/${encodeURIComponent(sensorId)}`, { method: "DELETE", query });
}

export async function timeline(streamId: string, signal?: AbortSignal): Promise<Span[]> {
  const path = `${BASE}/storage/${encodeURIComponent(streamId)}/timelines`;
  const rows = await getJson<TimelineEntry[] | null>(path, { headers: { streamId }, ...(signal && { signal }) });
  return (rows ?? []).map((row) => ({ start: Date.parse(row.startTime), end: Date.parse(row.endTime) }));
}

/** A link a browser can download or play by itself. */
export function clipUrl(streamId: string, range: Span, container?: "ts"): string {
  return withQuery(`${BASE}/storage/file/${encodeURIComponent(streamId)}`, {
    startTime: isoTime(range.start),
    endTime: isoTime(range.end),
    container,
  });
}

/** A small current picture, for an <img>. */
export function thumbnailUrl(streamId: string): string {
  return withQuery(`${BASE}/live/stream/${encodeURIComponent(streamId)}/picture`, { width: 192, height: 108 });
}

/** Throws what the box has to say against a clip; the first byte is enough to know. */
export async function clipProblem(streamId: string, range: Span): Promise<void> {
  await request(clipUrl(streamId, range), { headers: { accept: "video/mp4", range: "bytes=0-0" } });
}

export async function snapshot(streamId: string): Promise<Blob> {
  const path = `${BASE}/live/stream/${encodeURIComponent(streamId)}/picture`;
  return (await request(path, { headers: { streamId, accept: "image/jpeg" } })).blob();
}
