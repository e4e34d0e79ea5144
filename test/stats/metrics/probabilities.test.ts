import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { brierScore } from '../../../src/stats/metrics/brier-score.ts';
import { estimatedPerformance } from '../../../src/stats/metrics/estimated-performance.ts';
import { expectedCalibrationError } from '../../../src/stats/metrics/expected-calibration-error.ts';
import { IsotonicFit, isotonicRegression } from '../../../src/stats/metrics/isotonic-regression.ts';
import { logLoss } from '../../../src/stats/metrics/log-loss.ts';
import { rocAuc } from '../../../src/stats/metrics/roc-auc.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

describe('logLoss', () => {
  it('is -ln of what was given to what happened', () => {
    expect(logLoss([1, 0, 1], [0.5, 0.25, 1])).toBeCloseTo(-(Math.log(0.5) + Math.log(0.75)) / 3, 14);
    expect(logLoss([true, false], [0.5, 0.5])).toBeCloseTo(Math.LN2, 15);
    expect(logLoss(['no', 'yes'], [0.1, 0.8], { positive: 'yes' })).toBeCloseTo(-(Math.log(0.9) + Math.log(0.8)) / 2, 14);
    expect(logLoss(['b', 'a'], [[0.2, 0.8], [0.5, 0.5]], { classes: ['a', 'b'] })).toBeCloseTo(-(Math.log(0.8) + Math.log(0.5)) / 2, 14);
  });

  it('clips a certain mistake by the precision of the numbers, or as told', () => {
    expect(logLoss([1], [0])).toBeCloseTo(-Math.log(Number.EPSILON), 10);
    expect(logLoss([1], Float32Array.of(0))).toBeCloseTo(-Math.log(2 ** -23), 10);
    expect(logLoss([0], [1], { eps: 1e-3 })).toBeCloseTo(-Math.log(1e-3), 10);
    expect(logLoss([1], [0], { eps: 0 })).toBe(Infinity);
    expect(logLoss([1, 1], [1, 0], { eps: 0, weights: [1, 0] })).toBeCloseTo(0, 15);
    expect(logLoss(['new'], [[0.5, 0.5]], { classes: ['a', 'b'] })).toBeCloseTo(-Math.log(Number.EPSILON), 10);
  });

  it('agrees with itself for two classes as rows', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 20 }), (rows) => {
        const labels = rows.map(([label]) => label);
        const weights = rows.map(([, , weight]) => weight);
        const single = logLoss(labels, rows.map(([, p]) => p), { weights });
        expect(logLoss(labels, rows.map(([, p]) => [1 - p, p]), { weights, classes: [0, 1] })).toBeCloseTo(single, 8);
      }),
      { seed: 1 },
    );
  });

  it('leaves holes out, is NaN without rows, and refuses what is no probability', () => {
    expect(logLoss([1, NaN, 1], [0.5, 0.1, NaN])).toBeCloseTo(Math.LN2, 15);
    expect(logLoss(['a', 'b'], [[0.5, 0.5], [NaN, 1]], { classes: ['a', 'b'] })).toBeCloseTo(Math.LN2, 15);
    expect(logLoss([], [])).toBeNaN();
    expect(logLoss([1], [1 + 1e-7])).toBeCloseTo(0, 14);
    expect(() => logLoss([1], [2.3])).toThrow(/logit/);
    expect(() => logLoss([1], [0.5], { eps: 0.5 })).toThrow(/eps/);
    expect(() => logLoss(['a'], [[1]])).toThrow(/classes/);
    expect(() => logLoss(['a'], [[1, 0, 0]], { classes: ['a', 'b'] })).toThrow(/probabilities\[0\]/);
    expect(() => logLoss(['a'], [0.5])).toThrow(/positive/);
  });
});

describe('brierScore', () => {
  it('is the mean squared difference', () => {
    expect(brierScore([1, 0, NaN], [0.75, 0.5, 1])).toBeCloseTo((0.0625 + 0.25) / 2, 15);
    expect(brierScore([1, 0], [0.75, 0.5], { weights: [3, 1] })).toBeCloseTo((3 * 0.0625 + 0.25) / 4, 15);
    expect(brierScore([], [])).toBeNaN();
    expect(() => brierScore([1], [-0.2])).toThrow(ValidationError);
  });
});

