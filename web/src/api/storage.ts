/** The disks, what ages out of them, what never does, and pieces of footage. */

import { POLICY_KEYS, type Forecast, type Policy } from "../lib/forecast";
import { isoTime } from "../lib/format";
import type { Span } from "../lib/timeline";
import { getJson, orNull, request, withQuery } from "./client";
import { BASE } from "./vst";

const MOST_FILES = 100;

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

/** Null on a box that protects nothing. */
export async function protectedFiles(): Promise<string[] | null> {
  return orNull(getJson<string[]>(`${BASE}/storage/file/protected`));
}

/** Those that could not be found come back. */
export async function protect(files: readonly string[], on: boolean): Promise<string[]> {
  const invalid: string[] = [];
  for (let at = 0; at < files.length; at += MOST_FILES) {
    const json = { filePath: files.slice(at, at + MOST_FILES), protect: on };
    const reply = await request(`${BASE}/storage/file/protect`, { method: "POST", json });
    invalid.push(...(((await reply.json()) as { invalidFiles?: string[] }).invalidFiles ?? []));
  }
  return invalid;
}

/** The files that hold a range. */
export async function filesOf(streamId: string, range: Span): Promise<string[]> {
  const path = `${BASE}/storage/file/${encodeURIComponent(streamId)}/path`;
  const rows = await getJson<{ id: string; mediaFilePath: string }[]>(path, { query: period(range), headers: { streamId } });
  return rows.map((row) => row.mediaFilePath);
}

/** Bytes that were freed. */
export async function deleteRange(streamId: string, range: Span): Promise<number> {
  const path = `${BASE}/storage/file/${encodeURIComponent(streamId)}`;
  const reply = await request(path, { method: "DELETE", query: period(range), headers: { streamId }, timeoutMs: 60_000 });
  return ((await reply.json()) as { spaceSaved?: number }).spaceSaved ?? 0;
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
  const path = `${BASE}/storage/stream/${encodeURIComponent(streamId)}/previews`;
  const reply = await orNull(getJson<{ times?: string[] }>(path, { query: { ...period(range), count }, signal }));
  return reply && (reply.times ?? []).map((time) => Date.parse(time));
}

export function previewUrl(streamId: string, at: number, width: number): string {
  const path = `${BASE}/storage/stream/${encodeURIComponent(streamId)}/preview`;
  return withQuery(path, { startTime: isoTime(at), width });
}
