import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { accuracy } from '../../../src/stats/metrics/accuracy.ts';
import { balancedAccuracy } from '../../../src/stats/metrics/balanced-accuracy.ts';
import { classificationReport } from '../../../src/stats/metrics/classification-report.ts';
import { cohenKappa } from '../../../src/stats/metrics/cohen-kappa.ts';
import { confusionMatrix } from '../../../src/stats/metrics/confusion-matrix.ts';
import { fBeta } from '../../../src/stats/metrics/f-beta.ts';
import { matthewsCorrelation } from '../../../src/stats/metrics/matthews-correlation.ts';
import { precision } from '../../../src/stats/metrics/precision.ts';
import { recall } from '../../../src/stats/metrics/recall.ts';
import { specificity } from '../../../src/stats/metrics/specificity.ts';

const pairs = (classes: number): fc.Arbitrary<[number, number][]> =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: classes - 1 }), fc.integer({ min: 0, max: classes - 1 })), { minLength: 1, maxLength: 40 });

describe('confusionMatrix', () => {
  it('orders numbers before texts, and takes booleans for 1 and 0', () => {
    expect(confusionMatrix(['b', 10, 9, true], ['a', 10, 10, 1])).toEqual({
      labels: [true, 9, 10, 'a', 'b'],
      counts: [
        [1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
      ],
      n: 4,
      dropped: 0,
    });
  });

  it('leaves out what is no class, and classes that were not asked for', () => {
    const withHoles = [0, NaN, 1, null, 2] as number[];
    expect(confusionMatrix(withHoles, [0, 1, NaN, 1, 1], { labels: [1, 0] })).toEqual({ labels: [1, 0], counts: [[0, 0], [0, 1]], n: 1, dropped: 4 });
    expect(confusionMatrix([], [])).toEqual({ labels: [], counts: [], n: 0, dropped: 0 });
  });

  it('refuses lists that do not fit, repeated classes, bad weights and more classes than a matrix can hold', () => {
    expect(() => confusionMatrix([1], [1, 0])).toThrow(ValidationError);
    expect(() => confusionMatrix([1], [1], { labels: [1, true] })).toThrow(/named before/);
    expect(() => confusionMatrix([1], [1], { weights: [-1] })).toThrow(/weights\[0\]/);
    expect(() => confusionMatrix([1], [1], { weights: [1, 1] })).toThrow(ValidationError);
    const numbers = Array.from({ length: 5000 }, (_, i) => i);
    expect(() => confusionMatrix(numbers, numbers)).toThrow(/5000 classes/);
    expect(accuracy(numbers, numbers)).toBe(1);
  });
});

describe('binary precision, recall, specificity and F', () => {
  const labels = [1, 1, 1, 0, 0, 0, 0, 1];
  const predictions = [1, 0, 1, 0, 1, 0, 0, 0];

  it('are the ratios of the four counts', () => {
    expect(precision(labels, predictions)).toBe(2 / 3);
    expect(recall(labels, predictions)).toBe(2 / 4);
    expect(specificity(labels, predictions)).toBe(3 / 4);
    expect(fBeta(labels, predictions)).toBeCloseTo(4 / 7, 14);
    expect(fBeta(labels, predictions, { beta: 2 })).toBeCloseTo((5 * 2) / (5 * 2 + 4 * 2 + 1), 14);
  });

  it('swap recall and specificity when the positive class is the other one', () => {
    expect(recall(labels, predictions, { positive: 0 })).toBe(specificity(labels, predictions));
    expect(specificity(labels, predictions, { positive: 0 })).toBe(recall(labels, predictions));
  });

  it('count a named class against all others, whatever they are', () => {
    expect(precision(['a', 'b', 'c', 'a'], ['a', 'a', 'c', 'b'], { positive: 'a' })).toBe(0.5);
    expect(recall([3, 4, 5], [3, 5, 5], { positive: 5 })).toBe(1);
    expect(recall(['a'], ['a'], { positive: 'z' })).toBe(0);
  });

  it('take booleans and 1 for the same, and -1 for a negative', () => {
    expect(precision([true, false, true], [1, 1, 0])).toBe(0.5);
    expect(specificity([-1, -1, 1], [-1, 1, 1])).toBe(0.5);
  });

  it('do not guess which of other classes is meant', () => {
    expect(() => precision(['yes', 'no'], ['yes', 'no'])).toThrow(/positive/);
    expect(() => recall([0, 1, 2], [0, 1, 1])).toThrow(/labels\[2\] is 2/);
    expect(() => fBeta([0, 1], [0, 3])).toThrow(/predictions\[1\]/);
    expect(() => precision([1], [1], { positive: NaN })).toThrow(/positive/);
    expect(() => precision([1], [1], { average: 'mean' as 'macro' })).toThrow(/average/);
    expect(() => fBeta([1], [1], { beta: 0 })).toThrow(/beta/);
  });

  it('are 0 where there is nothing to take a share of, and NaN without any row', () => {
    for (const metric of [precision, recall, fBeta]) {
      expect(metric([0, 0], [0, 0])).toBe(0);
      expect(metric([], [])).toBeNaN();
      expect(metric([NaN], [1])).toBeNaN();
      expect(metric([], [], { average: 'macro' })).toBeNaN();
    }
    expect(specificity([1, 1], [1, 0])).toBe(0);
  });
});

describe('averages over classes', () => {
  const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

  it('macro is the mean of each class against all others', () => {
    fc.assert(
      fc.property(pairs(4), (rows) => {
        const labels = rows.map(([label]) => label);
        const predictions = rows.map(([, prediction]) => prediction);
        const classes = [...new Set([...labels, ...predictions])];
        for (const metric of [precision, recall, specificity, fBeta]) {
          expect(metric(labels, predictions, { average: 'macro' })).toBeCloseTo(average(classes.map((positive) => metric(labels, predictions, { positive }))), 12);
        }
        expect(recall(labels, predictions, { average: 'micro' })).toBeCloseTo(accuracy(labels, predictions), 12);
        expect(recall(labels, predictions, { average: 'weighted' })).toBeCloseTo(accuracy(labels, predictions), 12);
      }),
      { seed: 1 },
    );
  });

  it('whole weights count as repeated rows', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(3)), { minLength: 1, maxLength: 20 }), (rows) => {
        const weights = rows.map(([, , weight]) => weight);
        const repeated = rows.flatMap((row) => Array.from({ length: row[2] }, () => row));
        const column = (of: typeof rows, i: 0 | 1): number[] => of.map((row) => row[i]);
        for (const metric of [accuracy, matthewsCorrelation, cohenKappa, balancedAccuracy]) {
          const weighted = metric(column(rows, 0), column(rows, 1), { weights });
          const expected = metric(column(repeated, 0), column(repeated, 1));
          if (Number.isNaN(expected)) expect(weighted).toBeNaN();
          else expect(weighted).toBeCloseTo(expected, 12);
        }
      }),
      { seed: 2 },
    );
  });

  it('are about the classes that were asked for', () => {
    expect(recall([0, 1, 2, 2], [0, 0, 2, 1], { average: 'macro', labels: [2, 7] })).toBe(0.25);
    expect(precision([0, 1, 2, 2], [0, 0, 2, 1], { average: 'micro', labels: [0, 2] })).toBe(2 / 3);
  });
});

