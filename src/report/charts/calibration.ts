import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import { expectedCalibrationError } from '../../stats/metrics/expected-calibration-error.ts';
import type { Label } from '../../stats/metrics/label.ts';
import { html, type Html } from '../markup/html.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { markerAt, px } from '../svg/shapes.ts';
import { shortName } from '../svg/text.ts';
import { calibrationBins, type CalibrationBin } from './calibration-bins.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { guide, squareMarks, squareSpec, unitSquare, type UnitSquare } from './unit-square.ts';

/** Predicted probabilities, and what was observed. */
export interface CalibrationSeries {
  /** What they are called, such as the version of the model; any text. */
  readonly name: string;
  /** What was observed. */
  readonly labels: ArrayLike<Label>;
  /** Of the positive class, 0 to 1; as many as labels. */
  readonly probabilities: ArrayLike<number>;
}

/** How calibration is drawn. */
export interface CalibrationChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** How many bins of equally many rows. @default 10 */
  readonly bins?: number | undefined;
  /** The class that the probabilities are of. @default 1 or true */
  readonly positive?: Label | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  bins: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1), /* @__PURE__ */ z.lte(100))),
  positive: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.union([/* @__PURE__ */ z.string(), /* @__PURE__ */ z.number(), /* @__PURE__ */ z.boolean()])),
});

const xLabel = 'mean predicted probability';
const yLabel = 'observed share';

/**
 * A reliability diagram: the share of positive rows against the mean probability, in bins of equally many rows, each with its 95 % interval (Wilson 1927). A calibrated model is
 * on the diagonal.
 *
 * Throws `ValidationError` for options that are none, and for labels and probabilities that `expectedCalibrationError` of `modelkeep/stats` refuses.
 *
 * @example
 * ```ts
 * import { calibrationChart } from 'modelkeep/report';
 *
 * const chart = calibrationChart([{ name: 'v3', labels: [0, 0, 1, 0, 1, 1], probabilities: [0.1, 0.2, 0.3, 0.6, 0.7, 0.8] }], { title: 'Calibration', bins: 2 });
 * console.log(chart.summary); // v3: expected calibration error 0.08333 over 6 rows in 2 bins.
 * ```
 */
export function calibrationChart(series: readonly CalibrationSeries[], options: CalibrationChartOptions): Chart {
  const { title, bins: count = 10, positive } = check(optionsSchema, options, 'options');
  const bins = series.map(({ labels, probabilities }) => calibrationBins(labels, probabilities, count, positive));
  const errors = series.map(({ labels, probabilities }) => expectedCalibrationError(labels, probabilities, { bins: count, positive }));
  const lines = series.map(({ name }, i) => ({ name, x: bins[i]!.map(({ mean }) => mean), y: bins[i]!.map(({ share }) => share) }));
  const square = unitSquare(lines.map(({ name }) => name), xLabel, yLabel);
  return new DrawnChart({
    title,
    summary: series.length === 0 ? 'There is nothing to draw.' : series.map(({ name, labels }, i) => describe(name, bins[i]!, errors[i]!, labels.length)).join(' '),
    table: {
      columns: ['series', 'rows', xLabel, yLabel, 'low', 'high'],
      rows: series.flatMap(({ name }, i) => bins[i]!.map(({ n, mean, share, low, high }) => [name, n, mean, share, low, high])),
    },
    width: square.width,
    height: square.height,
    marks: squareMarks(square, lines, html`${guide(square, 0, 1)}${bins.map((each, i) => intervals(each, i, square, series[i]!.name))}`),
    vegaLite: () => squareSpec(square, lines, xLabel, yLabel),
  });
}

function describe(name: string, bins: readonly CalibrationBin[], error: number, given: number): string {
  const rows = bins.reduce((sum, { n }) => sum + n, 0);
  if (rows === 0) return `${shortName(name)}: there are no rows with a label and a probability.`;
  const rest = given > rows ? `; ${formatCount(given - rows, 'row was', 'rows were')} left out` : '';
  return `${shortName(name)}: expected calibration error ${formatNumber(error)} over ${formatCount(rows, 'row')} in ${formatCount(bins.length, 'bin')}${rest}.`;
}

function intervals(bins: readonly CalibrationBin[], index: number, { plot }: UnitSquare, name: string): Html {
  const { className, color, marker } = seriesStyle(index);
  const drawn = bins.map(({ mean, share, low, high, n }) => {
    const x = plot.x.at(mean);
    const tip = `${name}\npredicted ${formatNumber(mean)}, observed ${formatNumber(share)} (${formatNumber(low)} to ${formatNumber(high)}), ${formatCount(n, 'row')}`;
    return html`<path d="M${px(x)} ${px(plot.y.at(low))}V${px(plot.y.at(high))}" fill="none" stroke="currentColor" opacity=".6"/>${markerAt(marker, x, plot.y.at(share), tip)}`;
  });
  return html`<g data-marks="" class="${className}" color="${color}">${drawn}</g>`;
}
