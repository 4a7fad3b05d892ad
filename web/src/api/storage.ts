/** The disks, what ages out of them, what never does, and pieces of footage. */

import { POLICY_KEYS, type Forecast, type Policy } from "../lib/forecast";
import { isoTime } from "../lib/format";
import type { Span } from "../lib/timeline";
import { can } from "./abilities";
import { getJson, orNull, request, withQuery } from "./client";
import { BASE } from "./vst";

function period(range: Span): { startTime: string; endTime: string } {
  return { startTime: isoTime(range.start), endTime: isoTime(range.end) };
}

export async function policy(): Promise<Policy | null> {
  const reply = await orNull(getJson<Partial<Policy>>(`${BASE}/storage/policy`));
  return reply && (Object.fromEntries(POLICY_KEYS.map((key) => [key, reply[key] ?? 0])) as Record<keyof Policy, number>);
}

export async function savePolicy(next: Policy): Promise<void> {
  await request(`${BASE}/storage/policy`, { method: "POST", json: next });
}

/** With a policy: as if that were in force. Null on a box that cannot foresee. */
export async function forecast(whatIf: Policy | null, signal?: AbortSignal): Promise<Forecast | null> {
  const options = { query: { ...whatIf }, ...(signal && { signal }), timeoutMs: 30_000 };
  const reply = await orNull(getJson<Partial<Forecast>>(`${BASE}/storage/forecast`, options));
  if (!reply) return null;
  const gone = reply.wouldDelete;
  return {
    volumes: reply.volumes ?? [],
    bytesPerDay: reply.bytesPerDay ?? 0,
    daysRemaining: reply.daysRemaining ?? null,
    retentionDays: reply.retentionDays ?? null,
    clockSuspect: reply.clockSuspect ?? false,
    oldest: reply.oldest ?? null,
    streams: reply.streams ?? [],
    wouldDelete: { segments: gone?.segments ?? 0, bytes: gone?.bytes ?? 0, streams: gone?.streams ?? [] },
  };
}

/** Footage that neither ages nor can be deleted, by whom and since when. */
export interface Protection {
  readonly streamId: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly by: string;
  readonly since: string;
}

/** Null on a box that protects nothing. */
export async function protections(): Promise<Protection[] | null> {
  return orNull(getJson<Protection[]>(`${BASE}/storage/protections`));
}

export async function protect(streamId: string, range: Span, on: boolean): Promise<void> {
  const json = { filePath: [], ranges: [{ streamId, ...period(range) }], protect: on };
  await request(`${BASE}/storage/file/protect`, { method: "POST", json });
}

/** What went: whole segments, so a little less than the range. Null when none lay inside it. */
export interface Deleted extends Span {
  readonly bytes: number;
}

export async function deleteRange(streamId: string, range: Span): Promise<Deleted | null> {
  const path = `${BASE}/storage/file/${encodeURIComponent(streamId)}`;
  const reply = await request(path, { method: "DELETE", query: period(range), headers: { streamId }, timeoutMs: 60_000 });
  const { deleted } = (await reply.json()) as { deleted?: { segments: number; bytes: number; startTime: string; endTime: string } };
  if (!deleted || deleted.segments === 0) return null;
  return { bytes: deleted.bytes, start: Date.parse(deleted.startTime), end: Date.parse(deleted.endTime) };
}

export interface TemporaryUrl {
  readonly videoUrl: string;
  readonly expiryISO: string;
}

/** A link that needs no sign-in until it expires. */
export async function temporaryUrl(streamId: string, range: Span, expiryMinutes: number): Promise<TemporaryUrl> {
  const path = `${BASE}/storage/file/${encodeURIComponent(streamId)}/url`;
  const query = { ...period(range), expiryMinutes, container: "mp4" };
  return getJson<TemporaryUrl>(path, { query, headers: { streamId }, timeoutMs: 60_000 });
}

/** Instants that have a small picture, about evenly spread. Null on a box without previews. */
export async function previewTimes(streamId: string, range: Span, count: number, signal: AbortSignal): Promise<number[] | null> {
  if (!(await can("GET /storage/stream/{streamId}/previews"))) return null;
  const path = `${BASE}/storage/stream/${encodeURIComponent(streamId)}/previews`;
  const reply = await orNull(getJson<{ times?: string[] }>(path, { query: { ...period(range), count }, signal }));
  return reply && (reply.times ?? []).map((time) => Date.parse(time));
}

/** A picture out of the recording itself. */
export function pictureUrl(streamId: string, at: number, width: number): string {
  const path = `${BASE}/storage/stream/${encodeURIComponent(streamId)}/picture`;
  return withQuery(path, { startTime: isoTime(at), width });
}

export function previewUrl(streamId: string, at: number, width: number): string {
  const path = `${BASE}/storage/stream/${encodeURIComponent(streamId)}/preview`;
  return withQuery(path, { startTime: isoTime(at), width });
}