describe('agreement', () => {
  it("Matthews' correlation and κ are 1 for equal lists, symmetric, and unmoved by other names", () => {
    fc.assert(
      fc.property(pairs(3), (rows) => {
        const labels = rows.map(([label]) => label);
        const predictions = rows.map(([, prediction]) => prediction);
        const named = (list: number[]): string[] => list.map((one) => `class ${9 - one}`);
        for (const metric of [matthewsCorrelation, cohenKappa]) {
          const value = metric(labels, predictions);
          if (Number.isNaN(value)) continue;
          expect(value).toBeGreaterThanOrEqual(-1);
          expect(value).toBeLessThanOrEqual(1);
          expect(metric(predictions, labels)).toBeCloseTo(value, 12);
          expect(metric(named(labels), named(predictions))).toBeCloseTo(value, 12);
        }
      }),
      { seed: 3 },
    );
    expect(matthewsCorrelation([0, 1, 2], [0, 1, 2])).toBeCloseTo(1, 14);
    expect(cohenKappa(['a', 'b'], ['a', 'b'])).toBe(1);
    expect(matthewsCorrelation([0, 1], [1, 0])).toBe(-1);
  });

  it('one class throughout: no correlation, κ not defined, nothing without rows', () => {
    expect(matthewsCorrelation([1, 1], [1, 1])).toBe(0);
    expect(matthewsCorrelation([1, 0], [1, 1])).toBe(0);
    expect(cohenKappa([1, 1], [1, 1])).toBeNaN();
    for (const metric of [accuracy, matthewsCorrelation, cohenKappa, balancedAccuracy]) expect(metric([], [])).toBeNaN();
    expect(balancedAccuracy([0, 0, 0], [0, 0, 1])).toBe(2 / 3);
  });
});

describe('classificationReport', () => {
  it('says what the single metrics say', () => {
    fc.assert(
      fc.property(pairs(4), (rows) => {
        const labels = rows.map(([label]) => label);
        const predictions = rows.map(([, prediction]) => prediction);
        const report = classificationReport(labels, predictions);
        for (const one of report.classes) {
          expect(one.precision).toBe(precision(labels, predictions, { positive: one.label }));
          expect(one.recall).toBe(recall(labels, predictions, { positive: one.label }));
          expect(one.f1).toBeCloseTo(fBeta(labels, predictions, { positive: one.label }), 14);
          expect(one.support).toBe(labels.filter((label) => label === one.label).length);
        }
        for (const average of ['macro', 'micro', 'weighted'] as const) {
          expect(report[average].precision).toBeCloseTo(precision(labels, predictions, { average }), 12);
          expect(report[average].f1).toBeCloseTo(fBeta(labels, predictions, { average }), 12);
        }
        expect(report.accuracy).toBe(accuracy(labels, predictions));
      }),
      { seed: 4 },
    );
  });

  it('keeps to the classes that were asked for, and counts what it left out', () => {
    const report = classificationReport(['a', 'b', 'c', NaN], ['a', 'c', 'c', 'a'], { labels: ['c', 'z'] });
    expect(report.classes).toEqual([
      { label: 'c', precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
      { label: 'z', precision: 0, recall: 0, f1: 0, support: 0 },
    ]);
    expect(report).toMatchObject({ accuracy: 2 / 3, n: 3, dropped: 1 });
    expect(classificationReport([], [])).toMatchObject({ classes: [], accuracy: NaN, macro: { precision: NaN, support: 0 }, n: 0 });
  });
});
