import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { averagePrecision } from '../../../src/stats/metrics/average-precision.ts';
import { compareRocAuc } from '../../../src/stats/metrics/compare-roc-auc.ts';
import { precisionRecallCurve } from '../../../src/stats/metrics/precision-recall-curve.ts';
import { rocAuc } from '../../../src/stats/metrics/roc-auc.ts';
import { rocCurve } from '../../../src/stats/metrics/roc-curve.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const variance = (values: number[]): number => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
};

/** For each row, the share of the other class that it is on the right side of: the definition, pair by pair. */
function placementsByPairs(labels: number[], scores: number[]): { positives: number[]; negatives: number[] } {
  const of = (label: number): number[] => scores.filter((_, i) => labels[i] === label);
  const won = (a: number, b: number): number => (a > b ? 1 : a === b ? 0.5 : 0);
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return { positives: of(1).map((a) => mean(of(0).map((b) => won(a, b)))), negatives: of(0).map((b) => mean(of(1).map((a) => won(a, b)))) };
}

const rows = fc
  .array(fc.tuple(fc.nat(1), fc.nat(6), fc.nat(6)), { minLength: 4, maxLength: 40 })
  .filter((list) => list.filter(([label]) => label === 1).length > 1 && list.filter(([label]) => label === 0).length > 1);

describe('rocAuc', () => {
  it('counts pairs, and has the variance of their placements', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const labels = list.map(([label]) => label);
        const scores = list.map(([, score]) => score);
        const { positives, negatives } = placementsByPairs(labels, scores);
        const found = rocAuc(labels, scores);
        expect(found.value).toBeCloseTo(positives.reduce((a, b) => a + b, 0) / positives.length, 12);
        expect(found.variance).toBeCloseTo(variance(positives) / positives.length + variance(negatives) / negatives.length, 12);
        expect(found.low).toBeLessThanOrEqual(found.value);
        expect(found.high).toBeGreaterThanOrEqual(found.value);
        expect(found.low).toBeGreaterThanOrEqual(0);
        expect(found.high).toBeLessThanOrEqual(1);
        expect(rocAuc(labels, scores.map((score) => -score)).value).toBeCloseTo(1 - found.value, 12);
        expect(rocAuc(labels, scores.map((score) => Math.exp(score)))).toEqual(found);
      }),
      { seed: 1 },
    );
  });

  it('covers the true area about as often as it says', () => {
    const random = new SeededGenerator(5);
    let covered = 0;
    for (let trial = 0; trial < 1000; trial++) {
      // A positive scores the larger of two uniforms: the true area is 2/3.
      const labels = Array.from({ length: 120 }, (_, i) => i % 2);
      const { low, high } = rocAuc(labels, labels.map((label) => (label === 1 ? Math.max(random.uniform(), random.uniform()) : random.uniform())), { confidence: 0.9 });
      if (low <= 2 / 3 && high >= 2 / 3) covered++;
    }
    expect(covered).toBeGreaterThan(870);
    expect(covered).toBeLessThan(930);
  });

  it('does not claim certainty from perfect separation', () => {
    const { value, variance: none, low, high } = rocAuc([0, 0, 0, 1, 1], [1, 2, 3, 4, 5]);
    expect([value, none, high]).toEqual([1, 0, 1]);
    expect(low).toBeCloseTo(Math.sqrt(0.025), 12);
    expect(rocAuc([1, 1, 0, 0], [1, 2, 3, 4])).toMatchObject({ value: 0, low: 0, high: 1 - Math.sqrt((1 - 0.95) / 2) });
  });

  it('ranks infinities, and leaves out what has no label or no score', () => {
    expect(rocAuc([0, 1, 0, 1], [-Infinity, Infinity, 1, 2]).value).toBe(1);
    expect(rocAuc([0, 1, NaN, 1, 0], [0, 1, 5, NaN, 1])).toMatchObject({ value: 0.75, positives: 1, negatives: 2, dropped: 2, variance: NaN, low: NaN });
    expect(rocAuc(['no', 'yes'], [0, 1], { positive: 'yes' }).value).toBe(1);
  });

  it('is not defined with one class', () => {
    expect(rocAuc([1, 1], [0.1, 0.2])).toEqual({ value: NaN, variance: NaN, low: NaN, high: NaN, positives: 2, negatives: 0, dropped: 0 });
    expect(rocAuc([], [])).toMatchObject({ value: NaN, positives: 0 });
    expect(rocAuc([0, 1, 0, 1], [3, 3, 3, 3])).toMatchObject({ value: 0.5, variance: 0, low: 0.5, high: 0.5 });
  });

  it('refuses wrong arguments', () => {
    expect(() => rocAuc([1], [1, 2])).toThrow(ValidationError);
    expect(() => rocAuc([1, 0], [1, 2], { confidence: 95 })).toThrow(/confidence/);
    expect(() => rocAuc([1, 2], [1, 2])).toThrow(/positive/);
  });
});

