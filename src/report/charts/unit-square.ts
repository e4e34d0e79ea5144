import { html, type Html } from '../markup/html.ts';
import { plotOf, type Plot } from '../svg/axes.ts';
import { visiblePoints } from '../svg/decimate.ts';
import { formatNumber } from '../svg/format.ts';
import { legendOf, type Legend } from '../svg/legend.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear } from '../svg/scale.ts';
import { linePath, px } from '../svg/shapes.ts';
import type { VegaLiteSpec } from './chart.ts';

/** A line from 0 to 1 in both directions. */
export interface UnitLine {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** A square of shares with lines in it. */
export interface UnitSquare {
  readonly width: number;
  readonly height: number;
  readonly plot: Plot;
  readonly legend: Legend;
}

const side = 360;

/** The axes of shares, and room for a legend. */
export function unitSquare(names: readonly string[], xLabel: string, yLabel: string): UnitSquare {
  const legend = legendOf(names.map((name, index) => ({ name, index, sign: 'line' })), side);
  const plot = plotOf({ width: side, height: side, x: { label: xLabel, scale: linear([0, 1]) }, y: { label: yLabel, scale: linear([0, 1]) } });
  return { width: side, height: side + legend.height, plot, legend };
}

/** The picture of lines in a square; `under` is drawn below them. */
export function squareMarks({ plot, legend }: UnitSquare, lines: readonly UnitLine[], under: Html | undefined): Html {
  return html`${plot.axes}${under}<g data-marks="">${lines.map((line, i) => drawLine(line, i, plot))}</g>${legend.draw(side)}`;
}

/** A straight line through a square, such as what guessing gives. */
export function guide({ plot }: UnitSquare, fromY: number, toY: number): Html {
  return html`<path d="M${px(plot.left)} ${px(plot.y.at(fromY))}L${px(plot.right)} ${px(plot.y.at(toY))}" fill="none" stroke="#888" stroke-dasharray="4 4"/>`;
}

/** Lines in a square for Vega-Lite, in the points that are drawn. */
export function squareSpec({ plot }: UnitSquare, lines: readonly UnitLine[], xLabel: string, yLabel: string): VegaLiteSpec {
  const values = lines.flatMap((line) => visibleOf(line, plot).flatMap((i) => (i < 0 ? [] : [{ series: line.name, x: line.x[i]!, y: line.y[i]!, order: i }])));
  return {
    data: { values },
    mark: { type: 'line', tooltip: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: xLabel, scale: { domain: [0, 1] } },
      y: { field: 'y', type: 'quantitative', title: yLabel, scale: { domain: [0, 1] } },
      order: { field: 'order', type: 'quantitative' },
      color: { field: 'series', type: 'nominal', title: null },
      strokeDash: { field: 'series', type: 'nominal', title: null },
    },
  };
}

/** At most so many rows of a table tell a curve. */
const mostRows = 20;

/** Some points of a curve, evenly taken, first and last among them. */
export function someOf(length: number): number[] {
  if (length <= mostRows) return Array.from({ length }, (_, i) => i);
  return Array.from({ length: mostRows }, (_, i) => Math.round((i * (length - 1)) / (mostRows - 1)));
}

/** What a table of curves leaves out; undefined when nothing. */
export function leftOutOf(lengths: readonly number[]): string | undefined {
  const all = lengths.reduce((sum, each) => sum + each, 0);
  const shown = lengths.reduce((sum, each) => sum + Math.min(each, mostRows), 0);
  return shown < all ? `Showing ${formatNumber(shown)} of ${formatNumber(all)} points.` : undefined;
}

function drawLine(line: UnitLine, index: number, plot: Plot): Html {
  const { className, color, dash } = seriesStyle(index);
  const path = linePath(visibleOf(line, plot).map((i) => (i < 0 ? [NaN, NaN] : [plot.x.at(line.x[i]!), plot.y.at(line.y[i]!)])));
  return html`<g class="${className}" color="${color}" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path data-series="${line.name}" d="${path}"${dash !== undefined && html` stroke-dasharray="${dash}"`}/></g>`;
}

function visibleOf({ x, y }: UnitLine, plot: Plot): number[] {
  return visiblePoints(x.length, (i) => plot.x.at(x[i]!), (i) => plot.y.at(y[i]!));
}
