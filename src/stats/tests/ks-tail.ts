import { binomialPmf } from '../special/saddle-point.ts';

/** How many pairs of places on the boundary are worth their time. */
const mostPairs = 500_000;

/**
 * The exact probability, when `n` and `m` different values are split at random, that the first distribution function is somewhere above the second by at least `reach` / (n·m);
 * by symmetry it is the same below. `undefined` where the boundary has too many places.
 *
 * A split is a path over a lattice, and every path that comes so far crosses the boundary for a first time at one of the i = 0 … K places where only i values of the smaller
 * sample came before (Hodges 1957). As shares r of all paths to a place, those first times are r(i) = 1 - Σ r(k) P(a path to i runs over k). In the tail r stays far from 0, so the
 * relative error is about 1e-12 down to the smallest numbers. O(K²), K = min(n, m) less its share of `reach`, no matter how large the other sample is.
 */
export function ksOneSidedTail(n: number, m: number, reach: number): number | undefined {
  const small = Math.min(n, m);
  const large = Math.max(n, m);
  const last = Math.floor((small * large - reach) / large);
  if (last < 0) return 0;
  if ((last * last) / 2 > mostPairs) return undefined;
  const p = small / (small + large);
  const q = large / (small + large);
  // Any p would do, for it cancels; this one keeps the terms from vanishing.
  const weight = (chosen: number, steps: number): number => binomialPmf(chosen, steps, p, q);
  const crossings = Float64Array.from({ length: last + 1 }, (_, i) => Math.ceil((reach + i * large) / small));
  // Between two places the larger sample has one of two numbers of values, whichever places they are.
  const leasts = Float64Array.from({ length: last + 1 }, (_, k) => Math.floor((k * large) / small));
  const between = [0, 1].map((more) => leasts.map((least, k) => (k === 0 ? 0 : weight(k, k + least + more - 1))));
  const firsts = new Float64Array(last + 1);
  let sum = 0;
  for (let i = 0; i <= last; i++) {
    const at = crossings[i]!;
    const there = weight(i, i + at - 1);
    const shortOf = i === 0 ? 1 : weight(i, i + at - 2);
    // What lies below all numbers adds nothing, and divided by itself it would be none.
    if (there === 0 || shortOf === 0) continue;
    let before = 0;
    for (let k = 0; k < i; k++) before += firsts[k]! * between[at - crossings[k]! - leasts[i - k]! > 0 ? 1 : 0]![i - k]!;
    const ways = i === 0 ? 0 : (before / shortOf) * ((at - 1) / (i + at - 1));
    firsts[i] = (1 - ways) * there;
    sum += firsts[i]! * weight(small - i, small - i + large - at);
  }
  return (sum / weight(small, small + large - 1)) * (large / (small + large));
}
