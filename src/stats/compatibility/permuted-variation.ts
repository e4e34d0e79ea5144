import { SeededGenerator } from '../seeded-generator.ts';
import { sumOf, type CategoryCounts } from './column.ts';

/** The share of `resamples` random splits of both sides, taken together, whose total variation distance is at least that of the sides. */
export function permutedVariation(counts: CategoryCounts, resamples: number, seed: number): number {
  const { reference, current, n, m } = counts;
  const totals = reference.map((count, k) => count + current[k]!);
  const labels = new Uint32Array(n + m);
  let filled = 0;
  totals.forEach((total, k) => {
    labels.fill(k, filled, filled + total);
    filled += total;
  });
  const generator = new SeededGenerator(seed);
  // Which side is drawn does not matter to the distance; the smaller one costs less.
  const size = Math.min(n, m);
  const drawn = new Float64Array(totals.length);
  const observed = variationOf(n <= m ? reference : current, totals, size);
  let reached = 0;
  for (let resample = 0; resample < resamples; resample++) {
    drawn.fill(0);
    for (let i = 0; i < size; i++) {
      const j = i + generator.below(labels.length - i);
      const label = labels[j]!;
      labels[j] = labels[i]!;
      labels[i] = label;
      drawn[label]!++;
    }
    if (variationOf(drawn, totals, size) >= observed) reached++;
  }
  return reached / resamples;
}

/** 2·n·m times the distance of the drawn counts to the others: whole numbers, which tie where they should. */
function variationOf(drawn: Float64Array, totals: Float64Array, size: number): number {
  const others = sumOf(totals) - size;
  let sum = 0;
  for (let k = 0; k < totals.length; k++) sum += Math.abs(drawn[k]! * others - (totals[k]! - drawn[k]!) * size);
  return sum;
}
