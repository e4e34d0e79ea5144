import { demandNumber } from '../arguments.ts';
/**
 * The error function 2/√π ∫₀ˣ e^(-t²) dt, by the rational approximations of Cody (1969). Relative error a few 1e-16. NaN gives NaN, ±Infinity ±1. Constant time.
 *
 * @example
 * ```ts
 * import { erf } from 'modelkeep/stats';
 *
 * console.log(erf(1)); // 0.8427007929497149
 * ```
 */
export function erf(x: number): number {
  demandNumber('x', x);
  const y = Math.abs(x);
  if (y <= small) return x * centre(y * y);
  return x < 0 ? erfc(y) - 1 : 1 - erfc(y);
}

/**
 * The complementary error function 1 - erf(x), by the rational approximations of Cody (1969) and never by that subtraction: its relative error is a few 1e-16 down to the
 * smallest numbers, at x about 26.5. NaN gives NaN, Infinity 0, -Infinity 2. Constant time.
 *
 * @example
 * ```ts
 * import { erfc } from 'modelkeep/stats';
 *
 * console.log(erfc(10)); // 2.0884875837625446e-45
 * ```
 */
export function erfc(x: number): number {
  demandNumber('x', x);
  const y = Math.abs(x);
  if (y <= small) return 1 - x * centre(y * y);
  if (Number.isNaN(y)) return NaN;
  // The square is taken apart, for its rounding would be the result's.
  const upper = y < 27 ? scaled(y) * expOfMinusSquare(y, 1) : 0;
  return x < 0 ? 2 - upper : upper;
}

/** `e^(y²) erfc(y)` for y above 0.46875. */
export function scaledErfc(y: number): number {
  return y <= small ? Math.exp(y * y) * (1 - y * centre(y * y)) : scaled(y);
}

/** `e^(-y² scale)` without the error of squaring; `scale` is a power of two. */
export function expOfMinusSquare(y: number, scale: number): number {
  const high = Math.trunc(y * 16) / 16;
  return Math.exp(-high * high * scale) * Math.exp(-(y - high) * (y + high) * scale);
}

const small = 0.46875;

function centre(t: number): number {
  let top = 1.85777706184603153e-1 * t;
  let bottom = t;
  top = (top + 3.1611237438705656) * t;
  bottom = (bottom + 2.36012909523441209e1) * t;
  top = (top + 1.13864154151050156e2) * t;
  bottom = (bottom + 2.44024637934444173e2) * t;
  top = (top + 3.77485237685302021e2) * t;
  bottom = (bottom + 1.28261652607737228e3) * t;
  return (top + 3.20937758913846947e3) / (bottom + 2.84423683343917062e3);
}

function scaled(y: number): number {
  return y <= 4 ? middle(y) : outer(y);
}

function middle(y: number): number {
  let top = 2.15311535474403846e-8 * y;
  let bottom = y;
  top = (top + 5.64188496988670089e-1) * y;
  bottom = (bottom + 1.57449261107098347e1) * y;
  top = (top + 8.88314979438837594) * y;
  bottom = (bottom + 1.17693950891312499e2) * y;
  top = (top + 6.61191906371416295e1) * y;
  bottom = (bottom + 5.37181101862009858e2) * y;
  top = (top + 2.98635138197400131e2) * y;
  bottom = (bottom + 1.62138957456669019e3) * y;
  top = (top + 8.81952221241769090e2) * y;
  bottom = (bottom + 3.29079923573345963e3) * y;
  top = (top + 1.71204761263407058e3) * y;
  bottom = (bottom + 4.36261909014324716e3) * y;
  top = (top + 2.05107837782607147e3) * y;
  bottom = (bottom + 3.43936767414372164e3) * y;
  return (top + 1.23033935479799725e3) / (bottom + 1.23033935480374942e3);
}

function outer(y: number): number {
  const t = 1 / (y * y);
  let top = 1.63153871373020978e-2 * t;
  let bottom = t;
  top = (top + 3.05326634961232344e-1) * t;
  bottom = (bottom + 2.56852019228982242) * t;
  top = (top + 3.60344899949804439e-1) * t;
  bottom = (bottom + 1.87295284992346047) * t;
  top = (top + 1.25781726111229246e-1) * t;
  bottom = (bottom + 5.27905102951428412e-1) * t;
  top = (top + 1.60837851487422766e-2) * t;
  bottom = (bottom + 6.05183413124413191e-2) * t;
  const ratio = (t * (top + 6.58749161529837803e-4)) / (bottom + 2.33520497626869185e-3);
  return (0.564189583547756287 - ratio) / y;
}