describe('expectedCalibrationError', () => {
  it('parts rows into equal counts, in the order they came where they are equal', () => {
    expect(expectedCalibrationError([1, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], { bins: 2 })).toBe(0);
    expect(expectedCalibrationError([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5], { bins: 2 })).toBe(0.5);
    expect(expectedCalibrationError([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5], { bins: 2, strategy: 'equal-width' })).toBe(0);
    expect(expectedCalibrationError([1, 0], [0.25, 0.25])).toBe((0.75 + 0.25) / 2);
  });

  it('puts a probability on an edge into the upper bin', () => {
    expect(expectedCalibrationError([1, 0], [0.29, 0.295], { bins: 100, strategy: 'equal-width' })).toBeCloseTo(Math.abs(0.29 + 0.295 - 1) / 2, 12);
    expect(expectedCalibrationError([1, 1, 0], [1, 0.95, 0.9], { strategy: 'equal-width' })).toBeCloseTo(0.85 / 3, 12);
  });

  it('is near 0 for calibrated probabilities', () => {
    const random = new SeededGenerator(1);
    const p = Array.from({ length: 20_000 }, () => random.uniform());
    const labels = p.map((one) => random.uniform() < one);
    for (const strategy of ['equal-mass', 'equal-width'] as const) {
      expect(expectedCalibrationError(labels, p, { strategy })).toBeLessThan(0.015);
      expect(expectedCalibrationError(labels, p.map((one) => one / 2), { strategy })).toBeGreaterThan(0.2);
    }
  });

  it('leaves holes out, is NaN without rows, and refuses wrong arguments', () => {
    expect(expectedCalibrationError([1, NaN, 0], [1, 0.5, NaN])).toBe(0);
    expect(expectedCalibrationError([], [])).toBeNaN();
    expect(() => expectedCalibrationError([1], [1], { bins: 0 })).toThrow(/bins/);
    expect(() => expectedCalibrationError([1], [1], { strategy: 'equal' as 'equal-mass' })).toThrow(/strategy/);
    expect(() => expectedCalibrationError([1], [4])).toThrow(ValidationError);
  });
});

describe('isotonicRegression', () => {
  /** max over starts, min over ends of the mean of a stretch: the definition by minimax. */
  const minimax = (y: number[]): number[] => {
    const mean = (i: number, j: number): number => y.slice(i, j + 1).reduce((a, b) => a + b, 0) / (j - i + 1);
    return y.map((_, at) => Math.max(...y.slice(0, at + 1).map((__, i) => Math.min(...y.slice(at).map((___, j) => mean(i, at + j))))));
  };

  it('is the monotone least squares fit', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 12 }), (y) => {
        const x = y.map((_, i) => i);
        const fit = isotonicRegression(x, y);
        const falling = isotonicRegression(x, y, { increasing: false });
        minimax(y).forEach((value, i) => expect(fit.predict(i)).toBeCloseTo(value, 10));
        minimax(y.map((one) => -one)).forEach((value, i) => expect(falling.predict(i)).toBeCloseTo(-value, 10));
      }),
      { seed: 1 },
    );
  });

  it('does not depend on the order of points, and takes whole weights for repetitions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(8), fc.nat(1), fc.nat(3)), { minLength: 1, maxLength: 20 }), (points) => {
        const column = (of: typeof points, i: 0 | 1 | 2): number[] => of.map((point) => point[i]);
        const fit = isotonicRegression(column(points, 0), column(points, 1), { weights: column(points, 2) });
        const repeated = points.flatMap((point) => Array.from({ length: point[2] }, () => point)).reverse();
        const other = isotonicRegression(column(repeated, 0), column(repeated, 1));
        for (let at = -1; at < 10; at += 0.25) {
          if (repeated.length === 0) expect(fit.predict(at)).toBeNaN();
          else expect(fit.predict(at)).toBeCloseTo(other.predict(at), 10);
        }
      }),
      { seed: 2 },
    );
  });

  it('is the nearest knot outside, and NaN at NaN or without points', () => {
    const fit = isotonicRegression([1, 2, NaN, 3, Infinity], [10, 20, 0, NaN, 5]);
    expect(fit.x).toEqual([1, 2]);
    expect([-Infinity, 0, 1.5, 2, Infinity, NaN].map((x) => fit.predict(x))).toEqual([10, 10, 15, 20, 20, NaN]);
    expect(isotonicRegression([], []).predict(1)).toBeNaN();
    expect(isotonicRegression([-1e308, 1e308], [0, 1]).predict(0)).toBe(0.5);
    expect(() => isotonicRegression([1], [1, 2])).toThrow(ValidationError);
  });

  it('survives storage, and refuses a state of rubbish', () => {
    const fit = isotonicRegression([3, 1, 2], [0.3, 0.2, 0.1], {});
    const again = IsotonicFit.fromJSON(JSON.parse(JSON.stringify(fit)));
    expect(again.predictAll([0, 1.5, 2.5, 9])).toEqual(fit.predictAll([0, 1.5, 2.5, 9]));
    const state = fit.toJSON();
    for (const [path, rubbish] of [
      ['state.kind', { ...state, kind: 'x' }],
      ['state.version', { ...state, version: 2 }],
      ['state.x', { ...state, x: 'abc' }],
      ['x[1]', { ...state, x: [1, 1], y: [1, 1] }],
      ['y[1]', { ...state, x: [1, 2, 3], y: [1, 0, 2] }],
      ['y', { ...state, x: [1, 2, 3], y: [1] }],
      ['state', null],
      ['state', 7],
    ] as const) {
      expect(() => IsotonicFit.fromJSON(rubbish)).toThrow(expect.objectContaining({ details: expect.objectContaining({ path }) as object }) as Error);
    }
  });
});

