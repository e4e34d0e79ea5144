import { hellingerDistance } from '../../../src/stats/distances/hellinger-distance.ts';
import { jensenShannonDistance } from '../../../src/stats/distances/jensen-shannon-distance.ts';
import { klDivergence } from '../../../src/stats/distances/kl-divergence.ts';
import { lInfinity } from '../../../src/stats/distances/l-infinity.ts';
import { psi } from '../../../src/stats/distances/psi.ts';
import { totalVariation } from '../../../src/stats/distances/total-variation.ts';
import { countInBins } from '../../../src/stats/samples/count-in-bins.ts';
import { quantileEdges } from '../../../src/stats/samples/quantile-edges.ts';
import type { GoldenCheck } from './golden-check.ts';
import { sampleOf, type Sample } from './golden-file.ts';

interface Shares {
  readonly p: number[];
  readonly q: number[];
  readonly base?: 'e' | number;
}

const pair = (name: string, test: string, distance: (p: number[], q: number[], options: { base?: 'e' | number }) => number): GoldenCheck<Shares> => ({
  name,
  test,
  actual: ({ p, q, base }) => distance(p, q, base === undefined ? {} : { base }),
});

/** The smallest share of each system, in counts of an empty bin. */
const withFloor = (test: string, floor: number): GoldenCheck<{ ref_counts: number[]; cur_counts: number[] }> => ({
  name: 'psi',
  test,
  actual: ({ ref_counts, cur_counts }) => psi(ref_counts, cur_counts, { floor }).value,
});

const deciles: GoldenCheck<{ ref: Sample; cur: Sample; eps: number }> = {
  name: 'psi',
  test: 'psi_decile',
  actual: ({ ref, cur, eps }) => {
    const edges = quantileEdges(sampleOf(ref), 10);
    return psi(countInBins(sampleOf(ref), edges), countInBins(sampleOf(cur), edges), { floor: eps }).value;
  },
};

/** Distances between distributions. */
export const checks: readonly GoldenCheck[] = [
  pair('jensenShannonDistance', 'js_distance', jensenShannonDistance),
  pair('klDivergence', 'kl_divergence', klDivergence),
  pair('hellingerDistance', 'hellinger_categorical', (p, q) => hellingerDistance(p, q)),
  pair('totalVariation', 'total_variation', (p, q) => totalVariation(p, q)),
  pair('lInfinity', 'l_infinity', (p, q) => lInfinity(p, q)),
  withFloor('psi_counts_deepchecks', 0.01),
  withFloor('psi_counts_evidently', 1e-4),
  withFloor('psi_counts_frouros', 2 ** -1022),
  deciles,
];
