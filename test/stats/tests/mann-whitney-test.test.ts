import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { mannWhitneyTest } from '../../../src/stats/tests/mann-whitney-test.ts';
import { expectClose } from '../golden/golden-file.ts';
import { allSplits, choose, midranks } from './all-splits.ts';

const few = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 });
const doubles = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 60 });
const alternatives = fc.constantFrom('two-sided' as const, 'greater' as const, 'less' as const);

/** U of the first sample by looking at every pair. */
function wins(x: readonly number[], y: readonly number[]): number {
  let sum = 0;
  for (const a of x) for (const b of y) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum;
}

const range = (start: number, count: number): number[] => Array.from({ length: count }, (_, i) => start + i);

describe('mannWhitneyTest', () => {
  it('counts the pairs that the first sample wins, ties half', () => {
    fc.assert(
      fc.property(few, few, (x, y) => {
        const { statistic, effect, ties, n, m } = mannWhitneyTest(x, y);
        expect(statistic).toBe(wins(x, y));
        expectClose(effect, wins(x, y) / (x.length * y.length), { rtol: 1e-15 });
        expect([n, m]).toEqual([x.length, y.length]);
        expect(ties).toBe(new Set([...x, ...y]).size < n + m);
      }),
    );
  });

  it('has as its exact p-value the share of all splits with a U at least as extreme, for any ties and side', () => {
    fc.assert(
      fc.property(few, few, alternatives, (x, y, alternative) => {
        const { statistic, pValue, method } = mannWhitneyTest(x, y, { alternative });
        const all = allSplits([...x, ...y], x.length).map(([a, b]) => wins(a, b));
        const above = all.filter((u) => u >= statistic).length / all.length;
        const below = all.filter((u) => u <= statistic).length / all.length;
        const upper = statistic >= (x.length * y.length) / 2;
        const expected = alternative === 'greater' ? above : alternative === 'less' ? below : Math.min(1, 2 * (upper ? above : below));
        expect(method).toBe('exact');
        expectClose(pValue, expected, { rtol: 1e-12 });
      }),
    );
  });

  it('keeps its digits far in the tail', () => {
    const { pValue, method } = mannWhitneyTest(range(0, 60), range(100, 60));
    expect(method).toBe('exact');
    expectClose(pValue, 2 / choose(120, 60), { rtol: 1e-12 });
    const asymptotic = mannWhitneyTest(range(0, 700), range(700, 700), { method: 'asymptotic' });
    expect(asymptotic.pValue).toBeGreaterThan(0);
    expect(asymptotic.pValue).toBeLessThan(1e-200);
  });

  it('turns with its samples, whatever the method', () => {
    fc.assert(
      fc.property(doubles, doubles, fc.constantFrom('auto' as const, 'asymptotic' as const), (x, y, method) => {
        const turned = mannWhitneyTest(y, x, { method, alternative: 'less' });
        const found = mannWhitneyTest(x, y, { method, alternative: 'greater' });
        expect(turned.statistic).toBe(x.length * y.length - found.statistic);
        expectClose(turned.pValue, found.pValue, { rtol: 1e-10 });
        expectClose(mannWhitneyTest(y, x, { method }).pValue, mannWhitneyTest(x, y, { method }).pValue, { rtol: 1e-10 });
      }),
    );
  });

  it('looks at the order of the values only', () => {
    fc.assert(
      fc.property(doubles, doubles, (x, y) => {
        const ranks = midranks([...x, ...y]);
        expect(mannWhitneyTest(ranks.slice(0, x.length), ranks.slice(x.length))).toEqual(mannWhitneyTest(x, y));
      }),
      { numRuns: 50 },
    );
  });

  it('comes near the exact p-value with the asymptotic one, and is more cautious with the continuity correction', () => {
    const x = range(0, 40).map((i) => i * 1.31);
    const y = range(0, 45).map((i) => i * 1.17 + 8.9);
    const exact = mannWhitneyTest(x, y, { method: 'exact' });
    const corrected = mannWhitneyTest(x, y, { method: 'asymptotic' });
    const plain = mannWhitneyTest(x, y, { method: 'asymptotic', continuity: false });
    expectClose(corrected.pValue, exact.pValue, { rtol: 0.06 });
    expect(plain.pValue).toBeLessThan(corrected.pValue);
  });

  it('goes over to the asymptotic method where the exact one costs too much, and says so', () => {
    const x = range(0, 3000);
    const y = range(0, 3000).map((i) => i + 0.5);
    expect(mannWhitneyTest(x, y).method).toBe('asymptotic');
    expect(mannWhitneyTest(x, y, { method: 'exact' }).method).toBe('asymptotic');
  });

  it('takes infinities and prepared samples, leaves out what is no number, and answers for what is empty or constant', () => {
    const found = mannWhitneyTest([-Infinity, 1, NaN, Infinity], [null as never, 0, 2]);
    expect(found).toMatchObject({ statistic: 3, n: 3, m: 2, dropped: [1, 1] });
    expect(mannWhitneyTest(SortedSample.of([-Infinity, 1, NaN, Infinity]), SortedSample.of([NaN, 0, 2]))).toEqual(found);
    expect(mannWhitneyTest([], [1])).toMatchObject({ statistic: 0, pValue: 1, effect: NaN });
    for (const method of ['exact', 'asymptotic'] as const) {
      expect(mannWhitneyTest([7, 7, 7], [7, 7], { method })).toMatchObject({ statistic: 3, pValue: 1, effect: 0.5 });
    }
    expect(mannWhitneyTest([0], [-0])).toMatchObject({ statistic: 0.5, ties: true });
  });

  it('refuses unknown words', () => {
    expect(() => mannWhitneyTest([1], [2], { alternative: 'larger' as never })).toThrow(/alternative is "larger"/);
    expect(() => mannWhitneyTest([1], [2], { method: 'permutation' as never })).toThrow(/method is "permutation"/);
  });
});
