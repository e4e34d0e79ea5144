import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cramerVonMisesLimit } from '../../../src/stats/distributions/cramer-von-mises-limit.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { cramerVonMisesTest } from '../../../src/stats/tests/cramer-von-mises-test.ts';
import { expectClose } from '../golden/golden-file.ts';
import { allSplits, choose, midranks } from './all-splits.ts';

const few = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 });
const doubles = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 40 });

/** T by Anderson's U of midranks. */
function byMidranks(x: readonly number[], y: readonly number[]): number {
  const n = x.length;
  const m = y.length;
  const ranks = midranks([...x, ...y]);
  const squares = (own: number[]): number => own.sort((a, b) => a - b).reduce((sum, rank, i) => sum + (rank - i - 1) ** 2, 0);
  const u = n * squares(ranks.slice(0, n)) + m * squares(ranks.slice(n));
  return u / (n * m * (n + m)) - (4 * n * m - 1) / (6 * (n + m));
}

/** T by the distribution functions at every pooled value, which are all different. */
function byDistance(x: readonly number[], y: readonly number[]): number {
  const share = (values: readonly number[], at: number): number => values.filter((value) => value <= at).length / values.length;
  const sum = [...x, ...y].reduce((total, at) => total + (share(x, at) - share(y, at)) ** 2, 0);
  return (sum * x.length * y.length) / (x.length + y.length) ** 2;
}

const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i);

describe('cramerVonMisesTest', () => {
  it('has the statistic of the definition, by midranks where there are ties', () => {
    fc.assert(
      fc.property(few, few, (x, y) => {
        const { statistic } = cramerVonMisesTest(x, y);
        if (new Set([...x, ...y]).size === 1) expect(statistic).toBe(0);
        else expectClose(statistic, byMidranks(x, y), { rtol: 1e-12, atol: 1e-12 });
      }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { minLength: 2, maxLength: 20 }), fc.nat(), (pooled, cut) => {
        const size = 1 + (cut % (pooled.length - 1));
        const x = pooled.slice(0, size);
        const y = pooled.slice(size);
        expectClose(cramerVonMisesTest(x, y).statistic, byDistance(x, y), { rtol: 1e-12 });
      }),
      { numRuns: 60 },
    );
  });

  it('has as its exact p-value the share of all splits with a T at least as large, for any ties', () => {
    fc.assert(
      fc.property(few, few, (x, y) => {
        const { statistic, pValue, method } = cramerVonMisesTest(x, y);
        const all = allSplits([...x, ...y], x.length).map(([a, b]) => cramerVonMisesTest(a, b).statistic);
        expect(method).toBe('exact');
        expectClose(pValue, all.filter((other) => other >= statistic - 1e-12).length / all.length, { rtol: 1e-12 });
      }),
    );
  });

  it('takes ties for different values where it is told to', () => {
    fc.assert(
      fc.property(few, few, (x, y) => {
        const { statistic, pValue, ties } = cramerVonMisesTest(x, y, { ties: 'ignore' });
        const distinct = allSplits(range(0, x.length + y.length), x.length).map(([a, b]) => cramerVonMisesTest(a, b).statistic);
        if (new Set([...x, ...y]).size === 1) return;
        expectClose(pValue, distinct.filter((other) => other >= statistic - 1e-12).length / distinct.length, { rtol: 1e-12 });
        expect(ties).toBe(new Set([...x, ...y]).size === x.length + y.length ? 'none' : 'ignored');
      }),
      { numRuns: 60 },
    );
  });

  it('keeps its digits far in the tail', () => {
    expectClose(cramerVonMisesTest(range(0, 30), range(100, 30)).pValue, 2 / choose(60, 30), { rtol: 1e-12 });
    expectClose(cramerVonMisesTest(range(0, 20), range(100, 23)).pValue, 2 / choose(43, 20), { rtol: 1e-12 });
    const { pValue } = cramerVonMisesTest(range(0, 700), range(700, 700), { method: 'asymptotic' });
    expect(pValue).toBeGreaterThan(1e-300);
    expect(pValue).toBeLessThan(1e-200);
  });

  it('does not ask which sample came first, nor what increasing scale the values are on', () => {
    fc.assert(
      fc.property(doubles, doubles, (x, y) => {
        const found = cramerVonMisesTest(x, y);
        const turned = cramerVonMisesTest(y, x);
        expectClose(turned.statistic, found.statistic, { rtol: 1e-12 });
        expectClose(turned.pValue, found.pValue, { rtol: 1e-10 });
        const ranks = midranks([...x, ...y]);
        expect(cramerVonMisesTest(ranks.slice(0, x.length), ranks.slice(x.length))).toEqual(found);
      }),
      { numRuns: 50 },
    );
  });

  it('has an asymptotic p-value near the exact one', () => {
    const x = range(0, 30);
    const y = range(0, 33).map((i) => i * 0.9 + 6.55);
    const exact = cramerVonMisesTest(x, y, { method: 'exact' });
    const asymptotic = cramerVonMisesTest(x, y, { method: 'asymptotic' });
    expect(exact.method).toBe('exact');
    expectClose(asymptotic.pValue, exact.pValue, { rtol: 0.05 });
  });

  it('takes infinities and prepared samples, leaves out what is no number, and answers for what is empty or constant', () => {
    const found = cramerVonMisesTest([-Infinity, 1, NaN, Infinity], [null as never, 0, 2]);
    expect(found).toMatchObject({ n: 3, m: 2, dropped: [1, 1], method: 'exact' });
    expect(cramerVonMisesTest(SortedSample.of([-Infinity, 1, NaN, Infinity]), SortedSample.of([NaN, 0, 2]))).toEqual(found);
    for (const method of ['exact', 'asymptotic'] as const) {
      expect(cramerVonMisesTest([], [1], { method })).toMatchObject({ statistic: 0, pValue: 1 });
      expect(cramerVonMisesTest([3, 3, 3], [3], { method })).toMatchObject({ statistic: 0, pValue: 1 });
    }
    expect(cramerVonMisesTest([1], [2], { method: 'asymptotic' }).pValue).toBe(1);
  });

  it('refuses unknown words', () => {
    expect(() => cramerVonMisesTest([1], [2], { method: 'fast' as never })).toThrow(/method is "fast"/);
    expect(() => cramerVonMisesTest([1], [2], { ties: 'average' as never })).toThrow(/ties is "average"/);
  });
});

