import type { Alternative } from './test-result.ts';

/** A law on the whole numbers from `low` to `high` whose probabilities rise to one peak and fall from there. */
export interface UnimodalLaw {
  readonly low: number;
  readonly high: number;
  probability(k: number): number;
  /** P(k + 1) / P(k) for `low` ≤ k < `high`, falling in k. */
  ratio(k: number): number;
}

/** Probabilities that differ by no more than this are the same one, rounded (the tolerance of R and scipy). */
const sameProbability = 1 + 1e-7;

/** A term this small beside the sum no longer changes it. */
const negligible = 1e-18;

/** The k with the largest probability; by bisection, the smallest of several. */
export function peakOf(law: UnimodalLaw): number {
  return firstWhere(law.low, law.high, (k) => law.ratio(k) <= 1);
}

/**
 * The exact p-value of `k`: P(X ≥ k) (`greater`), P(X ≤ k) (`less`), or the probability of all values that are at most as likely as `k`. The tails are summed outwards,
 * a positive term at a time until they vanish, so they keep their relative precision; some ten standard deviations of steps at most.
 */
export function exactPValue(law: UnimodalLaw, k: number, alternative: Alternative): number {
  const peak = peakOf(law);
  if (alternative === 'greater') return atLeast(law, peak, k);
  if (alternative === 'less') return atMost(law, peak, k);
  const limit = law.probability(k) * sameProbability;
  if (law.probability(peak) <= limit) return 1;
  // The values as unlikely as k: everything from `above` up and everything below `below`.
  const above = firstWhere(peak, law.high + 1, (j) => law.probability(j) <= limit);
  const below = firstWhere(law.low, peak, (j) => law.probability(j) > limit);
  return Math.min(1, (above > law.high ? 0 : upwards(law, above)) + (below <= law.low ? 0 : downwards(law, below - 1)));
}

function atLeast(law: UnimodalLaw, peak: number, k: number): number {
  if (k <= law.low) return 1;
  return Math.min(1, k > peak ? upwards(law, k) : 1 - downwards(law, k - 1));
}

function atMost(law: UnimodalLaw, peak: number, k: number): number {
  if (k >= law.high) return 1;
  return Math.min(1, k < peak ? downwards(law, k) : 1 - upwards(law, k + 1));
}

/** P(X ≥ k) for a k from the peak up. */
function upwards(law: UnimodalLaw, k: number): number {
  let term = law.probability(k);
  let sum = term;
  for (let j = k; j < law.high && term > sum * negligible; j++) {
    term *= law.ratio(j);
    sum += term;
  }
  return sum;
}

/** P(X ≤ k) for a k from the peak down. */
function downwards(law: UnimodalLaw, k: number): number {
  let term = law.probability(k);
  let sum = term;
  for (let j = k - 1; j >= law.low && term > sum * negligible; j--) {
    term /= law.ratio(j);
    sum += term;
  }
  return sum;
}

/** The first number from `from` to `to` where the condition, false up to some point and true from there, holds; `to` when it holds nowhere before. */
function firstWhere(from: number, to: number, holds: (k: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
