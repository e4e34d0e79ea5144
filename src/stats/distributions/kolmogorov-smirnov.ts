import { binomialPmf } from '../special/saddle-point.ts';

/**
 * P(Dₙ⁺ ≥ d) of the one-sided Kolmogorov–Smirnov statistic of `n` values, by the sum of Smirnov (1944), whose terms are all positive: the relative precision
 * holds in any tail. Only the terms that count are summed, and of a long sum one in {@link strideOf} many: some thousand at most.
 */
export function smirnovSurvival(n: number, d: number): number {
  if (d <= 0) return 1;
  if (d >= 1) return 0;
  const last = Math.min(n - 1, Math.floor(n * (1 - d)));
  const start = Math.min(last, Math.max(0, Math.round(n * largestTerm(d))));
  const term = (j: number): number => {
    const q = (n - j - n * d) / n;
    if (q <= 0) return 0;
    const p = d + j / n;
    return (d / p) * binomialPmf(j, n, p, q);
  };
  let sum = term(start);
  const rest = (step: number): void => {
    for (let j = start + step; j >= 0 && j <= last; j += step) {
      const next = term(j);
      sum += next;
      if (next <= sum * 1e-18) break;
    }
  };
  const stride = strideOf(n, d);
  rest(stride);
  rest(-stride);
  return Math.min(1, sum * stride);
}

/**
 * Of how many terms one is enough. For n d² not too small, the terms are about exp(-c / (t (1 - t))) at t = j / n, with c = n d² / 2: so smooth, and so flat at both ends, that a sum over every h-th is h times smaller to an error of
 * exp(-√(4π c n / h)) at the ends and exp(-2π² σ² / h²) about the middle, with σ = n / √(32 c). Both are kept far below the precision of doubles.
 */
function strideOf(n: number, d: number): number {
  const c = (n * d * d) / 2;
  // Terms with so few values before them that they are no smooth function must not count.
  if (d > 0.5 || c * n < 1000) return 1;
  return Math.max(1, Math.floor(n / (1000 + 300 / c + 45 * Math.sqrt(c))));
}

/** The t in (0, 1 - d) with the smallest divergence of a coin of t from one of t + d, where the terms of Smirnov's sum are largest. */
function largestTerm(d: number): number {
  let low = 0;
  let high = 1 - d;
  for (let i = 0; i < 60; i++) {
    const t = (low + high) / 2;
    const p = t + d;
    const slope = Math.log((t * (1 - p)) / (p * (1 - t))) + (1 - t) / (1 - p) - t / p;
    if (slope < 0) low = t;
    else high = t;
  }
  return low;
}

/**
 * P(Dₙ ≥ d) of the two-sided Kolmogorov–Smirnov statistic of `n` values, for the finite n rather than the limit: the choice of methods of Simard and L'Ecuyer
 * (2011): closed forms at both ends, the matrix of Durbin (Marsaglia, Tsang & Wang 2003) in the body for small n, the expansion of Pelz and Good (1976) in the
 * body for large n, and twice the one-sided probability in the tail, which keeps relative precision down to the smallest numbers.
 */
export function kolmogorovSurvival(n: number, d: number): number {
  const t = n * d;
  if (t <= 0.5) return 1;
  if (d >= 1) return 0;
  if (t <= 1) return 1 - closedForm(n, t);
  if (t >= n - 1) return 2 * (1 - d) ** n;
  if (d >= 0.5) return 2 * smirnovSurvival(n, d);
  const z2 = t * d;
  if (z2 < 0.025) return 1;
  if (z2 >= (n <= 140 ? 4 : 2.2)) return Math.min(1, 2 * smirnovSurvival(n, d));
  const cdf = n <= 140 || (n <= 10_000 && n * d ** 1.5 <= 1.4) ? durbin(n, t) : pelzGood(n, d);
  return Math.min(1, Math.max(0, 1 - cdf));
}

function closedForm(n: number, t: number): number {
  let cdf = 1;
  for (let i = 1; i <= n; i++) cdf *= (i / n) * (2 * t - 1);
  return cdf;
}

