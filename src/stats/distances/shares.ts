import { ValidationError } from '../../core/errors.ts';
import { demandCounts, demandOneOf, demandOptions, demandSameLength } from '../arguments.ts';

/** How a distance between two distributions reads its arguments. */
export interface SharesOptions {
  /** `counts`: any weights of at least 0, each side divided by its sum. `probabilities`: each side must sum to 1 within 1e-9. @default 'counts' */
  input?: 'counts' | 'probabilities' | undefined;
}

/** Both sides as shares of 1; `undefined` when a side has nothing in it. */
export function sharesOf(p: ArrayLike<number>, q: ArrayLike<number>, options: SharesOptions): [p: Float64Array, q: Float64Array] | undefined {
  const { input = 'counts' } = demandOptions(options);
  demandOneOf('input', input, ['counts', 'probabilities']);
  demandSameLength('p', p, 'q', q);
  const sides = [divided('p', p, input), divided('q', q, input)] as const;
  return sides[0] === undefined || sides[1] === undefined ? undefined : [sides[0], sides[1]];
}

function divided(name: string, weights: ArrayLike<number>, input: 'counts' | 'probabilities'): Float64Array | undefined {
  const total = demandCounts(name, weights);
  if (input === 'probabilities' && !(Math.abs(total - 1) <= 1e-9)) {
    throw new ValidationError(`${name} sums to ${total}; probabilities sum to 1. For counts leave out input: 'probabilities'.`, { path: name });
  }
  if (total === 0) return undefined;
  // Weights whose sum overflows are made smaller first.
  return total < Infinity ? Float64Array.from(weights, (weight) => weight / total) : divided(name, Float64Array.from(weights, (weight) => weight / weights.length / 2), 'counts');
}
