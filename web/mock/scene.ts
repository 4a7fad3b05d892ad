/** A pretend square with people walking over it: the same function of time for the picture and its metadata. */

import type { Point } from "../src/lib/geometry";

export const SIZE = { width: 1280, height: 720 };

interface Walker {
  readonly id: number;
  readonly from: Point;
  readonly to: Point;
  readonly startMs: number;
  readonly lengthMs: number;
  readonly tint: string;
}

const LOOP_MS = 60_000;
const TINTS = ["#7d8c86", "#a08770", "#6f7f95", "#93727a", "#8a8b6d", "#5f7c7f"];

function walkers(seed: number): Walker[] {
  const edges: [Point, Point][] = [
    [{ x: -60, y: 420 }, { x: 1340, y: 560 }],
    [{ x: 1340, y: 380 }, { x: -60, y: 500 }],
    [{ x: 500, y: 250 }, { x: 760, y: 800 }],
    [{ x: 900, y: 800 }, { x: 640, y: 240 }],
    [{ x: -60, y: 640 }, { x: 1340, y: 330 }],
  ];
  return Array.from({ length: 13 }, (_, i) => {
    const [from, to] = edges[(i + seed) % edges.length] ?? edges[0]!;
    const shift = ((i * 37 + seed * 11) % 60) - 30;
    return {
      id: 11 + i * 7 + seed,
      from: { x: from.x, y: from.y + shift },
      to: { x: to.x, y: to.y - shift },
      startMs: ((i * 4_700 + seed * 1_300) % LOOP_MS),
      lengthMs: 14_000 + ((i * 1_731) % 9_000),
      tint: TINTS[i % TINTS.length] ?? "#888",
    };
  });
}

export interface Person {
  readonly id: string;
  readonly foot: Point;
  readonly box: { leftX: number; topY: number; rightX: number; bottomY: number };
  readonly tint: string;
  readonly stride: number;
}

export class Scene {
  private readonly walkers: Walker[];

  constructor(
    private readonly seed: number,
    private readonly label: string,
  ) {
    this.walkers = walkers(seed);
  }

  people(at: number): Person[] {
    return this.walkers.flatMap((walker) => {
      const since = (((at - walker.startMs) % LOOP_MS) + LOOP_MS) % LOOP_MS;
      if (since > walker.lengthMs) return [];
      const t = since / walker.lengthMs;
      const foot = {
        x: walker.from.x + (walker.to.x - walker.from.x) * t,
        y: walker.from.y + (walker.to.y - walker.from.y) * t,
      };
      const tall = 60 + (foot.y - 240) * 0.26;
      const wide = tall * 0.4;
      const box = { leftX: foot.x - wide / 2, topY: foot.y - tall, rightX: foot.x + wide / 2, bottomY: foot.y };
      if (box.rightX < 10 || box.leftX > SIZE.width - 10 || box.topY > SIZE.height - 20) return [];
      const round = Math.floor((at - walker.startMs) / LOOP_MS) % 9;
      return [{ id: String(walker.id + round * 100), foot, box, tint: walker.tint, stride: Math.sin(since / 130) }];
    });
  }

  draw(ctx: CanvasRenderingContext2D, at: number): void {
    const sky = ctx.createLinearGradient(0, 0, 0, SIZE.height);
    sky.addColorStop(0, this.seed === 0 ? "#5d666b" : "#3c4248");
    sky.addColorStop(0.33, this.seed === 0 ? "#8b9192" : "#565c60");
    sky.addColorStop(1, this.seed === 0 ? "#6b6f6b" : "#34383a");
    ctx.fillStyle = sky;
    ctx.fillRect(0, 0, SIZE.width, SIZE.height);
    this.buildings(ctx);
    this.paving(ctx);
    for (const person of this.people(at).sort((a, b) => a.foot.y - b.foot.y)) this.person(ctx, person);
    ctx.fillStyle = "rgba(255,255,255,.75)";
    ctx.font = "20px monospace";
    ctx.fillText(`${this.label}  ${new Date(at).toISOString().slice(11, 23)}`, 24, 40);
  }

  private buildings(ctx: CanvasRenderingContext2D): void {
    for (let i = 0; i < 9; i++) {
      const x = i * 150 - 20 + ((i * 53 + this.seed * 31) % 40);
      const tall = 120 + ((i * 71 + this.seed * 47) % 90);
      ctx.fillStyle = `rgb(${62 + ((i * 13) % 30)},${66 + ((i * 11) % 26)},${68 + ((i * 7) % 22)})`;
      ctx.fillRect(x, 240 - tall, 138, tall);
      ctx.fillStyle = "rgba(255,240,205,.16)";
      for (let w = 0; w < 4; w++) for (let h = 0; h < 4; h++) ctx.fillRect(x + 14 + w * 30, 252 - tall + h * 30, 14, 18);
    }
  }

  private paving(ctx: CanvasRenderingContext2D): void {
    ctx.strokeStyle = "rgba(255,255,255,.09)";
    ctx.lineWidth = 2;
    ctx.beginPath();
    for (let i = -12; i <= 12; i++) {
      ctx.moveTo(640 + i * 60, 240);
      ctx.lineTo(640 + i * 260, 720);
    }
    for (const y of [262, 292, 332, 386, 460, 560, 690]) {
      ctx.moveTo(0, y);
      ctx.lineTo(SIZE.width, y);
    }
    ctx.stroke();
  }

  private person(ctx: CanvasRenderingContext2D, person: Person): void {
    const { leftX, topY, rightX, bottomY } = person.box;
    const [wide, tall] = [rightX - leftX, bottomY - topY];
    ctx.fillStyle = "rgba(0,0,0,.28)";
    ctx.beginPath();
    ctx.ellipse(person.foot.x + 6, bottomY - 2, wide * 0.5, tall * 0.06, 0, 0, 7);
    ctx.fill();
    ctx.strokeStyle = "#2c3033";
    ctx.lineWidth = wide * 0.22;
    ctx.lineCap = "round";
    for (const side of [-1, 1]) {
      ctx.beginPath();
      ctx.moveTo(person.foot.x, topY + tall * 0.55);
      ctx.lineTo(person.foot.x + side * person.stride * wide * 0.3, bottomY - 4);
      ctx.stroke();
    }
    ctx.fillStyle = person.tint;
    ctx.beginPath();
    ctx.roundRect(person.foot.x - wide * 0.3, topY + tall * 0.17, wide * 0.6, tall * 0.45, wide * 0.2);
    ctx.fill();
    ctx.fillStyle = "#c9a88d";
    ctx.beginPath();
    ctx.arc(person.foot.x, topY + tall * 0.1, wide * 0.19, 0, 7);
    ctx.fill();
  }
}
