/** The ageing policy while it is edited, and what a change of it would do, in words. */

import { bytes, momentName, plural } from "./format";

/** Zero switches a rule off. */
export interface Policy {
  readonly maxAgeHours: number;
  readonly maxGibPerStream: number;
  readonly maxGib: number;
  readonly minFreeGib: number;
  readonly maxUsedPercent: number;
}

export interface Volume {
  readonly name: string;
  /** 0 is what is written first; higher ones take what ages out of it. */
  readonly tier: string | number;
  readonly state: "connected" | "disconnected";
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly usedBytes: number;
}

export interface StreamStore {
  readonly streamId: string;
  readonly name: string;
  readonly bytes: number;
  readonly bytesPerDay: number;
  readonly oldest: string | null;
  readonly protectedBytes: number;
}

export interface Forecast {
  readonly volumes: readonly Volume[];
  readonly bytesPerDay: number;
  /** Until the first limit in bytes is met; 0 once one is. */
  readonly daysRemaining: number | null;
  /** How much footage there will be once the limits are met; null where that is not known. */
  readonly retentionDays: number | null;
  /** The clock cannot be trusted, so nothing ages for now. */
  readonly clockSuspect: boolean;
  readonly oldest: string | null;
  readonly streams: readonly StreamStore[];
  readonly wouldDelete: {
    readonly segments: number;
    readonly bytes: number;
    readonly streams: readonly { readonly streamId: string; readonly segments: number; readonly bytes: number; readonly until: string | null }[];
  };
}

export const POLICY_KEYS = ["maxAgeHours", "maxGibPerStream", "maxGib", "minFreeGib", "maxUsedPercent"] as const;
export type PolicyKey = (typeof POLICY_KEYS)[number];

export interface Rule {
  readonly key: PolicyKey;
  readonly label: string;
  readonly hint: string;
  readonly unit: string;
  /** Wire value of one unit in the field. */
  readonly scale: number;
  readonly most: number;
  /** What the field offers when the rule is switched on. */
  readonly start: number;
}

export const RULES: readonly Rule[] = [
  { key: "maxAgeHours", label: "Age", hint: "Footage older than this goes.", unit: "days", scale: 24, most: 3_650, start: 30 },
  { key: "maxGib", label: "All cameras together", hint: "The oldest goes when recordings take more than this.", unit: "GiB", scale: 1, most: 1_000_000, start: 500 },
  { key: "maxGibPerStream", label: "Each camera", hint: "The oldest of a camera goes when it takes more than this.", unit: "GiB", scale: 1, most: 1_000_000, start: 100 },
  { key: "minFreeGib", label: "Free space", hint: "The oldest goes when the disk has less left.", unit: "GiB", scale: 1, most: 1_000_000, start: 10 },
  { key: "maxUsedPercent", label: "Disk in use", hint: "The oldest goes when the disk is fuller than this.", unit: "%", scale: 1, most: 99, start: 90 },
];

export function samePolicy(a: Policy, b: Policy): boolean {
  return POLICY_KEYS.every((key) => a[key] === b[key]);
}

/** What keeps a policy from being saved, or null. */
export function policyProblem(policy: Policy): string | null {
  for (const { key, label, most, scale } of RULES) {
    const value = policy[key] / scale;
    if (!Number.isFinite(value) || value < 0) return `${label}: a number is needed.`;
    if (value > most) return `${label}: at most ${most}.`;
  }
  return null;
}

/** "40 days", "9 hours": a length of footage or of time, in the unit that matters. */
export function daysWords(days: number | null): string {
  if (days === null) return "not known yet";
  if (days < 1 / 24) return "less than an hour";
  if (days < 2) return plural(Math.floor(days * 24), "hour");
  if (days > 730) return "more than 2 years";
  return plural(Math.floor(days), "day");
}

/** How long until something must go for the first time. */
export function remainingWords(days: number | null): string {
  return days === 0 ? "it goes already" : daysWords(days);
}

const TIERS = ["fast disk", "large disk", "object store"];

export function tierName(tier: string | number): string {
  return typeof tier === "number" ? (TIERS[tier] ?? `tier ${tier}`) : tier;
}

/** Where the oldest footage of a stream would begin, and what goes, per stream; the largest loss first. */
export function deletions(forecast: Forecast): { name: string; bytes: number; until: string | null; all: boolean }[] {
  const stores = new Map(forecast.streams.map((store) => [store.streamId, store]));
  return forecast.wouldDelete.streams
    .filter((stream) => stream.segments > 0)
    .map(({ streamId, bytes: count, until }) => {
      const store = stores.get(streamId);
      return { name: store?.name || streamId, bytes: count, until, all: store !== undefined && count >= store.bytes };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

/** What stays whatever happens. */
export interface Kept {
  readonly streamId: string;
  readonly startTime: string;
}

/** The oldest instant that would be left anywhere, null where nothing is left. */
export function oldestAfter(forecast: Forecast, kept: readonly Kept[]): number | null {
  const cut = new Map(forecast.wouldDelete.streams.map((stream) => [stream.streamId, stream]));
  const starts = forecast.streams.flatMap((store) => {
    if (store.oldest === null) return [];
    const gone = cut.get(store.streamId);
    const oldest = Date.parse(store.oldest);
    if (!gone || gone.segments === 0) return [oldest];
    const held = kept.filter(({ streamId }) => streamId === store.streamId).map(({ startTime }) => Math.max(oldest, Date.parse(startTime)));
    return gone.until === null || gone.bytes >= store.bytes ? held : [...held, Date.parse(gone.until)];
  });
  return starts.length === 0 ? null : Math.min(...starts);
}

/** "Would delete 12.4 GiB now, oldest footage then from Monday, 14:05". */
export function forecastSentence(forecast: Forecast, nowMs: number, kept: readonly Kept[] = []): string {
  const { segments, bytes: count } = forecast.wouldDelete;
  const oldest = oldestAfter(forecast, kept);
  if (segments === 0) return oldest === null ? "Would delete nothing." : `Would delete nothing; oldest footage is from ${momentName(oldest, nowMs)}.`;
  const first = `Would delete ${bytes(count)} now`;
  return oldest === null ? `${first}, and nothing would be left.` : `${first}, oldest footage then from ${momentName(oldest, nowMs)}.`;
}

/** "In the long run footage would stay for 9 days." Empty where that is not known. */
export function longRunSentence(forecast: Forecast): string {
  return forecast.retentionDays === null ? "" : `In the long run footage would stay for ${daysWords(forecast.retentionDays)}.`;
}

/** Parts of a disk for its bar, 0 to 1: recordings, other files, free. */
export function diskParts(volume: Volume): { used: number; other: number; free: number } {
  if (volume.totalBytes <= 0) return { used: 0, other: 0, free: 0 };
  const free = Math.min(1, volume.freeBytes / volume.totalBytes);
  const used = Math.min(1 - free, volume.usedBytes / volume.totalBytes);
  return { used, other: Math.max(0, 1 - free - used), free };
}
