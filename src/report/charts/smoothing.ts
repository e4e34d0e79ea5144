import { extent } from '../svg/scale.ts';

/** How a curve is smoothed. */
export type Smoothing = ExponentialSmoothing | GaussianSmoothing | MeanSmoothing;

/** A debiased exponential moving average that weighs by distance along x. */
export interface ExponentialSmoothing {
  /** Tells an exponential average from the other ways. */
  readonly method: 'exponential';
  /** How much of the average stays over a thousandth of the range of x, squared: 0 for none, towards 1 for all. */
  readonly weight: number;
}

/** A centred average with the weights of a normal distribution. */
export interface GaussianSmoothing {
  /** Tells a Gaussian from the other ways. */
  readonly method: 'gaussian';
  /** Standard deviation, in points; 0.1 to 200. */
  readonly sigma: number;
}

/** A centred average of so many points. */
export interface MeanSmoothing {
  /** Tells a mean from the other ways. */
  readonly method: 'mean';
  /** How many points, a whole number; an even one counts one more. */
  readonly window: number;
}

/**
 * The values of a curve, smoothed. What is not finite stays as it is and weighs nothing in its neighbours.
 *
 * The exponential average is the time-weighted one of Weights & Biases: with d the step of x in thousandths of its range and w = √weight, at most 0.999, the average
 * keeps w^d of itself, and is divided by what its weights add up to, so that it does not begin at 0.
 */
export function smoothed(x: ArrayLike<number>, y: ArrayLike<number>, smoothing: Smoothing): Float64Array {
  const out = smoothing.method === 'exponential' ? exponential(x, y, smoothing.weight) : smoothing.method === 'mean' ? mean(y, Math.floor(smoothing.window / 2)) : gaussian(y, smoothing.sigma);
  const [least, greatest] = extent([y]) ?? [0, 0];
  // Rounding may lead out of the values: half of the least double is 0.
  for (let i = 0; i < out.length; i++) if (y[i]! - y[i]! === 0) out[i] = Math.min(Math.max(out[i]!, least), greatest);
  return out;
}

/** An average that takes in a value with a share of the whole; halves keep a difference of huge values finite. */
function takenIn(average: number, value: number, share: number): number {
  const difference = value - average;
  return difference - difference === 0 ? average + difference * share : 2 * (average / 2 + (value / 2 - average / 2) * share);
}

/** What smoothing is called in a legend. */
export function smoothingName(smoothing: Smoothing): string {
  if (smoothing.method === 'exponential') return `exponential average, weight ${smoothing.weight}`;
  return smoothing.method === 'mean' ? `mean of ${2 * Math.floor(smoothing.window / 2) + 1} points` : `Gaussian, σ = ${smoothing.sigma} points`;
}

function exponential(x: ArrayLike<number>, y: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(y.length);
  const range = x.length > 1 ? x[x.length - 1]! - x[0]! : 0;
  const logKept = Math.log(Math.min(Math.sqrt(weight), 0.999));
  let sum = 0;
  let total = 0;
  let before = x[0] ?? 0;
  for (let i = 0; i < y.length; i++) {
    const value = y[i]!;
    if (value - value !== 0) {
      out[i] = value;
      continue;
    }
    const distance = range > 0 ? Math.max(0, (x[i]! - before) / range) * 1_000 : 0;
    // 0 to the power of 0 is 1: points at one place have one weight.
    const kept = distance === 0 ? 1 : Math.exp(logKept * distance);
    before = x[i]!;
    // An average of averages stays within the range of doubles, where a sum does not.
    total = total * kept + 1;
    sum = takenIn(sum, value, 1 / total);
    out[i] = sum;
  }
  return out;
}

function mean(y: ArrayLike<number>, half: number): Float64Array {
  const out = new Float64Array(y.length);
  // Parts of values rather than whole ones, so that huge ones do not add up to Infinity; a power of two divides without rounding.
  const part = 2 ** -Math.ceil(Math.log2(2 * half + 1));
  let sum = 0;
  let count = 0;
  const take = (i: number, sign: 1 | -1): void => {
    const value = y[i];
    if (value === undefined || value - value !== 0) return;
    sum += sign * value * part;
    count += sign;
  };
  for (let i = 0; i < half; i++) take(i, 1);
  for (let i = 0; i < y.length; i++) {
    take(i + half, 1);
    // What is added and taken off again leaves a rest of rounding; every so often the sum is taken anew.
    if (i % 1_024 === 1_023) {
      sum = 0;
      count = 0;
      for (let j = Math.max(0, i - half); j <= i + half; j++) take(j, 1);
    }
    out[i] = y[i]! - y[i]! === 0 ? sum / (count * part) : y[i]!;
    take(i - half, -1);
  }
  return out;
}

function gaussian(y: ArrayLike<number>, sigma: number): Float64Array {
  const out = new Float64Array(y.length);
  const reach = Math.ceil(3 * sigma);
  const weights = Float64Array.from({ length: reach + 1 }, (_, i) => Math.exp(-((i / sigma) ** 2) / 2));
  for (let i = 0; i < y.length; i++) {
    const own = y[i]!;
    if (own - own !== 0) {
      out[i] = own;
      continue;
    }
    let average = 0;
    let total = 0;
    const end = Math.min(y.length - 1, i + reach);
    for (let j = Math.max(0, i - reach); j <= end; j++) {
      const value = y[j]!;
      if (value - value !== 0) continue;
      const weight = weights[Math.abs(i - j)]!;
      total += weight;
      average = takenIn(average, value, weight / total);
    }
    out[i] = average;
  }
  return out;
}
