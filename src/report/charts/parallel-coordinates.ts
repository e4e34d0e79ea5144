import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { ParallelCoordinates } from '../../tracking/comparison/parallel-coordinates.ts';
import { guessDirection, type MetricDirection } from '../../tracking/comparison/metric-direction.ts';
import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import { band } from '../svg/band-scale.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { legendOf } from '../svg/legend.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear, logarithmic, type Scale } from '../svg/scale.ts';
import { linePath, px } from '../svg/shapes.ts';
import { shortName, truncated } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';

/** How parallel coordinates are drawn. */
export interface ParallelCoordinatesChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** Name of the metric that says which runs are best; they are drawn over the others. @default the last axis that is a metric */
  readonly metric?: string | undefined;
  /** Whether less or more of it is better. @default what its name suggests, else less */
  readonly direction?: MetricDirection | undefined;
  /** How many of the best runs are drawn over the others. @default a tenth, at least 1 */
  readonly best?: number | undefined;
  /** At most so many runs, the first ones. @default 500 */
  readonly maxRuns?: number | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  metric: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  direction: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['min', 'max'])),
  best: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(0))),
  maxRuns: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1), /* @__PURE__ */ z.lte(5_000))),
});

const top = 44;
const bottom = 290;

/**
 * Params and metrics of runs as upright axes, and a line for each run, from what `parallelCoordinates` of `modelkeep` gives. The best runs are thick and in a colour of their own.
 *
 * Throws `ValidationError` for options that are none.
 *
 * @example
 * ```ts
 * import { parallelCoordinatesChart } from 'modelkeep/report';
 *
 * const axes = [
 *   { of: 'param', name: 'lr', kind: 'number', min: 0.01, max: 0.1, log: false },
 *   { of: 'metric', name: 'loss', kind: 'number', min: 0.2, max: 0.5, log: false },
 * ] as const;
 * const lines = [{ run: 'a', values: [0.01, 0.5] }, { run: 'b', values: [0.1, 0.2] }];
 * const chart = parallelCoordinatesChart({ axes, lines }, { title: 'Sweep' });
 * console.log(chart.summary); // 2 runs over lr, loss. The best by loss (less is better) is b with 0.2.
 * ```
 */
export function parallelCoordinatesChart(data: ParallelCoordinates, options: ParallelCoordinatesChartOptions): Chart {
  const { title, maxRuns = 500, ...asked } = check(optionsSchema, options, 'options');
  const { axes } = data;
  const lines = data.lines.slice(0, maxRuns);
  const judge = judgeOf(axes, asked);
  const order = judge === undefined ? [] : ranked(lines, judge);
  const best = new Set(order.slice(0, asked.best ?? Math.max(1, Math.round(lines.length / 10))));
  const leftOut = lines.length < data.lines.length ? `Showing ${formatNumber(lines.length)} of ${formatCount(data.lines.length, 'run')}.` : undefined;
  const width = Math.max(320, 120 + 110 * Math.max(1, axes.length - 1));
  const scales = axes.map((axis) => scaleOf(axis)({ range: [bottom, top], gap: 40 }));
  const xAt = (i: number): number => 60 + (axes.length > 1 ? (i * (width - 120)) / (axes.length - 1) : 0);
  const legend = legendOf(best.size > 0 ? [{ name: 'best', index: 1, sign: 'line' }, { name: 'other runs', index: 0, sign: 'line' }] : [], width);
  const pathOf = (values: readonly (number | null)[]): string => linePath(values.map((value, i) => (value === null ? [NaN, NaN] : [xAt(i), scales[i]!.at(value)])));
  const read = (i: number, value: number | null): string | number | null => {
    const axis = axes[i]!;
    return value === null ? null : axis.kind === 'category' ? axis.levels[value]! : value;
  };
  const drawn = [...lines].sort((a, b) => Number(best.has(a)) - Number(best.has(b)));
  return new DrawnChart({
    title,
    summary: [describe(data, judge, order[0]), leftOut].filter(Boolean).join(' '),
    table: { columns: ['run', ...axes.map(({ name }) => name)], rows: lines.map(({ run, name, values }) => [name ?? run, ...values.map((value, i) => read(i, value))]), leftOut },
    width,
    height: bottom + 14 + legend.height,
    marks: html`<g data-marks="" fill="none" stroke="currentColor" stroke-linecap="round">${drawn.map((line) => lineOf(line.name ?? line.run, pathOf(line.values), best.has(line)))}</g>${scales.map((scale, i) => axisAt(axes[i]!.name, scale, xAt(i), (width - 120) / Math.max(1, axes.length - 1)))}${legend.draw(bottom + 12)}`,
    vegaLite: () => ({
      data: {
        values: lines.flatMap((line) =>
          axes.flatMap((axis, i) => {
            const value = line.values[i]!;
            return value === null ? [] : [{ run: line.run, axis: axis.name, place: (bottom - scales[i]!.at(value)) / (bottom - top), value: read(i, value), best: best.has(line) }];
          }),
        ),
      },
      mark: { type: 'line', tooltip: { content: 'data' }, opacity: 0.6 },
      encoding: {
        x: { field: 'axis', type: 'nominal', sort: null, title: null },
        y: { field: 'place', type: 'quantitative', axis: null },
        detail: { field: 'run', type: 'nominal' },
        color: { field: 'best', type: 'nominal' },
      },
    }),
  });
}

