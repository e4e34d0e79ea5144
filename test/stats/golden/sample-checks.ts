import { wassersteinDistance } from '../../../src/stats/distances/wasserstein-distance.ts';
import { histogram } from '../../../src/stats/samples/histogram.ts';
import { ksTest, type KsOptions } from '../../../src/stats/tests/ks-test.ts';
import type { GoldenCheck } from './golden-check.ts';
import { sampleOf, type Sample } from './golden-file.ts';

interface Pair {
  readonly x: Sample;
  readonly y: Sample;
  readonly alternative?: KsOptions['alternative'];
}

function ks(test: string, options: KsOptions): GoldenCheck<Pair> {
  return {
    name: 'ksTest',
    test,
    actual({ x, y, alternative }) {
      const { statistic, pValue } = ksTest(sampleOf(x), sampleOf(y), { ...options, alternative });
      return { statistic, pvalue: pValue };
    },
  };
}

function bins(rule: 'sturges' | 'doane'): GoldenCheck<{ readonly x: Sample }> {
  return {
    name: 'histogram',
    test: `hist_${rule}`,
    actual({ x }) {
      const { edges, counts } = histogram(sampleOf(x), { rule });
      return { nbins: counts.length, first: edges[0], last: edges.at(-1), counts: [...counts] };
    },
  };
}

const wasserstein: GoldenCheck<Pair> = {
  name: 'wassersteinDistance',
  test: 'wasserstein',
  actual({ x, y }) {
    const [first, second] = [sampleOf(x), sampleOf(y)];
    return { distance: wassersteinDistance(first, second), normed: wassersteinDistance(first, second, { scale: 'reference-sd' }) };
  },
};

export const checks: readonly GoldenCheck[] = [
  ks('ks_2samp_exact', { method: 'exact', ties: 'ignore' }),
  ks('ks_2samp_exact_ties', { method: 'exact', ties: 'exact' }),
  ks('ks_2samp_asymp', { method: 'asymptotic' }),
  ks('ks_2samp_auto_large', {}),
  wasserstein,
  bins('sturges'),
  bins('doane'),
];
