import { demandSameLength } from '../arguments.ts';

/** Pairs of values without those that have no place in the computation. */
export interface CompletePairs {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Pairs that were left out. */
  readonly dropped: number;
}

/** Leaves out every pair with a member that is NaN, `null` or no number at all, and with one that is infinite unless `infinities` are kept. */
export function completePairs(x: ArrayLike<number>, y: ArrayLike<number>, infinities: boolean): CompletePairs {
  demandSameLength('x', x, 'y', y);
  const kept = { x: new Float64Array(x.length), y: new Float64Array(x.length) };
  const takesPart = (value: unknown): boolean => typeof value === 'number' && (infinities ? !Number.isNaN(value) : Number.isFinite(value));
  let n = 0;
  for (let i = 0; i < x.length; i++) {
    if (!takesPart(x[i]) || !takesPart(y[i])) continue;
    kept.x[n] = x[i]!;
    kept.y[n] = y[i]!;
    n++;
  }
  return { x: kept.x.subarray(0, n), y: kept.y.subarray(0, n), dropped: x.length - n };
}
