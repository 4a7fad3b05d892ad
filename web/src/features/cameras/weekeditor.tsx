/** A week to paint on: drag over the hours, or add them by the clock. */

import { useId, useRef, useState } from "preact/hooks";
import type { Span } from "../../lib/timeline";
import { clear, cover, covers, DAY_MIN, DAYS, entryText, hoursPerWeek, minuteName, ofDay, PRESETS, weekSentence, type Week } from "../../lib/week";
import { plural } from "../../lib/format";
import { Icon } from "../../ui/icon";
import { Notice } from "../../ui/parts";

const STEP_MIN = 30;
const HOURS = [0, 3, 6, 9, 12, 15, 18, 21, 24];

export function WeekEditor({ week, onChange }: { week: Week; onChange: (week: Week) => void }) {
  const paint = (spans: readonly Span[]): void => onChange({ ...week, spans });
  return (
    <div class="week">
      <div class="week__presets" role="group" aria-label="Ready-made weeks">
        {PRESETS.map(({ name, spans }) => <button key={name} type="button" class="button" onClick={() => paint(spans)}>{name}</button>)}
        <button type="button" class="button button--quiet" disabled={week.spans.length === 0} onClick={() => paint([])}>Clear</button>
      </div>
      <Grid spans={week.spans} onPaint={paint} />
      <p class="muted" aria-live="polite">{weekSentence(week)} · {plural(Math.round(hoursPerWeek(week)), "hour")} a week</p>
      <ByClock onAdd={(spans) => paint(spans.reduce<Span[]>((painted, span) => cover(painted, span), [...week.spans]))} />
      {week.others.length > 0 && (
        <Notice action={<button type="button" class="button button--quiet" onClick={() => onChange({ ...week, others: [] })}>Drop</button>}>
          Kept besides, as it follows the calendar and not the week: {week.others.map(entryText).join("; ")}
        </Notice>
      )}
    </div>
  );
}

function Grid({ spans, onPaint }: { spans: readonly Span[]; onPaint: (spans: readonly Span[]) => void }) {
  const grid = useRef<HTMLDivElement>(null);
  const stroke = useRef<{ from: number; wipe: boolean; before: readonly Span[] } | null>(null);

  /** The half hour under the pointer, as the minute of the week where it begins. */
  function minute(event: PointerEvent): number {
    const box = grid.current?.getBoundingClientRect();
    if (!box) return 0;
    const day = Math.min(6, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * 7)));
    const step = Math.floor(((event.clientX - box.left) / box.width) * (DAY_MIN / STEP_MIN));
    return day * DAY_MIN + Math.min(DAY_MIN / STEP_MIN - 1, Math.max(0, step)) * STEP_MIN;
  }

  /** A rectangle of days and hours between the two corners. */
  function draw(to: number): void {
    const { from, wipe, before } = stroke.current ?? { from: to, wipe: false, before: spans };
    const [a, b] = [from % DAY_MIN, to % DAY_MIN];
    const [first, last] = [Math.floor(from / DAY_MIN), Math.floor(to / DAY_MIN)].sort((x, y) => x - y) as [number, number];
    let painted = [...before];
    for (let day = first; day <= last; day++) {
      const span = { start: day * DAY_MIN + Math.min(a, b), end: day * DAY_MIN + Math.max(a, b) + STEP_MIN };
      painted = wipe ? clear(painted, span) : cover(painted, span);
    }
    onPaint(painted);
  }

  return (
    <div class="week__box">
      <div class="week__days" aria-hidden="true">{DAYS.map((day) => <span key={day}>{day}</span>)}</div>
      <div
        ref={grid}
        class="week__grid"
        role="img"
        aria-label="The painted week; the form below does the same by keyboard"
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const from = minute(event);
          stroke.current = { from, wipe: covers(spans, from), before: spans };
          draw(from);
        }}
        onPointerMove={(event) => stroke.current && draw(minute(event))}
        onPointerUp={() => (stroke.current = null)}
        onPointerCancel={() => (stroke.current = null)}
      >
        {DAYS.map((day, i) => (
          <div key={day} class="week__day">
            {ofDay(spans, i).map(({ start, end }) => (
              <span key={start} class="week__span" style={{ left: `${(start / DAY_MIN) * 100}%`, width: `${((end - start) / DAY_MIN) * 100}%` }}>
                {end - start >= 180 && <span class="reading">{minuteName(start)}–{minuteName(end)}</span>}
              </span>
            ))}
          </div>
        ))}
      </div>
      <div class="week__hours reading" aria-hidden="true">
        {HOURS.map((hour) => <span key={hour} style={{ left: `${(hour / 24) * 100}%` }}>{hour}</span>)}
      </div>
    </div>
  );
}

function toMinute(text: string): number {
  const [hour = 0, minute = 0] = text.split(":").map(Number);
  return hour * 60 + minute;
}

function ByClock({ onAdd }: { onAdd: (spans: Span[]) => void }) {
  const [days, setDays] = useState<readonly number[]>([0, 1, 2, 3, 4]);
  const [from, setFrom] = useState("08:00");
  const [to, setTo] = useState("18:00");
  const id = useId();
  const [start, end] = [toMinute(from), toMinute(to)];
  // Until an earlier hour means until that hour of the next day.
  const length = end > start ? end - start : end + DAY_MIN - start;
  return (
    <div class="week__clock">
      <div class="toggles" role="group" aria-label="Days">
        {DAYS.map((day, i) => (
          <button key={day} type="button" aria-pressed={days.includes(i)} onClick={() => setDays(days.includes(i) ? days.filter((d) => d !== i) : [...days, i])}>{day}</button>
        ))}
      </div>
      <span class="week__times">
        <label class="visually-hidden" for={`${id}-from`}>From</label>
        <input id={`${id}-from`} type="time" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
        <span aria-hidden="true">–</span>
        <label class="visually-hidden" for={`${id}-to`}>Until</label>
        <input id={`${id}-to`} type="time" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
        <button type="button" class="button" disabled={days.length === 0 || from === "" || to === ""} onClick={() => onAdd(days.map((day) => ({ start: day * DAY_MIN + start, end: day * DAY_MIN + start + length })))}>
          <Icon name="plus" />Add
        </button>
      </span>
    </div>
  );
}
