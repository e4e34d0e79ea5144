import { demandLevel, demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { beta } from '../distributions/beta.ts';
import { normal } from '../distributions/normal.ts';
import { solveMonotone } from '../distributions/solve-monotone.ts';
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
  return { mean: a / (a + b), low: beta.quantile(tail, a, b), high: beta.quantile(1 - tail, a, b) };
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
  const mean = t.a / (t.a + t.b) - c.a / (c.a + c.b);
  const sd = Math.hypot(sdOf(c), sdOf(t));
  const below = differenceLaw(c, t);
  const quantile = (p: number): number =>
    solveMonotone((d) => [below(d) - p, (below(Math.min(1, d + 1e-4 * sd)) - below(Math.max(-1, d - 1e-4 * sd))) / (2e-4 * sd)], mean + sd * normal.quantile(p), -1, 1);
  const tail = (1 - credibility) / 2;
  const lossOfControl = meanAbove(c, t);
  return { mean, low: quantile(tail), high: quantile(1 - tail), chanceToWin: 1 - below(0), risk: { control: lossOfControl, treatment: meanAbove(t, c) } };
}

/** The parameters of a Beta law. */
interface BetaLaw {
  readonly a: number;
  readonly b: number;
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

// The trapezoidal rule over a normal law is exact to the last digits at this step, for what is smooth on its scale.
const step = 0.1;
const far = 8.5;

/** Quantiles of a law with their weights: what is averaged over them is integrated over the law. */
function quantilesOf({ a, b }: BetaLaw): readonly { readonly x: number; readonly weight: number }[] {
  const count = Math.round((2 * far) / step) + 1;
  return Array.from({ length: count }, (_, k) => {
    const z = -far + k * step;
    return { x: beta.quantile(normal.cdf(z), a, b), weight: step * normal.pdf(z) };
  });
}

/** P(treatment - control ≤ d). */
function differenceLaw(control: BetaLaw, treatment: BetaLaw): (d: number) => number {
  // Over the narrower law, on whose scale the other is smooth.
  if (sdOf(control) <= sdOf(treatment)) {
    const places = quantilesOf(control);
    return (d) => places.reduce((sum, { x, weight }) => sum + weight * beta.cdf(clamped(x + d), treatment.a, treatment.b), 0);
  }
  const places = quantilesOf(treatment);
  return (d) => places.reduce((sum, { x, weight }) => sum + weight * beta.sf(clamped(x - d), control.a, control.b), 0);
}

/** E[max(0, better - worse)]. */
function meanAbove(worse: BetaLaw, better: BetaLaw): number {
  // E[max(0, X - x)] of a Beta law is its mean times the tail of the law with one success more, less x times the tail.
  const mean = better.a / (better.a + better.b);
  if (sdOf(worse) <= sdOf(better)) {
    return quantilesOf(worse).reduce((sum, { x, weight }) => sum + weight * Math.max(0, mean * beta.sf(x, better.a + 1, better.b) - x * beta.sf(x, better.a, better.b)), 0);
  }
  const other = worse.a / (worse.a + worse.b);
  return quantilesOf(better).reduce((sum, { x, weight }) => sum + weight * Math.max(0, x * beta.cdf(x, worse.a, worse.b) - other * beta.cdf(x, worse.a + 1, worse.b)), 0);
}

function clamped(share: number): number {
  return Math.min(1, Math.max(0, share));
}
