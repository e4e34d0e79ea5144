import { lowerBeta } from '../special/incomplete-beta.ts';
import { lgamma } from '../special/lgamma.ts';

/**
 * ln of the evidence against a share of successes of at most `atMost`: the likelihood ratio of the trials, mixed over the shares above it. For trials whose chance of success, given all before, is at most `atMost`, its exponential is a
 * non-negative supermartingale that begins at 1, so that it ever reaches 1 / alpha with a probability of at most alpha (Ville 1939), however often one looks: an exact test at any number of trials (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021).
 *
 * Half of the mixture is a beta law as wide as `atMost` itself, which soon notices twice as many, and half is uniform, which is not surprised by any number. Successes and trials need not be whole. Takes about √trials steps.
 */
export function shareEvidence(successes: number, trials: number, atMost: number): number {
  if (atMost >= 1 || trials <= 0) return 0;
  if (atMost <= 0) return successes > 0 ? Infinity : 0;
  const near = mixed(successes, trials, atMost, Math.max(1, 1 / atMost - 1));
  const far = mixed(successes, trials, atMost, 1);
  const larger = Math.max(near, far);
  return larger === -Infinity ? -Infinity : larger + Math.log((Math.exp(near - larger) + Math.exp(far - larger)) / 2);
}

/** The share that is exceeded for sure: below it lies the true share at no moment, but with a probability of at most `alpha` over all moments together. */
export function shareLowerBound(successes: number, trials: number, alpha: number): number {
  const enough = -Math.log(alpha);
  let [low, high] = [0, trials > 0 ? successes / trials : 0];
  for (let i = 0; i < halvings && high - low > finest * high; i++) {
    const middle = (low + high) / 2;
    if (shareEvidence(successes, trials, middle) >= enough) low = middle;
    else high = middle;
  }
  return low;
}

/** The share that is not reached for sure, in the sense of {@link shareLowerBound}. */
export function shareUpperBound(successes: number, trials: number, alpha: number): number {
  return 1 - shareLowerBound(trials - successes, trials, alpha);
}

const halvings = 60;
const finest = 1e-6;

/** ln of the likelihood ratio, mixed over a beta law of 1 and b above `atMost`. */
function mixed(successes: number, trials: number, atMost: number, b: number): number {
  const [above, below] = [1 + successes, b + trials - successes];
  const tail = lowerBeta(below, above, 1 - atMost, atMost);
  const logBeta = lgamma(above) + lgamma(below) - lgamma(above + below);
  // The law without trials is (1 - x)^b above x, and B(1, b) is 1 / b.
  return logBeta + Math.log(tail) + Math.log(b) - b * Math.log1p(-atMost) - successes * Math.log(atMost) - (trials - successes) * Math.log1p(-atMost);
}
