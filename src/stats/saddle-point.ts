const halfLog2Pi = 0.9189385332046727;

/** `x ln(x / mean) + mean - x`, without the cancellation near `x = mean` (the deviance `bd0` of Loader 2000). */
function deviance(x: number, mean: number): number {
  if (x === 0) return mean;
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) - difference;
  const v = difference / (x + mean);
  let sum = difference * v;
  let power = 2 * x * v;
  for (let j = 1; ; j++) {
    power *= v * v;
    const next = sum + power / (2 * j + 1);
    if (next === sum) return sum;
    sum = next;
  }
}

/** `ln Γ(a + 1) - (a + ½) ln a + a - ½ ln 2π` for a > 0: what Stirling's formula leaves out, to an absolute error of about 1e-16. */
function stirlingError(a: number): number {
  let shifted = a;
  let sum = 0;
  // One step up changes the error by a known amount; from 16 on six terms of the series are enough.
  for (; shifted < 16; shifted++) sum += (shifted + 0.5) * Math.log1p(1 / shifted) - 1;
  const s = 1 / (shifted * shifted);
  return sum + (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360_360))))) / shifted;
}

/** `x^a e^-x / Γ(a + 1)` for a > 0 and x ≥ 0, by the saddle-point form of Loader (2000): relative error of a few 1e-15 times the size of the exponent. */
export function gammaTerm(a: number, x: number): number {
  if (x === 0) return 0;
  return Math.exp(-stirlingError(a) - deviance(a, x) - halfLog2Pi) / Math.sqrt(a);
}

/** The binomial probability of `k` successes out of `n`, with `q = 1 - p` given apart so that neither loses digits (Loader 2000). */
export function binomialPmf(k: number, n: number, p: number, q: number): number {
  if (p <= 0) return k === 0 ? 1 : 0;
  if (q <= 0) return k === n ? 1 : 0;
  if (k === 0) return Math.exp(n * (p < 0.5 ? Math.log1p(-p) : Math.log(q)));
  if (k === n) return Math.exp(n * (q < 0.5 ? Math.log1p(-q) : Math.log(p)));
  const exponent = stirlingError(n) - stirlingError(k) - stirlingError(n - k) - deviance(k, n * p) - deviance(n - k, n * q);
  return Math.exp(exponent - halfLog2Pi) * Math.sqrt(n / (k * (n - k)));
}
