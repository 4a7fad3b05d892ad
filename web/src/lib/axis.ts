/** Marks under a strip: hours within a day or two, days beyond. */

import { shortTime } from "./format";
import { ticks, type Span } from "./timeline";

export interface Mark {
  readonly at: number;
  readonly label: string;
  /** A day begins here. */
  readonly day: boolean;
}

const dayShort = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" });
const dayOnly = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The midnights of local time inside the window. */
function midnights(window: Span): number[] {
  const first = new Date(window.start);
  const found: number[] = [];
  for (let n = 0; ; n++) {
    const at = new Date(first.getFullYear(), first.getMonth(), first.getDate() + n).getTime();
    if (at >= window.end) return found;
    if (at >= window.start) found.push(at);
  }
}

export function axisMarks(window: Span, most: number): Mark[] {
  if (window.end - window.start <= 2 * 86_400_000) {
    const zone = -new Date(window.end).getTimezoneOffset() * 60_000;
    return ticks(window, most, zone).filter((at) => at < window.end).map((at) => ({ at, label: shortTime(at), day: false }));
  }
  const days = midnights(window);
  const step = Math.ceil(days.length / most);
  const format = days.length > 14 ? dayOnly : dayShort;
  return days.map((at, i) => ({ at, label: i % step === 0 ? format.format(at) : "", day: true }));
}
