import { kendallCorrelation } from '../../../src/stats/effects/kendall-correlation.ts';
import { pearsonCorrelation } from '../../../src/stats/effects/pearson-correlation.ts';
import { spearmanCorrelation } from '../../../src/stats/effects/spearman-correlation.ts';
import type { GoldenCheck } from './golden-check.ts';

interface Pairs {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

const oneAtATime = 'checked by the function of that coefficient';

const pearson: GoldenCheck<Pairs> = {
  name: 'pearsonCorrelation',
  test: 'correlation',
  actual: ({ x, y }) => {
    const { statistic, pValue } = pearsonCorrelation(x, y);
    return { pearson: [statistic, pValue] };
  },
  without: { spearman: oneAtATime, kendall: oneAtATime },
};

const spearman: GoldenCheck<Pairs> = {
  name: 'spearmanCorrelation',
  test: 'correlation',
  actual: ({ x, y }) => {
    const { statistic, pValue } = spearmanCorrelation(x, y, { method: 't' });
    return { spearman: [statistic, pValue] };
  },
  without: { pearson: oneAtATime, kendall: oneAtATime },
};

const kendall: GoldenCheck<Pairs> = {
  name: 'kendallCorrelation',
  test: 'correlation',
  actual: ({ x, y }) => {
    const { statistic, pValue } = kendallCorrelation(x, y);
    return { kendall: [statistic, pValue] };
  },
  without: { pearson: oneAtATime, spearman: oneAtATime },
};

export const checks: readonly GoldenCheck[] = [pearson, spearman, kendall];
