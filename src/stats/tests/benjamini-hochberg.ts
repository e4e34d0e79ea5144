import { demandPValues, stepUp } from './p-values.ts';

/**
 * P-values adjusted by Benjamini and Hochberg (1995), in the order given: calling significant what is at most alpha keeps the expected share of false calls at
 * alpha, and the chance of any call at alpha when there is nothing to find (for independent or positively dependent tests). The adjusted value of rank i of k
 * is the smallest p₍ⱼ₎ · k / j over the ranks j ≥ i, at most 1. Of no p-values it gives none. Costs O(k log k).
 *
 * @throws ValidationError for what is not a probability, NaN among it.
 *
 * @example
 * ```ts
 * import { benjaminiHochberg } from 'modelkeep/stats';
 *
 * console.log([...benjaminiHochberg([0.01, 0.04, 0.03, 0.5])].map((p) => p.toFixed(3))); // ['0.040', '0.053', '0.053', '0.500']
 * ```
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): Float64Array {
  demandPValues(pValues);
  return stepUp(pValues, pValues.length);
}
