/** A recording schedule as a week one can paint, to and from cron entries. Minutes of the week, Monday 00:00 is 0. */

import type { Span } from "./timeline";

export interface ScheduleEntry {
  /** Five fields, in the rule's time zone. */
  readonly cron: string;
  readonly durationSeconds: number;
  /** Another cron expression that ends it, where the length is not told in seconds. */
  readonly end?: string;
}

/** What the editor holds: spans of the week, and the entries that no week can show, which are kept as they are. */
export interface Week {
  readonly spans: readonly Span[];
  readonly others: readonly ScheduleEntry[];
}

export const DAY_MIN = 1_440;
export const WEEK_MIN = 7 * DAY_MIN;
export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
const CRON_NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Joined and in order; what runs past Sunday goes on at Monday. */
export function tidy(spans: readonly Span[]): Span[] {
  const unrolled = spans.flatMap(({ start, end }) => {
    if (end - start >= WEEK_MIN) return [{ start: 0, end: WEEK_MIN }];
    const from = ((start % WEEK_MIN) + WEEK_MIN) % WEEK_MIN;
    const to = from + end - start;
    return to <= WEEK_MIN ? [{ start: from, end: to }] : [{ start: from, end: WEEK_MIN }, { start: 0, end: to - WEEK_MIN }];
  });
  const joined: { start: number; end: number }[] = [];
  for (const span of unrolled.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
    else joined.push({ ...span });
  }
  return joined;
}

export function cover(spans: readonly Span[], painted: Span): Span[] {
  return tidy([...spans, painted]);
}

export function clear(spans: readonly Span[], wiped: Span): Span[] {
  return tidy(
    spans.flatMap(({ start, end }) => [
      { start, end: Math.min(end, wiped.start) },
      { start: Math.max(start, wiped.end), end },
    ]).filter(({ start, end }) => end > start),
  );
}

export function covers(spans: readonly Span[], minute: number): boolean {
  return spans.some(({ start, end }) => start <= minute && minute < end);
}

/** The part of one day (0 is Monday), in minutes of that day. */
export function ofDay(spans: readonly Span[], day: number): Span[] {
  const [from, to] = [day * DAY_MIN, (day + 1) * DAY_MIN];
  return spans
    .filter(({ start, end }) => start < to && end > from)
    .map(({ start, end }) => ({ start: Math.max(start, from) - from, end: Math.min(end, to) - from }));
}

/** The numbers a cron field names, or null where it is none we know. */
export function cronField(text: string, least: number, most: number): number[] | null {
  const found = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return null;
    const [, body, low, high, by] = match;
    const step = by === undefined ? 1 : Number(by);
    const from = body === "*" ? least : Number(low);
    const to = body === "*" || (high === undefined && by !== undefined) ? most : Number(high ?? low);
    if (step < 1 || from < least || to > most || from > to) return null;
    for (let at = from; at <= to; at += step) found.add(at);
  }
  return [...found].sort((a, b) => a - b);
}

function cronDays(text: string): number[] | null {
  const numbers = text.toUpperCase().replace(/[A-Z]{3}/g, (name) => String(CRON_NAMES.indexOf(name)));
  const days = cronField(numbers, 0, 7);
  // Cron counts from Sunday, as 0 and as 7; a week here begins on Monday.
  return days && [...new Set(days.map((day) => (day + 6) % 7))].sort((a, b) => a - b);
}

/** The minutes of the week at which an expression fires, or null where it follows the calendar and not the week. */
function firings(cron: string): number[] | null {
  const [minute = "", hour = "", date = "", month = "", day = "", ...rest] = cron.trim().split(/\s+/);
  if (rest.length > 0 || date !== "*" || month !== "*") return null;
  const minutes = cronField(minute, 0, 59);
  const hours = cronField(hour, 0, 23);
  const days = cronDays(day);
  if (!minutes || !hours || !days) return null;
  return days.flatMap((d) => hours.flatMap((h) => minutes.map((m) => d * DAY_MIN + h * 60 + m)));
}

/** The spans of one entry, or null where no week can show it. */
export function spansOf(entry: ScheduleEntry): Span[] | null {
  const starts = firings(entry.cron);
  if (!starts) return null;
  if (entry.end) return untilNext(starts, firings(entry.end));
  if (entry.durationSeconds <= 0 || entry.durationSeconds % 60 !== 0) return null;
  return starts.map((start) => ({ start, end: start + entry.durationSeconds / 60 }));
}

/** From each start to the next end after it, round the week. */
function untilNext(starts: readonly number[], ends: readonly number[] | null): Span[] | null {
  if (!ends || ends.length === 0) return null;
  return starts.map((start) => {
    const waits = ends.map((end) => (end - start + WEEK_MIN - 1) % WEEK_MIN);
    return { start, end: start + Math.min(...waits) + 1 };
  });
}

