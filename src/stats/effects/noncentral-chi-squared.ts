import { chiSquared } from '../distributions/chi-squared.ts';
import { normal } from '../distributions/normal.ts';
import { gammaTerm } from '../special/saddle-point.ts';
import { fallingRoot } from './falling-root.ts';

/** Above this noncentrality the law is taken by its cube-root-like transform to the normal, which is right to about 1e-5 there. */
const largestSum = 20_000;

/** P(X ≤ x) of the noncentral chi-squared law: the Poisson mixture of central ones, summed where its weights are not negligible. Falls as λ grows. */
function noncentralChiSquaredCdf(x: number, df: number, lambda: number): number {
  if (lambda > largestSum) return sankaran(x, df, lambda);
  const mean = lambda / 2;
  const reach = 9 * Math.sqrt(mean) + 30;
  const first = Math.max(0, Math.floor(mean - reach));
  let weight = first === 0 ? Math.exp(-mean) : gammaTerm(first, mean);
  let survival = chiSquared.sf(x, df + 2 * first);
  let sum = 0;
  for (let j = first; j <= mean + reach; j++) {
    sum += weight * Math.max(0, 1 - survival);
    survival += gammaTerm(df / 2 + j, x / 2);
    weight *= mean / (j + 1);
  }
  return Math.min(1, sum);
}

/** Sankaran (1963). */
function sankaran(x: number, df: number, lambda: number): number {
  const mean = df + lambda;
  const h = 1 - (2 * mean * (df + 3 * lambda)) / (3 * (df + 2 * lambda) ** 2);
  const p = (df + 2 * lambda) / mean ** 2;
  const m = (h - 1) * (1 - 3 * h);
  const centre = 1 + h * p * (h - 1 - 0.5 * (2 - h) * m * p);
  return normal.cdf(((x / mean) ** h - centre) / (h * Math.sqrt(2 * p) * (1 + 0.5 * m * p)));
}

/** The noncentralities under which a statistic as large, and as small, as `x` has probability (1 - confidence) / 2: their confidence interval, 0 where none is. */
export function noncentralChiSquaredInterval(x: number, df: number, confidence: number): { low: number; high: number } {
  const cdf = (lambda: number): number => noncentralChiSquaredCdf(x, df, lambda);
  const centre = Math.max(0, x - df);
  const step = Math.sqrt(2 * (df + 2 * centre));
  return { low: fallingRoot(cdf, (1 + confidence) / 2, centre - 2 * step, step, 0), high: fallingRoot(cdf, (1 - confidence) / 2, centre + 2 * step, step, 0) };
}
