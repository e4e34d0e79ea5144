import { demandPValues, stepUp } from './p-values.ts';

/**
 * P-values adjusted by Benjamini and Yekutieli (2001), in the order given: as `benjaminiHochberg`, each larger by Σ 1 / j over the k ranks, at most 1. That keeps the
 * expected share of false calls at alpha however the tests depend on each other, for about ln k times less power. Of no p-values it gives none. Costs O(k log k).
 *
 * @throws ValidationError for what is not a probability, NaN among it.
 *
 * @example
 * ```ts
 * import { benjaminiYekutieli } from 'modelkeep/stats';
 *
 * console.log([...benjaminiYekutieli([0.01, 0.04, 0.03, 0.5])].map((p) => p.toFixed(3))); // ['0.083', '0.111', '0.111', '1.000']
 * ```
 */
export function benjaminiYekutieli(pValues: ArrayLike<number>): Float64Array {
  demandPValues(pValues);
  let harmonic = 0;
  for (let rank = pValues.length; rank >= 1; rank--) harmonic += 1 / rank;
  return stepUp(pValues, pValues.length * harmonic);
}
