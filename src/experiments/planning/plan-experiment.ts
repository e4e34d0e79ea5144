import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { experimentPower, type Baseline } from '../../stats/experiments/experiment-power.ts';

/** What is to be found, and how it will be judged. */
export interface PlanExperimentOptions {
  /** What a unit of the control does: the mean of the metric and the variance of one unit; `baselineOf` takes it from data. */
  readonly baseline: Baseline;
  /** The smallest lift that must be found, on either side, such as 0.02. */
  readonly lift: number;
  /** How probable it is to be that it is found. @default 0.8 */
  readonly power?: number | undefined;
  /** Confidence of decisions. @default 0.95 */
  readonly confidence?: number | undefined;
  /** The weights of the variants, the control first. @default two of the same */
  readonly weights?: readonly number[] | undefined;
  /** Primary metrics. With them and the treatments the level is divided (Bonferroni), as the corrections of an analysis do at most. @default 1 */
  readonly primaries?: number | undefined;
  /** `sequential`: as found at one look at so many units, by intervals that may be looked at any time; `fixed`: at the one look. @default 'sequential' */
  readonly method?: 'sequential' | 'fixed' | undefined;
  /** The number of units in both arms at which sequential intervals are at their narrowest. @default 5000 */
  readonly tunedFor?: number | undefined;
  /** How many units come each day, of all variants. @default not known */
  readonly unitsPerDay?: number | undefined;
}

/** How large an experiment has to be. */
export interface ExperimentPlan {
  /** Units, of all variants. */
  readonly units: number;
  /** Units of each variant, in the order of the weights. */
  readonly perVariant: readonly number[];
  /** Days until so many came; absent where it is not known how many come. */
  readonly days?: number | undefined;
  /** How probable it is that the lift is found, for the treatment with the least units. */
  readonly power: number;
}

const positive = /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gt(0));
const level = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(z.gt(0), z.lt(1)));

const schema = /* @__PURE__ */ z.strictObject({
  baseline: z.strictObject({ mean: z.number(), variance: z.optional(positive) }),
  lift: z.number(),
  power: level,
  confidence: level,
  weights: z.optional(z.array(positive).check(z.minLength(2))),
  primaries: z.optional(z.int().check(z.gte(1))),
  method: z.optional(z.enum(['sequential', 'fixed'])),
  tunedFor: z.optional(positive),
  unitsPerDay: z.optional(positive),
});

/**
 * How many units an experiment needs, so that a lift of the size given is found with the power asked for: that the interval of the difference, of any treatment, leaves 0 out. Normal approximation; all variants are taken to have the control's variance.
 *
 * A sequential experiment may stop before, when the effect is larger or by luck; the plan is for one look at its end, so that its true power is a little more.
 *
 * @throws ValidationError for options that are unknown or out of range, a lift or a mean of 0, and a lift that is too small for any number of units.
 *
 * @example
 * ```ts
 * import { planExperiment } from 'modelkeep';
 *
 * const { units, days } = planExperiment({ baseline: { mean: 0.1 }, lift: 0.1, method: 'fixed', unitsPerDay: 2000 });
 * console.log(units, days!.toFixed(1)); // 28256 14.1
 * ```
 */
export function planExperiment(options: PlanExperimentOptions): ExperimentPlan {
  const { baseline, lift, power = 0.8, confidence = 0.95, weights = [1, 1], primaries = 1, method = 'sequential', tunedFor, unitsPerDay } = check(schema, options, 'options');
  const effect = lift * baseline.mean;
  if (effect === 0) throw new ValidationError(`options.lift is ${lift} of a mean of ${baseline.mean}: no difference. Neither may be 0.`, { path: 'options.lift' });
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const [control, treatment] = [weights[0]! / all, Math.min(...weights.slice(1)) / all];
  const corrected = 1 - (1 - confidence) / (primaries * (weights.length - 1));
  const powerOf = (units: number): number => experimentPower(baseline, effect, Math.max(2, Math.floor(units * control)), Math.max(2, Math.floor(units * treatment)), { effect: 'absolute', confidence: corrected, method, tunedFor });
  let high = 4;
  while (powerOf(high) < power) {
    high *= 2;
    if (high > 2 ** 50) throw new ValidationError(`options.lift is ${lift}, which is too small for any number of units; give a larger one.`, { path: 'options.lift' });
  }
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (powerOf(middle) >= power) high = middle;
    else low = middle;
  }
  return { units: high, perVariant: weights.map((weight) => Math.floor((high * weight) / all)), ...(unitsPerDay !== undefined && { days: high / unitsPerDay }), power: powerOf(high) };
}
