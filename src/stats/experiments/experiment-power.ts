import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandLevel, demandNumber, demandOneOf, demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { solveMonotone } from '../distributions/solve-monotone.ts';
import { reachOfTwo, sequenceTuning } from './confidence-sequence.ts';
import type { EffectKind } from './effect-moments.ts';

/** What a unit of the control does, as far as planning needs it. */
export interface Baseline {
  /** The mean of the measure; of a proportion, the share that converts. */
  readonly mean: number;
  /** The variance of one unit. @default mean · (1 - mean), that of a proportion */
  readonly variance?: number | undefined;
}

/** How an experiment is to be analysed, for planning it. */
export interface PlanOptions {
  /** Whether effects are shares of the control or in the unit of the measure. @default 'relative' */
  effect?: EffectKind | undefined;
  /** Confidence of the interval on two sides that decides. @default 0.95 */
  confidence?: number | undefined;
  /** `fixed`: one look at the end; `sequential`: always valid intervals, which want more units. @default 'fixed' */
  method?: 'fixed' | 'sequential' | undefined;
  /** The number of units in both arms at which sequential intervals are at their narrowest. @default 5000 */
  tunedFor?: number | undefined;
}

/** How {@link experimentSampleSize} and {@link minimumDetectableEffect} plan. */
export interface PowerPlanOptions extends PlanOptions {
  /** How probable it is to be that an effect of that size is found. @default 0.8 */
  power?: number | undefined;
}

interface Plan {
  readonly mean: number;
  readonly variance: number;
  readonly relative: boolean;
  /** How many standard errors an interval reaches with n units in both arms. */
  readonly reach: (n: number) => number;
}

function planOf(baseline: Baseline, { effect = 'relative', confidence = 0.95, method = 'fixed', tunedFor }: PlanOptions): Plan {
  const { mean, variance: given } = demandOptions(baseline, 'baseline');
  demandNumber('baseline.mean', mean);
  const variance = given ?? mean * (1 - mean);
  demandPositive('baseline.variance', variance);
  demandOneOf('effect', effect, ['relative', 'absolute']);
  demandOneOf('method', method, ['fixed', 'sequential']);
  demandLevel('confidence', confidence);
  if (!Number.isFinite(mean) || (effect === 'relative' && mean === 0)) throw new ValidationError(`baseline.mean is ${shown(mean)}; a relative effect divides by it, so it must be finite and not 0.`, { path: 'baseline.mean' });
  const tuning = sequenceTuning({ confidence, tunedFor }, 2);
  const z = -normal.quantile((1 - confidence) / 2);
  return { mean, variance, relative: effect === 'relative', reach: method === 'fixed' ? () => z : (n) => reachOfTwo(tuning, n) };
}

/** The standard error of an effect with n units in the control and m in the treatment. */
function standardErrorOf({ mean, variance, relative }: Plan, effect: number, n: number, m: number): number {
  if (!relative) return Math.sqrt(variance / n + variance / m);
  // By the delta method, the control below the line with the treatment's mean above it.
  return Math.hypot(Math.sqrt(variance / m), Math.sqrt(variance / n) * (1 + effect)) / Math.abs(mean);
}

/**
 * How probable it is that an experiment with `n` units in the control and `m` in the treatment finds an effect of this size: that the interval on two sides leaves 0 out. Normal approximation; both arms are taken to have the control's variance.
 *
 * @throws ValidationError for an effect that is not finite, fewer than two units, a baseline without variance, and options out of range.
 *
 * @example
 * ```ts
 * import { experimentPower } from 'modelkeep/stats';
 *
 * console.log(experimentPower({ mean: 0.1 }, 0.1, 15_000, 15_000).toFixed(2)); // 0.78
 * ```
 */
export function experimentPower(baseline: Baseline, effect: number, n: number, m: number, options: PlanOptions = {}): number {
  const plan = planOf(baseline, demandOptions(options));
  demandNumber('effect', effect);
  if (!Number.isFinite(effect)) throw new ValidationError(`effect is ${shown(effect)}; it must be a finite number.`, { path: 'effect' });
  demandWhole('n', n, 2);
  demandWhole('m', m, 2);
  return powerOf(plan, effect, n, m);
}

function powerOf(plan: Plan, effect: number, n: number, m: number): number {
  return powerAt(plan, effect / standardErrorOf(plan, effect, n, m), n, m);
}

/** The power for an effect of so many standard errors. */
function powerAt(plan: Plan, z: number, n: number, m: number): number {
  const reach = plan.reach(n + m);
  return normal.sf(reach - z) + normal.cdf(-reach - z);
}

/**
 * How many units each of two equal arms needs, so that an effect of this size is found with the power asked for. Twice as many for the experiment, and one part more for each further arm.
 *
 * Sequential intervals may stop early when the effect is larger; this is the number at which they find one of exactly this size at one look.
 *
 * @throws ValidationError for an effect of 0 or one that is not finite, a baseline without variance, and options out of range.
 *
 * @example
 * ```ts
 * import { experimentSampleSize } from 'modelkeep/stats';
 *
 * console.log(experimentSampleSize({ mean: 0.34 }, 0.003, { effect: 'absolute', power: 0.85 })); // 447723
 * ```
 */
export function experimentSampleSize(baseline: Baseline, effect: number, options: PowerPlanOptions = {}): number {
  const { power = 0.8, ...rest } = demandOptions(options);
  demandLevel('power', power);
  demandNumber('effect', effect);
  if (!Number.isFinite(effect) || effect === 0) throw new ValidationError(`effect is ${shown(effect)}; it must be finite and not 0.`, { path: 'effect' });
  const plan = planOf(baseline, rest);
  const reached = (n: number): boolean => powerOf(plan, effect, n, n) >= power;
  let high = 2;
  while (!reached(high)) {
    high *= 2;
    if (high > 2 ** 52) throw new ValidationError(`an effect of ${effect} is too small for any number of units; give a larger one.`, { path: 'effect' });
  }
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The smallest effect above 0 that an experiment with `n` units in each arm finds with the power asked for; `undefined` when there is none, because the control's own mean is too uncertain for a relative effect of any size. 0 when no more power is asked for
 * than false alarms have.
 *
 * @throws ValidationError for fewer than two units, a baseline without variance, and options out of range.
 *
 * @example
 * ```ts
 * import { minimumDetectableEffect } from 'modelkeep/stats';
 *
 * console.log(minimumDetectableEffect({ mean: 0.1 }, 15_000)?.toFixed(3)); // 0.102
 * ```
 */
export function minimumDetectableEffect(baseline: Baseline, n: number, options: PowerPlanOptions = {}): number | undefined {
  const { power = 0.8, ...rest } = demandOptions(options);
  demandLevel('power', power);
  demandWhole('n', n, 2);
  const plan = planOf(baseline, rest);
  if (powerAt(plan, 0, n, n) >= power) return 0;
  // However large a relative effect is, it is at most so many standard errors from 0.
  const most = plan.relative ? (Math.abs(plan.mean) * Math.sqrt(n)) / Math.sqrt(plan.variance) : Infinity;
  if (powerAt(plan, most, n, n) <= power) return undefined;
  const start = Math.max(plan.reach(2 * n) + normal.quantile(power), 0.1) * standardErrorOf(plan, 0, n, n);
  return solveMonotone((effect) => {
    const step = Math.max(Math.abs(effect), start) * 1e-6;
    return [powerOf(plan, effect, n, n) - power, (powerOf(plan, effect + step, n, n) - powerOf(plan, effect - step, n, n)) / (2 * step)];
  }, start, 0);
}
