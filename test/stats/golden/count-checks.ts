import { cramersV } from '../../../src/stats/distances/cramers-v.ts';
import { benjaminiHochberg } from '../../../src/stats/tests/benjamini-hochberg.ts';
import { benjaminiYekutieli } from '../../../src/stats/tests/benjamini-yekutieli.ts';
import { binomialTest } from '../../../src/stats/tests/binomial-test.ts';
import { bonferroni } from '../../../src/stats/tests/bonferroni.ts';
import { chiSquareGoodnessOfFit } from '../../../src/stats/tests/chi-square-goodness-of-fit.ts';
import { chiSquareTest } from '../../../src/stats/tests/chi-square-test.ts';
import { fisherExactTest } from '../../../src/stats/tests/fisher-exact-test.ts';
import { gGoodnessOfFit, gTest } from '../../../src/stats/tests/g-test.ts';
import { holm } from '../../../src/stats/tests/holm.ts';
import { proportionsZTest } from '../../../src/stats/tests/proportions-z-test.ts';
import { studentTTest } from '../../../src/stats/tests/student-t-test.ts';
import type { TestResult } from '../../../src/stats/tests/test-result.ts';
import { welchTTest } from '../../../src/stats/tests/welch-t-test.ts';
import type { GoldenCheck } from './golden-check.ts';
import { sampleOf, type Sample } from './golden-file.ts';

type Table = readonly (readonly number[])[];

interface Counts {
  readonly ref_counts: readonly number[];
  readonly cur_counts: readonly number[];
}

const alternatives = ['two-sided', 'less', 'greater'] as const;

/** p-values under the names of the fixture. */
function sides(test: (alternative: (typeof alternatives)[number]) => TestResult): Record<string, number> {
  return Object.fromEntries(alternatives.map((alternative) => [alternative.replace('-', '_'), test(alternative).pValue]));
}

const chiSquare: GoldenCheck<{ table: Table; yates: boolean }> = {
  name: 'chiSquareTest',
  test: 'chi2_contingency',
  actual: ({ table, yates }) => {
    const { statistic, pValue, df } = chiSquareTest(table, { correction: yates ? 'yates' : 'none' });
    return { statistic, pvalue: pValue, dof: df };
  },
};

const goodnessOfFit: GoldenCheck<Counts> = {
  name: 'chiSquareGoodnessOfFit',
  test: 'evidently_chisquare',
  actual: ({ ref_counts, cur_counts }) => {
    const { statistic, pValue } = chiSquareGoodnessOfFit(cur_counts, ref_counts);
    return { statistic, pvalue: pValue };
  },
};

const likelihoodFit: GoldenCheck<Counts> = {
  name: 'gGoodnessOfFit',
  test: 'evidently_g_test',
  actual: ({ ref_counts, cur_counts }) => ({ pvalue: gGoodnessOfFit(cur_counts, ref_counts, { rescale: false }).pValue }),
};

const likelihood: GoldenCheck<{ table: Table }> = {
  name: 'gTest',
  test: 'g_test_contingency',
  actual: ({ table }) => {
    const { statistic, pValue, df } = gTest(table);
    return { statistic, pvalue: pValue, dof: df };
  },
};

const fisher: GoldenCheck<{ table: Table }> = {
  name: 'fisherExactTest',
  test: 'fisher_exact',
  actual: ({ table }) => ({ ...sides((alternative) => fisherExactTest(table, { alternative })), odds_ratio: fisherExactTest(table).oddsRatio }),
};

const proportions: GoldenCheck<{ count1: number; n1: number; count2: number; n2: number }> = {
  name: 'proportionsZTest',
  test: 'z_test_proportions',
  actual: ({ count1, n1, count2, n2 }) => {
    const { statistic, pValue } = proportionsZTest({ successes: count1, trials: n1 }, { successes: count2, trials: n2 });
    return { z: statistic, pvalue: pValue };
  },
};

const binomial: GoldenCheck<{ k: number; n: number; p: number }> = {
  name: 'binomialTest',
  test: 'binom_test',
  actual: ({ k, n, p }) => {
    const ends = (interval: 'clopper-pearson' | 'wilson'): number[] => {
      const { low, high } = binomialTest(k, n, { p, interval });
      return [low, high];
    };
    return { ...sides((alternative) => binomialTest(k, n, { p, alternative })), clopper_pearson95: ends('clopper-pearson'), wilson95: ends('wilson') };
  },
};

const means: GoldenCheck<{ x: Sample; y: Sample; equal_var: boolean }> = {
  name: 'studentTTest, welchTTest',
  test: 'ttest_ind',
  actual: ({ x, y, equal_var }) => {
    const { statistic, pValue } = (equal_var ? studentTTest : welchTTest)(sampleOf(x), sampleOf(y));
    return { t: statistic, pvalue: pValue };
  },
};

const corrections = { bonferroni, holm, fdr_bh: benjaminiHochberg, fdr_by: benjaminiYekutieli };

const multiple: GoldenCheck<{ pvalues: readonly number[]; method: keyof typeof corrections; alpha: number }> = {
  name: 'bonferroni, holm, benjaminiHochberg, benjaminiYekutieli',
  test: 'multiple_testing',
  actual: ({ pvalues, method, alpha }) => {
    const adjusted = [...corrections[method](pvalues)];
    return { adjusted, reject: adjusted.map((p) => p <= alpha) };
  },
};

const cramers: GoldenCheck<Counts> = {
  name: 'cramersV',
  test: 'cramers_v_corrected',
  actual: ({ ref_counts, cur_counts }) => cramersV([ref_counts, cur_counts], { correction: 'bergsma' }),
};

/** Tests on counts and means, and the corrections for many of them. */
export const checks: readonly GoldenCheck[] = [chiSquare, goodnessOfFit, likelihoodFit, likelihood, fisher, proportions, binomial, means, multiple, cramers];
