/** Reading the metadata websocket: whatever is not understood is skipped, never fatal. */

import type { MetaFrame, TrackedObject } from "../lib/frames";
import type { AlertItem } from "./types";

export interface Crossing {
  readonly tripwireId: string;
  readonly direction: "IN" | "OUT";
  readonly objectId: string;
  readonly at: number;
}

export type FeedMessage =
  | { readonly kind: "frame"; readonly sensor: string; readonly frame: MetaFrame }
  | { readonly kind: "crossing"; readonly sensor: string; readonly crossing: Crossing }
  | { readonly kind: "alert"; readonly sensor: string; readonly alert: AlertItem };

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function number(value: unknown): number {
  const parsed = typeof value === "string" ? Number(value) : value;
  return typeof parsed === "number" && Number.isFinite(parsed) ? parsed : 0;
}

function readObject(value: unknown): TrackedObject[] {
  const { id, type, confidence, bbox } = fields(value);
  const { leftX, topY, rightX, bottomY } = fields(bbox);
  const box = { left: number(leftX), top: number(topY), right: number(rightX), bottom: number(bottomY) };
  if (box.right <= box.left || box.bottom <= box.top) return [];
  return [{ id: text(id), type: text(type), confidence: number(confidence), box }];
}

/** {zone: {class: n}} → {zone: n}. */
function readZones(value: unknown): Record<string, number> | null {
  if (typeof value !== "object" || value === null) return null;
  const sum = (byClass: unknown): number => Object.values(fields(byClass)).reduce<number>((n, count) => n + number(count), 0);
  return Object.fromEntries(Object.entries(value).map(([zone, byClass]) => [zone, sum(byClass)]));
}

function readFrame(message: Fields): MetaFrame | null {
  const at = Date.parse(text(message.timestamp ?? message["@timestamp"]));
  if (Number.isNaN(at)) return null;
  const info = fields(message.info);
  const objects = Array.isArray(message.objects) ? message.objects.flatMap(readObject) : [];
  const zones = readZones(fields(message.counts).rois);
  return { at, objects, width: number(info.frameWidth), height: number(info.frameHeight), ...(zones && { zones }) };
}

function readCrossing(message: Fields): Crossing | null {
  const body = { ...message, ...fields(message.crossing) };
  const event = fields(body.event);
  const direction = text(body.direction || event.type).toUpperCase();
  const tripwireId = text(body.tripwireId || event.id);
  if (tripwireId === "" || (direction !== "IN" && direction !== "OUT")) return null;
  const objectId = text(body.objectId || fields(body.object).id);
  const at = Date.parse(text(body.timestamp));
  return { tripwireId, direction, objectId, at: Number.isNaN(at) ? Date.now() : at };
}

function readAlert(message: Fields, sensor: string): AlertItem | null {
  const body = { ...message, ...fields(message.alert) };
  const startTimestamp = text(body.startTimestamp || body.timestamp);
  if (text(body.id) === "" || Number.isNaN(Date.parse(startTimestamp))) return null;
  // The envelope's own "type" says "alert"; the alert's kind is in the inner object.
  const kind = text(fields(message.alert).type || body.alertType || body.ruleType);
  return { ...(body as unknown as AlertItem), id: text(body.id), sensorId: text(body.sensorId) || sensor, type: kind, startTimestamp };
}

export function readFeedMessage(raw: string): FeedMessage | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return null;
  }
  const message = fields(parsed);
  const sensor = text(message.sensorId);
  if (message.type === "frame") {
    const frame = readFrame(message);
    return frame && { kind: "frame", sensor, frame };
  }
  if (message.type === "crossing") {
    const crossing = readCrossing(message);
    return crossing && { kind: "crossing", sensor, crossing };
  }
  if (message.type === "alert") {
    const alert = readAlert(message, sensor);
    return alert && { kind: "alert", sensor, alert };
  }
  return null;
}
