import { benjaminiHochberg } from '../../stats/tests/benjamini-hochberg.ts';
import { bonferroni } from '../../stats/tests/bonferroni.ts';
import { holm } from '../../stats/tests/holm.ts';
import type { CorrectionMethod } from './ab-analysis.ts';

/** P-values with how many there are in mind, and the confidence of intervals that go with them. */
export interface Corrected {
  readonly pValues: readonly number[];
  readonly confidence: number;
}

/**
 * Corrects the p-values of a family. Intervals are Bonferroni's for `holm` and `bonferroni`, so that all of them hold at once, and of the false coverage rate for `bh` (Benjamini and Yekutieli 2005): at 1 - alpha · R / m, R of m being significant.
 */
export function correct(pValues: readonly number[], method: CorrectionMethod, confidence: number): Corrected {
  const m = pValues.length;
  if (method === 'none' || m < 2) return { pValues, confidence };
  const adjusted = Array.from({ holm, bh: benjaminiHochberg, bonferroni }[method](pValues));
  const alpha = 1 - confidence;
  const found = method === 'bh' ? Math.max(1, adjusted.filter((p) => p <= alpha).length) : 1;
  return { pValues: adjusted, confidence: 1 - (alpha * found) / m };
}
