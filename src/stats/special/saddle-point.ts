const halfLog2Pi = 0.9189385332046727;

/** `x ln(x / mean) + mean - x`, without the cancellation near `x = mean` (the deviance `bd0` of Loader 2000). */
export function deviance(x: number, mean: number): number {
  if (x === 0) return mean;
  const difference = x - mean;
  if (!(Math.abs(difference) < 0.1 * (x + mean))) return x * Math.log(x / mean) - difference;
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
export function stirlingError(a: number): number {
  if (a <= 16 && Number.isInteger(2 * a)) return halfWholeErrors[2 * a - 1]!;
  let shifted = a;
  let sum = 0;
  // One step up changes the error by a known amount; from 16 on six terms of the series are enough.
  for (; shifted < 16; shifted++) sum += (shifted + 0.5) * Math.log1p(1 / shifted) - 1;
  const s = 1 / (shifted * shifted);
  return sum + (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360_360))))) / shifted;
}

/** {@link stirlingError} of ½, 1, 1½ … 16, which counts and degrees of freedom ask for. */
const halfWholeErrors: readonly number[] = [
  0.15342640972002736, 0.08106146679532726, 0.05481412105191765, 0.0413406959554093, 0.03316287351993629, 0.02767792568499834, 0.023746163656297496,
  0.020790672103765093, 0.018488450532673187, 0.016644691189821193, 0.015134973221917378, 0.013876128823070748, 0.012810465242920227, 0.01189670994589177,
  0.011104559758206917, 0.010411265261972096, 0.009799416126158804, 0.009255462182712733, 0.008768700134139386, 0.00833056343336287, 0.00793411456431402,
  0.007573675487951841, 0.007244554301320383, 0.00694284010720953, 0.006665247032707682, 0.006408994188004207, 0.006171712263039458, 0.0059513701127588475,
  0.0057462165130101155, 0.005554733551962801, 0.005375599032926835, 0.0052076559196096404,
];

/** `x^a e^-x / Γ(a + 1)` for a > 0 and x ≥ 0, by the saddle-point form of Loader (2000): relative error of a few 1e-15 times the size of the exponent. */
export function gammaTerm(a: number, x: number): number {
  if (x === 0) return 0;
  return Math.exp(-stirlingError(a) - deviance(a, x) - halfLog2Pi) / Math.sqrt(a);
}

/** `x^a y^b / B(a, b)` for x + y = 1, both given so that neither loses digits, in the same form. */
export function betaTerm(a: number, b: number, x: number, y: number): number {
  if (x <= 0 || y <= 0) return 0;
  const n = a + b;
  const exponent = stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y);
  return Math.exp(exponent - halfLog2Pi) * Math.sqrt(a * (b / n));
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
