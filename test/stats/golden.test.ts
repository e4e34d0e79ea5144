import { describe, expect, test } from 'vitest';
import { benjaminiHochberg } from '../../src/stats/benjamini-hochberg.ts';
import { countSortedInBins, quantileEdges } from '../../src/stats/bin-grid.ts';
import { chiSquareTest } from '../../src/stats/chi-square-test.ts';
import { chiSquaredSurvival } from '../../src/stats/gamma.ts';
import { kolmogorovSurvival } from '../../src/stats/kolmogorov.ts';
import { psi } from '../../src/stats/psi.ts';
import { expectClose, goldenCases, sampleOf, type Sample } from './golden.ts';
import { ksTest, sortedValues } from './sorted-values.ts';

interface Tails {
  cdf: number;
  sf: number;
}

interface Outcome {
  statistic: number;
  pvalue: number;
}

interface Pair {
  x: Sample;
  y: Sample;
  alternative?: 'two-sided' | 'greater' | 'less';
}

describe('the generator of the golden samples', () => {
  test.each(goldenCases<Sample, number[]>('generator'))('$id', ({ input, expected }) => {
    expect([...sampleOf(input)]).toEqual(expected);
  });

  test.each(goldenCases<Sample, { sum: number; min: number; max: number }>('generator_checksum'))('$id', ({ input, expected }) => {
    const values = sampleOf(input);
    expect([Math.min(...values), Math.max(...values)]).toEqual([expected.min, expected.max]);
    expectClose(values.reduce((sum, value) => sum + value, 0), expected.sum, { rtol: 1e-12 });
  });
});

describe('the upper tail of the chi-squared and gamma distributions', () => {
  test.each(goldenCases<{ x: number; df: number }, Tails>('chi2'))('chi-squared $id', ({ input: { x, df }, expected, rtol, atol }) => {
    expectClose(chiSquaredSurvival(x, df), expected.sf, { rtol, atol: atol! });
  });

  test.each(goldenCases<{ x: number; a: number }, Tails>('gamma'))('$id', ({ input: { x, a }, expected, rtol, atol }) => {
    expectClose(chiSquaredSurvival(2 * x, 2 * a), expected.sf, { rtol, atol: atol! });
  });
});

test.each(goldenCases<{ n: number; d: number }, number>('kstwo_sf'))('$id', ({ input: { n, d }, expected, rtol }) => {
  expectClose(kolmogorovSurvival(n, d), expected, { rtol });
});

describe('ksTest', () => {
  test.each(goldenCases<Pair, Outcome>('ks_2samp_exact'))('$id: $note', ({ input, expected, rtol }) => {
    const found = ksTest(sampleOf(input.x), sampleOf(input.y), { method: 'exact', ties: 'ignore', alternative: input.alternative });
    expectClose(found.statistic, expected.statistic, { rtol });
    expectClose(found.pValue, expected.pvalue, { rtol });
  });

  test.each(goldenCases<Pair, Outcome>('ks_2samp_exact_ties'))('$id: $note', ({ input, expected, rtol }) => {
    const found = ksTest(sampleOf(input.x), sampleOf(input.y));
    expectClose(found.statistic, expected.statistic, { rtol });
    expectClose(found.pValue, expected.pvalue, { rtol });
  });

  test.each(goldenCases<Pair, Outcome>('ks_2samp_asymp'))('$id: $note', ({ input, expected, rtol }) => {
    const found = ksTest(sampleOf(input.x), sampleOf(input.y), { method: 'asymptotic' });
    expectClose(found.statistic, expected.statistic, { rtol });
    expectClose(found.pValue, expected.pvalue, { rtol });
  });

  test.each(goldenCases<Pair, Outcome>('ks_2samp_auto_large'))('$id: $note', ({ input, expected, rtol }) => {
    const found = ksTest(sampleOf(input.x), sampleOf(input.y));
    expect(found.method).toBe('asymptotic');
    expectClose(found.statistic, expected.statistic, { rtol });
    expectClose(found.pValue, expected.pvalue, { rtol, atol: 1e-307 });
  });
});

test.each(goldenCases<{ table: number[][]; yates: boolean }, Outcome & { dof: number }>('chi2_contingency'))('$id: $note', ({ input, expected, rtol }) => {
  const found = chiSquareTest(input.table, { correction: input.yates ? 'yates' : 'none' });
  expectClose(found.statistic, expected.statistic, { rtol });
  expectClose(found.pValue, expected.pvalue, { rtol });
  expect(found.df).toBe(expected.dof);
});

test.each(goldenCases<{ pvalues: number[]; alpha: number }, { reject: boolean[]; adjusted: number[] }>('multiple_testing'))(
  'benjaminiHochberg $id',
  ({ input, expected, rtol }) => {
    const adjusted = benjaminiHochberg(input.pvalues);
    adjusted.forEach((value, i) => expectClose(value, expected.adjusted[i]!, { rtol }));
    expect([...adjusted].map((value) => value <= input.alpha)).toEqual(expected.reject);
  },
);

describe('psi', () => {
  const floors = { psi_counts_deepchecks: 0.01, psi_counts_evidently: 1e-4, psi_counts_frouros: 2 ** -1022 };
  for (const [name, floor] of Object.entries(floors)) {
    test.each(goldenCases<{ ref_counts: number[]; cur_counts: number[] }, number>(name))('$id: $note', ({ input, expected, rtol }) => {
      expectClose(psi(input.ref_counts, input.cur_counts, { floor }).value, expected, { rtol, atol: 1e-15 });
    });
  }

  test.each(goldenCases<{ ref: Sample; cur: Sample; eps: number }, number>('psi_decile'))('$id: $note', ({ input, expected, rtol }) => {
    const reference = sortedValues(sampleOf(input.ref));
    const edges = Float64Array.from(quantileEdges(reference, 10));
    const counts = countSortedInBins(edges, reference);
    const current = countSortedInBins(edges, sortedValues(sampleOf(input.cur)));
    expectClose(psi(counts, current, { floor: input.eps }).value, expected, { rtol });
  });
});
