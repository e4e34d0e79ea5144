import { peakOf, type UnimodalLaw } from './unimodal-law.ts';

/** What a count tells of the odds ratio. */
export interface ConditionalOdds {
  /** The most likely odds ratio. */
  readonly estimate: number;
  /** Where P(X ≥ k) is `tail`. */
  readonly low: number;
  /** Where P(X ≤ k) is `tail`. */
  readonly high: number;
}

/** A function of the logarithm of the odds ratio, growing, with its slope. */
type Growing = (theta: number) => readonly [value: number, slope: number];

/**
 * The odds ratios ω that suit a count `k` whose law at ω = 1 is `law`: at ω each probability has the weight ω^k (Fisher's noncentral hypergeometric law). Newton's method
 * from `start`, a guess at ln ω; it keeps to the side where the root must be.
 */
export function conditionalOdds(law: UnimodalLaw, k: number, start: number, tail: number): ConditionalOdds {
  const logTail = Math.log(tail);
  const root = (growing: Growing): number => Math.exp(rootOf(growing, start));
  return {
    estimate: k === law.low ? 0 : k === law.high ? Infinity : root((theta) => aboutMean(weigh(law, k, theta))),
    low: k === law.low ? 0 : root((theta) => {
      const { upper, upperMoment, total, moment } = weigh(law, k, theta);
      return [Math.log(upper / total) - logTail, upperMoment / upper - moment / total];
    }),
    high: k === law.high ? Infinity : root((theta) => {
      const { lower, lowerMoment, total, moment } = weigh(law, k, theta);
      return [logTail - Math.log(lower / total), moment / total - lowerMoment / lower];
    }),
  };
}

/** Sums over the weights of the law at odds ratio e^theta, moments about `k`. */
interface Weights {
  total: number;
  moment: number;
  square: number;
  /** Of `k` and above. */
  upper: number;
  upperMoment: number;
  /** Of `k` and below. */
  lower: number;
  lowerMoment: number;
}

function aboutMean({ total, moment, square }: Weights): [value: number, slope: number] {
  const mean = moment / total;
  return [mean, square / total - mean * mean];
}

function weigh(law: UnimodalLaw, k: number, theta: number): Weights {
  const odds = Math.exp(theta);
  const ratio = (j: number): number => law.ratio(j) * odds;
  const peak = peakOf({ ...law, ratio });
  const sums: Weights = { total: 0, moment: 0, square: 0, upper: 0, upperMoment: 0, lower: 0, lowerMoment: 0 };
  const add = (j: number, weight: number): void => {
    const distance = j - k;
    sums.total += weight;
    sums.moment += weight * distance;
    sums.square += weight * distance * distance;
    if (distance >= 0) {
      sums.upper += weight;
      sums.upperMoment += weight * distance;
    }
    if (distance <= 0) {
      sums.lower += weight;
      sums.lowerMoment += weight * distance;
    }
  };
  // Far below the confidence anybody asks for; relative to the weight 1 of the peak.
  const negligible = 1e-30;
  add(peak, 1);
  for (let j = peak, weight = 1; j < law.high && weight > negligible; j++) add(j + 1, (weight *= ratio(j)));
  for (let j = peak - 1, weight = 1; j >= law.low && weight > negligible; j--) add(j, (weight /= ratio(j)));
  return sums;
}

function rootOf(growing: Growing, start: number): number {
  let theta = start;
  let low = -Infinity;
  let high = Infinity;
  let stride = 1;
  for (let step = 0; step < 200; step++) {
    const [value, slope] = growing(theta);
    if (value === 0) return theta;
    if (value < 0) low = theta;
    else high = theta;
    let next = theta - value / slope;
    if (!(next > low && next < high)) {
      next = high === Infinity ? theta + stride : low === -Infinity ? theta - stride : (low + high) / 2;
      stride *= 2;
    }
    if (Math.abs(next - theta) <= 1e-15 * Math.max(1, Math.abs(theta)) || next === theta) return next;
    theta = next;
  }
  return theta;
}