describe('estimatedPerformance', () => {
  it('is the sum of expectations, and the area over pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 19 }), fc.nat(5), fc.boolean()), { minLength: 1, maxLength: 25 }), (rows) => {
        const p = rows.map(([twentieths]) => twentieths / 20);
        const scores = rows.map(([, score]) => score);
        const predictions = rows.map(([, , prediction]) => prediction);
        const found = estimatedPerformance(p, predictions, { scores });
        const { truePositives, falsePositives, falseNegatives, trueNegatives } = found;
        expect(truePositives + falsePositives).toBeCloseTo(predictions.filter(Boolean).length, 10);
        expect(truePositives + falseNegatives).toBeCloseTo(p.reduce((a, b) => a + b, 0), 10);
        expect(truePositives + falsePositives + falseNegatives + trueNegatives).toBeCloseTo(rows.length, 10);
        let won = 0;
        let all = 0;
        p.forEach((a, i) => p.forEach((b, j) => {
          all += a * (1 - b);
          won += a * (1 - b) * (scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0);
        }));
        expect(found.rocAuc).toBeCloseTo(won / all, 10);
      }),
      { seed: 1 },
    );
  });

  it('with certain probabilities it is the performance itself', () => {
    const labels = [0, 1, 1, 0, 1, 0];
    const scores = [0.1, 0.7, 0.4, 0.6, 0.9, 0.2];
    const found = estimatedPerformance(labels, { threshold: 0.5 }, { scores });
    expect(found).toMatchObject({ truePositives: 2, falsePositives: 1, falseNegatives: 1, trueNegatives: 2, accuracy: 2 / 3 });
    expect(found.rocAuc).toBeCloseTo(rocAuc(labels, scores).value, 14);
  });

  it('foresees what labels drawn from the probabilities show', () => {
    const random = new SeededGenerator(3);
    const p = Array.from({ length: 50_000 }, () => random.uniform() ** 2);
    const labels = p.map((one) => random.uniform() < one);
    const found = estimatedPerformance(p, { threshold: 0.5 });
    expect(found.rocAuc).toBeCloseTo(rocAuc(labels, p).value, 2);
    expect(found.accuracy).toBeCloseTo(labels.filter((label, i) => label === p[i]! >= 0.5).length / p.length, 2);
  });

  it('leaves holes out, says what it cannot know, and refuses wrong arguments', () => {
    expect(estimatedPerformance([0.5, NaN, 0.5], [1, 1, NaN])).toMatchObject({ n: 1, dropped: 2, truePositives: 0.5 });
    expect(estimatedPerformance([], [])).toMatchObject({ n: 0, accuracy: NaN, precision: 0, rocAuc: NaN, averagePrecision: NaN });
    expect(estimatedPerformance([0, 0], [1, 0])).toMatchObject({ rocAuc: NaN, averagePrecision: NaN, precision: 0, recall: 0 });
    expect(estimatedPerformance([0.5], ['yes'], { positive: 'yes' }).precision).toBe(0.5);
    expect(() => estimatedPerformance([3], { threshold: 0.5 })).toThrow(/probability/);
    expect(() => estimatedPerformance([0.3], { threshold: NaN })).toThrow(/threshold/);
    expect(() => estimatedPerformance([0.3], [1, 0])).toThrow(ValidationError);
    expect(() => estimatedPerformance([0.3], [1], { scores: [] })).toThrow(/scores/);
  });
});
