import { demandLevel, demandNotNegative, demandNumber, demandOptions, demandPositive } from '../arguments.ts';

/** How a confidence sequence is tuned. */
export interface ConfidenceSequenceOptions {
  /** How probable it is that no interval of the whole sequence ever misses. @default 0.95 */
  confidence?: number | undefined;
  /** The number of units in both arms at which the intervals are the narrowest that they can be. @default 5000 */
  tunedFor?: number | undefined;
}

/** {@link ConfidenceSequenceOptions} as they are computed with. */
export interface SequenceTuning {
  readonly alpha: number;
  /** ρ² of the normal mixture. */
  readonly rho: number;
}

/** The tuning of a sequence; of one side, at twice the level. */
export function sequenceTuning({ confidence = 0.95, tunedFor = 5000 }: ConfidenceSequenceOptions, sides: 1 | 2): SequenceTuning {
  demandLevel('confidence', confidence);
  demandPositive('tunedFor', tunedFor);
  const alpha = Math.min(1 - confidence, mostAlpha);
  const twice = -2 * Math.log(Math.min(sides === 1 ? 2 * alpha : alpha, 0.9999));
  return { alpha, rho: Math.min((twice + Math.log(twice + 1)) / tunedFor, Number.MAX_VALUE) };
}

// The largest number below 1.
const mostAlpha = 1 - Number.EPSILON / 2;

/** n · ρ², in the range of floating-point numbers. */
function informationOf(rho: number, n: number): number {
  return Math.min(Math.max(n * rho, 1e-300), Number.MAX_VALUE);
}

/** How many standard errors an interval on two sides reaches after n units. */
export function reachOfTwo({ alpha, rho }: SequenceTuning, n: number): number {
  const information = informationOf(rho, n);
  return Math.sqrt(2 * (1 + 1 / information) * (Math.log1p(information) / 2 - Math.log(alpha)));
}

/** How many standard errors an interval on one side reaches after n units. */
export function reachOfOne({ alpha, rho }: SequenceTuning, n: number): number {
  const information = informationOf(rho, n);
  return Math.sqrt(2 * (1 + 1 / information) * Math.log1p(Math.sqrt(information + 1) / (2 * alpha)));
}

/** What the evidence grows by with z standard errors after n units. */
function exponent(information: number, z: number): number {
  return (z * z) / (1 + 1 / information) / 2;
}

/** ln of the mixture likelihood ratio, the e-value of a difference of z standard errors after n units. */
export function logEvidence({ rho }: SequenceTuning, z: number, n: number): number {
  const information = informationOf(rho, n);
  return exponent(information, z) - Math.log1p(information) / 2;
}

/** The p-value on one side that belongs to {@link reachOfOne}: 1 when the difference has the other sign. */
export function oneSidedP({ rho }: SequenceTuning, z: number, n: number): number {
  if (!(z > 0)) return 1;
  const information = informationOf(rho, n);
  return Math.min(1, Math.sqrt(information + 1) / (2 * Math.expm1(exponent(information, z))));
}

/** An interval that holds at whatever moment it is looked at. */
export interface AlwaysValid {
  /** How many standard errors the interval reaches to either side; multiply it by the standard error of the estimate. */
  readonly reach: number;
  /** The p-value of no difference, from 0 to 1: it may be looked at as often as one likes. */
  readonly pValue: number;
  /** The e-value: how much more probable the data are under the mixture of differences than under none, on a scale on which 1 / alpha is enough to reject. */
  readonly eValue: number;
}

/**
 * What a difference of `z` standard errors means after `n` units, however often one has looked before and whenever one stops: the asymptotic confidence sequence from a mixture of normal laws (Robbins 1970; Waudby-Smith et al. 2021), which is also the
 * mixture sequential probability ratio test (Johari et al. 2017). The interval `estimate ± reach · standardError` covers the true difference at all moments at once with the confidence given, and
 * leaves 0 out exactly when the p-value is at most 1 - confidence.
 *
 * The price is width: at `tunedFor` units the interval is about 1.5 times as wide as one that may be looked at once, at a confidence of 0.95. Asymptotic: it wants some hundred units in each arm before the first look. With no units, or a z that is NaN, nothing is known: reach Infinity, p 1.
 *
 * @throws ValidationError for a z that is no number, an n that is negative or not finite, a confidence outside (0, 1) and a `tunedFor` that is not above 0.
 *
 * @example
 * ```ts
 * import { alwaysValid } from 'modelkeep/stats';
 *
 * const { pValue, reach } = alwaysValid(3.5, 5000);
 * console.log(pValue.toFixed(4), reach.toFixed(2)); // 0.0130 3.04
 * ```
 */
export function alwaysValid(z: number, n: number, options: ConfidenceSequenceOptions = {}): AlwaysValid {
  demandNumber('z', z);
  demandNotNegative('n', n);
  const tuning = sequenceTuning(demandOptions(options), 2);
  if (n === 0 || Number.isNaN(z)) return { reach: Infinity, pValue: 1, eValue: 1 };
  const evidence = logEvidence(tuning, z, n);
  return { reach: reachOfTwo(tuning, n), pValue: Math.min(1, Math.exp(-evidence)), eValue: Math.exp(evidence) };
}
