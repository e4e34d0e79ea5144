import { demandNumber } from '../arguments.ts';
import { stirlingError } from './saddle-point.ts';

/**
 * ln |Γ(x)|, the logarithm of the gamma function. Between 1.5 and 2.5 by the series of ζ(k) - 1 about 2, below by recurrence and reflection, above by Stirling's series, so that the
 * relative error is a few 1e-16 around the zeros at 1 and 2 as well. Infinity at 0, at negative whole numbers and at ±Infinity; NaN gives NaN. Constant time.
 *
 * @example
 * ```ts
 * import { lgamma } from 'modelkeep/stats';
 *
 * console.log(lgamma(10)); // ln 9! = 12.801827480081469
 * ```
 */
export function lgamma(x: number): number {
  demandNumber('x', x);
  if (Number.isNaN(x)) return NaN;
  if (x === Infinity || x === -Infinity || (x <= 0 && Number.isInteger(x))) return Infinity;
  if (x < 0) return Math.log(Math.PI / sinPi(x)) - lgamma1p(-x);
  if (x < 0.5) return lgamma1p(x) - Math.log(x);
  if (x < 1.5) return lgamma1p(x - 1);
  if (x > 12) return (x - 0.5) * Math.log(x) - x + 0.9189385332046727 + stirlingError(x);
  let product = 1;
  let shifted = x;
  while (shifted > 2.5) product *= --shifted;
  return aboutTwo(shifted - 2) + Math.log(product);
}

/** ln Γ(1 + y) for y ≥ -½, exact where y is small. */
export function lgamma1p(y: number): number {
  return y <= 0.5 ? aboutTwo(y) - Math.log1p(y) : lgamma(1 + y);
}

/** |sin πx|, exact beside the whole numbers. */
function sinPi(x: number): number {
  return Math.sin(Math.PI * Math.abs(x - Math.round(x)));
}

/** ln Γ(2 + y) for |y| ≤ ½. */
function aboutTwo(y: number): number {
  let sum = 0;
  for (let i = zetaTerms.length - 1; i >= 0; i--) sum = (sum + zetaTerms[i]!) * y;
  return (sum + 0.42278433509846713) * y;
}

/** (-1)^k (ζ(k) - 1) / k for k = 2, 3, … */
const zetaTerms: readonly number[] = [
  0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986, 0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425,
  -0.00022315475845357939, 9.945751278180853e-5, -4.492623673813314e-5, 2.050721277567069e-5, -9.439488275268397e-6, 4.374866789907488e-6, -2.039215753801366e-6,
  9.55141213040742e-7, -4.492469198764566e-7, 2.1207184805554665e-7, -1.0043224823968099e-7, 4.7698101693639804e-8, -2.2711094608943164e-8, 1.0838659214896955e-8,
  -5.183475041970047e-9, 2.4836745438024785e-9, -1.1921401405860912e-9, 5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10,
];
