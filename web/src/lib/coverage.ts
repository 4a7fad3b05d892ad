/** What became of every second of a stream, as words and as pieces to draw. Instants are epoch ms. */

import { duration, percent } from "./format";
import type { Span } from "./timeline";

export const STATES = ["recorded", "camera_down", "network_down", "recorder_down", "not_scheduled", "aged_out", "deleted"] as const;
export type CoverageState = (typeof STATES)[number];

export interface Stretch extends Span {
  readonly state: CoverageState;
  readonly cause: string;
  /** Who removed it, where somebody did. */
  readonly by: string;
}

export interface Coverage {
  readonly range: Span;
  readonly stretches: readonly Stretch[];
  readonly seconds: Readonly<Record<CoverageState, number>>;
  readonly head: { readonly seq: number; readonly hash: string };
}

/** The wire shape of record/{streamId}/coverage. */
export interface CoverageReply {
  readonly startTime?: string;
  readonly endTime?: string;
  readonly spans?: readonly { startTime: string; endTime: string; state: string; cause?: string | null; by?: string | null }[];
  readonly seconds?: Readonly<Record<string, number>>;
  readonly head?: { readonly seq?: number; readonly hash?: string } | null;
}

export const STATE_NAMES: Readonly<Record<CoverageState, string>> = {
  recorded: "Recorded",
  camera_down: "Camera down",
  network_down: "Network down",
  recorder_down: "Recorder down",
  not_scheduled: "Not scheduled",
  aged_out: "Aged out",
  deleted: "Deleted",
};

const CAUSES: Readonly<Record<string, string>> = {
  starting: "The recorder was starting",
  camera: "The camera sent nothing",
  network: "The camera could not be reached",
  recorder: "The recorder fell behind",
  crash: "The box or its recorder stopped without warning",
  disk_stalled: "The disk did not answer in time",
  disk_failed: "The disk failed",
  disk_full: "The disk was full",
  stopped: "The box was shut down",
  clock: "The clock was set",
  not_scheduled: "Outside the recording schedule",
  switched_off: "Recording was switched off",
  sensor_removed: "The camera was not on this box",
  damaged: "The file was damaged and taken out",
  aged_out: "Removed by the ageing policy",
  deleted: "Removed by hand",
};

/** Which state may hide another where both need the same pixel; also what a person must hear of first. */
const WEIGHT: Readonly<Record<CoverageState, number>> = {
  recorder_down: 6,
  camera_down: 5,
  network_down: 4,
  deleted: 3,
  aged_out: 2,
  not_scheduled: 1,
  recorded: 0,
};

export function isLoss(state: CoverageState): boolean {
  return state === "camera_down" || state === "network_down" || state === "recorder_down";
}

function toState(text: string): CoverageState {
  // A state of a later version counts as a loss: better one alarm too many than a silent hole.
  return (STATES as readonly string[]).includes(text) ? (text as CoverageState) : "recorder_down";
}

export function readCoverage(reply: CoverageReply, asked: Span): Coverage {
  const stretches = (reply.spans ?? []).map((span) => ({
    start: Date.parse(span.startTime),
    end: Date.parse(span.endTime),
    state: toState(span.state),
    cause: span.cause ?? "",
    by: span.by ?? "",
  }));
  const range = {
    start: reply.startTime ? Date.parse(reply.startTime) : asked.start,
    end: reply.endTime ? Date.parse(reply.endTime) : asked.end,
  };
  return {
    range,
    stretches: stretches.filter((stretch) => stretch.end > stretch.start).sort((a, b) => a.start - b.start),
    seconds: secondsIn(stretches, range),
    head: { seq: reply.head?.seq ?? 0, hash: reply.head?.hash ?? "" },
  };
}

export function secondsIn(stretches: readonly Stretch[], window: Span): Record<CoverageState, number> {
  const totals = Object.fromEntries(STATES.map((state) => [state, 0])) as Record<CoverageState, number>;
  for (const { start, end, state } of stretches) {
    totals[state] += Math.max(0, Math.min(end, window.end) - Math.max(start, window.start)) / 1000;
  }
  return totals;
}

