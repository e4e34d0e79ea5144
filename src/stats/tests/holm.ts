import { orderOfPValues } from './p-values.ts';

/**
 * P-values adjusted by Holm (1979), in the order given: calling significant what is at most alpha keeps the chance of any false call at alpha, however the tests
 * depend on each other. The adjusted value of rank i of k is the largest p₍ⱼ₎ · (k - j + 1) over the ranks j ≤ i, at most 1: never more than `bonferroni`, for the same
 * promise. Of no p-values it gives none. Costs O(k log k).
 *
 * @throws ValidationError for what is not a probability, NaN among it.
 *
 * @example
 * ```ts
 * import { holm } from 'modelkeep/stats';
 *
 * console.log([...holm([0.01, 0.04, 0.03, 0.5])].map((p) => p.toFixed(2))); // ['0.04', '0.09', '0.09', '0.50']
 * ```
 */
export function holm(pValues: ArrayLike<number>): Float64Array {
  const order = orderOfPValues(pValues);
  const adjusted = new Float64Array(order.length);
  let largest = 0;
  order.forEach((i, before) => {
    largest = Math.min(1, Math.max(largest, pValues[i]! * (order.length - before)));
    adjusted[i] = largest;
  });
  return adjusted;
}
