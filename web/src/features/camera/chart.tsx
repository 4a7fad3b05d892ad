/** uPlot in our clothes: hairlines, mono figures, a reading instead of a legend. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clockTime, shortTime } from "../../lib/format";
import { useColourScheme } from "../../ui/hooks";

export interface ChartSeries {
  readonly label: string;
  /** Name of a colour token, e.g. "beacon". */
  readonly colour: string;
  readonly kind: "step" | "bars";
  readonly format: (value: number) => string;
}

export interface ChartProps {
  readonly label: string;
  readonly data: uPlot.AlignedData;
  readonly series: readonly ChartSeries[];
  readonly window: { readonly fromMs: number; readonly toMs: number };
  readonly height: number;
  /** Both ways from zero, for IN above and OUT below. */
  readonly mirrored?: boolean;
  readonly leastTop?: number;
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function withAlpha(colour: string, alpha: number): string {
  const channel = (at: number): number => parseInt(colour.slice(at, at + 2), 16);
  return `rgb(${channel(1)} ${channel(3)} ${channel(5)} / ${alpha})`;
}

function seriesOptions(series: ChartSeries): uPlot.Series {
  const colour = token(series.colour);
  const bars = series.kind === "bars";
  const paths = bars ? uPlot.paths.bars?.({ size: [0.7, 26], radius: 0.25 }) : uPlot.paths.stepped?.({ align: 1 });
  return {
    label: series.label,
    stroke: bars ? colour : colour,
    fill: withAlpha(colour, bars ? 0.85 : 0.13),
    width: bars ? 0 : 1.5,
    points: { show: false },
    ...(paths && { paths }),
  };
}

function options(props: ChartProps, width: number, onCursor: (index: number | null) => void): uPlot.Options {
  const ink = token("ink-3");
  const line = token("line");
  const font = `11px ${token("font-mono")}`;
  const axis = { stroke: ink, font, ticks: { show: false } };
  const top = props.leastTop ?? 4;
  const range = (_: uPlot, min: number, max: number): [number, number] => {
    const reach = Math.max(top, Math.ceil(max * 1.1), props.mirrored ? Math.ceil(-min * 1.1) : 0);
    return [props.mirrored ? -reach : 0, reach];
  };
  return {
    width,
    height: props.height,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: !props.mirrored, size: 7, fill: token("surface"), width: 1.5 },
    },
    scales: { x: { time: true }, y: { range } },
    series: [{}, ...props.series.map(seriesOptions)],
    axes: [
      {
        ...axis,
        size: 26,
        space: 84,
        grid: { show: false },
        values: (_, splits, __, ___, step) => splits.map((s) => (step < 60 ? clockTime(s * 1000) : shortTime(s * 1000))),
      },
      {
        ...axis,
        size: 34,
        space: 26,
        gap: 6,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
        grid: { stroke: line, width: 1 },
        values: (_, splits) => splits.map((value) => String(Math.abs(value))),
      },
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
  };
}

export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [index, setIndex] = useState<number | null>(null);
  const scheme = useColourScheme();
  const shape = props.series.map((series) => series.label + series.colour).join();

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const chart = new uPlot(options(latest.current, element.clientWidth || 300, setIndex), latest.current.data, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: props.height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [scheme, shape, props.height]);

  useEffect(() => {
    const chart = plot.current;
    if (!chart) return;
    chart.batch(() => {
      chart.setData(props.data, false);
      chart.setScale("x", { min: props.window.fromMs / 1000, max: props.window.toMs / 1000 });
    });
  }, [props.data, props.window.fromMs, props.window.toMs, scheme, shape]);

  const at = index === null ? undefined : props.data[0][index];
  return (
    <figure class="chart" aria-label={props.label}>
      <figcaption class="chart__reading">
        {props.series.map((series, i) => {
          const column = props.data[i + 1];
          const value = column?.[index ?? column.length - 1];
          return (
            <span key={series.label} class={`chart__key chart__key--${series.colour}`}>
              {series.label} <b class="reading">{value == null ? "–" : series.format(value)}</b>
            </span>
          );
        })}
        <span class="chart__time reading">{at === undefined ? "" : clockTime(at * 1000)}</span>
      </figcaption>
      <div ref={host} class="chart__plot" />
    </figure>
  );
}
