import type { NumberSpec } from './model-signature.ts';

/** One end of the numbers that a specification allows; `open` when the end itself is not among them. */
export interface NumberBound {
  readonly at: number;
  readonly open: boolean;
}

/** The lower end. That of an `int64` is the least integer itself, where numbers are exact enough to tell. */
export function lowerBound({ type, minimum, exclusiveMinimum }: NumberSpec): NumberBound {
  return innermost(type, minimum ?? -Infinity, exclusiveMinimum ?? -Infinity);
}

/** The upper end. That of an `int64` is the greatest integer itself, where numbers are exact enough to tell. */
export function upperBound({ type, maximum, exclusiveMaximum }: NumberSpec): NumberBound {
  // The upper end is the lower end of the negated numbers.
  const { at, open } = innermost(type, -(maximum ?? Infinity), -(exclusiveMaximum ?? Infinity));
  return { at: -at, open };
}

/** Whether nothing lies between two ends. */
export function isEmpty(lower: NumberBound, upper: NumberBound): boolean {
  return lower.at > upper.at || (lower.at === upper.at && (lower.open || upper.open));
}

function innermost(type: NumberSpec['type'], closed: number, open: number): NumberBound {
  const bound = open >= closed && open !== -Infinity ? { at: open, open: true } : { at: closed, open: false };
  if (type === 'float64' || !Number.isFinite(bound.at)) return bound;
  const integer = Math.ceil(bound.at);
  if (!bound.open || integer > bound.at) return { at: integer, open: false };
  return Number.isSafeInteger(integer + 1) ? { at: integer + 1, open: false } : bound;
}
