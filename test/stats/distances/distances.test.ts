import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hellingerDistance } from '../../../src/stats/distances/hellinger-distance.ts';
import { jensenShannonDistance } from '../../../src/stats/distances/jensen-shannon-distance.ts';
import { klDivergence } from '../../../src/stats/distances/kl-divergence.ts';
import { lInfinity } from '../../../src/stats/distances/l-infinity.ts';
import { totalVariation } from '../../../src/stats/distances/total-variation.ts';
import { wassersteinDistance } from '../../../src/stats/distances/wasserstein-distance.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { expectClose } from '../golden/golden-file.ts';

const distances = { jensenShannonDistance, hellingerDistance, totalVariation, lInfinity };
const largest = { jensenShannonDistance: Math.sqrt(Math.LN2), hellingerDistance: 1, totalVariation: 1, lInfinity: 1 };

const weights = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 4, maxLength: 4 }).filter((counts) => counts.some((count) => count > 0));

describe.each(Object.entries(distances))('%s', (name, distance) => {
  it('is a bounded metric of the shares: 0 for equal ones, symmetric, with the triangle inequality, whatever the totals', () => {
    fc.assert(
      fc.property(weights, weights, weights, fc.integer({ min: 1, max: 1000 }), (p, q, r, times) => {
        expect(distance(p, p.map((count) => count * times))).toBeLessThan(1e-15);
        expect(distance(q, p)).toBeCloseTo(distance(p, q), 14);
        expect(distance(p, r)).toBeLessThanOrEqual(distance(p, q) + distance(q, r) + 1e-12);
        expect(distance(p, q)).toBeGreaterThanOrEqual(0);
        expect(distance(p, q)).toBeLessThanOrEqual(largest[name as keyof typeof largest] + 1e-15);
      }),
    );
  });

  it('is largest for what has nothing in common, and not defined when a side is empty', () => {
    expectClose(distance([1, 0], [0, 7]), largest[name as keyof typeof largest], { rtol: 1e-15 });
    expect(distance([0, 0], [1, 2])).toBeNaN();
    expect(distance([], [])).toBeNaN();
  });

  it('refuses what are no distributions over the same categories, by name', () => {
    expect(() => distance([1, 2], [1, 2, 3])).toThrow(/p has 2 values and q has 3/);
    expect(() => distance([1, -2], [1, 2])).toThrow(/p\[1\] is -2/);
    expect(() => distance([1, 2], [1, NaN])).toThrow(/q\[1\] is NaN/);
    expect(() => distance([0.5, 0.5], [0.5, 0.6], { input: 'probabilities' })).toThrow(/q sums to 1.1/);
    expect(() => distance([1], [1], { input: 'shares' as 'counts' })).toThrow(/input is "shares"/);
    expect(distance([0.5, 0.5], [0.25, 0.75], { input: 'probabilities' })).toBeGreaterThan(0);
  });
});

describe('klDivergence', () => {
  it('is never negative, 0 for equal shares only, and Infinity where q has nothing and p has', () => {
    fc.assert(
      fc.property(weights, weights, (p, q) => {
        const value = klDivergence(p, q);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(klDivergence(p, p)).toBe(0);
        if (p.some((count, i) => count > 0 && q[i] === 0)) expect(value).toBe(Infinity);
        // Pinsker's inequality.
        else expect(value).toBeGreaterThanOrEqual(2 * totalVariation(p, q) ** 2 - 1e-12);
      }),
    );
    expect(klDivergence([0, 0], [1, 1])).toBeNaN();
  });

  it('changes its unit with the base', () => {
    expectClose(klDivergence([3, 1], [1, 3], { base: 2 }), klDivergence([3, 1], [1, 3]) / Math.LN2, { rtol: 1e-15 });
    expectClose(jensenShannonDistance([1, 0], [0, 1], { base: 2 }), 1, { rtol: 1e-15 });
    for (const base of [1, 0, -2, NaN, Infinity]) expect(() => klDivergence([1], [1], { base })).toThrow(/^base is/);
  });

  it('keeps its digits for distributions that are nearly equal, where the sum cancels', () => {
    const [p, q] = [[1e9 + 1, 1e9 - 1], [1e9, 1e9]] as const;
    expectClose(jensenShannonDistance(p, q), Math.sqrt(1e-18 / 8), { rtol: 1e-6 });
    expectClose(hellingerDistance(p, q), Math.sqrt(1e-18 / 8), { rtol: 1e-6 });
  });

  it('takes weights whose sum no double holds', () => {
    expect(totalVariation([1e308, 1e308], [1e308, 1e308])).toBe(0);
  });
});

describe('wassersteinDistance', () => {
  const values = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 30 });

  it('of samples of one size is the mean distance of the sorted values', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.double({ min: -1e3, max: 1e3, noNaN: true })), { minLength: 1, maxLength: 30 }), (pairs) => {
        const x = pairs.map(([a]) => a);
        const y = pairs.map(([, b]) => b);
        const sorted = [Float64Array.from(x).sort(), Float64Array.from(y).sort()] as const;
        const mean = sorted[0].reduce((sum, value, i) => sum + Math.abs(value - sorted[1][i]!), 0) / x.length;
        expectClose(wassersteinDistance(x, y), mean, { rtol: 1e-12, atol: 1e-12 });
      }),
    );
  });

  it('does not change when each value is repeated, grows with a scale, and takes prepared samples', () => {
    fc.assert(
      fc.property(values, values, (x, y) => {
        const distance = wassersteinDistance(x, y);
        expectClose(wassersteinDistance([...x, ...x, ...x], y), distance, { rtol: 1e-9, atol: 1e-12 });
        expectClose(wassersteinDistance(x.map((value) => value * 4), y.map((value) => value * 4)), distance * 4, { rtol: 1e-12, atol: 1e-300 });
        expect(wassersteinDistance(SortedSample.of(x), SortedSample.of(y))).toBe(distance);
        expect(wassersteinDistance(x, x)).toBe(0);
      }),
    );
  });

  it('leaves out what is not finite, and is not defined for nothing', () => {
    expect(wassersteinDistance([1, NaN, Infinity], [2, -Infinity])).toBe(1);
    expect(wassersteinDistance([NaN], [1])).toBeNaN();
    expect(() => wassersteinDistance([1], [1], { scale: 'sd' as 'none' })).toThrow(/^scale is "sd"/);
  });
});

describe('klDivergence of shares that are nearly equal', () => {
  it('keeps its digits: d² / 2 for a half and half that differ by d twice over', () => {
    for (const d of [1e-3, 1e-5, 2 ** -24, 2 ** -30]) expectClose(klDivergence([0.5, 0.5], [0.5 + d, 0.5 - d]), -0.5 * Math.log1p(-4 * d * d), { rtol: 1e-6 });
    expect(klDivergence([3, 4, 0], [6, 8, 0])).toBe(0);
    expect(klDivergence([1, 1], [2, 0])).toBe(Infinity);
  });

  it('refuses a base of another kind by a message of its own', () => {
    expect(() => klDivergence([1], [1], { base: 2n as never })).toThrow(/base is 2n/);
  });
});
