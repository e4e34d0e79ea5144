import { beta } from '../distributions/beta.ts';

/** The exact interval of Clopper and Pearson (1934) for a share of `k` in `n`, with at most `tail` outside on each side; from 0 to 1 when n is 0. */
export function clopperPearsonInterval(k: number, n: number, tail: number): { low: number; high: number } {
  return { low: lowerEnd(k, n, tail), high: 1 - lowerEnd(n - k, n, tail) };
}

function lowerEnd(k: number, n: number, tail: number): number {
  return k === 0 ? 0 : beta.quantile(tail, k, n - k + 1);
}
