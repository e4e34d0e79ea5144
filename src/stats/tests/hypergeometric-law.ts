import { binomialPmf } from '../special/saddle-point.ts';
import type { UnimodalLaw } from './unimodal-law.ts';

/** How many of the `drawn` are marked, when they are drawn from `total` of which `marked` are. */
export function hypergeometricLaw(marked: number, drawn: number, total: number): UnimodalLaw {
  const share = drawn / total;
  const rest = (total - drawn) / total;
  const all = binomialPmf(drawn, total, share, rest);
  return {
    low: Math.max(0, marked - (total - drawn)),
    high: Math.min(marked, drawn),
    // As Loader (2000): both groups drawn independently, given how many are drawn in all.
    probability: (k) => (binomialPmf(k, marked, share, rest) / all) * binomialPmf(drawn - k, total - marked, share, rest),
    ratio: (k) => ((marked - k) / (k + 1)) * ((drawn - k) / (total - marked - drawn + k + 1)),
  };
}
