/** Cameras as devices: finding, adding, setting up, moving. */

import type { SettingsChange, StreamSettings } from "../lib/camerasettings";
import { axesOf, type Motion } from "../lib/ptz";
import { getJson, orNull, request, withQuery } from "./client";
import type { DiscoveredCamera, SensorInfo, SensorStatus, StreamInfo } from "./types";
import { BASE } from "./vst";

/** A camera takes its time to answer, and the box waits for it. */
const CAMERA_MS = 45_000;

function sensor(sensorId: string, part = ""): string {
  return `${BASE}/sensor/${encodeURIComponent(sensorId)}${part}`;
}

/** Null on a box that does not look for cameras. */
export async function discovered(): Promise<DiscoveredCamera[] | null> {
  return orNull(getJson<DiscoveredCamera[]>(`${BASE}/sensor/discovered`));
}

export async function scan(): Promise<void> {
  await request(`${BASE}/sensor/scan`, { method: "POST", timeoutMs: CAMERA_MS });
}

export interface DiscoveredAdd {
  readonly name?: string;
  readonly username?: string;
  readonly password?: string;
}

export async function addDiscovered(endpoint: string, add: DiscoveredAdd): Promise<string> {
  const path = `${BASE}/sensor/discovered/${encodeURIComponent(endpoint)}/add`;
  const reply = await request(path, { method: "POST", json: add, timeoutMs: CAMERA_MS });
  return ((await reply.json()) as { sensorId: string }).sensorId;
}

export async function info(sensorId: string): Promise<SensorInfo> {
  return getJson<SensorInfo>(sensor(sensorId, "/info"));
}

export type InfoChange = Partial<Pick<SensorInfo, "name" | "location" | "tags">>;

export async function saveInfo(sensorId: string, change: InfoChange): Promise<void> {
  await request(sensor(sensorId, "/info"), { method: "POST", json: change });
}

export async function status(sensorId: string): Promise<SensorStatus> {
  return getJson<SensorStatus>(sensor(sensorId, "/status"));
}

export async function streams(sensorId: string): Promise<StreamInfo[]> {
  return (await getJson<StreamInfo[] | null>(sensor(sensorId, "/streams"))) ?? [];
}

/** By stream. Null where the camera has none that can be set. */
export async function settings(sensorId: string): Promise<Record<string, StreamSettings> | null> {
  return orNull(getJson<Record<string, StreamSettings> | null>(sensor(sensorId, "/settings"), { timeoutMs: CAMERA_MS }));
}

export async function saveSettings(sensorId: string, streamId: string, change: SettingsChange): Promise<void> {
  await request(sensor(sensorId, "/settings"), { method: "POST", json: change, headers: { streamId }, timeoutMs: CAMERA_MS });
}

export async function saveCredentials(sensorId: string, username: string, password: string): Promise<void> {
  await request(sensor(sensorId, "/credentials"), { method: "POST", json: { username, password }, timeoutMs: CAMERA_MS });
}

export interface Network {
  readonly ipAddressV4?: string;
  readonly subnetMaskV4?: string;
  readonly dhcpV4?: string;
  readonly isIpv4Enabled?: boolean;
  readonly ipAddressV6?: string;
}

export async function network(sensorId: string): Promise<Network | null> {
  return orNull(getJson<Network>(sensor(sensorId, "/network"), { timeoutMs: CAMERA_MS }));
}

export async function reboot(sensorId: string): Promise<void> {
  await request(sensor(sensorId, "/reboot"), { method: "POST", timeoutMs: CAMERA_MS });
}

/** The camera `replacement` takes the place of `sensorId`, which keeps its name and its footage. */
export async function replace(sensorId: string, replacement: string): Promise<void> {
  await request(sensor(sensorId, "/replace"), { method: "POST", json: { sensorId: replacement }, timeoutMs: CAMERA_MS });
}

export function exportUrl(format: "json" | "csv"): string {
  return withQuery(`${BASE}/sensor/export`, { format });
}

export interface ImportResult {
  readonly added: readonly unknown[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

export async function importList(body: string, csv: boolean): Promise<ImportResult> {
  const type = csv ? "text/csv" : "application/json";
  const reply = await request(`${BASE}/sensor/import`, { method: "POST", text: { type, body }, timeoutMs: 4 * CAMERA_MS });
  return (await reply.json()) as ImportResult;
}

export interface Ptz {
  readonly supported?: boolean;
  readonly presets?: readonly { readonly token: string; readonly name?: string }[];
}

/** Null for a camera that cannot be turned. */
export async function ptz(sensorId: string): Promise<Ptz | null> {
  const reply = await orNull(getJson<Ptz>(sensor(sensorId, "/ptz"), { timeoutMs: CAMERA_MS }));
  return reply && reply.supported !== false ? reply : null;
}

/** The camera stops by itself when nobody says it again in time. */
const MOVE_S = 5;

export async function ptzMove(sensorId: string, motion: Motion): Promise<void> {
  const json = { ...axesOf(motion), timeoutSeconds: MOVE_S };
  await request(sensor(sensorId, "/ptz/continuous"), { method: "POST", json });
}

export async function ptzStop(sensorId: string): Promise<void> {
  await request(sensor(sensorId, "/ptz/stop"), { method: "POST", json: {} });
}

export async function ptzPreset(sensorId: string, preset: string): Promise<void> {
  await request(sensor(sensorId, "/ptz/preset"), { method: "POST", json: { preset } });
}

/** Stores where the camera looks now. */
export async function ptzStore(sensorId: string, name: string): Promise<void> {
  await request(sensor(sensorId, "/ptz/preset"), { method: "POST", json: { action: "set", name } });
}

export interface Reading {
  readonly name: string;
  readonly timestamp: string;
  readonly value: unknown;
  readonly unit?: string | null;
}

/** Timestamped values that are not video, oldest first. Empty where the box keeps none. */
export async function readings(sensorId: string, startTime: string, endTime: string, limit: number): Promise<Reading[]> {
  const query = { startTime, endTime, limit };
  return (await orNull(getJson<{ readings?: Reading[] }>(sensor(sensorId, "/data"), { query })))?.readings ?? [];
}
