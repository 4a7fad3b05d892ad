/** Drawing wires and zones on the live picture, with a finger, a mouse or the arrow keys. */

import { useEffect, useRef, useState } from "preact/hooks";
import { arrowReach, addPoint, movePoint, removePoint, type Draft } from "../../lib/draft";
import { crossingArrow, fitContain, toSource, toView, unitVector, type Fit, type Point, type Size } from "../../lib/geometry";

export interface EditorProps {
  readonly draft: Draft;
  readonly size: Size;
  readonly onChange: (draft: Draft) => void;
}

const NUDGE = 4;

function useViewSize(element: { current: SVGSVGElement | null }): Size {
  const [view, setView] = useState<Size>({ width: 1, height: 1 });
  useEffect(() => {
    const svg = element.current;
    if (!svg) return;
    const measure = (): void => setView({ width: svg.clientWidth, height: svg.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(svg);
    measure();
    return () => observer.disconnect();
  }, []);
  return view;
}

export function EditorCanvas({ draft, size, onChange }: EditorProps) {
  const svg = useRef<SVGSVGElement>(null);
  const view = useViewSize(svg);
  const fit = fitContain(size, view);
  const held = useRef<{ index: number; moved: boolean } | null>(null);

  function at(event: PointerEvent): Point {
    const box = svg.current?.getBoundingClientRect();
    return toSource(fit, { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) });
  }

  function move(event: PointerEvent): void {
    const grip = held.current;
    if (!grip) return;
    onChange(movePoint(draft, grip.index, at(event), size, !grip.moved));
    grip.moved = true;
  }

  function key(index: number, event: KeyboardEvent): void {
    const point = draft.points[index];
    const ways: Record<string, Point> = {
      ArrowLeft: { x: -NUDGE, y: 0 },
      ArrowRight: { x: NUDGE, y: 0 },
      ArrowUp: { x: 0, y: -NUDGE },
      ArrowDown: { x: 0, y: NUDGE },
    };
    const way = ways[event.key];
    if (point && way) onChange(movePoint(draft, index, { x: point.x + way.x, y: point.y + way.y }, size, true));
    else if (event.key === "Delete" || event.key === "Backspace") onChange(removePoint(draft, index));
    else return;
    event.preventDefault();
  }

  const points = draft.points.map((point) => toView(fit, point));
  return (
    <svg
      ref={svg}
      class="editor"
      role="application"
      tabIndex={0}
      aria-label={`Drawing ${draft.name}. Press Enter to add a point in the middle, arrow keys to move a point.`}
      onPointerDown={(event) => {
        if (event.button === 0 && !held.current) onChange(addPoint(draft, at(event), size));
      }}
      onPointerMove={move}
      onPointerUp={() => (held.current = null)}
      onPointerCancel={() => (held.current = null)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.target !== svg.current) return;
        onChange(addPoint(draft, { x: size.width / 2, y: size.height / 2 }, size));
      }}
    >
      <Shape draft={draft} points={points} fit={fit} size={size} />
      {points.map((point, index) => (
        <g
          key={index}
          class="editor__grip"
          role="button"
          tabIndex={0}
          aria-label={`Point ${index + 1}`}
          onKeyDown={(event) => key(index, event)}
          onPointerDown={(event) => {
            event.stopPropagation();
            held.current = { index, moved: false };
            svg.current?.setPointerCapture(event.pointerId);
          }}
        >
          <circle cx={point.x} cy={point.y} r={22} class="editor__reach" />
          <circle cx={point.x} cy={point.y} r={7} class="editor__dot" />
        </g>
      ))}
    </svg>
  );
}

function Shape({ draft, points, fit, size }: { draft: Draft; points: readonly Point[]; fit: Fit; size: Size }) {
  const path = points.map((point) => `${point.x},${point.y}`).join(" ");
  if (draft.kind === "zone") return <polygon points={path} class="editor__zone" />;
  return (
    <>
      <polyline points={path} class="editor__halo" />
      <polyline points={path} class="editor__line" />
      {points.length >= 2 && <Arrow draft={draft} fit={fit} size={size} />}
    </>
  );
}

function Arrow({ draft, fit, size }: { draft: Draft; fit: Fit; size: Size }) {
  const arrow = crossingArrow(draft.points, arrowReach(size), draft.flipped);
  const from = toView(fit, arrow.p1);
  const tip = toView(fit, arrow.p2);
  const way = unitVector(from, tip);
  const wing = (side: number): string => `${tip.x - way.x * 9 - side * way.y * 7},${tip.y - way.y * 9 + side * way.x * 7}`;
  const label = { x: tip.x + way.x * 16, y: tip.y + way.y * 14 };
  return (
    <g class="editor__arrow" aria-hidden="true">
      <polyline points={`${from.x},${from.y} ${tip.x},${tip.y}`} />
      <polyline points={`${wing(1)} ${tip.x},${tip.y} ${wing(-1)}`} />
      <text x={label.x} y={label.y} text-anchor="middle" dominant-baseline="central">IN</text>
    </g>
  );
}
