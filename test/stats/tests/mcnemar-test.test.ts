import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomialTest } from '../../../src/stats/tests/binomial-test.ts';
import { mcNemarTest } from '../../../src/stats/tests/mcnemar-test.ts';
import { expectClose } from '../golden/golden-file.ts';

const methods = ['exact', 'asymptotic'] as const;
const counts = fc.nat(60);

describe('mcNemarTest', () => {
  it('is the exact binomial test of the pairs that differ', () => {
    fc.assert(
      fc.property(counts, counts, (b, c) => {
        const { pValue, statistic, low, high } = mcNemarTest([[5, b], [c, 9]]);
        expectClose(pValue, binomialTest(b, b + c).pValue, { rtol: 1e-12 });
        expect(statistic).toBe(Math.min(b, c));
        const share = binomialTest(b, b + c);
        if (b + c === 0) return;
        expectClose(low / (1 + low), share.low, { rtol: 1e-12 });
        if (high < Infinity) expectClose(high / (1 + high), share.high, { rtol: 1e-12 });
      }),
      { seed: 31 },
    );
  });

  it('looks at nothing but the pairs that differ, and from either side', () => {
    fc.assert(
      fc.property(counts, counts, counts, counts, fc.constantFrom(...methods), fc.boolean(), (a, b, c, d, method, continuity) => {
        const found = mcNemarTest([[a, b], [c, d]], { method, continuity });
        const turned = mcNemarTest([[d, c], [b, a]], { method, continuity });
        expect([turned.statistic, turned.pValue]).toEqual([found.statistic, found.pValue]);
        expect(found.pValue).toBeGreaterThanOrEqual(0);
        expect(found.pValue).toBeLessThanOrEqual(1);
      }),
      { seed: 32 },
    );
  });

  it('has the figures of Agresti for the approval of the prime minister', () => {
    const table = [[794, 86], [150, 570]];
    const plain = mcNemarTest(table, { method: 'asymptotic', continuity: false });
    expectClose(plain.statistic, 17.35593, { rtol: 1e-6 });
    expectClose(plain.pValue, 3.099293441045215e-5, { rtol: 1e-6 });
    const corrected = mcNemarTest(table, { method: 'asymptotic' });
    expect(corrected.method).toBe('asymptotic-corrected');
    expectClose(corrected.statistic, 16.81779661016949, { rtol: 1e-6 });
    expectClose(corrected.pValue, 4.114562281345944e-5, { rtol: 1e-9 });
  });

  it('finds nothing where no pair differs, and refuses what is no table of four counts', () => {
    for (const method of methods) expect(mcNemarTest([[5, 0], [0, 2]], { method })).toMatchObject({ statistic: 0, pValue: 1, oddsRatio: NaN, low: 0, high: Infinity });
    expect(mcNemarTest([[5, 3], [3, 2]], { method: 'asymptotic' })).toMatchObject({ statistic: 0, pValue: 1 });
    expect(() => mcNemarTest([[1, 2, 3], [3, 4, 5]])).toThrow(/2×2/);
    expect(() => mcNemarTest([[1, 2], [3, 4]], { method: 'mid-p' as never })).toThrow(/method is "mid-p"/);
  });

  it('keeps the digits of an end that is far out, and turns it over with the sides', () => {
    // P(X ≥ 1) is the tail of 0.025 at the share 1 - 0.975^(1/n), whose odds turned over are the upper end.
    const n = 1e8 + 1;
    const { low, high } = mcNemarTest([[0, 1e8], [1, 0]]);
    expectClose(high, 1 / Math.expm1(-Math.log1p(-0.025) / n), { rtol: 1e-11 });
    const turned = mcNemarTest([[0, 1], [1e8, 0]]);
    expectClose(turned.low * high, 1, { rtol: 1e-11 });
    expectClose(turned.high * low, 1, { rtol: 1e-11 });
    expect(() => mcNemarTest(null as never)).toThrow(/table is null/);
  });
});
