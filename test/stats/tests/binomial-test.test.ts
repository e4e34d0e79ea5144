import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTest } from '../../../src/stats/tests/binomial-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const alternatives = ['two-sided', 'greater', 'less'] as const;

/** Every probability as a whole number over a common denominator, p = share / of. */
function weights(n: number, share: bigint, of: bigint): bigint[] {
  const found: bigint[] = [];
  let choose = 1n;
  for (let k = 0; k <= n; k++) {
    found.push(choose * share ** BigInt(k) * (of - share) ** BigInt(n - k));
    choose = (choose * BigInt(n - k)) / BigInt(k + 1);
  }
  return found;
}

function quotient(a: bigint, b: bigint): number {
  const shift = 10n ** 330n;
  const digits = ((a * shift) / b).toString();
  return Number(`${digits[0]!}.${digits.slice(1, 40)}e${digits.length - 1 - 330}`);
}

const cases = fc.integer({ min: 1, max: 120 }).chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 1, max: 15 })));

describe('binomialTest', () => {
  it('sums exactly what it says, for every alternative', () => {
    fc.assert(
      fc.property(cases, ([n, k, sixteenths]) => {
        const all = weights(n, BigInt(sixteenths), 16n);
        const total = 16n ** BigInt(n);
        const sum = (chosen: (weight: bigint, j: number) => boolean): number =>
          quotient(all.reduce((found, weight, j) => (chosen(weight, j) ? found + weight : found), 0n), total);
        const p = sixteenths / 16;
        const limit = all[k]! + all[k]! / 10_000_000n;
        expectClose(binomialTest(k, n, { p }).pValue, sum((weight) => weight <= limit), { rtol: 1e-12 });
        expectClose(binomialTest(k, n, { p, alternative: 'greater' }).pValue, sum((_, j) => j >= k), { rtol: 1e-12 });
        expectClose(binomialTest(k, n, { p, alternative: 'less' }).pValue, sum((_, j) => j <= k), { rtol: 1e-12 });
      }),
      { seed: 11 },
    );
  });

  it('mirrors successes and failures', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom('clopper-pearson', 'wilson'), ([n, k, sixteenths], interval) => {
        const p = sixteenths / 16;
        const found = binomialTest(k, n, { p, interval: interval as 'wilson' });
        const mirrored = binomialTest(n - k, n, { p: 1 - p, interval: interval as 'wilson' });
        expectClose(mirrored.pValue, found.pValue, { rtol: 1e-12 });
        expectClose(mirrored.low, 1 - found.high, { rtol: 1e-9, atol: 1e-12 });
        expect(found.low).toBeLessThanOrEqual(found.share);
        expect(found.high).toBeGreaterThanOrEqual(found.share);
      }),
      { seed: 12 },
    );
  });

  it('has the shares at which one side has half of what the confidence leaves as the ends of its exact interval', () => {
    for (const [k, n] of [[3, 40], [39, 40], [700, 1000], [52_300, 100_000]] as const) {
      const { low, high } = binomialTest(k, n, { confidence: 0.9 });
      expectClose(binomialTest(k, n, { p: low, alternative: 'greater' }).pValue, 0.05, { rtol: 1e-8 });
      expectClose(binomialTest(k, n, { p: high, alternative: 'less' }).pValue, 0.05, { rtol: 1e-8 });
      expectClose(binomialTest(k, n, { confidence: 0.95, alternative: 'greater' }).low, low, { rtol: 1e-12 });
      expect(binomialTest(k, n, { alternative: 'greater' }).high).toBe(1);
      expect(binomialTest(k, n, { alternative: 'less' }).low).toBe(0);
    }
  });

  it('has the roots of the score equation as the ends of the interval of Wilson', () => {
    const z = 1.959963984540054;
    for (const [k, n] of [[1, 10_000_000], [3, 40], [40, 40]] as const) {
      const { low, high, share } = binomialTest(k, n, { interval: 'wilson' });
      for (const end of [low, high]) expectClose((share - end) ** 2, (z * z * end * (1 - end)) / n, { rtol: 1e-9, atol: 1e-17 });
    }
  });

  it('keeps its precision in the tail, and is quick with a thousand million trials', () => {
    // From fifty digits.
    expectClose(binomialTest(990, 1000, { alternative: 'greater' }).pValue, 2.4833387914896353e-278, { rtol: 1e-12 });
    expect(binomialTest(500_000_000, 1_000_000_000).pValue).toBe(1);
    expectClose(binomialTest(500_300_000, 1_000_000_000).pValue, 2.8173484639851277e-80, { rtol: 1e-11 });
  });

  it('answers for no trials and for what is certain', () => {
    expect(binomialTest(0, 0)).toEqual({ statistic: 0, pValue: 1, method: 'exact', share: NaN, low: 0, high: 1 });
    for (const alternative of alternatives) {
      expect(binomialTest(0, 7, { p: 0, alternative }).pValue).toBe(1);
      expect(binomialTest(7, 7, { p: 1, alternative }).pValue).toBe(1);
    }
    expect(binomialTest(3, 7, { p: 0 }).pValue).toBe(0);
    expect(binomialTest(3, 7, { p: 0, alternative: 'greater' }).pValue).toBe(0);
    expect(binomialTest(3, 7, { p: 1, alternative: 'less' }).pValue).toBe(0);
    expect(binomialTest(3, 7, { p: 1, alternative: 'greater' }).pValue).toBe(1);
  });

  it('refuses what makes no sense', () => {
    expect(() => binomialTest(8, 7)).toThrow(/successes is 8; it must be a whole number from 0 to 7/);
    expect(() => binomialTest(1, 2.5)).toThrow(/trials is 2.5/);
    expect(() => binomialTest(1, 2, { p: 1.5 })).toThrow(/p is 1.5/);
    expect(() => binomialTest(1, 2, { confidence: 1 })).toThrow(/confidence is 1/);
    expect(() => binomialTest(1, 2, { alternative: 'larger' as never })).toThrow(/alternative is "larger"/);
    expect(() => binomialTest(1, 2, { interval: 'wald' as never })).toThrow(/interval is "wald"/);
  });
});