/**
 * The share that was recorded of the time in which it was meant to be; null where nothing was meant. What was
 * recorded and removed since still counts as recorded: this number judges the recorder, not the policy.
 */
export function recordedShare(seconds: Readonly<Record<CoverageState, number>>): number | null {
  const kept = seconds.recorded + seconds.aged_out + seconds.deleted;
  const lost = seconds.camera_down + seconds.network_down + seconds.recorder_down;
  return kept + lost === 0 ? null : kept / (kept + lost);
}

/** "recorded 99.98 % of the last 24 h", with what the number leaves out. */
export function shareSentence(seconds: Readonly<Record<CoverageState, number>>, of: string): string {
  const share = recordedShare(seconds);
  if (share === null) return seconds.not_scheduled > 0 ? `nothing was to be recorded in ${of}` : `nothing is known of ${of}`;
  const aside = [
    ["not scheduled", seconds.not_scheduled],
    ["aged out since", seconds.aged_out],
    ["deleted since", seconds.deleted],
  ] as const;
  const notes = aside.filter(([, value]) => value >= 1).map(([word, value]) => `${longTime(value * 1000)} ${word}`);
  return [`recorded ${percent(share)} of ${of}`, ...notes].join(", ");
}

/** "the last 24 h", or "the 57 s on record" while the account is younger than that. */
export function spanOfRecord(seconds: Readonly<Record<CoverageState, number>>, windowMs: number, of: string): string {
  const known = STATES.reduce((sum, state) => sum + seconds[state], 0) * 1000;
  return known > 0 && known < windowMs * 0.98 ? `the ${longTime(known)} on record` : of;
}