describe('cramerVonMisesLimit', () => {
  const { cdf, sf } = cramerVonMisesLimit;

  it('has the published critical values', () => {
    for (const [x, p] of [[0.34730, 0.1], [0.46136, 0.05], [0.74346, 0.01], [1.16786, 0.001]] as const) expectClose(sf(x), p, { rtol: 2e-4 });
  });

  it('adds up to 1 and never rises, across the switch between the series too', () => {
    let previous = 1;
    for (let x = 0.004; x < 3; x *= 1.01) {
      expectClose(cdf(x) + sf(x), 1, { rtol: 1e-14 });
      expect(sf(x)).toBeLessThanOrEqual(previous);
      previous = sf(x);
    }
    expectClose(sf(0.12), sf(0.12 - 1e-15), { rtol: 1e-12 });
  });

  it('has the mean 1/6 and the variance 1/45', () => {
    const step = 1 / 512;
    let mean = 0;
    let square = 0;
    for (let x = step / 2; x < 8; x += step) {
      mean += sf(x) * step;
      square += 2 * x * sf(x) * step;
    }
    expectClose(mean, 1 / 6, { rtol: 1e-5 });
    expectClose(square - mean * mean, 1 / 45, { rtol: 1e-3 });
  });

  it('answers for every argument', () => {
    expect([cdf(0), sf(0), cdf(-1), sf(-1), cdf(Infinity), sf(Infinity)]).toEqual([0, 1, 0, 1, 1, 0]);
    expect([cdf(NaN), sf(NaN)]).toEqual([NaN, NaN]);
    expect(sf(140)).toBeGreaterThan(1e-303);
    expect(cdf(1e-4)).toBeGreaterThanOrEqual(0);
    expect([cdf(1e-300), sf(1e-300)]).toEqual([0, 1]);
  });
});
