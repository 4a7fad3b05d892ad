/** Alerts of the last day: fetched per camera, then kept current by whatever the websockets bring. */

import { computed, signal } from "@preact/signals";
import * as analytics from "../api/analytics";
import { messageOf } from "../api/client";
import type { AlertItem } from "../api/types";

export interface AlertsState {
  readonly alerts: readonly AlertItem[];
  readonly loaded: boolean;
  readonly error: string | null;
}

const DAY_MS = 86_400_000;
const KEEP = 500;
const SEEN_KEY = "vedette.alerts.seen";

export const alertsState = signal<AlertsState>({ alerts: [], loaded: false, error: null });

function storedSeen(): number {
  return Number(globalThis.localStorage?.getItem(SEEN_KEY) ?? 0) || 0;
}

export const seenUntil = signal(storedSeen());
export const unseenCount = computed(
  () => alertsState.value.alerts.filter((alert) => Date.parse(alert.startTimestamp) > seenUntil.value).length,
);

/** Newest first, one entry per id; the later version of an alert (it ended) wins. */
export function mergeAlerts(old: readonly AlertItem[], fresh: readonly AlertItem[]): AlertItem[] {
  const byId = new Map(old.map((alert) => [alert.id, alert]));
  for (const alert of fresh) byId.set(alert.id, { ...byId.get(alert.id), ...alert });
  return [...byId.values()]
    .sort((a, b) => Date.parse(b.startTimestamp) - Date.parse(a.startTimestamp))
    .slice(0, KEEP);
}

export function addAlert(alert: AlertItem): void {
  const state = alertsState.value;
  alertsState.value = { ...state, alerts: mergeAlerts(state.alerts, [alert]) };
}

export async function refreshAlerts(sensors: readonly string[]): Promise<void> {
  const now = Date.now();
  const day = { start: now - DAY_MS, end: now };
  const answers = await Promise.allSettled(sensors.map((name) => analytics.alerts(name, day, 200)));
  // A camera added this minute may not be known there yet; that must not hide the others' alerts.
  const lists = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const failure = answers.find((answer) => answer.status === "rejected");
  const old = alertsState.value;
  if (lists.length === 0 && failure) alertsState.value = { ...old, error: messageOf(failure.reason) };
  else alertsState.value = { alerts: mergeAlerts(old.alerts, lists.flat()), loaded: true, error: null };
}

export function markSeen(): void {
  const newest = alertsState.value.alerts[0];
  if (!newest) return;
  seenUntil.value = Math.max(seenUntil.value, Date.parse(newest.startTimestamp));
  globalThis.localStorage?.setItem(SEEN_KEY, String(seenUntil.value));
}
