/** A distance of two lists of counts that is known by name. */
export type CountDistance = 'psi' | 'jensen-shannon' | 'hellinger' | 'total-variation';

type OfCounts = (reference: Float64Array, current: Float64Array) => number;

/** The distances of counts by name. */
export const countDistances: Readonly<Record<CountDistance, OfCounts>> = {
  psi: (reference, current) => {
    let bins = 0;
    for (let i = 0; i < reference.length; i++) if (reference[i]! + current[i]! > 0) bins++;
    return overShares(reference, current, 0.5, bins, (r, c) => (c - r) * Math.log(c / r));
  },
  'jensen-shannon': (reference, current) => {
    const part = (p: number, q: number): number => (p > 0 ? p * Math.log((2 * p) / (p + q)) : 0);
    return Math.sqrt(Math.max(0, overShares(reference, current, 0, 0, (r, c) => part(r, c) + part(c, r)) / 2));
  },
  hellinger: (reference, current) => Math.sqrt(overShares(reference, current, 0, 0, (r, c) => (Math.sqrt(r) - Math.sqrt(c)) ** 2) / 2),
  'total-variation': (reference, current) => overShares(reference, current, 0, 0, (r, c) => Math.abs(r - c)) / 2,
};

/** Sums over the bins that either side has a count in, after `added` to each of them. */
function overShares(reference: Float64Array, current: Float64Array, added: number, bins: number, part: (r: number, c: number) => number): number {
  let n = added * bins;
  let m = added * bins;
  for (let i = 0; i < reference.length; i++) {
    n += reference[i]!;
    m += current[i]!;
  }
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    if (reference[i]! + current[i]! > 0) sum += part((reference[i]! + added) / n, (current[i]! + added) / m);
  }
  return sum;
}
