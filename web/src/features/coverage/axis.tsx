/** The time under strips that share a window. */

import { axisMarks } from "../../lib/axis";
import type { Span } from "../../lib/timeline";

/** A label nearer to the end than this would be cut. */
const LABEL_SHARE = 0.05;

export function Axis({ window, most }: { window: Span; most: number }) {
  const length = window.end - window.start;
  return (
    <div class="cov__axis reading" aria-hidden="true">
      {axisMarks(window, most).filter(({ at }) => window.end - at > length * LABEL_SHARE).map(({ at, label, day }) => (
        <span key={at} data-day={day} style={{ left: `${((at - window.start) / length) * 100}%` }}>{label}</span>
      ))}
    </div>
  );
}
