import { demandNumber, demandPositive } from '../arguments.ts';
import { lgamma1p } from './lgamma.ts';
import { gammaTerm } from './saddle-point.ts';

/**
 * The regularised lower incomplete gamma function P(a, x) = ∫₀ˣ t^(a-1) e^-t dt / Γ(a), for a > 0: by its series (Abramowitz & Stegun 6.5.29) below x = a + 1, else as 1 - Q, which is
 * the smaller there. Relative error below 1e-12, below 1e-10 where it is under 1e-10. 0 for x ≤ 0, 1 for Infinity, NaN for NaN. About √a steps where x is near a. Throws `ValidationError` for a ≤ 0.
 *
 * @example
 * ```ts
 * import { gammaP } from 'modelkeep/stats';
 *
 * console.log(gammaP(3, 2)); // 0.3233235838169365
 * ```
 */
export function gammaP(a: number, x: number): number {
  demandPositive('a', a);
  demandNumber('x', x);
  return lowerGamma(a, x);
}

/**
 * The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x), for a > 0: by its continued fraction (Abramowitz & Stegun 6.5.31) above x = a + 1 and for small a without a
 * subtraction of what is nearly equal. Relative error below 1e-12, below 1e-10 where it is under 1e-10. 1 for x ≤ 0, 0 for Infinity, NaN for NaN. About √a steps where x is near a. Throws `ValidationError` for a ≤ 0.
 *
 * @example
 * ```ts
 * import { gammaQ } from 'modelkeep/stats';
 *
 * console.log(gammaQ(3, 700)); // 2.4e-299, where 1 - P is 0
 * ```
 */
export function gammaQ(a: number, x: number): number {
  demandPositive('a', a);
  demandNumber('x', x);
  return upperGamma(a, x);
}

/** {@link gammaP} of an `a` that is known to be positive. */
export function lowerGamma(a: number, x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x <= 0) return 0;
  if (x === Infinity) return 1;
  if (x < a + 1) return series(a, x);
  return 1 - upperGamma(a, x);
}

/** {@link gammaQ} of an `a` that is known to be positive. */
export function upperGamma(a: number, x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x <= 0) return 1;
  if (x === Infinity) return 0;
  if (a < 1 && x < 1.5) return nearOne(a, x);
  return x < a + 1 ? 1 - series(a, x) : fraction(a, x);
}

/** `x^a e^-x / Γ(a + 1)`, in whichever form keeps its digits. */
function term(a: number, x: number): number {
  return a < 1 ? Math.exp(a * Math.log(x) - x - lgamma1p(a)) : gammaTerm(a, x);
}

function series(a: number, x: number): number {
  let added = 1;
  let sum = 1;
  for (let k = 1; added > sum * 1e-17; k++) {
    added *= x / (a + k);
    sum += added;
  }
  return Math.min(1, term(a, x) * sum);
}

/** Q for a < 1 and x < 1.5, where P may be so near 1 that subtracting it would leave nothing. */
function nearOne(a: number, x: number): number {
  const u = a * Math.log(x) - lgamma1p(a);
  let power = 1;
  let sum = 0;
  for (let k = 1; k < 60; k++) {
    power *= -x / k;
    const added = power / (a + k);
    sum += added;
    if (Math.abs(added) < Math.abs(sum) * 1e-17) break;
  }
  return -Math.expm1(u) - Math.exp(u) * a * sum;
}

/** Lentz's evaluation, as modified by Thompson and Barnett (1986). */
function fraction(a: number, x: number): number {
  const factor = term(a, x) * a;
  if (factor === 0) return 0;
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 10_000_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const change = d * c;
    h *= change;
    if (Math.abs(change - 1) < 2e-16) break;
  }
  return factor * h;
}
