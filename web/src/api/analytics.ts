/** Counts, wires, regions and alerts. `sensor` is the camera's name: that is what its metadata carries. */

import { getJson, request } from "./client";
import type { AlertItem, AlertRule, OccupancyBucket, Roi, RuleKind, Shapes, Tripwire, TripwireBucket } from "./types";
import { isoTime } from "../lib/format";
import { countPoints, crossingPoints, totalCount, type CountPoint, type CrossingPoint } from "../lib/series";
import type { Span } from "../lib/timeline";

const BASE = "/emdx/api/v2";
/** Asks for the total as well, so that there are buckets also while nothing is in view. */
const ALL_TYPES = { objectType: "*" };

function period(range: Span): { fromTimestamp: string; toTimestamp: string } {
  return { fromTimestamp: isoTime(range.start), toTimestamp: isoTime(range.end) };
}

export async function shapes(sensor: string): Promise<Shapes> {
  const reply = await getJson<Partial<Shapes>>(`${BASE}/config/tripwire`, { query: { sensorId: sensor } });
  return { tripwires: reply.tripwires ?? [], rois: reply.rois ?? [] };
}

/** `fresh`: a new wire that must not inherit what an earlier one of this id has counted. */
export async function saveTripwire(sensor: string, tripwire: Tripwire, fresh: boolean): Promise<void> {
  const json = { deleteIfPresent: fresh, sensorId: sensor, tripwires: [tripwire] };
  await request(`${BASE}/config/tripwire`, { method: "POST", json });
}

export async function saveRoi(sensor: string, roi: Roi, fresh: boolean): Promise<void> {
  const json = { deleteIfPresent: fresh, sensorId: sensor, rois: [roi] };
  await request(`${BASE}/config/roi`, { method: "POST", json });
}

export async function deleteTripwire(sensor: string, tripwireId: string): Promise<void> {
  await request(`${BASE}/config/tripwire`, { method: "DELETE", query: { sensorId: sensor, tripwireId } });
}

export async function deleteRoi(sensor: string, roiId: string): Promise<void> {
  await request(`${BASE}/config/roi`, { method: "DELETE", query: { sensorId: sensor, roiId } });
}

export async function fovHistogram(
  sensor: string,
  range: Span,
  bucketSizeInSec: number,
  signal: AbortSignal,
): Promise<CountPoint[]> {
  const query = { sensorId: sensor, ...period(range), bucketSizeInSec, ...ALL_TYPES };
  const path = `${BASE}/metrics/occupancy/fov/histogram`;
  const reply = await getJson<{ histogram?: OccupancyBucket[] }>(path, { query, signal });
  return countPoints(reply.histogram ?? []);
}

export async function roiHistogram(
  sensor: string,
  roiId: string,
  range: Span,
  bucketSizeInSec: number,
  signal: AbortSignal,
): Promise<CountPoint[]> {
  const query = { sensorId: sensor, roiId, ...period(range), bucketSizeInSec, ...ALL_TYPES };
  const path = `${BASE}/metrics/occupancy/roi/histogram`;
  const reply = await getJson<{ rois?: { id: string; histogram: OccupancyBucket[] }[] }>(path, { query, signal });
  return countPoints(reply.rois?.find((roi) => roi.id === roiId)?.histogram ?? []);
}

export async function tripwireHistogram(
  sensor: string,
  tripwireId: string,
  range: Span,
  bucketSizeInSec: number,
  signal: AbortSignal,
): Promise<CrossingPoint[]> {
  const query = { sensorId: sensor, tripwireId, ...period(range), bucketSizeInSec };
  const path = `${BASE}/metrics/tripwire/histogram`;
  const reply = await getJson<{ tripwires?: { id: string; histogram: TripwireBucket[] }[] }>(path, { query, signal });
  return crossingPoints(reply.tripwires?.find((wire) => wire.id === tripwireId)?.histogram ?? []);
}

interface TripwireKpi {
  readonly id: string;
  readonly events: readonly { type: string; objects: readonly { type: string; count: number }[] }[];
}

/** IN and OUT of one wire over a period. */
export async function tripwireTotals(
  sensor: string,
  tripwireId: string,
  range: Span,
): Promise<{ in: number; out: number }> {
  const query = { sensorId: sensor, tripwireId, ...period(range) };
  const reply = await getJson<{ tripwireKpis?: TripwireKpi[] }>(`${BASE}/metrics/tripwire`, { query });
  const events = reply.tripwireKpis?.find((kpi) => kpi.id === tripwireId)?.events ?? [];
  const of = (type: string): number =>
    events.filter((event) => event.type === type).reduce((sum, event) => sum + totalCount(event.objects), 0);
  return { in: of("IN"), out: of("OUT") };
}

export async function rules(sensor: string, kind: RuleKind): Promise<AlertRule[]> {
  const path = `${BASE}/config/rule/alerts/${kind}`;
  return (await getJson<{ rules?: AlertRule[] }>(path, { query: { sensorId: sensor } })).rules ?? [];
}

export async function addRule(sensor: string, kind: RuleKind, rule: AlertRule): Promise<void> {
  const json = { sensorId: sensor, rules: [rule] };
  await request(`${BASE}/config/rule/alerts/${kind}`, { method: "POST", json });
}

export async function deleteRule(sensor: string, kind: RuleKind, rule: AlertRule): Promise<void> {
  const target = kind === "roi" ? { roiId: rule.id ?? "" } : kind === "tripwire" ? { tripwireId: rule.id ?? "" } : {};
  const query = { sensorId: sensor, ruleId: rule.ruleId ?? "", ...target };
  await request(`${BASE}/config/rule/alerts/${kind}`, { method: "DELETE", query });
}

/** Newest first. */
export async function alerts(sensor: string, range: Span, limit: number): Promise<AlertItem[]> {
  const query = { sensorId: sensor, ...period(range), limit };
  const reply = await getJson<{ alerts?: AlertItem[] }>(`${BASE}/alerts`, { query });
  return [...(reply.alerts ?? [])].sort((a, b) => Date.parse(b.startTimestamp) - Date.parse(a.startTimestamp));
}