describe('compareRocAuc', () => {
  it('has the variance of the differences of the placements, and is antisymmetric', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const labels = list.map(([label]) => label);
        const [first, second] = [list.map(([, a]) => a), list.map(([, , b]) => b)];
        const [a, b] = [placementsByPairs(labels, first), placementsByPairs(labels, second)];
        const found = compareRocAuc(labels, first, second);
        const of = (side: 'positives' | 'negatives'): number => variance(a[side].map((one, i) => one - b[side][i]!)) / a[side].length;
        expect(found.standardError).toBeCloseTo(Math.sqrt(of('positives') + of('negatives')), 8);
        expect(found.first).toBe(rocAuc(labels, first).value);
        expect(found.second).toBe(rocAuc(labels, second).value);
        expect(found.difference).toBeCloseTo(found.first - found.second, 14);
        const swapped = compareRocAuc(labels, second, first);
        expect(swapped.pValue).toBeCloseTo(found.pValue, 12);
        expect(compareRocAuc(labels, first, second, { alternative: 'greater' }).pValue).toBeCloseTo(compareRocAuc(labels, second, first, { alternative: 'less' }).pValue, 12);
      }),
      { seed: 2 },
    );
  });

  it('rejects as often as it should when there is no difference, and sees one', () => {
    const random = new SeededGenerator(7);
    const labels = Array.from({ length: 200 }, (_, i) => i % 2);
    const noisy = (signal: number[], noise: number): number[] => signal.map((one) => one + noise * random.uniform());
    let rejected = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const signal = noisy(labels, 2);
      if (compareRocAuc(labels, noisy(signal, 1), noisy(signal, 1)).pValue < 0.05) rejected++;
    }
    expect(rejected).toBeGreaterThan(30);
    expect(rejected).toBeLessThan(72);
    expect(compareRocAuc(labels, noisy(labels, 1.5), noisy(labels, 6), { alternative: 'greater' }).pValue).toBeLessThan(1e-4);
  });

  it('is never surer than the number of rows allows', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const labels = list.map(([label]) => label);
        const [first, second] = [list.map(([, a]) => a), list.map(([, , b]) => b)];
        expect(compareRocAuc(labels, first, second).pValue).toBeGreaterThanOrEqual(2 ** (1 - list.length));
        for (const alternative of ['greater', 'less'] as const) expect(compareRocAuc(labels, first, second, { alternative }).pValue).toBeGreaterThanOrEqual(2 ** -list.length);
      }),
      { seed: 3 },
    );
    const [few, opposite] = [[0, 0, 1, 1], [2, 2, 1, 1]];
    // All sixteen exchanges of the two scores of a row: how many differ as much as what was seen?
    const differences = Array.from({ length: 16 }, (_, bits) => {
      const [x, y] = [few.map((one, i) => ((bits >> i) & 1 ? opposite[i]! : one + 1)), few.map((one, i) => ((bits >> i) & 1 ? one + 1 : opposite[i]!))];
      return compareRocAuc(few, x, y).difference;
    });
    expect(compareRocAuc(few, few, opposite).pValue).toBe(differences.filter((one) => Math.abs(one) >= 1).length / 16);
    const many = Array.from({ length: 3000 }, (_, i) => i % 2);
    expect(compareRocAuc(many, many, many.map((label) => -label)).pValue).toBe(Number.MIN_VALUE * 2);
  });

  it('is no evidence with too little data or one and the same order', () => {
    const labels = [0, 0, 1, 1, 1];
    expect(compareRocAuc(labels, [1, 3, 2, 4, 5], [10, 30, 20, 40, 50])).toMatchObject({ statistic: 0, pValue: 1, difference: 0, n: 5, dropped: 0 });
    expect(compareRocAuc([0, 1], [1, 2], [2, 1])).toMatchObject({ statistic: 0, pValue: 1, difference: 1, standardError: NaN });
    expect(compareRocAuc([], [], [])).toMatchObject({ statistic: 0, pValue: 1, first: NaN, n: 0 });
    expect(compareRocAuc([1, 1], [1, 2], [2, 1])).toMatchObject({ statistic: 0, pValue: 1 });
    expect(compareRocAuc([0, 0, 1, 1], [1, 1, 2, 2], [2, 2, 1, 1])).toMatchObject({ statistic: Infinity, pValue: 2 ** -3 });
    expect(compareRocAuc([0, 0, 1, 1, 1], [1, NaN, 2, 3, 4], [1, 2, 3, NaN, 4])).toMatchObject({ n: 3, dropped: 2 });
  });

  it('refuses wrong arguments', () => {
    expect(() => compareRocAuc([1, 0], [1], [1, 2])).toThrow(/first/);
    expect(() => compareRocAuc([1, 0], [1, 2], [1])).toThrow(/second/);
    expect(() => compareRocAuc([1, 0], [1, 2], [1, 2], { alternative: 'more' as 'less' })).toThrow(/alternative/);
  });
});

