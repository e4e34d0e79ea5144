import { ValidationError } from '../../core/errors.ts';

/** How far outside [0, 1] rounding may have taken a probability, a softmax of 32 bits included. */
const slack = 1e-6;

/**
 * A number as a probability: rounding at the ends is undone, NaN and what is no number are NaN. Throws `ValidationError` for what cannot be one, such as a
 * logit.
 */
export function probabilityAt(name: string, values: ArrayLike<number>, i: number): number {
  const value = values[i];
  if (typeof value !== 'number') return NaN;
  if (value >= 0 && value <= 1) return value;
  if (value < -slack || value > 1 + slack) {
    const message = `${name}[${i}] is ${value}; a probability is a number from 0 to 1 (a logit has to go through the logistic function first).`;
    throw new ValidationError(message, { path: `${name}[${i}]` });
  }
  return value < 0 ? 0 : value > 1 ? 1 : NaN;
}
