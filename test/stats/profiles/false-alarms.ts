import { expect } from 'vitest';

/** The lower end of the two-sided 99 % interval of Clopper and Pearson (1934) for `hits` out of `trials`. */
function clopperPearsonLow(hits: number, trials: number): number {
  if (hits === 0) return 0;
  let low = 0;
  let high = hits / trials;
  for (let i = 0; i < 60; i++) {
    const p = (low + high) / 2;
    let term = Math.exp(trials * Math.log1p(-p));
    let below = 0;
    for (let k = 0; k < hits; k++) {
      below += term;
      term *= ((trials - k) / (k + 1)) * (p / (1 - p));
    }
    if (1 - below < 0.005) low = p;
    else high = p;
  }
  return low;
}

/** Fails when so many alarms would be rare, were their rate `alpha`. */
export function expectAtMostAlpha(hits: number, trials: number, what: string, { alpha, seed }: { alpha: number; seed: number }): void {
  expect(clopperPearsonLow(hits, trials), `${what}: ${hits} of ${trials} (seed ${seed})`).toBeLessThanOrEqual(alpha);
}
