import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { RocCurve } from '../../stats/metrics/roc-curve.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { shortName } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { guide, leftOutOf, someOf, squareMarks, squareSpec, unitSquare } from './unit-square.ts';

/** A ROC curve, as `rocCurve` of `modelkeep/stats` gives it, with a name. */
export interface NamedRocCurve extends RocCurve {
  /** What it is called, such as the version of the model; any text. */
  readonly name: string;
}

/** How curves of a classifier are drawn. */
export interface ClassifierChartOptions {
  /** What the chart is called. */
  readonly title: string;
}

/** Checks the options of curves of a classifier. */
export const classifierOptions: z.ZodMiniType<ClassifierChartOptions> = /* @__PURE__ */ z.strictObject({ title: /* @__PURE__ */ z.string() });

const xLabel = 'false positive rate';
const yLabel = 'true positive rate';

/**
 * ROC curves in one square, with the line that guessing gives and the area under each.
 *
 * Throws `ValidationError` for options that are none.
 *
 * @example
 * ```ts
 * import { rocChart } from 'modelkeep/report';
 * import { rocCurve } from 'modelkeep/stats';
 *
 * const chart = rocChart([{ name: 'v3', ...rocCurve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) }], { title: 'ROC' });
 * console.log(chart.summary); // v3: area under the curve 0.75, of 2 positive and 2 negative rows.
 * ```
 */
export function rocChart(curves: readonly NamedRocCurve[], options: ClassifierChartOptions): Chart {
  const { title } = check(classifierOptions, options, 'options');
  const areas = curves.map(({ falsePositiveRates, truePositiveRates }) => areaUnder(falsePositiveRates, truePositiveRates));
  const lines = curves.map(({ name, falsePositiveRates: x, truePositiveRates: y }, i) => ({ name: Number.isFinite(areas[i]) && x.length > 1 ? `${name} (area ${formatNumber(areas[i]!, 3)})` : name, x, y }));
  const square = unitSquare(lines.map(({ name }) => name), xLabel, yLabel);
  return new DrawnChart({
    title,
    summary: curves.length === 0 ? 'There is nothing to draw.' : curves.map((curve, i) => describe(curve, areas[i]!)).join(' '),
    table: {
      columns: ['series', 'threshold', xLabel, yLabel],
      rows: curves.flatMap(({ name, thresholds, falsePositiveRates, truePositiveRates }) => someOf(thresholds.length).map((i) => [name, thresholds[i]!, falsePositiveRates[i]!, truePositiveRates[i]!])),
      leftOut: leftOutOf(curves.map(({ thresholds }) => thresholds.length)),
    },
    width: square.width,
    height: square.height,
    readout: square.plot,
    marks: squareMarks(square, lines, guide(square, 0, 1)),
    vegaLite: () => squareSpec(square, lines, xLabel, yLabel),
  });
}

function describe({ name, positives, negatives, dropped }: NamedRocCurve, area: number): string {
  const rest = dropped > 0 ? `; ${formatCount(dropped, 'row was', 'rows were')} left out` : '';
  if (positives === 0 || negatives === 0) return `${shortName(name)}: there is no curve, since there are ${positives === 0 ? 'no positive' : 'no negative'} rows${rest}.`;
  return `${shortName(name)}: area under the curve ${formatNumber(area)}, of ${formatNumber(positives)} positive and ${formatNumber(negatives)} negative rows${rest}.`;
}

function areaUnder(x: Float64Array, y: Float64Array): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  return area;
}