/** P(Dₙ < t / n) as an entry of the n-th power of a matrix of about 2t rows; powers of two are kept apart, so nothing over- or underflows. */
function durbin(n: number, t: number): number {
  const k = Math.floor(t) + 1;
  const m = 2 * k - 1;
  let power = durbinMatrix(m, k - t);
  let result: Float64Array | undefined;
  let exponent = 0;
  let resultExponent = 0;
  for (let left = n; ; ) {
    if (left % 2 === 1) {
      result = result === undefined ? power : multiply(result, power, m);
      resultExponent += exponent + rescale(result, m, k);
      if (result === power) power = power.slice();
    }
    left = Math.floor(left / 2);
    if (left === 0) break;
    power = multiply(power, power, m);
    exponent = 2 * exponent;
    exponent += rescale(power, m, k);
  }
  let cdf = result![(k - 1) * m + k - 1]!;
  for (let i = 1; i <= n; i++) {
    cdf *= i / n;
    if (cdf < 2 ** -500) {
      cdf *= 2 ** 500;
      resultExponent -= 500;
    }
  }
  return resultExponent < -1_000 ? 0 : cdf * 2 ** resultExponent;
}

function durbinMatrix(m: number, h: number): Float64Array {
  const matrix = new Float64Array(m * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) matrix[i * m + j] = i - j + 1 < 0 ? 0 : 1;
  for (let i = 0; i < m; i++) {
    matrix[i * m]! -= h ** (i + 1);
    matrix[(m - 1) * m + i]! -= h ** (m - i);
  }
  matrix[(m - 1) * m]! += 2 * h > 1 ? (2 * h - 1) ** m : 0;
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) for (let g = 2; g <= i - j + 1; g++) matrix[i * m + j]! /= g;
  }
  return matrix;
}

function multiply(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const product = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < m; k++) {
      const factor = a[i * m + k]!;
      for (let j = 0; j < m; j++) product[i * m + j]! += factor * b[k * m + j]!;
    }
  }
  return product;
}

/** Divides a matrix by a power of two when its middle has grown large; gives the exponent. */
function rescale(matrix: Float64Array, m: number, k: number): number {
  const middle = matrix[(k - 1) * m + k - 1]!;
  if (middle < 2 ** 400) return 0;
  for (let i = 0; i < matrix.length; i++) matrix[i]! *= 2 ** -400;
  return 400;
}

/** The expansion of P(Dₙ < d) in powers of 1/√n up to the third, with the sums of Pelz and Good in the form that converges quickly for small z. */
function pelzGood(n: number, d: number): number {
  const z = Math.sqrt(n) * d;
  const z2 = z * z;
  const z4 = z2 * z2;
  const z6 = z4 * z2;
  const pi2 = Math.PI ** 2;
  const terms = Math.ceil((16 * z) / Math.PI) + 1;
  let k0 = 0;
  let k1 = 0;
  let k2 = 0;
  let k3 = 0;
  let k2Extra = 0;
  let k3Extra = 0;
  for (let k = 1; k <= terms; k++) {
    const odd = (2 * k - 1) ** 2;
    const u = (pi2 * odd) / 4;
    const weight = Math.exp(-u / (2 * z2));
    k0 += weight;
    k1 += weight * (u - z2);
    k2 += weight * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * u + (1 - 2 * z2) * u * u);
    k3 += weight * (-30 * z6 - 90 * z6 * z2 + (135 * z4 - 96 * z6) * u + (212 * z4 - 60 * z2) * u * u + (5 - 30 * z2) * u * u * u);
    const v = pi2 * k * k;
    const evenWeight = Math.exp(-v / (2 * z2));
    k2Extra += evenWeight * v;
    k3Extra += evenWeight * v * (3 * z2 - v);
  }
  const root = Math.sqrt(2 * Math.PI);
  return (
    root *
    (k0 / z +
      k1 / (6 * z4 * Math.sqrt(n)) +
      (k2 / (72 * z6 * z) - k2Extra / (36 * z2 * z)) / n +
      (k3 / (6480 * z6 * z4) + k3Extra / (216 * z6)) / n ** 1.5)
  );
}
