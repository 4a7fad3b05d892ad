/** A stretch of time coloured by what became of it; patterns say the same as the colours. */

import { useRef, useState } from "preact/hooks";
import { lasted, layOut, reasonOf, STATE_NAMES, STATES, longTime, stripSummary, type CoverageState, type Piece, type Stretch } from "../../lib/coverage";
import { clockTime, momentName, plural } from "../../lib/format";
import type { Span } from "../../lib/timeline";
import { personName } from "../../state/people";
import { useWidth } from "../../ui/hooks";

/** The narrowest mark that can be seen and hit. */
const CELL_PX = 3;

export interface StripProps {
  /** Whose strip it is, for readers of screens. */
  readonly name: string;
  readonly stretches: readonly Stretch[];
  readonly window: Span;
  /** Arrow keys walk over it. Off where the strip lies inside a link. */
  readonly walkable?: boolean;
  readonly tall?: boolean;
}

export function CoverageStrip({ name, stretches, window, walkable = false, tall = false }: StripProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [at, setAt] = useState<number | null>(null);
  const pieces = layOut(stretches, window, Math.max(60, Math.floor(width / CELL_PX)));
  const shown = at === null ? undefined : pieces[at];

  function point(event: PointerEvent): void {
    const bounds = box.current?.getBoundingClientRect();
    if (!bounds || bounds.width === 0) return;
    const place = (event.clientX - bounds.left) / bounds.width;
    const found = pieces.findIndex(({ from, to }) => from <= place && place < to);
    setAt(found < 0 ? null : found);
  }

  function walk(event: KeyboardEvent): void {
    const last = pieces.length - 1;
    const steps: Record<string, number> = { ArrowLeft: (at ?? 1) - 1, ArrowRight: (at ?? last - 1) + 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setAt(Math.min(Math.max(next, 0), last));
  }

  const walking = walkable && {
    role: "slider" as const,
    tabIndex: 0,
    "aria-valuemin": 0,
    "aria-valuemax": Math.max(0, pieces.length - 1),
    "aria-valuenow": at ?? pieces.length - 1,
    "aria-valuetext": shown ? pieceText(shown) : stripSummary(name, stretches, window),
    onKeyDown: walk,
    onFocus: () => setAt((old) => old ?? (pieces.length > 0 ? pieces.length - 1 : null)),
  };
  return (
    <div
      ref={box}
      class={tall ? "cov cov--tall" : "cov"}
      role="img"
      aria-label={walkable ? name : stripSummary(name, stretches, window)}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setAt(null)}
      onBlur={() => setAt(null)}
      {...walking}
    >
      <div class="cov__track">
        {pieces.map((piece) => (
          <span key={piece.from} class="cov__piece" data-state={piece.state} data-on={piece === shown} data-thin={(piece.to - piece.from) * width < 9} style={{ left: `${piece.from * 100}%`, width: `${(piece.to - piece.from) * 100}%` }} />
        ))}
      </div>
      {shown && <Tip piece={shown} />}
    </div>
  );
}

function when(span: Span): string {
  const now = Date.now();
  return `${momentName(span.start, now).replace(/\d\d:\d\d$/, "")}${clockTime(span.start)} – ${clockTime(span.end)}`;
}

function pieceText(piece: Piece): string {
  const more = piece.merged > 0 ? `, and ${plural(piece.merged, "more stretch", "more stretches")} too short to draw` : "";
  return [`${STATE_NAMES[piece.state]}, ${when(piece)}, ${lasted(piece)}`, reasonOf({ ...piece, by: personName(piece.by) })].filter((part) => part !== "").join(". ") + more;
}

function Tip({ piece }: { piece: Piece }) {
  const reason = reasonOf({ ...piece, by: personName(piece.by) });
  return (
    <div class="cov__tip" style={{ "--at": `${((piece.from + piece.to) / 2) * 100}%` }} aria-hidden="true">
      <strong><Swatch state={piece.state} />{STATE_NAMES[piece.state]}<span class="reading">{lasted(piece)}</span></strong>
      {reason !== "" && <span>{reason}</span>}
      <span class="reading">{when(piece)}</span>
      {piece.merged > 0 && <span>and {plural(piece.merged, "more stretch", "more stretches")} beside it</span>}
    </div>
  );
}

export function Swatch({ state }: { state: CoverageState }) {
  return <i class="cov__swatch" data-state={state} aria-hidden="true" />;
}

/** The states and, where known, how long each lasted. */
export function Legend({ seconds }: { seconds?: Readonly<Record<CoverageState, number>> }) {
  return (
    <dl class="cov__legend" aria-label="What the colours mean">
      {STATES.map((state) => (
        <div key={state} data-none={seconds !== undefined && seconds[state] === 0}>
          <dt><Swatch state={state} />{STATE_NAMES[state]}</dt>
          {seconds && <dd class="reading">{seconds[state] > 0 ? longTime(seconds[state] * 1000) : "–"}</dd>}
        </div>
      ))}
      <div><dt class="muted">Blank: before the first record, or still to come</dt></div>
    </dl>
  );
}
