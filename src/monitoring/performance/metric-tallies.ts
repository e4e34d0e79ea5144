import { rocAuc } from '../../stats/metrics/roc-auc.ts';
import { studentT } from '../../stats/distributions/student-t.ts';
import { Moments } from '../../stats/sketches/moments.ts';
import { clopperPearsonInterval } from '../../stats/tests/clopper-pearson-interval.ts';
import { losses, type LossFunction } from './losses.ts';
import type { PerformanceSettings } from './performance-options.ts';

/** A metric with the interval that covers its true value with the confidence that was asked for; NaN where it is not defined. */
export interface MeasuredMetric {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Takes in pairs of a label and a prediction, one by one, and measures them. */
export interface MetricTally {
  /** Takes in a pair; false when the metric is not defined for it. */
  add(label: number, prediction: number): boolean;
  measure(confidence: number): MeasuredMetric;
}

/** Counts of a classifier, as far as a share of them is asked for. */
interface ClassCounts {
  readonly right: number;
  readonly total: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}

/** A metric that is a share of counts, or grows with one: the exact interval of that share gives its own. */
class ShareTally implements MetricTally {
  readonly #positive: number;
  readonly #shareOf: (counts: ClassCounts) => readonly [hits: number, of: number];
  readonly #metricOf: (share: number) => number;
  #right = 0;
  #total = 0;
  #truePositives = 0;
  #falsePositives = 0;
  #falseNegatives = 0;

  constructor(positive: number, shareOf: (counts: ClassCounts) => readonly [hits: number, of: number], metricOf: (share: number) => number = (share) => share) {
    this.#positive = positive;
    this.#shareOf = shareOf;
    this.#metricOf = metricOf;
  }

  add(label: number, prediction: number): boolean {
    if (Number.isNaN(label) || Number.isNaN(prediction)) return false;
    this.#total++;
    if (label === prediction) this.#right++;
    if (prediction === this.#positive) {
      if (label === this.#positive) this.#truePositives++;
      else this.#falsePositives++;
    } else if (label === this.#positive) {
      this.#falseNegatives++;
    }
    return true;
  }

  measure(confidence: number): MeasuredMetric {
    const counts = { right: this.#right, total: this.#total, truePositives: this.#truePositives, falsePositives: this.#falsePositives, falseNegatives: this.#falseNegatives };
    const [hits, of] = this.#shareOf(counts);
    if (of === 0) return { value: NaN, low: NaN, high: NaN };
    const { low, high } = clopperPearsonInterval(hits, of, (1 - confidence) / 2);
    return { value: this.#metricOf(hits / of), low: this.#metricOf(low), high: this.#metricOf(high) };
  }
}

/** A metric that is the mean of what each pair costs, or grows with it: the interval is Student's of the mean. */
class LossTally implements MetricTally {
  readonly #moments = new Moments();
  readonly #lossOf: LossFunction;
  readonly #metricOf: (mean: number) => number;

  constructor(lossOf: LossFunction, metricOf: (mean: number) => number = (mean) => mean) {
    this.#lossOf = lossOf;
    this.#metricOf = metricOf;
  }

  add(label: number, prediction: number): boolean {
    const loss = this.#lossOf(label, prediction);
    if (!Number.isFinite(loss)) return false;
    this.#moments.update(loss);
    return true;
  }

  measure(confidence: number): MeasuredMetric {
    const { count, mean, variance } = this.#moments;
    const reach = count > 1 ? studentT.quantile((1 + confidence) / 2, count - 1) * Math.sqrt(variance / count) : NaN;
    return { value: this.#metricOf(mean), low: this.#metricOf(Math.max(0, mean - reach)), high: this.#metricOf(mean + reach) };
  }
}

/** The area under the ROC curve, for which every pair is held: 16 bytes each. */
class AucTally implements MetricTally {
  #size = 0;
  #labels = new Float64Array(64);
  #scores = new Float64Array(64);

  add(label: number, score: number): boolean {
    if ((label !== 0 && label !== 1) || Number.isNaN(score)) return false;
    if (this.#size === this.#labels.length) {
      this.#labels = doubled(this.#labels);
      this.#scores = doubled(this.#scores);
    }
    this.#labels[this.#size] = label;
    this.#scores[this.#size++] = score;
    return true;
  }

  measure(confidence: number): MeasuredMetric {
    const { value, low, high } = rocAuc(this.#labels.subarray(0, this.#size), this.#scores.subarray(0, this.#size), { confidence });
    return { value, low, high };
  }
}

/** Makes what measures a metric of classes; `positive` is the class that precision, recall and F1 are about. */
const classTallies = {
  accuracy: (positive: number): MetricTally => new ShareTally(positive, ({ right, total }) => [right, total]),
  precision: (positive: number): MetricTally => new ShareTally(positive, ({ truePositives, falsePositives }) => [truePositives, truePositives + falsePositives]),
  recall: (positive: number): MetricTally => new ShareTally(positive, ({ truePositives, falseNegatives }) => [truePositives, truePositives + falseNegatives]),
  // F1 is 2s / (1 + s) of the share s that true positives have in all rows that are positive or called so, and grows with it.
  f1: (positive: number): MetricTally =>
    new ShareTally(
      positive,
      ({ truePositives, falsePositives, falseNegatives }) => [truePositives, truePositives + falsePositives + falseNegatives],
      (share) => (2 * share) / (1 + share),
    ),
} as const;

/** Makes what measures a metric of numbers. */
const numberTallies = {
  auc: (): MetricTally => new AucTally(),
  logLoss: (): MetricTally => new LossTally(losses.logLoss),
  brier: (): MetricTally => new LossTally(losses.brier),
  mae: (): MetricTally => new LossTally(losses.mae),
  rmse: (): MetricTally => new LossTally(losses.rmse, Math.sqrt),
} as const;

/** Makes what measures the metric of a monitor. */
export function metricTally({ metric, positive }: Pick<PerformanceSettings, 'metric' | 'positive'>): MetricTally {
  if (metric in classTallies) return classTallies[metric as keyof typeof classTallies](positive);
  return numberTallies[metric as keyof typeof numberTallies]();
}

function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(2 * array.length);
  wider.set(array);
  return wider;
}