type Axis = ParallelCoordinates['axes'][number];
type Line = ParallelCoordinates['lines'][number];

/** What says which runs are best. */
interface Judge {
  readonly index: number;
  readonly name: string;
  readonly direction: MetricDirection;
}

function judgeOf(axes: readonly Axis[], { metric, direction }: Pick<ParallelCoordinatesChartOptions, 'metric' | 'direction'>): Judge | undefined {
  const index = axes.findLastIndex(({ of, name }) => of === 'metric' && (metric === undefined || name === metric));
  const axis = axes[index];
  return axis && { index, name: axis.name, direction: direction ?? guessDirection(axis.name) ?? 'min' };
}

function ranked(lines: readonly Line[], { index, direction }: Judge): Line[] {
  const sign = direction === 'min' ? 1 : -1;
  return lines.filter(({ values }) => typeof values[index] === 'number').sort((a, b) => sign * (a.values[index]! - b.values[index]!));
}

function scaleOf(axis: Axis): (place: { readonly range: readonly [number, number]; readonly gap: number }) => Scale {
  if (axis.kind === 'category') return band(axis.levels);
  const { min, max } = axis;
  if (min === null || max === null) return linear([0, 1]);
  return axis.log ? logarithmic([min, max]) : linear([min, max]);
}

function describe({ axes, lines }: ParallelCoordinates, judge: Judge | undefined, best: Line | undefined): string {
  if (lines.length === 0 || axes.length === 0) return 'There is nothing to draw.';
  const over = `${formatCount(lines.length, 'run')} over ${axes.map(({ name }) => shortName(name)).join(', ')}.`;
  if (judge === undefined || best === undefined) return over;
  return `${over} The best by ${judge.name} (${judge.direction === 'min' ? 'less' : 'more'} is better) is ${shortName(best.name ?? best.run)} with ${formatNumber(best.values[judge.index]!)}.`;
}

function axisAt(name: string, scale: Scale, x: number, room: number): Html {
  const head = truncated(name, Math.max(60, room - 8), fontSize);
  const ticks = scale.ticks.flatMap(({ value, label }) => {
    if (label === undefined) return [];
    const text = truncated(label, Math.max(40, room / 2 + 8), fontSize);
    return [html`<path d="M${px(x)} ${px(scale.at(value))}h-4" stroke="#888" stroke-width="1"/><text x="${px(x - 6)}" y="${px(scale.at(value) + 4)}" text-anchor="end">${text}${text !== label && html`<title>${label}</title>`}</text>`];
  });
  return html`<text class="name" x="${px(x)}" y="16" text-anchor="middle">${head}${head !== name && html`<title>${name}</title>`}</text><path d="M${px(x)} ${top - 6}V${bottom + 6}" stroke="#888"/><g class="halo" stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">${ticks}</g>`;
}

function lineOf(name: string, path: string, best: boolean): Html {
  const { className, color, dash } = seriesStyle(best ? 1 : 0);
  return html`<path class="${className}" color="${color}" d="${path}"${best ? html` stroke-width="2.2" stroke-dasharray="${dash}"` : html` opacity=".4"`}><title>${best ? `${name} (one of the best)` : name}</title></path>`;
}
