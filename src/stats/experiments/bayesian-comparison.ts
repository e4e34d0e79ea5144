import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandFlag, demandLevel, demandNumber, demandOneOf, demandOptions, demandPositive } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import type { ArmSummary } from './arm-summary.ts';
import { armEffect } from './arm-effect.ts';
import type { EffectKind, UndefinedReason } from './effect-moments.ts';
import { meanAbove0 } from './mean-above-0.ts';

/** What is believed of an effect before anything was seen: a normal law, in the unit of the effect. */
export interface EffectPrior {
  /** Its mean. @default 0 */
  readonly mean?: number | undefined;
  /** Its standard deviation. */
  readonly sd: number;
}

/** How {@link bayesianComparison} compares. */
export interface BayesianComparisonOptions {
  /** `relative`: the difference as a share of the control's measure; `absolute`: in the unit of the measure. @default 'relative' */
  effect?: EffectKind | undefined;
  /** How probable it is that the effect lies in the interval. @default 0.95 */
  credibility?: number | undefined;
  /** What is believed before. @default nothing: every effect is as likely */
  prior?: EffectPrior | undefined;
  /** That less is better, as of a latency. @default false */
  lowerIsBetter?: boolean | undefined;
}

/** How probable it is that the treatment is better, and what it costs to be wrong. */
export interface BayesianComparison {
  /** `undefined` when there is nothing to compare by; the result is neutral then. */
  readonly status: 'compared' | 'undefined';
  /** Why there is nothing to compare by. */
  readonly reason?: UndefinedReason | undefined;
  /** The mean of the effect, given the data and the prior. */
  readonly effect: number;
  /** The lower end of its interval. */
  readonly low: number;
  /** The upper end of its interval. */
  readonly high: number;
  /** Its standard deviation. */
  readonly sd: number;
  /** How probable it is that the treatment is better. */
  readonly chanceToWin: number;
  /** What is lost on average, in the unit of the effect, by choosing the control where the treatment is better, and the other way round. */
  readonly risk: ChoiceRisk;
}

/** What is lost on average by choosing an arm, counting 0 where that was right. */
export interface ChoiceRisk {
  /** By choosing the control. */
  readonly control: number;
  /** By choosing the treatment. */
  readonly treatment: number;
}

/**
 * Compares two arms by what is to be believed of the effect: a normal likelihood, with the standard error of `compareArms`, and a normal prior give a normal posterior.
 *
 * The chance to win is not a p-value: looking again and again and stopping when it is high makes more wrong calls than it says, unless effects really are as the prior has them. Never NaN: without variance or baseline the status says so, with chance 0.5. Costs O(1).
 *
 * @throws ValidationError for arms of two kinds, sums that are none, and options out of range.
 *
 * @example
 * ```ts
 * import { bayesianComparison } from 'modelkeep/stats';
 *
 * const { chanceToWin, risk } = bayesianComparison({ kind: 'proportion', n: 1000, successes: 100 }, { kind: 'proportion', n: 1000, successes: 125 }, { prior: { sd: 0.3 } });
 * console.log(chanceToWin.toFixed(2), risk.treatment < risk.control); // 0.92 true
 * ```
 */
export function bayesianComparison(control: ArmSummary, treatment: ArmSummary, options: BayesianComparisonOptions = {}): BayesianComparison {
  const { effect = 'relative', credibility = 0.95, prior, lowerIsBetter = false } = demandOptions(options);
  demandOneOf('effect', effect, ['relative', 'absolute']);
  demandLevel('credibility', credibility);
  demandFlag('lowerIsBetter', lowerIsBetter);
  demandPrior(prior);
  const moments = armEffect(control, treatment, effect);
  if (typeof moments === 'string') return { status: 'undefined', reason: moments, effect: 0, low: 0, high: 0, sd: 0, chanceToWin: 0.5, risk: { control: 0, treatment: 0 } };
  const { mean, sd } = posterior(moments.effect, moments.standardError, prior);
  const reach = -normal.quantile((1 - credibility) / 2) * sd;
  const better = lowerIsBetter ? -mean : mean;
  return { status: 'compared', effect: mean, low: mean - reach, high: mean + reach, sd, chanceToWin: normal.cdf(better / sd), risk: { control: meanAbove0(better, sd), treatment: meanAbove0(-better, sd) } };
}

function demandPrior(prior: EffectPrior | undefined): void {
  if (prior === undefined) return;
  const { mean = 0, sd } = demandOptions(prior, 'prior');
  demandNumber('prior.mean', mean);
  if (!Number.isFinite(mean)) throw new ValidationError(`prior.mean is ${shown(mean)}; it must be a finite number.`, { path: 'prior.mean' });
  demandPositive('prior.sd', sd);
}

function posterior(effect: number, standardError: number, prior: EffectPrior | undefined): { mean: number; sd: number } {
  if (prior === undefined) return { mean: effect, sd: standardError };
  // By the share of what is known that the data bring, and by the smaller of both deviations, so that neither a huge nor a tiny sd takes anything from the digits.
  const share = 1 / (1 + (standardError / prior.sd) ** 2);
  const [small, large] = standardError < prior.sd ? [standardError, prior.sd] : [prior.sd, standardError];
  const mean = prior.mean ?? 0;
  return { mean: mean + share * (effect - mean), sd: small / Math.hypot(1, small / large) };
}
