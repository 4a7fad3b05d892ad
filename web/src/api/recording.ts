/** What is recorded of a stream, when, and what became of every second of it. */

import { readCoverage, type Coverage, type CoverageReply } from "../lib/coverage";
import { isoTime } from "../lib/format";
import type { RecordingRule } from "../lib/recordmode";
import type { Span } from "../lib/timeline";
import { getJson, orNull, request, withQuery } from "./client";
import type { RecordingStatus } from "./types";
import { BASE } from "./vst";

function record(streamId: string, part: string): string {
  return `${BASE}/record/${encodeURIComponent(streamId)}/${part}`;
}

function period(range: Span): { startTime: string; endTime: string } {
  return { startTime: isoTime(range.start), endTime: isoTime(range.end) };
}

/** By stream id. */
export async function recordingStates(): Promise<Record<string, RecordingStatus>> {
  const reply = await getJson<Record<string, { recording_status?: RecordingStatus }> | null>(`${BASE}/record/status`);
  return Object.fromEntries(Object.entries(reply ?? {}).map(([id, state]) => [id, state.recording_status ?? "statusUnknown"]));
}

export async function recordingState(streamId: string): Promise<RecordingStatus> {
  return (await getJson<{ recordingStatus: RecordingStatus }>(record(streamId, "status"))).recordingStatus;
}

/** Null on a box that always records everything. */
export async function rule(streamId: string): Promise<RecordingRule | null> {
  return orNull(getJson<RecordingRule>(record(streamId, "mode")));
}

export async function saveRule(streamId: string, next: RecordingRule): Promise<void> {
  await request(record(streamId, "mode"), { method: "POST", json: next });
}

export async function startRecording(streamId: string): Promise<void> {
  await request(record(streamId, "start"), { method: "POST" });
}

export async function stopRecording(streamId: string): Promise<void> {
  await request(record(streamId, "stop"), { method: "POST" });
}

/** Null on a box without a coverage ledger. */
export async function coverage(streamId: string, range: Span, signal?: AbortSignal): Promise<Coverage | null> {
  const options = { query: period(range), ...(signal && { signal }), timeoutMs: 30_000 };
  const reply = await orNull(getJson<CoverageReply>(record(streamId, "coverage"), options));
  return reply && readCoverage(reply, range);
}

/** A link to save: what was recorded and what was not, signed by the box. */
export function manifestUrl(streamId: string, range: Span): string {
  return withQuery(record(streamId, "coverage/manifest"), period(range));
}
