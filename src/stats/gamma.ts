import { gammaTerm } from './saddle-point.ts';

/**
 * P(X > x) of a chi-squared variable with `df` > 0 degrees of freedom: the regularised upper incomplete gamma function Q(df / 2, x / 2). Series below
 * x = a + 1, continued fraction above (Abramowitz & Stegun 6.5.29 and 6.5.31); the common factor in saddle-point form and no subtraction where the result is
 * small, so the upper tail keeps its relative precision down to the smallest numbers. For df under 0.02 and x under 2 the precision is absolute, not relative.
 * Takes about √df steps where x is near df.
 */
export function chiSquaredSurvival(x: number, df: number): number {
  const a = df / 2;
  const half = x / 2;
  if (half <= 0) return 1;
  if (half === Infinity) return 0;
  return half < a + 1 ? 1 - series(a, half) : fraction(a, half);
}

function series(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return Math.min(1, gammaTerm(a, x) * sum);
}

/** Lentz's evaluation, as modified by Thompson and Barnett (1986). */
function fraction(a: number, x: number): number {
  const factor = gammaTerm(a, x) * a;
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
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return factor * h;
}