/** An entry in words that cron readers know. */
export function entryText({ cron, durationSeconds, end }: ScheduleEntry): string {
  return end ? `${cron} until ${end}` : `${cron} for ${durationSeconds} s`;
}

export function toWeek(schedule: readonly ScheduleEntry[]): Week {
  const read = schedule.map((entry) => ({ entry, spans: spansOf(entry) }));
  return {
    spans: tidy(read.flatMap(({ spans }) => spans ?? [])),
    others: read.filter(({ spans }) => spans === null).map(({ entry }) => entry),
  };
}

/** "1-5" for Monday to Friday, "0,6" for the weekend, "*" for all of it. */
function cronDayField(days: readonly number[]): string {
  if (days.length === 7) return "*";
  const numbers = days.map((day) => (day + 1) % 7).sort((a, b) => a - b);
  return runs(numbers).map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`)).join(",");
}

function runs(numbers: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/** Spans that begin on their own day, even where they go on past Sunday midnight. */
function unwrapped(spans: readonly Span[]): Span[] {
  const tidied = tidy(spans);
  const [first, last] = [tidied[0], tidied.at(-1)];
  if (!first || !last || first === last || first.start !== 0 || last.end !== WEEK_MIN) return tidied;
  return [...tidied.slice(1, -1), { start: last.start, end: WEEK_MIN + first.end }];
}

export function toSchedule(week: Week): ScheduleEntry[] {
  const groups = new Map<string, { minute: number; length: number; days: number[] }>();
  for (const { start, end } of unwrapped(week.spans).flatMap(daily)) {
    const minute = start % DAY_MIN;
    const key = `${minute}/${end - start}`;
    const group = groups.get(key) ?? { minute, length: end - start, days: [] };
    group.days.push(Math.floor(start / DAY_MIN));
    groups.set(key, group);
  }
  const entries = [...groups.values()].map(({ minute, length, days }) => ({
    cron: `${minute % 60} ${Math.floor(minute / 60)} * * ${cronDayField(days)}`,
    durationSeconds: length * 60,
  }));
  return [...entries, ...week.others];
}

/** Days that are full are entries of a day each, so that seven of them read as one daily entry. */
function daily(span: Span): Span[] {
  const pieces: Span[] = [];
  let { start } = span;
  while (start % DAY_MIN === 0 && span.end - start > DAY_MIN) {
    pieces.push({ start, end: start + DAY_MIN });
    start += DAY_MIN;
  }
  return [...pieces, { start, end: span.end }];
}

export function minuteName(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function dayNames(days: readonly number[]): string {
  if (days.length === 7) return "every day";
  const named = (day: number): string => DAYS[day] ?? "";
  return runs(days).map(([from, to]) => (to - from < 2 ? runs([from]).concat(to > from ? [[to, to]] : []).map(([d]) => named(d)).join(", ") : `${named(from)} to ${named(to)}`)).join(", ");
}

/** "Mon to Fri 08:00–18:00; Sat, Sun 10:00–16:00". */
export function weekSentence(week: Week): string {
  const groups = new Map<string, number[]>();
  for (const { start, end } of unwrapped(week.spans).flatMap(daily)) {
    const full = end - start === DAY_MIN && start % DAY_MIN === 0;
    const words = full ? "all day" : `${minuteName(start % DAY_MIN)}–${minuteName(end % DAY_MIN)}${end - start >= DAY_MIN ? " a day later" : ""}`;
    groups.set(words, [...(groups.get(words) ?? []), Math.floor(start / DAY_MIN)]);
  }
  const parts = [...groups].map(([words, days]) => `${dayNames(days)} ${words}`);
  return [...parts, ...week.others.map(entryText)].join("; ") || "never";
}

export function hoursPerWeek(week: Week): number {
  return week.spans.reduce((sum, { start, end }) => sum + end - start, 0) / 60;
}

export const PRESETS: readonly { readonly name: string; readonly spans: readonly Span[] }[] = [
  { name: "Working hours", spans: [0, 1, 2, 3, 4].map((day) => ({ start: day * DAY_MIN + 480, end: day * DAY_MIN + 1_080 })) },
  { name: "Nights", spans: tidy([0, 1, 2, 3, 4, 5, 6].map((day) => ({ start: day * DAY_MIN + 1_200, end: (day + 1) * DAY_MIN + 360 }))) },
  { name: "Weekends", spans: [{ start: 5 * DAY_MIN, end: WEEK_MIN }] },
  { name: "All week", spans: [{ start: 0, end: WEEK_MIN }] },
];
