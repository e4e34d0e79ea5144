import { binomialPmf } from '../special/saddle-point.ts';
import type { UnimodalLaw } from './unimodal-law.ts';

/** The number of successes in `n` trials. */
export function binomialLaw(n: number, p: number): UnimodalLaw {
  const odds = p / (1 - p);
  return { low: 0, high: n, probability: (k) => binomialPmf(k, n, p, 1 - p), ratio: (k) => ((n - k) / (k + 1)) * odds };
}
