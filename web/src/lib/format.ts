/** Words and numbers as people read them. Times in the viewer's zone, 24-hour. */

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shortClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayName = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long" });

export function clockTime(ms: number): string {
  return clock.format(ms);
}

export function shortTime(ms: number): string {
  return shortClock.format(ms);
}

export function isoTime(ms: number): string {
  return new Date(Math.round(ms)).toISOString();
}

/** "now", "12 s", "4 min", "3 h", "2 d": how long ago, in the one unit that matters. */
export function age(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - fromMs) / 1000));
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "0:42", "12:05", "1:03:20". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const pad = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3_600);
  const rest = `${Math.floor((seconds % 3_600) / 60)}:${pad(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest.padStart(5, "0")}` : rest;
}

export function dayHeading(ms: number, nowMs: number): string {
  const days = Math.round((startOfDay(nowMs) - startOfDay(ms)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return dayName.format(ms);
}

export function startOfDay(ms: number): number {
  const date = new Date(ms);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** "2.4" but "3", never "3.0". */
export function decimal(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}

/** "100 %" only when nothing at all is missing: "99.98 %", "99.9998 %". Rounds down, as an honest share must. */
export function percent(share: number): string {
  if (share >= 1) return "100 %";
  const floored = (digits: number): number => Math.floor(share * 100 * 10 ** digits + 1e-9) / 10 ** digits;
  // Two digits do, unless they would show only nines.
  return floored(2) < 99.99 ? `${floored(2).toFixed(2)} %` : `${floored(4)} %`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "12.4 GiB", "870 MiB": three figures at most. */
export function bytes(count: number): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = unit === 0 || value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  return `${text.includes(".") ? text.replace(/\.?0+$/, "") : text} ${UNITS[unit]}`;
}

/** "14:05" today, "yesterday 14:05", "Monday 12 January 14:05". */
export function momentName(ms: number, nowMs: number): string {
  const day = dayHeading(ms, nowMs);
  if (day === "Today") return shortTime(ms);
  return `${day === "Yesterday" ? "yesterday" : day}, ${shortTime(ms)}`;
}

/** A camera name made safe for a file name. */
export function fileStem(name: string): string {
  return name.trim().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "camera";
}

/** 2026-01-31_14-05-09, local time, sorts and survives every file system. */
export function fileStamp(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  return `${day}_${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join("-")}`;
}
