import { safeScale } from '../samples/sample-moments.ts';

/** Pearson's coefficient with its distances from 1 and -1, which stay exact where the coefficient itself is rounded to ±1. */
export interface LinearCorrelation {
  readonly r: number;
  /** 1 - r. */
  readonly belowOne: number;
  /** 1 + r. */
  readonly aboveMinusOne: number;
}

/**
 * Pearson's coefficient of finite pairs by two passes; `undefined` when a side is constant. 1 - r and 1 + r are half the squared distance of the two standardised
 * vectors and of one and the other's negative, so nothing cancels near ±1; below what rounding leaves of a straight line they are 0.
 */
export function linearCorrelation(x: Float64Array, y: Float64Array): LinearCorrelation | undefined {
  const a = standardised(x);
  const b = standardised(y);
  if (a === undefined || b === undefined) return undefined;
  let product = 0;
  let apart = 0;
  let opposed = 0;
  for (let i = 0; i < x.length; i++) {
    const u = a.unit[i]!;
    const v = b.unit[i]!;
    product += u * v;
    apart += (u - v) * (u - v);
    opposed += (u + v) * (u + v);
  }
  const noise = a.noise + b.noise;
  const belowOne = apart / 2 > noise ? apart / 2 : 0;
  const aboveMinusOne = opposed / 2 > noise ? opposed / 2 : 0;
  // 1 minus the small distance is exact where r is near ±1, the product where it is near 0.
  const r = belowOne < 0.01 ? 1 - belowOne : aboveMinusOne < 0.01 ? aboveMinusOne - 1 : product;
  return { r, belowOne, aboveMinusOne };
}

/** The deviations from the mean, of length 1 together, and the square of the error that rounding of the values themselves may leave in them. */
function standardised(values: Float64Array): { unit: Float64Array; noise: number } | undefined {
  const n = values.length;
  if (n < 2) return undefined;
  const scale = safeScale(values);
  let largest = 0;
  let mean = 0;
  for (let i = 0; i < n; i++) {
    mean += values[i]! * scale;
    largest = Math.max(largest, Math.abs(values[i]! * scale));
  }
  mean /= n;
  let rest = 0;
  const unit = new Float64Array(n);
  let constant = true;
  for (let i = 0; i < n; i++) {
    unit[i] = values[i]! * scale - mean;
    rest += unit[i]!;
    if (values[i] !== values[0]) constant = false;
  }
  if (constant) return undefined;
  rest /= n;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    unit[i]! -= rest;
    squares += unit[i]! * unit[i]!;
  }
  const length = Math.sqrt(squares);
  for (let i = 0; i < n; i++) unit[i]! /= length;
  return { unit, noise: n * ((Number.EPSILON * largest) / length) ** 2 + 16 * Number.EPSILON ** 2 };
}
