import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { countInBins } from '../../../src/stats/samples/count-in-bins.ts';
import { quantileEdges } from '../../../src/stats/samples/quantile-edges.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { ksTest, ksTestBinned } from '../../../src/stats/tests/ks-test.ts';
import { expectClose } from '../golden/golden-file.ts';
import { allSplits } from './all-splits.ts';

const small = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
const doubles = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 300 });

describe('ksTest', () => {
  it('is the share of all splits of the pooled values that come at least as far apart, for any ties and side', () => {
    fc.assert(
      fc.property(small, small, fc.constantFrom('two-sided', 'greater', 'less' as const), (x, y, alternative) => {
        const found = ksTest(x, y, { alternative: alternative as 'less' });
        const all = allSplits([...x, ...y], x.length).map(([a, b]) => ksTest(a, b, { alternative: alternative as 'less' }).statistic);
        expectClose(found.pValue, all.filter((statistic) => statistic >= found.statistic - 1e-12).length / all.length, { rtol: 1e-12 });
      }),
    );
  });

  it('does not ask which sample came first, nor what increasing scale the values are on', () => {
    fc.assert(
      fc.property(doubles, doubles, (x, y) => {
        const found = ksTest(x, y);
        const turned = ksTest(y, x);
        expect([turned.statistic, turned.method]).toEqual([found.statistic, found.method]);
        expectClose(turned.pValue, found.pValue, { rtol: 1e-12 });
        const ranks = [...SortedSample.of([...x, ...y]).sorted];
        const ranked = (values: number[]): number[] => values.map((value) => ranks.indexOf(value));
        expect(ksTest(ranked(x), ranked(y))).toEqual(found);
      }),
    );
  });

  it('takes infinities, and answers for what is empty', () => {
    expect(ksTest([-Infinity, -Infinity, 0], [Infinity, Infinity, 0])).toMatchObject({ ties: 'exact', statistic: 2 / 3 });
    for (const method of ['exact', 'asymptotic'] as const) {
      expect(ksTest([], [1, 2], { method })).toMatchObject({ statistic: 0, pValue: 1, n: 0, m: 2 });
      expect(ksTest([], [], { method })).toMatchObject({ statistic: 0, pValue: 1, n: 0, m: 0 });
      expect(ksTest([5], [5], { method })).toMatchObject({ statistic: 0, pValue: 1 });
    }
    expect(ksTest([1], [2], { method: 'asymptotic' }).pValue).toBe(0);
    expect(() => ksTest([1], [2], { method: 'permutation' as never })).toThrow(/method is "permutation"/);
  });

  it('on counts never finds more than on the values', () => {
    fc.assert(
      fc.property(doubles, doubles, fc.integer({ min: 2, max: 50 }), (x, y, parts) => {
        const edges = quantileEdges(x, parts);
        const exact = ksTest(x, y, { ties: 'ignore' });
        const binned = ksTestBinned(countInBins(x, edges), countInBins(y, edges));
        expect(binned.statistic).toBeLessThanOrEqual(exact.statistic + 1e-15);
        expect(binned.pValue).toBeGreaterThanOrEqual(exact.pValue * (1 - 1e-12));
      }),
    );
  });

  it('leaves the exact p-value for the asymptotic one at n·m = 2,000,000, and the two agree there', () => {
    const random = seededRandom(3);
    const draw = (n: number, shift: number): Float64Array => Float64Array.from({ length: n }, () => random() + shift);
    const x = draw(1000, 0);
    const y = draw(2000, 0.05);
    const more = draw(2001, 0.05);
    expect(ksTest(x, y).method).toBe('exact');
    expect(ksTest(x, more).method).toBe('asymptotic');
    expectClose(ksTest(x, y, { method: 'asymptotic' }).pValue, ksTest(x, y).pValue, { rtol: 0.05 });
  });
});
