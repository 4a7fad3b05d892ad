/** Wires and regions per camera, and how often each wire was crossed since midnight. */

import { signal, type Signal } from "@preact/signals";
import * as analytics from "../api/analytics";
import { messageOf } from "../api/client";
import type { Shapes } from "../api/types";
import { startOfDay } from "../lib/format";

export interface WireTotals {
  readonly in: number;
  readonly out: number;
  /** Epoch ms of the last crossing seen live, for a short flash on the picture. */
  readonly flashedAt: number;
}

export interface ShapesState extends Shapes {
  readonly loaded: boolean;
  readonly error: string | null;
  readonly totals: Readonly<Record<string, WireTotals>>;
}

const EMPTY: ShapesState = { tripwires: [], rois: [], loaded: false, error: null, totals: {} };
const states = new Map<string, Signal<ShapesState>>();

export function shapesOf(sensor: string): Signal<ShapesState> {
  const known = states.get(sensor);
  if (known) return known;
  const fresh = signal(EMPTY);
  states.set(sensor, fresh);
  return fresh;
}

export async function refreshShapes(sensor: string): Promise<void> {
  const state = shapesOf(sensor);
  try {
    const shapes = await analytics.shapes(sensor);
    state.value = { ...state.value, ...shapes, loaded: true, error: null };
    await refreshTotals(sensor);
  } catch (cause) {
    state.value = { ...state.value, loaded: true, error: messageOf(cause) };
  }
}

/** Counts from the store, which is right even when a websocket message was missed. */
export async function refreshTotals(sensor: string): Promise<void> {
  const state = shapesOf(sensor);
  const now = Date.now();
  const today = { start: startOfDay(now), end: now };
  const pairs = await Promise.all(
    state.value.tripwires.map(async ({ id }) => {
      const flashedAt = state.value.totals[id]?.flashedAt ?? 0;
      return [id, { ...(await analytics.tripwireTotals(sensor, id, today)), flashedAt }] as const;
    }),
  );
  state.value = { ...state.value, totals: Object.fromEntries(pairs) };
}

export function countCrossing(sensor: string, tripwireId: string, direction: "IN" | "OUT", now: number): void {
  const state = shapesOf(sensor);
  const old = state.value.totals[tripwireId] ?? { in: 0, out: 0, flashedAt: 0 };
  const totals = direction === "IN" ? { ...old, in: old.in + 1 } : { ...old, out: old.out + 1 };
  state.value = { ...state.value, totals: { ...state.value.totals, [tripwireId]: { ...totals, flashedAt: now } } };
}
