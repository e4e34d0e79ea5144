import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import { ValidationError } from '../../core/errors.ts';
import type { EffectPrior } from '../../stats/experiments/bayesian-comparison.ts';
import type { MetricOptions, VariantOptions } from '../experiment-definition.ts';
import type { AnalysisMethod, CorrectionMethod } from './ab-analysis.ts';

/** What is analysed: the part of an experiment's definition that the analysis goes by. */
export interface AnalyzedDefinition {
  /** The variants, in the order of the table's codes. */
  readonly variants: readonly VariantOptions[];
  /** The metrics. */
  readonly metrics: readonly MetricOptions[];
  /** The variant that the others are compared with. @default the first */
  readonly control?: string | undefined;
}

/** Looks that were planned before the experiment began. */
export interface PlannedLooks {
  /** The units, of all variants, at which the experiment ends. */
  readonly units: number;
  /** The units at the looks that were taken before this one, as `look.units` of their analyses tells. @default none */
  readonly earlier?: readonly number[] | undefined;
  /** How the level is spent over them (Lan and DeMets 1983): `obrien-fleming` keeps most for the end, `pocock` gives about as much to each. @default 'obrien-fleming' */
  readonly spending?: 'obrien-fleming' | 'pocock' | undefined;
}

/** How {@link analyzeUnits} analyses. */
export interface AnalyzeOptions {
  /** How differences are judged: `sequential` may be looked at any time, and is wider for it; `fixed` holds for one look; `group-sequential` for those of `looks`. @default 'sequential' */
  readonly method?: AnalysisMethod | undefined;
  /** Confidence of decisions and intervals: the chance of any false one is at most what is missing to 1. @default 0.95 */
  readonly confidence?: number | undefined;
  /** How p-values and intervals are corrected, over the comparisons of the metrics of one role. @default 'holm' */
  readonly correction?: CorrectionMethod | undefined;
  /** The looks of `group-sequential`, which wants them. */
  readonly looks?: PlannedLooks | undefined;
  /** The units, of all variants, at which an experiment that shows nothing ends as futile. The method `fixed` decides nothing before, and decides at once without it. @default without end */
  readonly plannedUnits?: number | undefined;
  /** The number of units in both arms at which sequential intervals are at their narrowest; to be chosen before the experiment. @default 5000 */
  readonly tunedFor?: number | undefined;
  /** With fewer units in an arm no verdict is given: all intervals are by normal laws, which few units do not follow. @default 100 */
  readonly minPerArm?: number | undefined;
  /** The lift that is worth finding, by which it is told how much longer. @default the one seen */
  readonly worthwhile?: number | undefined;
  /** The power for what is told as detectable, and how much longer. @default 0.8 */
  readonly power?: number | undefined;
  /** What is believed of lifts before, for `belief`. @default nothing: every lift is as likely */
  readonly prior?: EffectPrior | undefined;
  /** Attributes by whose values it is analysed too. @default none */
  readonly segments?: readonly string[] | undefined;
  /** At which p-value the shares of units make the experiment invalid. @default 0.001 */
  readonly sampleRatioAlpha?: number | undefined;
  /** Which shares units were assigned by, in the order of the variants, where these are not the weights of the definition, such as those of a bandit on average. @default the weights of the variants */
  readonly weights?: readonly number[] | undefined;
  /** The share of units exposed to several variants above which the experiment is invalid. @default 0.01 */
  readonly maxCrossed?: number | undefined;
}

/** {@link AnalyzeOptions} as they are computed with. */
export interface AnalyzeSettings extends AnalyzeOptions {
  readonly method: AnalysisMethod;
  readonly confidence: number;
  readonly correction: CorrectionMethod;
  readonly minPerArm: number;
  readonly power: number;
  readonly segments: readonly string[];
  readonly sampleRatioAlpha: number;
  readonly maxCrossed: number;
}

const level = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(z.gt(0), z.lt(1)));
const positive = /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.gt(0));
const whole = /* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1));

const schema = /* @__PURE__ */ z.strictObject({
  method: z.optional(z.enum(['sequential', 'fixed', 'group-sequential'])),
  confidence: level,
  correction: z.optional(z.enum(['holm', 'bh', 'bonferroni', 'none'])),
  looks: z.optional(z.strictObject({ units: whole, earlier: z.optional(z.array(whole)), spending: z.optional(z.enum(['obrien-fleming', 'pocock'])) })),
  plannedUnits: z.optional(whole),
  tunedFor: z.optional(positive),
  minPerArm: z.optional(z.int().check(z.gte(2))),
  worthwhile: z.optional(positive),
  power: level,
  prior: z.optional(z.strictObject({ mean: z.optional(z.number()), sd: positive })),
  segments: z.optional(z.array(z.string()).check(z.maxLength(100))),
  sampleRatioAlpha: level,
  weights: z.optional(z.array(z.number().check(z.gte(0)))),
  maxCrossed: z.optional(z.number().check(z.gte(0), z.lte(1))),
});

/** Checks the options of an analysis. */
export function analyzeSettings(options: AnalyzeOptions): AnalyzeSettings {
  const { method = 'sequential', confidence = 0.95, correction = 'holm', minPerArm = 100, power = 0.8, segments = [], sampleRatioAlpha = 0.001, maxCrossed = 0.01, ...rest } = check(schema, options, 'options');
  if ((method === 'group-sequential') !== (rest.looks !== undefined)) {
    const told = rest.looks === undefined ? 'is missing; the method group-sequential goes by looks that were planned' : `is for the method group-sequential, not for ${method}`;
    throw new ValidationError(`options.looks ${told}.`, { path: 'options.looks' });
  }
  if (rest.plannedUnits !== undefined && rest.looks !== undefined) throw new ValidationError('options.plannedUnits is given beside options.looks, which has the units at which the experiment ends.', { path: 'options.plannedUnits' });
  demandEarlier(rest.looks);
  return { ...rest, method, confidence, correction, minPerArm, power, segments, sampleRatioAlpha, maxCrossed };
}

function demandEarlier(looks: PlannedLooks | undefined): void {
  looks?.earlier?.forEach((units, i, earlier) => {
    const path = `options.looks.earlier[${i}]`;
    if (units >= looks.units) throw new ValidationError(`${path} is ${units}, and the plan ended with ${looks.units} units: what that look said is the result, and a further one has nothing to go by.`, { path });
    if (i > 0 && units <= earlier[i - 1]!) throw new ValidationError(`${path} is ${units}, after ${earlier[i - 1]!}; looks are given in the order in which they were taken, each at more units than the one before.`, { path });
  });
}
