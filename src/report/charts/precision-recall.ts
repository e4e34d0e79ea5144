import { check } from '../../core/schema.ts';
import type { PrecisionRecallCurve } from '../../stats/metrics/precision-recall-curve.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { shortName } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { classifierOptions, type ClassifierChartOptions } from './roc.ts';
import { guide, leftOutOf, someOf, squareMarks, squareSpec, unitSquare } from './unit-square.ts';

/** Precision and recall, as `precisionRecallCurve` of `modelkeep/stats` gives them, with a name. */
export interface NamedPrecisionRecallCurve extends PrecisionRecallCurve {
  /** What it is called, such as the version of the model; any text. */
  readonly name: string;
}

const xLabel = 'recall';
const yLabel = 'precision';

/**
 * Precision against recall in one square, with the precision that guessing gives and the average precision of each curve.
 *
 * Throws `ValidationError` for options that are none.
 *
 * @example
 * ```ts
 * import { precisionRecallChart } from 'modelkeep/report';
 * import { precisionRecallCurve } from 'modelkeep/stats';
 *
 * const chart = precisionRecallChart([{ name: 'v3', ...precisionRecallCurve([0, 1, 1, 0], [0.4, 0.35, 0.8, 0.1]) }], { title: 'Precision and recall' });
 * console.log(chart.summary); // v3: average precision 0.8333; guessing gives 50 %, the share of the 2 positive rows of 4.
 * ```
 */
export function precisionRecallChart(curves: readonly NamedPrecisionRecallCurve[], options: ClassifierChartOptions): Chart {
  const { title } = check(classifierOptions, options, 'options');
  const averages = curves.map(averagePrecisionOf);
  const lines = curves.map(({ name, recalls: x, precisions: y }, i) => ({ name: Number.isFinite(averages[i]) && x.length > 1 ? `${name} (average ${formatNumber(averages[i]!, 3)})` : name, x, y }));
  const square = unitSquare(lines.map(({ name }) => name), xLabel, yLabel);
  const shares = [...new Set(curves.filter(({ positives, negatives }) => positives + negatives > 0).map(({ positives, negatives }) => positives / (positives + negatives)))];
  return new DrawnChart({
    title,
    summary: curves.length === 0 ? 'There is nothing to draw.' : curves.map((curve, i) => describe(curve, averages[i]!)).join(' '),
    table: {
      columns: ['series', 'threshold', xLabel, yLabel],
      rows: curves.flatMap(({ name, thresholds, recalls, precisions }) => someOf(thresholds.length).map((i) => [name, thresholds[i]!, recalls[i]!, precisions[i]!])),
      leftOut: leftOutOf(curves.map(({ thresholds }) => thresholds.length)),
    },
    width: square.width,
    height: square.height,
    readout: square.plot,
    // What guessing gives depends on the rows; it is one line only where they are the same.
    marks: squareMarks(square, lines, shares.length === 1 ? guide(square, shares[0]!, shares[0]!) : undefined),
    vegaLite: () => squareSpec(square, lines, xLabel, yLabel),
  });
}

function describe({ name, positives, negatives, dropped }: NamedPrecisionRecallCurve, average: number): string {
  const rest = dropped > 0 ? `; ${formatCount(dropped, 'row was', 'rows were')} left out` : '';
  if (positives === 0) return `${shortName(name)}: there is no curve, since there are no positive rows${rest}.`;
  const all = positives + negatives;
  return `${shortName(name)}: average precision ${formatNumber(average)}; guessing gives ${formatPercent(positives / all)}, the share of the ${formatCount(positives, 'positive row')} of ${formatNumber(all)}${rest}.`;
}

/** Σ (rᵢ - rᵢ₋₁)·pᵢ, as `averagePrecision` has it. */
function averagePrecisionOf({ recalls, precisions }: PrecisionRecallCurve): number {
  let sum = 0;
  for (let i = 1; i < recalls.length; i++) sum += (recalls[i]! - recalls[i - 1]!) * precisions[i]!;
  return sum;
}
