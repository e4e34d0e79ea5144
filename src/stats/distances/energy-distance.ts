import { finitePart } from '../samples/finite-part.ts';
import { SortedSample, demandSample, type Sample } from '../samples/sorted-sample.ts';

/**
 * The energy distance of two samples, √(2 ∫ (F - G)²) of their distribution functions, which is √(2 E|X-Y| - E|X-X'| - E|Y-Y'|) (Székely & Rizzo 2013; scipy's
 * definition). In units of the root of the values'; 0 only where both distribute alike. It grows with distance like Wasserstein's, and more so with the bulk than with
 * a few outliers.
 *
 * NaN and ±Infinity are left out; a distance to an empty sample is NaN. O(N log N), O(N) for two `SortedSample`s.
 *
 * @example
 * ```ts
 * import { energyDistance } from 'modelkeep/stats';
 *
 * console.log(energyDistance([0, 0, 0], [1, 1, 1])); // √2
 * ```
 */
export function energyDistance(x: Sample, y: Sample): number {
  demandSample('x', x);
  demandSample('y', y);
  const first = finitePart(SortedSample.of(x).sorted);
  const second = finitePart(SortedSample.of(y).sorted);
  const n = first.length;
  const m = second.length;
  if (n === 0 || m === 0) return NaN;
  const range = Math.max(first[n - 1]!, second[m - 1]!) - Math.min(first[0]!, second[0]!);
  // Halved where the range has no double of its own.
  const scale = range === Infinity ? 0.5 : 1;
  let sum = 0;
  let i = 0;
  let j = 0;
  let previous = 0;
  while (i < n || j < m) {
    const value = (j === m || (i < n && first[i]! < second[j]!) ? first[i]! : second[j]!) * scale;
    const difference = (i * m - j * n) / (n * m);
    if (difference !== 0) sum += difference * difference * (value - previous);
    if (i < n && first[i]! * scale === value) i++;
    else j++;
    previous = value;
  }
  return Math.sqrt(2 / scale) * Math.sqrt(sum);
}
