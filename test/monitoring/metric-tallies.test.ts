import { accuracy, brierScore, fBeta, logLoss, meanAbsoluteError, precision, recall, rocAuc, rootMeanSquaredError } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { metricTally, type MetricTally } from '../../src/monitoring/performance/metric-tallies.ts';
import type { PerformanceMetric } from '../../src/monitoring/performance/performance-options.ts';
import { Sampler } from './samples.ts';

const tally = (metric: PerformanceMetric): MetricTally => metricTally({ metric, positive: 1 });

function measured(made: MetricTally, labels: ArrayLike<number>, predictions: ArrayLike<number>): { value: number; low: number; high: number } {
  for (let i = 0; i < labels.length; i++) made.add(labels[i]!, predictions[i]!);
  return made.measure(0.95);
}

describe('tallies of a metric', () => {
  it('come to what the functions over whole lists do', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const sampler = new Sampler(seed);
      const n = 50 + 10 * seed;
      const scores = Float64Array.from({ length: n }, () => sampler.random());
      const labels = scores.map((score) => Number(sampler.random() < score));
      const classes = scores.map((score) => Number(score > 0.6));
      const numbers = sampler.normals(n, 10, 3);
      const guesses = numbers.map((number) => number + sampler.normal());
      const expected: [MetricTally, ArrayLike<number>, ArrayLike<number>, number][] = [
        [tally('accuracy'), labels, classes, accuracy(labels, classes)],
        [tally('precision'), labels, classes, precision(labels, classes)],
        [tally('recall'), labels, classes, recall(labels, classes)],
        [tally('f1'), labels, classes, fBeta(labels, classes)],
        [tally('auc'), labels, scores, rocAuc(labels, scores).value],
        [tally('logLoss'), labels, scores, logLoss(labels, scores)],
        [tally('brier'), labels, scores, brierScore(labels, scores)],
        [tally('mae'), numbers, guesses, meanAbsoluteError(numbers, guesses)],
        [tally('rmse'), numbers, guesses, rootMeanSquaredError(numbers, guesses)],
      ];
      for (const [made, truth, predicted, value] of expected) {
        const found = measured(made, truth, predicted);
        expect(found.value).toBeCloseTo(value, 12);
        expect(found.low).toBeLessThan(value);
        expect(found.high).toBeGreaterThan(value);
      }
    }
  });

  it('have intervals that cover the truth as often as they say', () => {
    const sampler = new Sampler(77);
    const trials = 300;
    const n = 120;
    // P(positive) 0.4; a classifier that finds 0.8 of them and calls 0.1 of the others positive; errors that are normal.
    const precisionThere = 0.32 / (0.32 + 0.06);
    const truths = { accuracy: 0.86, precision: precisionThere, recall: 0.8, f1: 0.64 / (0.64 + 0.06 + 0.08), mae: Math.sqrt(2 / Math.PI), rmse: 1 };
    const covered = { accuracy: 0, precision: 0, recall: 0, f1: 0, mae: 0, rmse: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const labels = Float64Array.from({ length: n }, () => Number(sampler.random() < 0.4));
      const classes = labels.map((label) => Number(sampler.random() < (label === 1 ? 0.8 : 0.1)));
      const errors = sampler.normals(n);
      const zeros = new Float64Array(n);
      for (const metric of ['accuracy', 'precision', 'recall', 'f1'] as const) {
        const { low, high } = measured(tally(metric), labels, classes);
        if (low <= truths[metric] && truths[metric] <= high) covered[metric]++;
      }
      for (const metric of ['mae', 'rmse'] as const) {
        const { low, high } = measured(tally(metric), errors, zeros);
        if (low <= truths[metric] && truths[metric] <= high) covered[metric]++;
      }
    }
    // Of 300 trials at 95 %, fewer than 272 are covered once in a thousand.
    for (const [metric, count] of Object.entries(covered)) expect(count, metric).toBeGreaterThanOrEqual(272);
  });

  it('leave out what they are not defined for, and say so', () => {
    expect([tally('logLoss').add(1, 1.2), tally('brier').add(2, 0.5), tally('auc').add(0.5, 1), tally('mae').add(NaN, 1), tally('f1').add(1, NaN)]).toEqual(
      Array.from({ length: 5 }, () => false),
    );
    for (const metric of ['accuracy', 'precision', 'recall', 'f1', 'auc', 'logLoss', 'brier', 'mae', 'rmse'] as const) expect(tally(metric).measure(0.95).low).toBeNaN();
  });
});
