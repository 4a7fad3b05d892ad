/** A wire or region while it is being drawn: points, undo, and when it may be saved. */

import type { Roi, Tripwire } from "../api/types";
import { clampTo, crossingArrow, distance, inwards, type Point, type Size } from "./geometry";

export type ShapeKind = "wire" | "zone";

export interface Draft {
  readonly kind: ShapeKind;
  readonly id: string;
  readonly name: string;
  readonly points: readonly Point[];
  /** Swaps which side of a wire is IN. */
  readonly flipped: boolean;
  readonly past: readonly (readonly Point[])[];
  /** The shape as the box knows it, null while it is new; what this editor does not show is kept. */
  readonly stored: Tripwire | Roi | null;
}

const LEAST: Readonly<Record<ShapeKind, number>> = { wire: 2, zone: 3 };
const MOST_POINTS = 32;

export function newDraft(kind: ShapeKind, id: string, name: string): Draft {
  return { kind, id, name, points: [], flipped: false, past: [], stored: null };
}

/** Opens a stored wire; its arrow tells which way it was flipped. */
export function draftOfWire(wire: Tripwire): Draft {
  const draft = { ...newDraft("wire", wire.id, wire.name), points: wire.wire, stored: wire };
  if (!wire.direction) return draft;
  const { p1, p2 } = crossingArrow(wire.wire, 10);
  const way = inwards(wire.direction, wire.arrowMeans);
  const along = (way.p2.x - way.p1.x) * (p2.x - p1.x) + (way.p2.y - way.p1.y) * (p2.y - p1.y);
  return { ...draft, flipped: along < 0 };
}

export function draftOfRoi(roi: Roi): Draft {
  return { ...newDraft("zone", roi.id, roi.name), points: roi.coordinates, stored: roi };
}

function withPoints(draft: Draft, points: readonly Point[]): Draft {
  return { ...draft, points, past: [...draft.past, draft.points] };
}

export function addPoint(draft: Draft, point: Point, size: Size): Draft {
  if (draft.points.length >= MOST_POINTS) return draft;
  return withPoints(draft, [...draft.points, clampTo(size, point)]);
}

/** `fresh` starts an undo step; the moves of one drag belong to the same step. */
export function movePoint(draft: Draft, index: number, point: Point, size: Size, fresh: boolean): Draft {
  const points = draft.points.map((old, i) => (i === index ? clampTo(size, point) : old));
  return fresh ? withPoints(draft, points) : { ...draft, points };
}

export function removePoint(draft: Draft, index: number): Draft {
  return withPoints(draft, draft.points.filter((_, i) => i !== index));
}

export function undo(draft: Draft): Draft {
  const last = draft.past.at(-1);
  return last ? { ...draft, points: last, past: draft.past.slice(0, -1) } : draft;
}

/** What still keeps the draft from being saved, or null. */
export function problem(draft: Draft): string | null {
  const least = LEAST[draft.kind];
  const missing = least - draft.points.length;
  if (missing > 0) return `Tap ${missing} more ${missing === 1 ? "point" : "points"} on the picture.`;
  const doubled = draft.points.some((point, i) => i > 0 && distance(point, draft.points[i - 1] ?? point) < 1);
  if (doubled) return "Two points lie on the same spot.";
  if (draft.name.trim() === "") return "Give it a name.";
  return null;
}

export function arrowReach(size: Size): number {
  return Math.round(Math.min(size.width, size.height) / 12);
}

function namesOf(stored: Draft["stored"]): Pick<NonNullable<Tripwire["direction"]>, "entry" | "exit"> {
  if (!stored || !("direction" in stored) || !stored.direction) return {};
  const { entry, exit } = stored.direction;
  return { ...(entry && { entry }), ...(exit && { exit }) };
}

export function toTripwire(draft: Draft, size: Size): Tripwire {
  const arrow = crossingArrow(draft.points, arrowReach(size), draft.flipped);
  const direction = {
    p1: clampTo(size, arrow.p1),
    p2: clampTo(size, arrow.p2),
    entry: { name: "IN" },
    exit: { name: "OUT" },
    ...namesOf(draft.stored),
  };
  return { ...draft.stored, id: draft.id, name: draft.name.trim(), wire: draft.points, direction, arrowMeans: "in" };
}

export function toRoi(draft: Draft): Roi {
  return { ...draft.stored, id: draft.id, name: draft.name.trim(), coordinates: draft.points };
}

/** An id that does not exist yet: wire-1, wire-2, … */
export function freeId(kind: ShapeKind, taken: readonly string[]): string {
  let n = 1;
  while (taken.includes(`${kind}-${n}`)) n += 1;
  return `${kind}-${n}`;
}
