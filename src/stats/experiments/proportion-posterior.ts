import { demandLevel, demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { beta } from '../distributions/beta.ts';
import { normal } from '../distributions/normal.ts';
import { solveMonotone } from '../distributions/solve-monotone.ts';
import { betaAverage, type BetaLaw } from './beta-average.ts';
import type { Proportion } from '../tests/proportions-z-test.ts';
import type { ChoiceRisk } from './bayesian-comparison.ts';

/** A Beta law: what is believed of a share before anything was seen. */
export interface BetaPrior {
  /** As if so many had converted. */
  readonly successes: number;
  /** As if so many had not. */
  readonly failures: number;
}

/** How the posteriors of shares are computed. */
export interface ProportionPosteriorOptions {
  /** What is believed of every share before. @default Jeffreys' (1946): half a success and half a failure */
  prior?: BetaPrior | undefined;
  /** How probable it is that the interval holds the share, or the difference. @default 0.95 */
  credibility?: number | undefined;
}

/** What is to be believed of a share, or of a difference of two. */
export interface ProportionPosterior {
  /** The mean of the posterior. */
  readonly mean: number;
  /** The lower end of the interval, with as much below it as above the upper end. */
  readonly low: number;
  /** The upper end. */
  readonly high: number;
}

/** What is to be believed of the difference of two shares. */
export interface ProportionDifference extends ProportionPosterior {
  /** How probable it is that the treatment converts more. */
  readonly chanceToWin: number;
  /** What is lost on average by choosing an arm, in shares, counting 0 where that was right. */
  readonly risk: ChoiceRisk;
}

/**
 * What is to be believed of the share of which some trials are a sample: its Beta posterior. Unlike the normal laws of `bayesianComparison` it is exact for any number of trials.
 *
 * @throws ValidationError for more successes than trials, numbers that are not whole, and options out of range.
 *
 * @example
 * ```ts
 * import { proportionPosterior } from 'modelkeep/stats';
 *
 * const { low, high } = proportionPosterior({ successes: 4, trials: 10 });
 * console.log(low.toFixed(3), high.toFixed(3)); // 0.153 0.696
 * ```
 */
export function proportionPosterior(observed: Proportion, options: ProportionPosteriorOptions = {}): ProportionPosterior {
  const { credibility, lawOf } = checked(options);
  const { a, b } = lawOf('observed', observed);
  const tail = (1 - credibility) / 2;
  return { mean: meanOf({ a, b }), low: beta.quantile(tail, a, b), high: beta.quantile(1 - tail, a, b) };
}

/**
 * What is to be believed of how much more the treatment converts than the control: both shares have Beta posteriors, and the law of their difference is integrated numerically rather than drawn, good to some 1e-9, so that equal counts give equal answers.
 *
 * @throws ValidationError for more successes than trials, numbers that are not whole, and options out of range.
 *
 * @example
 * ```ts
 * import { proportionDifference } from 'modelkeep/stats';
 *
 * const { mean, low, high, chanceToWin } = proportionDifference({ successes: 42, trials: 104 }, { successes: 500, trials: 1009 });
 * console.log(mean.toFixed(3), low.toFixed(3), high.toFixed(3), chanceToWin.toFixed(3)); // 0.091 -0.009 0.187 0.963
 * ```
 */
export function proportionDifference(control: Proportion, treatment: Proportion, options: ProportionPosteriorOptions = {}): ProportionDifference {
  const { credibility, lawOf } = checked(options);
  const [c, t] = [lawOf('control', control), lawOf('treatment', treatment)];
  const mean = meanOf(t) - meanOf(c);
  const sd = Math.hypot(sdOf(c), sdOf(t));
  const { below, above, lossOfControl, lossOfTreatment } = differenceLaw(c, t);
  const tail = (1 - credibility) / 2;
  // Both ends and the chance from their own tails, which 1 - cdf would lose.
  const low = lowerQuantile(below, tail, { mean, sd });
  const high = -lowerQuantile((d) => above(-d), tail, { mean: -mean, sd });
  return { mean, low, high, chanceToWin: Math.min(1, above(0)), risk: { control: lossOfControl, treatment: lossOfTreatment } };
}

function checked(options: ProportionPosteriorOptions): { credibility: number; lawOf: (name: string, observed: Proportion) => BetaLaw } {
  const { prior = { successes: 0.5, failures: 0.5 }, credibility = 0.95 } = demandOptions(options);
  demandLevel('credibility', credibility);
  const { successes: s, failures: f } = demandOptions(prior, 'prior');
  demandPositive('prior.successes', s);
  demandPositive('prior.failures', f);
  return {
    credibility,
    lawOf(name, observed) {
      const { successes, trials } = demandOptions(observed, name);
      demandWhole(`${name}.trials`, trials);
      demandWhole(`${name}.successes`, successes, 0, trials);
      return { a: s + successes, b: f + trials - successes };
    },
  };
}

function sdOf({ a, b }: BetaLaw): number {
  return Math.sqrt((a * b) / (a + b + 1)) / (a + b);
}

/** The law of treatment - control. */
interface DifferenceLaw {
  /** How probable it is to be at most so large. */
  readonly below: (d: number) => number;
  /** How probable it is to be larger. */
  readonly above: (d: number) => number;
  /** The mean of what the treatment has more, 0 where it has less. */
  readonly lossOfControl: number;
  /** The mean of what the control has more, 0 where it has less. */
  readonly lossOfTreatment: number;
}

function differenceLaw(control: BetaLaw, treatment: BetaLaw): DifferenceLaw {
  // Over the narrower law, on whose scale the other is smooth.
  const ofControl = sdOf(control) <= sdOf(treatment);
  const [average, other] = ofControl ? [betaAverage(control), treatment] : [betaAverage(treatment), control];
  const [mean, { a, b }] = [meanOf(other), other];
  // E[max(0, X - x)] of a Beta law is its mean times the tail of the law with one success more, less x times the tail.
  const otherHasMore = average((x) => Math.max(0, mean * beta.sf(x, a + 1, b) - x * beta.sf(x, a, b)));
  const otherHasLess = average((x) => Math.max(0, x * beta.cdf(x, a, b) - mean * beta.cdf(x, a + 1, b)));
  // How probable it is that the other has at most, or more than, so much more; the law of the other begins and ends where it leaves [0, 1].
  const otherBelow = (d: number): number => average((x) => beta.cdf(clamped(x + d), a, b), [-d, 1 - d]);
  const otherAbove = (d: number): number => average((x) => beta.sf(clamped(x + d), a, b), [-d, 1 - d]);
  if (ofControl) return { below: otherBelow, above: otherAbove, lossOfControl: otherHasMore, lossOfTreatment: otherHasLess };
  return { below: (d) => otherAbove(-d), above: (d) => otherBelow(-d), lossOfControl: otherHasLess, lossOfTreatment: otherHasMore };
}

/** Where a law of differences has so much below it, by logarithms, in which small tails are as easy to find as large ones. */
function lowerQuantile(below: (d: number) => number, tail: number, { mean, sd }: { mean: number; sd: number }): number {
  const step = 1e-4 * sd;
  const logBelow = (d: number): number => Math.log(below(clamp(d)));
  return solveMonotone((d) => [logBelow(d) - Math.log(tail), (logBelow(d + step) - logBelow(d - step)) / (2 * step)], clamp(mean + sd * normal.quantile(tail)), -1, 1);
}

function clamp(difference: number): number {
  return Math.min(1, Math.max(-1, difference));
}

function meanOf({ a, b }: BetaLaw): number {
  return a / (a + b);
}

function clamped(share: number): number {
  return Math.min(1, Math.max(0, share));
}
