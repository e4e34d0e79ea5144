import { lgamma1p } from '../special/lgamma.ts';
import { gammaTerm } from '../special/saddle-point.ts';

/** The density at x of the gamma distribution of scale 1. */
export function gammaDensity(x: number, shape: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x < 0 || x === Infinity) return 0;
  if (x === 0) return shape < 1 ? Infinity : shape === 1 ? 1 : 0;
  return gammaDensityTerm(shape, x) / x;
}

/** `x` times the density at x. */
export function gammaDensityTerm(shape: number, x: number): number {
  if (x === 0 || x === Infinity) return 0;
  return shape < 1 ? shape * Math.exp(shape * Math.log(x) - x - lgamma1p(shape)) : shape * gammaTerm(shape, x);
}
