import { ValidationError } from '../core/errors.ts';

/**
 * P-values adjusted by Benjamini and Hochberg (1995), in the order given: calling significant what is at most alpha keeps the expected share of false calls at
 * alpha, and the chance of any call at alpha when there is nothing to find (for independent or positively dependent tests). Throws `ValidationError` on what
 * is not a probability.
 */
export function benjaminiHochberg(pValues: ArrayLike<number>): Float64Array {
  const size = pValues.length;
  for (let i = 0; i < size; i++) {
    const p = pValues[i]!;
    if (!(p >= 0 && p <= 1)) throw new ValidationError(`pValues[${i}] is ${p}, which is not a probability.`, { path: `pValues[${i}]` });
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Float64Array(size);
  let smallest = 1;
  for (let rank = size; rank >= 1; rank--) {
    const i = order[rank - 1]!;
    smallest = Math.min(smallest, pValues[i]! * (size / rank));
    adjusted[i] = smallest;
  }
  return adjusted;
}
