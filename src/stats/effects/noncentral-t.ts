import { normal } from '../distributions/normal.ts';
import { fallingRoot } from './falling-root.ts';

/** Largest number of nodes; reached only where |t| is many times √df, and then the law of t is that of one over a chi, which so many nodes resolve to about 1e-3. */
const mostNodes = 10_000;

/**
 * P(T ≤ t) of the noncentral t law with `df` degrees of freedom as a function of the noncentrality δ: the mean of Φ(t·s - δ) over s = √(χ²/df). With s = eʷ the
 * integrand is smooth on the whole line and falls off at both ends, so the trapezoidal rule converges faster than any power of its step. Falls as δ grows.
 */
function noncentralTCdf(t: number, df: number): (delta: number) => number {
  const left = -Math.max(1.2 * Math.sqrt(40 / df), 40 / df + 0.5);
  const right = Math.sqrt(42 / df);
  const scale = 1 / Math.sqrt(2 * df + t * t);
  const nodes = Math.min(mostNodes, Math.ceil((right - left) / (0.35 * scale)));
  const step = (right - left) / nodes;
  const values: number[] = [];
  const weights: number[] = [];
  let total = 0;
  for (let i = 0; i <= nodes; i++) {
    const w = left + i * step;
    const logDensity = df * (w - Math.expm1(2 * w) / 2);
    if (logDensity < -42) continue;
    const weight = Math.exp(logDensity);
    values.push(t * Math.exp(w));
    weights.push(weight);
    total += weight;
  }
  return (delta) => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += weights[i]! * normal.cdf(values[i]! - delta);
    return sum / total;
  };
}

/** The noncentralities under which a t statistic as large, and as small, as this one has probability (1 - confidence) / 2: their confidence interval. */
export function noncentralTInterval(t: number, df: number, confidence: number): { low: number; high: number } {
  const cdf = noncentralTCdf(t, df);
  const step = Math.sqrt(1 + (t * t) / (2 * df));
  return { low: fallingRoot(cdf, (1 + confidence) / 2, t - 2 * step, step, -Infinity), high: fallingRoot(cdf, (1 - confidence) / 2, t + 2 * step, step, -Infinity) };
}
