/**
 * Draws what the box sees over the picture it saw it in. Everything is in CSS pixels of the view; the
 * caller has scaled the context for the screen. Colours are fixed: they lie on video, not on the page.
 */

import type { Roi, Tripwire } from "../../api/types";
import type { MetaFrame, TrackedObject, TrailPoint } from "../../lib/frames";
import { insidePolygon, inwards, polygonCentre, polylineMiddle, toView, unitVector, type Fit, type Point } from "../../lib/geometry";
import type { Layers } from "../../state/layers";
import type { ShapesState } from "../../state/shapes";

export const ON_VIDEO = {
  beacon: "#f7bd4f",
  shape: "#f4f3ee",
  halo: "rgb(10 12 13 / 65%)",
  chip: "rgb(13 15 16 / 78%)",
  chipText: "#f4f3ee",
  chipMuted: "#aeb5b7",
  in: "#84bdff",
  out: "#ff9b81",
  zone: "rgb(244 243 238 / 9%)",
  zoneBusy: "rgb(247 189 79 / 16%)",
} as const;

const MONO = '"Geist Mono Variable", ui-monospace, monospace';
const SANS = '"Instrument Sans Variable", system-ui, sans-serif';
const FLASH_MS = 700;

export interface Scene {
  readonly fit: Fit;
  readonly frame: MetaFrame | null;
  readonly trails: ReadonlyMap<string, readonly TrailPoint[]>;
  readonly shapes: ShapesState;
  readonly layers: Layers;
  /** Small tiles get thinner lines and no names. */
  readonly compact: boolean;
  readonly now: number;
}

interface Word {
  readonly text: string;
  readonly colour: string;
  readonly mono?: boolean;
}

export function paint(ctx: CanvasRenderingContext2D, scene: Scene): void {
  if (scene.layers.shapes) {
    for (const roi of scene.shapes.rois) paintZone(ctx, scene, roi);
    for (const wire of scene.shapes.tripwires) paintWire(ctx, scene, wire);
  }
  if (scene.layers.trails) for (const trail of scene.trails.values()) paintTrail(ctx, scene, trail);
  for (const object of scene.frame?.objects ?? []) paintObject(ctx, scene, object);
  if (scene.layers.shapes) paintShapeLabels(ctx, scene);
}

/** Bottom centre: the point of a box that stands in a region. */
export function footOf(object: TrackedObject): Point {
  return { x: (object.box.left + object.box.right) / 2, y: object.box.bottom };
}

/** As the box counts it; by geometry where the frame does not carry its counts. */
export function occupancy(frame: MetaFrame | null, roi: Roi): number {
  if (!frame) return 0;
  return frame.zones?.[roi.id] ?? frame.objects.filter((object) => insidePolygon(footOf(object), roi.coordinates)).length;
}

function wayIn(wire: Tripwire): Point {
  if (!wire.direction) return { x: 0, y: -1 };
  const { p1, p2 } = inwards(wire.direction, wire.arrowMeans);
  return unitVector(p1, p2);
}

function trace(ctx: CanvasRenderingContext2D, fit: Fit, points: readonly Point[]): void {
  ctx.beginPath();
  points.forEach((point, i) => {
    const { x, y } = toView(fit, point);
    if (i === 0) ctx.moveTo(x, y);
    else ctx.lineTo(x, y);
  });
}

function strokeOver(ctx: CanvasRenderingContext2D, colour: string, width: number): void {
  ctx.lineWidth = width + 2;
  ctx.strokeStyle = ON_VIDEO.halo;
  ctx.stroke();
  ctx.lineWidth = width;
  ctx.strokeStyle = colour;
  ctx.stroke();
}

function paintZone(ctx: CanvasRenderingContext2D, scene: Scene, roi: Roi): void {
  trace(ctx, scene.fit, roi.coordinates);
  ctx.closePath();
  ctx.fillStyle = occupancy(scene.frame, roi) > 0 ? ON_VIDEO.zoneBusy : ON_VIDEO.zone;
  ctx.fill();
  ctx.setLineDash([6, 5]);
  strokeOver(ctx, ON_VIDEO.shape, 1.25);
  ctx.setLineDash([]);
}

function paintWire(ctx: CanvasRenderingContext2D, scene: Scene, wire: Tripwire): void {
  const flashed = scene.now - (scene.shapes.totals[wire.id]?.flashedAt ?? 0) < FLASH_MS;
  const colour = flashed ? ON_VIDEO.beacon : ON_VIDEO.shape;
  ctx.lineCap = "round";
  ctx.lineJoin = "round";
  trace(ctx, scene.fit, wire.wire);
  strokeOver(ctx, colour, scene.compact ? 1.75 : 2.25);
  for (const end of [wire.wire[0], wire.wire.at(-1)]) {
    if (!end) continue;
    const { x, y } = toView(scene.fit, end);
    ctx.beginPath();
    ctx.arc(x, y, scene.compact ? 2.5 : 3.5, 0, Math.PI * 2);
    ctx.fillStyle = colour;
    ctx.fill();
  }
  if (wire.direction) paintArrow(ctx, scene, polylineMiddle(wire.wire), wayIn(wire));
}

