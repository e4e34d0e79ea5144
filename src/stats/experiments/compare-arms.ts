import { demandLevel, demandOneOf, demandOptions, demandPositive } from '../arguments.ts';
import { studentT } from '../distributions/student-t.ts';
import type { Alternative } from '../tests/test-result.ts';
import type { ArmSummary } from './arm-summary.ts';
import { logEvidence, oneSidedP, reachOfOne, reachOfTwo, sequenceTuning, type SequenceTuning } from './confidence-sequence.ts';
import { armEffect } from './arm-effect.ts';
import type { EffectKind, EffectMoments, UndefinedReason } from './effect-moments.ts';

/** How {@link compareArms} compares. */
export interface CompareArmsOptions {
  /** `relative`: the difference as a share of the control's measure; `absolute`: in the unit of the measure. @default 'relative' */
  effect?: EffectKind | undefined;
  /** `sequential` holds however often one looks; `fixed` is for one look that was planned before. @default 'sequential' */
  method?: 'sequential' | 'fixed' | undefined;
  /** `greater` when only a larger treatment is evidence, `less` when only a smaller one. @default 'two-sided' */
  alternative?: Alternative | undefined;
  /** Confidence of the interval. @default 0.95 */
  confidence?: number | undefined;
  /** The number of units in both arms at which sequential intervals are at their narrowest. @default 5000 */
  tunedFor?: number | undefined;
  /** How many units sequential intervals count as seen: for arms that are weighed sums of several parts, the variance of the difference times its weight, in units. @default the units of both arms */
  seen?: number | undefined;
}

/** How the treatment differs from the control. */
export interface ArmComparison {
  /** `undefined` when there is nothing to compare by; effect, interval and p-value are neutral then: 0, none, 1. */
  readonly status: 'compared' | 'undefined';
  /** Why there is nothing to compare by: an arm does not vary or has too few units (two, of a quantile what its interval takes), a ratio has nothing below the line, or the control's measure, by which a relative effect divides, is 0. */
  readonly reason?: UndefinedReason | undefined;
  /** Treatment less control, in the unit of the measure or as a share of the size of the control: above 0 where the treatment is larger, be the control's measure negative or not. */
  readonly effect: number;
  /** The lower end of its interval; -Infinity for the alternative `less`. */
  readonly low: number;
  /** The upper end of its interval; Infinity for the alternative `greater`. */
  readonly high: number;
  /** The standard error of the effect. */
  readonly standardError: number;
  /** The p-value of no effect, computed from the tail. */
  readonly pValue: number;
  /** How it was computed. */
  readonly method: 'sequential' | 'fixed';
  /** The control's measure, adjusted by what was before. */
  readonly control: number;
  /** The treatment's measure, adjusted by what was before. */
  readonly treatment: number;
  /** How much of what was before is taken out (CUPED); 0 when nothing is. */
  readonly theta: number;
  /** Degrees of freedom, of the fixed method. */
  readonly df?: number | undefined;
}

/**
 * Compares two arms of an experiment by their sums: proportions, means, ratios (delta method) and quantiles, with the variance that earlier behaviour explains taken out where `before` is known (CUPED).
 *
 * By default the interval and the p-value are *always valid*: whoever looks every day and stops at the first significant result is wrong no more often than `1 - confidence` says (the asymptotic confidence sequence of `alwaysValid`). With
 * `method: 'fixed'` they are those of Welch's t-test, which hold for one look at a number of units that was settled before. A relative effect divides by the control's measure without adjustment; its standard error is by the delta method, and takes in that the
 * control is uncertain too. Both take the means for normal: with very skewed values in arms of very different size they are wrong more often.
 *
 * Never NaN: without variance or baseline the status says so, and the result is neutral. Costs O(1).
 *
 * @throws ValidationError for arms of two kinds, sums that are none, and options out of range.
 *
 * @example
 * ```ts
 * import { compareArms } from 'modelkeep/stats';
 *
 * const { effect, low, high, pValue } = compareArms({ kind: 'proportion', n: 10_000, successes: 1000 }, { kind: 'proportion', n: 10_000, successes: 1250 });
 * console.log(effect.toFixed(2), low.toFixed(2), high.toFixed(2), pValue < 0.001); // 0.25 0.09 0.41 true
 * ```
 */
export function compareArms(control: ArmSummary, treatment: ArmSummary, options: CompareArmsOptions = {}): ArmComparison {
  const { effect = 'relative', method = 'sequential', alternative = 'two-sided', confidence = 0.95, tunedFor, seen } = demandOptions(options);
  if (seen !== undefined) demandPositive('seen', seen);
  demandOneOf('effect', effect, ['relative', 'absolute']);
  demandOneOf('method', method, ['sequential', 'fixed']);
  demandOneOf('alternative', alternative, ['two-sided', 'greater', 'less']);
  demandLevel('confidence', confidence);
  const tuning = sequenceTuning({ confidence, tunedFor }, alternative === 'two-sided' ? 2 : 1);
  const moments = armEffect(control, treatment, effect);
  if (typeof moments === 'string') return { status: 'undefined', reason: moments, method, effect: 0, low: 0, high: 0, standardError: 0, pValue: 1, control: 0, treatment: 0, theta: 0 };
  const { standardError, df, theta } = moments;
  const { reach, pValue } = method === 'fixed' ? welch(moments, alternative, confidence) : sequential(seen === undefined ? moments : { ...moments, n: seen }, alternative, tuning);
  return {
    status: 'compared',
    effect: moments.effect,
    low: alternative === 'less' ? -Infinity : moments.effect - reach * standardError,
    high: alternative === 'greater' ? Infinity : moments.effect + reach * standardError,
    standardError,
    pValue,
    method,
    control: moments.control,
    treatment: moments.treatment,
    theta,
    ...(method === 'fixed' && { df }),
  };
}

/** How many standard errors the interval reaches, and the p-value. */
interface Judged {
  readonly reach: number;
  readonly pValue: number;
}

function welch({ effect, standardError, df }: EffectMoments, alternative: Alternative, confidence: number): Judged {
  const t = effect / standardError;
  if (alternative === 'two-sided') return { reach: -studentT.quantile((1 - confidence) / 2, df), pValue: Math.min(1, 2 * studentT.sf(Math.abs(t), df)) };
  return { reach: confidence < 0.5 ? studentT.quantile(confidence, df) : -studentT.quantile(1 - confidence, df), pValue: studentT.sf(alternative === 'greater' ? t : -t, df) };
}

function sequential({ effect, standardError, n }: EffectMoments, alternative: Alternative, tuning: SequenceTuning): Judged {
  const z = effect / standardError;
  if (alternative === 'two-sided') return { reach: reachOfTwo(tuning, n), pValue: Math.min(1, Math.exp(-logEvidence(tuning, z, n))) };
  return { reach: reachOfOne(tuning, n), pValue: oneSidedP(tuning, alternative === 'greater' ? z : -z, n) };
}
