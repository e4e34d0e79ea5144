import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList } from '../arguments.ts';
import { ascendingOrder } from '../samples/ascending-order.ts';

/** The places of p-values from the smallest to the largest. Throws `ValidationError` for what is no probability. */
export function orderOfPValues(pValues: ArrayLike<number>): Uint32Array {
  demandPValues(pValues);
  return ascendingOrder(Float64Array.from(pValues));
}

/** Throws `ValidationError` for what is no probability. */
export function demandPValues(pValues: ArrayLike<number>): void {
  demandList('pValues', pValues);
  for (let i = 0; i < pValues.length; i++) {
    const p = pValues[i]!;
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) throw new ValidationError(`pValues[${i}] is ${shown(p, 80)}; a p-value is a number from 0 to 1.`, { path: `pValues[${i}]` });
  }
}

/** Adjusts from the largest p-value down: each by `factor` over its rank, and never above those that are larger. */
export function stepUp(pValues: ArrayLike<number>, factor: number): Float64Array {
  const order = orderOfPValues(pValues);
  const adjusted = new Float64Array(order.length);
  let smallest = 1;
  for (let rank = order.length; rank >= 1; rank--) {
    const i = order[rank - 1]!;
    smallest = Math.min(smallest, pValues[i]! * (factor / rank));
    adjusted[i] = smallest;
  }
  return adjusted;
}
