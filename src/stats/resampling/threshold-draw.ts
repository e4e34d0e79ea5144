import type { SeededGenerator } from '../seeded-generator.ts';

/** Fills a buffer with draws, ascending. */
export type SampleDraw = (into: Float64Array, generator: SeededGenerator) => void;

/**
 * Draws, in time O(buffer) each, from the law that a sorted sample without NaN stands for. A sample with ties is drawn from as it is. One without is taken for values of a continuous law: the i-th
 * of n is its quantile of (i - ½) / n, with straight lines between them, and with `tails` there go exponential tails beyond the outermost, whose mean is the mean excess of the outer √n values over
 * the next; without, what lies beyond is the outermost value itself. `tails` need finite values.
 */
export function sampleDraw(sorted: Float64Array, tails: boolean): SampleDraw {
  const n = sorted.length;
  if (hasTies(sorted)) {
    return (into, generator) => {
      const total = risingSums(into, generator);
      for (let i = 0; i < into.length; i++) into[i] = sorted[Math.min(n - 1, Math.floor((into[i]! / total) * n))]!;
    };
  }
  const outer = tails ? Math.min(n - 1, Math.ceil(Math.sqrt(n))) : 0;
  let above = 0;
  let below = 0;
  for (let i = 0; i < outer; i++) {
    above += (sorted[n - 1 - i]! - sorted[n - 1 - outer]!) / outer;
    below += (sorted[outer]! - sorted[i]!) / outer;
  }
  return (into, generator) => {
    const total = risingSums(into, generator);
    for (let i = 0; i < into.length; i++) {
      const position = (into[i]! / total) * n - 0.5;
      if (position <= 0) into[i] = sorted[0]! + below * logOfShare(2 * position + 1);
      else if (position >= n - 1) into[i] = sorted[n - 1]! - above * logOfShare(2 * (n - 1 - position) + 1);
      else {
        const left = Math.floor(position);
        const value = sorted[left]!;
        const step = sorted[left + 1]! - value;
        into[i] = step < Infinity ? value + step * (position - left) : value;
      }
    }
  };
}

/** Sums of exponential numbers, and returned the sum with one more: over that they are ordered uniform numbers (Pyke 1965). */
function risingSums(into: Float64Array, generator: SeededGenerator): number {
  let total = 0;
  for (let i = 0; i < into.length; i++) {
    total -= Math.log(1 - generator.uniform());
    into[i] = total;
  }
  return total - Math.log(1 - generator.uniform());
}

/** The logarithm of a share that rounding may have made 0. */
function logOfShare(share: number): number {
  return Math.log(Math.max(share, 2 ** -60));
}

function hasTies(sorted: Float64Array): boolean {
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return true;
  return false;
}
