import { demandPValues } from './p-values.ts';

/**
 * P-values adjusted by Bonferroni, in the order given: each times the number of tests, at most 1. Calling significant what is at most alpha keeps the chance of any false
 * call at alpha, however the tests depend on each other; `holm` promises the same and finds more. Of no p-values it gives none. Costs O(k).
 *
 * @throws ValidationError for what is not a probability, NaN among it.
 *
 * @example
 * ```ts
 * import { bonferroni } from 'modelkeep/stats';
 *
 * console.log([...bonferroni([0.01, 0.04, 0.5])].map((p) => p.toFixed(2))); // ['0.03', '0.12', '1.00']
 * ```
 */
export function bonferroni(pValues: ArrayLike<number>): Float64Array {
  demandPValues(pValues);
  return Float64Array.from(pValues, (p) => Math.min(1, p * pValues.length));
}