/** "0.4 s", "48 s", "12 min", "3 h 20 min", "2 d 4 h": two units at most. */
export function longTime(ms: number): string {
  if (ms < 9_950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  const seconds = Math.round(ms / 1000);
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;
  const at = units.findIndex(([, size]) => seconds >= size);
  const [word, size] = units[at] ?? units[3];
  const whole = Math.floor(seconds / size);
  const next = units[at + 1];
  const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
  return next && rest > 0 ? `${whole} ${word} ${rest} ${next[0]}` : `${whole} ${word}`;
}

/** Why, and by whom: "Removed by hand, by Ada". Empty for what is simply there. */
export function reasonOf(stretch: Pick<Stretch, "state" | "cause" | "by">): string {
  if (stretch.state === "recorded") return "";
  const words = CAUSES[stretch.cause] ?? CAUSES[stretch.state] ?? stretch.cause.replaceAll("_", " ");
  return stretch.by === "" ? words : `${words}, by ${stretch.by}`;
}

export interface Piece extends Stretch {
  /** Further stretches that had to share its place, being too short for one of their own. */
  readonly merged: number;
  /** Where it is drawn, 0 to 1 of the window: whole cells, so a short loss is wider than it was, never narrower. */
  readonly from: number;
  readonly to: number;
}

interface Cell {
  stretch: Stretch;
  merged: number;
}

/**
 * Pieces to draw, in order and without overlap, at most `cells` of them. A cell takes the gravest state that touches
 * it, because one lost second in a week is 1/600,000 of the strip and must be seen all the same.
 */
export function layOut(stretches: readonly Stretch[], window: Span, cells: number): Piece[] {
  const length = window.end - window.start;
  if (length <= 0 || cells < 1) return [];
  const row: (Cell | undefined)[] = new Array<undefined>(cells).fill(undefined);
  for (const stretch of stretches) {
    const [first, last] = cellsOf(stretch, window, cells);
    for (let at = first; at <= last; at++) row[at] = graver(row[at], stretch);
  }
  const pieces: Piece[] = [];
  row.forEach((cell, at) => {
    if (!cell) return;
    const before = pieces.at(-1);
    if (before && before.to === at / cells && sameStretch(before, cell.stretch)) {
      const { stretch } = cell;
      const end = Math.max(before.end, Math.min(stretch.end, window.end));
      pieces[pieces.length - 1] = { ...before, end, merged: before.merged + cell.merged, to: (at + 1) / cells };
      return;
    }
    const start = Math.max(cell.stretch.start, window.start);
    const end = Math.min(cell.stretch.end, window.end);
    pieces.push({ ...cell.stretch, start, end, merged: cell.merged, from: at / cells, to: (at + 1) / cells });
  });
  return pieces;
}

function cellsOf(span: Span, window: Span, cells: number): [number, number] {
  const scale = cells / (window.end - window.start);
  const first = Math.floor((span.start - window.start) * scale);
  const last = Math.ceil((span.end - window.start) * scale) - 1;
  return [Math.max(0, first), Math.min(cells - 1, last)];
}

function graver(cell: Cell | undefined, stretch: Stretch): Cell {
  if (!cell) return { stretch, merged: 0 };
  const merged = cell.merged + (stretch.state !== "recorded" && cell.stretch.state !== "recorded" ? 1 : 0);
  return { stretch: WEIGHT[stretch.state] > WEIGHT[cell.stretch.state] ? stretch : cell.stretch, merged };
}

/** The same stretch in the next cell; recordings on both sides of a seam look alike and are drawn as one. */
function sameStretch(piece: Piece, stretch: Stretch): boolean {
  if (piece.state !== stretch.state) return false;
  return piece.state === "recorded" || (piece.cause === stretch.cause && piece.by === stretch.by && piece.end >= stretch.end);
}

/** What is missing or gone, the latest first; what nobody wanted is left out. */
export function losses(stretches: readonly Stretch[]): Stretch[] {
  return stretches.filter(({ state }) => state !== "recorded" && state !== "not_scheduled").sort((a, b) => b.start - a.start);
}

export interface Episode extends Stretch {
  readonly count: number;
  /** What was lost of it in all; less than its length when it came and went. */
  readonly lostMs: number;
}

/** A camera that flaps is one episode and not a hundred lines: losses of one kind no further apart than `seam`. */
export function episodes(lost: readonly Stretch[], seam: number): Episode[] {
  const found: Episode[] = [];
  for (const one of lost) {
    const last = found.at(-1);
    const length = one.end - one.start;
    const same = last && last.state === one.state && last.cause === one.cause && last.by === one.by;
    if (same && last.start - one.end <= seam) found[found.length - 1] = { ...last, start: one.start, count: last.count + 1, lostMs: last.lostMs + length };
    else found.push({ ...one, count: 1, lostMs: length });
  }
  return found;
}

/** The stretch under an instant. */
export function stretchAt(stretches: readonly Stretch[], at: number): Stretch | undefined {
  return stretches.find((stretch) => stretch.start <= at && at < stretch.end);
}

/** Days of local time, the newest last; each with its own end, since days of a clock change are not 24 h. */
export function localDays(now: number, count: number): Span[] {
  const today = new Date(now);
  return Array.from({ length: count }, (_, i) => {
    const day = (offset: number): number => new Date(today.getFullYear(), today.getMonth(), today.getDate() + offset).getTime();
    return { start: day(i - count + 1), end: day(i - count + 2) };
  });
}

/** The hours of a local day, 23 or 25 of them where the clock changes. */
export function hoursOf(day: Span): Span[] {
  const hours: Span[] = [];
  for (let start = day.start; start < day.end; start += 3_600_000) hours.push({ start, end: Math.min(start + 3_600_000, day.end) });
  return hours;
}

/** One sentence for a reader who does not see the strip. */
export function stripSummary(name: string, stretches: readonly Stretch[], window: Span): string {
  const seconds = secondsIn(stretches, window);
  const gone = STATES.filter((state) => isLoss(state) && seconds[state] > 0);
  const parts = gone.map((state) => `${STATE_NAMES[state].toLowerCase()} ${longTime(seconds[state] * 1000)}`);
  const share = recordedShare(seconds);
  const first = share === null ? "nothing recorded" : `${percent(share)} recorded`;
  return `${name}: ${[first, ...parts].join(", ")}`;
}

/** "0:42" for what fits a clock, words beyond a day. */
export function lasted(span: Span): string {
  const ms = span.end - span.start;
  return ms < 86_400_000 && ms >= 10_000 ? duration(ms) : longTime(ms);
}