describe('curves', () => {
  const trapezoid = (x: Float64Array, y: Float64Array): number => x.reduce((sum, one, i) => (i === 0 ? 0 : sum + ((one - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2), 0);

  it('each point of the ROC curve is what its threshold gives, and the area is that of rocAuc, thinned or not', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const labels = list.map(([label]) => label);
        const scores = list.map(([, score]) => score);
        const full = rocCurve(labels, scores, { thin: false });
        const share = (threshold: number, label: number): number => {
          const own = scores.filter((_, i) => labels[i] === label);
          return own.filter((score) => score >= threshold).length / own.length;
        };
        full.thresholds.forEach((threshold, i) => {
          expect(full.truePositiveRates[i]).toBe(share(threshold, 1));
          expect(full.falsePositiveRates[i]).toBe(share(threshold, 0));
        });
        const thin = rocCurve(labels, scores);
        expect(thin.thresholds.length).toBeLessThanOrEqual(full.thresholds.length);
        for (const curve of [thin, full]) expect(trapezoid(curve.falsePositiveRates, curve.truePositiveRates)).toBeCloseTo(rocAuc(labels, scores).value, 12);
        const area = precisionRecallCurve(labels, scores);
        const steps = area.recalls.reduce((sum, recall, i) => (i === 0 ? 0 : sum + (recall - area.recalls[i - 1]!) * area.precisions[i]!), 0);
        expect(averagePrecision(labels, scores)).toBeCloseTo(steps, 12);
      }),
      { seed: 3 },
    );
  });

  it('thins long straight stretches to their ends', () => {
    const { thresholds } = rocCurve([1, 1, 1, 0, 0, 0], [6, 5, 4, 3, 2, 1]);
    expect([...thresholds]).toEqual([Infinity, 4, 1]);
  });

  it('have their first point without rows, and NaN where a class is missing', () => {
    expect([...rocCurve([], []).thresholds]).toEqual([Infinity]);
    expect([...rocCurve([1, 1], [1, 2]).falsePositiveRates].every(Number.isNaN)).toBe(true);
    expect([...precisionRecallCurve([0], [1]).recalls].every(Number.isNaN)).toBe(true);
    expect(precisionRecallCurve([0, NaN], [1, 1])).toMatchObject({ positives: 0, negatives: 1, dropped: 1 });
  });

  it('average precision: not defined without a positive, 1 when all are, the share of them for one tie', () => {
    expect(averagePrecision([0, 0], [1, 2])).toBeNaN();
    expect(averagePrecision([], [])).toBeNaN();
    expect(averagePrecision([1, 1], [1, 2])).toBe(1);
    expect(averagePrecision([1, 0, 0, 0], [2, 2, 2, 2])).toBe(0.25);
  });
});