function paintArrow(ctx: CanvasRenderingContext2D, scene: Scene, at: Point, way: Point): void {
  const reach = scene.compact ? 13 : 20;
  const head = scene.compact ? 4.5 : 6.5;
  const from = toView(scene.fit, at);
  const tip = { x: from.x + way.x * reach, y: from.y + way.y * reach };
  ctx.beginPath();
  ctx.moveTo(from.x, from.y);
  ctx.lineTo(tip.x, tip.y);
  ctx.moveTo(tip.x - way.x * head - way.y * head, tip.y - way.y * head + way.x * head);
  ctx.lineTo(tip.x, tip.y);
  ctx.lineTo(tip.x - way.x * head + way.y * head, tip.y - way.y * head - way.x * head);
  strokeOver(ctx, ON_VIDEO.in, scene.compact ? 1.75 : 2.25);
}

function paintTrail(ctx: CanvasRenderingContext2D, scene: Scene, trail: readonly TrailPoint[]): void {
  ctx.lineCap = "round";
  ctx.lineWidth = scene.compact ? 1.5 : 2;
  ctx.strokeStyle = ON_VIDEO.beacon;
  for (let i = 1; i < trail.length; i++) {
    const a = trail[i - 1];
    const b = trail[i];
    if (!a || !b) continue;
    const from = toView(scene.fit, a);
    const to = toView(scene.fit, b);
    ctx.globalAlpha = 0.75 * (i / trail.length) ** 1.6;
    ctx.beginPath();
    ctx.moveTo(from.x, from.y);
    ctx.lineTo(to.x, to.y);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

function paintObject(ctx: CanvasRenderingContext2D, scene: Scene, object: TrackedObject): void {
  const topLeft = toView(scene.fit, { x: object.box.left, y: object.box.top });
  const width = (object.box.right - object.box.left) * scene.fit.scale;
  const height = (object.box.bottom - object.box.top) * scene.fit.scale;
  if (scene.layers.boxes) {
    ctx.beginPath();
    ctx.roundRect(topLeft.x, topLeft.y, width, height, Math.min(4, width / 4));
    strokeOver(ctx, ON_VIDEO.beacon, scene.compact ? 1.25 : 1.75);
  }
  if (!scene.layers.ids || object.id === "") return;
  const size = scene.compact ? 10 : 11;
  ctx.font = `600 ${size}px ${MONO}`;
  const text = object.id.length > 6 ? `…${object.id.slice(-4)}` : object.id;
  const wide = ctx.measureText(text).width + 8;
  const tall = size + 5;
  const y = topLeft.y - tall - 1 < 0 ? topLeft.y : topLeft.y - tall - 1;
  ctx.beginPath();
  ctx.roundRect(topLeft.x - 0.5, y, wide, tall, 3);
  ctx.fillStyle = ON_VIDEO.beacon;
  ctx.fill();
  ctx.fillStyle = "#17130a";
  ctx.textBaseline = "middle";
  ctx.fillText(text, topLeft.x + 3.5, y + tall / 2 + 0.5);
}

function paintShapeLabels(ctx: CanvasRenderingContext2D, scene: Scene): void {
  for (const roi of scene.shapes.rois) {
    const words: Word[] = scene.compact ? [] : [{ text: roi.name, colour: ON_VIDEO.chipText }];
    words.push({ text: String(occupancy(scene.frame, roi)), colour: ON_VIDEO.beacon, mono: true });
    paintChip(ctx, toView(scene.fit, polygonCentre(roi.coordinates)), words, scene.compact);
  }
  for (const wire of scene.shapes.tripwires) {
    const totals = scene.shapes.totals[wire.id];
    const words: Word[] = scene.compact ? [] : [{ text: wire.name, colour: ON_VIDEO.chipText }];
    words.push({ text: `in ${totals?.in ?? 0}`, colour: ON_VIDEO.in, mono: true });
    words.push({ text: `out ${totals?.out ?? 0}`, colour: ON_VIDEO.out, mono: true });
    paintChip(ctx, toView(scene.fit, polylineMiddle(wire.wire)), words, scene.compact, wayIn(wire));
  }
}

/** A pill of words around `anchor`, or beside it on the side an arrow pointing `away` leaves free. */
function paintChip(
  ctx: CanvasRenderingContext2D,
  anchor: Point,
  words: readonly Word[],
  compact: boolean,
  away: Point = { x: 0, y: 0 },
): void {
  const size = compact ? 10 : 12;
  const gap = compact ? 6 : 8;
  const font = (word: Word): string => `${word.mono ? 500 : 550} ${size}px ${word.mono ? MONO : SANS}`;
  const widths = words.map((word) => {
    ctx.font = font(word);
    return ctx.measureText(word.text).width;
  });
  const total = widths.reduce((sum, width) => sum + width, 0) + gap * (words.length - 1);
  const tall = size + (compact ? 7 : 10);
  const pad = compact ? 5 : 8;
  const reach = (half: number): number => (away.x === 0 && away.y === 0 ? 0 : half + 8);
  const centre = { x: anchor.x - away.x * reach(total / 2 + pad), y: anchor.y - away.y * reach(tall / 2) };
  const left = centre.x - total / 2;
  ctx.beginPath();
  ctx.roundRect(left - pad, centre.y - tall / 2, total + pad * 2, tall, tall / 2);
  ctx.fillStyle = ON_VIDEO.chip;
  ctx.fill();
  ctx.textBaseline = "middle";
  let x = left;
  words.forEach((word, i) => {
    ctx.font = font(word);
    ctx.fillStyle = word.colour;
    ctx.fillText(word.text, x, centre.y + 0.5);
    x += (widths[i] ?? 0) + gap;
  });
}
