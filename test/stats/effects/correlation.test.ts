import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { kendallCorrelation } from '../../../src/stats/effects/kendall-correlation.ts';
import { pearsonCorrelation } from '../../../src/stats/effects/pearson-correlation.ts';
import { spearmanCorrelation } from '../../../src/stats/effects/spearman-correlation.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const coefficients = { pearsonCorrelation, spearmanCorrelation, kendallCorrelation };
const seed = 20_261_128;

const pairs = (value: fc.Arbitrary<number>, maxLength = 12): fc.Arbitrary<[number, number][]> => fc.array(fc.tuple(value, value), { maxLength });
const smallWhole = fc.integer({ min: 0, max: 4 });

/** All orders of a list. */
function orders<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((first, i) => orders([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [first, ...rest]));
}

describe.each(Object.entries(coefficients))('%s', (_, correlation) => {
  it('lies within its interval, is symmetric in both sides and turns its sign with one of them', () => {
    fc.assert(
      fc.property(pairs(fc.double({ min: -1e6, max: 1e6, noNaN: true })), (list) => {
        const [x, y] = [list.map(([a]) => a), list.map(([, b]) => b)];
        const result = correlation(x, y);
        expect(result.pValue).toBeGreaterThanOrEqual(0);
        expect(result.pValue).toBeLessThanOrEqual(1);
        expect(result.low).toBeLessThanOrEqual(result.statistic + 1e-12);
        expect(result.high).toBeGreaterThanOrEqual(result.statistic - 1e-12);
        expect(correlation(y, x).statistic).toBeCloseTo(result.statistic, 9);
        const turned = correlation(x, y.map((value) => -value));
        expect(turned.statistic).toBeCloseTo(-result.statistic, 9);
        expect(turned.pValue).toBeCloseTo(result.pValue, 9);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('asks the other side with the other word', () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const y = [2, 1, 4, 3, 7, 5, 6, 9, 8, 12, 10, 11];
    const greater = correlation(x, y, { alternative: 'greater' }).pValue;
    expect(correlation(x, y).pValue).toBeCloseTo(2 * greater, 12);
    expect(correlation(x, y.map((value) => -value), { alternative: 'less' }).pValue).toBeCloseTo(greater, 12);
    expect(correlation(x, y, { alternative: 'less' }).pValue).toBeGreaterThan(0.99);
  });

  it('has no evidence in a constant side or in fewer than two pairs', () => {
    for (const [x, y] of [[[], []], [[1], [2]], [[1, 1, 1, 1, 1], [1, 2, 3, 4, 5]], [[0.1, 0.1, 0.1], [0.1, 0.1, 0.1]], [[NaN, 1], [2, 3]]] as const) {
      expect(correlation(x, y)).toMatchObject({ statistic: 0, pValue: 1, low: -1, high: 1 });
    }
  });

  it('leaves pairs with a NaN out and counts them', () => {
    const kept = correlation([1, 2, 3, 4, 6], [2, 1, 4, 3, 5]);
    const x = [1, NaN, 2, 3, 4, 5, 6];
    const y = [2, 7, 1, 4, 3, null as unknown as number, 5];
    expect(correlation(x, y)).toEqual({ ...kept, dropped: 2 });
  });

  it('is sure of less in a wider interval', () => {
    const x = Array.from({ length: 20 }, (_, i) => i);
    const y = x.map((value) => (value * 7) % 11);
    const [narrow, wide] = [correlation(x, y, { confidence: 0.5 }), correlation(x, y, { confidence: 0.99 })];
    expect(wide.low).toBeLessThan(narrow.low);
    expect(wide.high).toBeGreaterThan(narrow.high);
  });

  it('refuses lengths that differ, unknown words and levels', () => {
    expect(() => correlation([1, 2], [1])).toThrow(ValidationError);
    expect(() => correlation([1, 2], [1, 2], { alternative: 'larger' as 'less' })).toThrow(ValidationError);
    expect(() => correlation([1, 2], [1, 2], { confidence: 1 })).toThrow(ValidationError);
  });
});

describe('pearsonCorrelation', () => {
  it('is ±1 with p 0 on a line, whatever the units and the origin', () => {
    for (const [slope, shift] of [[3, 0.1], [-0.7, 1e9], [1e-200, 0], [1e150, 7]] as const) {
      const x = Array.from({ length: 50 }, (_, i) => i / 7);
      const result = pearsonCorrelation(x, x.map((value) => value * slope + shift));
      expect(result).toMatchObject({ statistic: Math.sign(slope), pValue: 0, low: Math.sign(slope), high: Math.sign(slope) });
    }
  });

  it('keeps the precision of p next to ±1', () => {
    // By mpmath with 80 digits.
    const x = Array.from({ length: 20 }, (_, i) => i * 1024);
    const y = x.map((value, i) => value + (i % 2 === 0 ? 1 : -1) / 1024);
    const { pValue, statistic } = pearsonCorrelation(x, y);
    expect(statistic).toBeLessThanOrEqual(1);
    expect(Math.abs(pValue / 1.4854309586243633e-123 - 1)).toBeLessThan(1e-7);
  });

  it('leaves infinite values out', () => {
    expect(pearsonCorrelation([1, 2, 3, Infinity], [1, 3, 2, 4])).toEqual({ ...pearsonCorrelation([1, 2, 3], [1, 3, 2]), dropped: 1 });
  });

  it('does not overflow', () => {
    expect(pearsonCorrelation([1e308, -1e308, 5e307, 0], [1e-310, 2e-310, 3e-310, 0]).pValue).toBeGreaterThan(0);
  });

  it('covers the coefficient of the population', () => {
    const generator = new SeededGenerator(5);
    let covered = 0;
    for (let run = 0; run < 1000; run++) {
      const x = Array.from({ length: 30 }, () => gaussian(generator));
      const y = x.map((value) => 0.6 * value + 0.8 * gaussian(generator));
      const { low, high } = pearsonCorrelation(x, y, { confidence: 0.9 });
      if (low <= 0.6 && 0.6 <= high) covered++;
    }
    expect(covered).toBeGreaterThan(870);
    expect(covered).toBeLessThan(930);
  });
});

describe('spearmanCorrelation', () => {
  it('counts all orders up to nine pairs, ties included', () => {
    fc.assert(
      fc.property(pairs(smallWhole, 6), (list) => {
        const [x, y] = [list.map(([a]) => a), list.map(([, b]) => b)];
        const { statistic, pValue } = spearmanCorrelation(x, y);
        if (new Set(x).size < 2 || new Set(y).size < 2) return;
        const all = orders(y).map((order) => spearmanCorrelation(x, order, { method: 't' }).statistic);
        expect(pValue).toBeCloseTo(all.filter((r) => Math.abs(r) >= Math.abs(statistic) - 1e-9).length / all.length, 10);
        const greater = spearmanCorrelation(x, y, { alternative: 'greater' }).pValue;
        expect(greater).toBeCloseTo(all.filter((r) => r >= statistic - 1e-9).length / all.length, 10);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('is that of any rising function of the values, infinities being the largest', () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const y = [3, 1, 2, 5, 4, 7, 9, 6, 8, 10];
    expect(spearmanCorrelation(x, y.map((value) => Math.exp(value)))).toEqual(spearmanCorrelation(x, y));
    expect(spearmanCorrelation(x, y.map((value) => (value === 10 ? Infinity : value === 1 ? -Infinity : value)))).toEqual(spearmanCorrelation(x, y));
  });

  it('refuses to count the orders of ten pairs', () => {
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect(() => spearmanCorrelation(x, x, { method: 'exact' })).toThrow(ValidationError);
    expect(spearmanCorrelation(x, x).pValue).toBe(0);
  });
});

describe('kendallCorrelation', () => {
  it('is what counting pair by pair gives', () => {
    fc.assert(
      fc.property(pairs(smallWhole, 25), (list) => {
        const [x, y] = [list.map(([a]) => a), list.map(([, b]) => b)];
        let [score, freeX, freeY] = [0, 0, 0];
        for (let i = 0; i < x.length; i++) {
          for (let j = 0; j < i; j++) {
            const [a, b] = [Math.sign(x[i]! - x[j]!), Math.sign(y[i]! - y[j]!)];
            score += a * b;
            freeX += Math.abs(a);
            freeY += Math.abs(b);
          }
        }
        const { statistic } = kendallCorrelation(x, y);
        if (freeX === 0 || freeY === 0) expect(statistic).toBe(0);
        else expect(statistic).toBeCloseTo(score / Math.sqrt(freeX * freeY), 12);
      }),
      { seed },
    );
  });

  it('counts all orders where there are no ties', () => {
    const x = [1, 2, 3, 4, 5, 6];
    const all = orders(x).map((order) => kendallCorrelation(x, order).statistic);
    for (const order of orders(x).slice(0, 200)) {
      const { statistic, pValue } = kendallCorrelation(x, order, { method: 'exact' });
      expect(pValue).toBeCloseTo(all.filter((tau) => Math.abs(tau) >= Math.abs(statistic) - 1e-9).length / all.length, 12);
    }
  });

  it('keeps the precision of a far tail', () => {
    const x = Array.from({ length: 100 }, (_, i) => i);
    let factorial = 0;
    for (let i = 2; i <= 100; i++) factorial += Math.log(i);
    expect(Math.log(kendallCorrelation(x, x).pValue)).toBeCloseTo(Math.log(2) - factorial, 9);
  });

  it('refuses exact orders of ties and of more than a thousand pairs', () => {
    expect(() => kendallCorrelation([1, 1, 2], [1, 2, 3], { method: 'exact' })).toThrow(ValidationError);
    const many = Array.from({ length: 1001 }, (_, i) => i);
    expect(() => kendallCorrelation(many, many, { method: 'exact' })).toThrow(ValidationError);
  });

  it('agrees with itself where exact and asymptotic meet', () => {
    const generator = new SeededGenerator(3);
    const x = Array.from({ length: 200 }, () => generator.uniform());
    const y = x.map((value) => value + 4 * generator.uniform());
    const [exact, asymptotic] = [kendallCorrelation(x, y, { method: 'exact' }).pValue, kendallCorrelation(x, y).pValue];
    expect(Math.abs(exact / asymptotic - 1)).toBeLessThan(0.1);
  });
});

/** By the sum of twelve uniform numbers: near enough to normal for coverage. */
function gaussian(generator: SeededGenerator): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += generator.uniform();
  return sum;
}
