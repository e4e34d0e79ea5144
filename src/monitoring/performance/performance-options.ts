import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { attributionSettings, type MonitorAttributionOptions } from '../attribution/attribution-options.ts';
import { conceptSettings, type ConceptSettings, type MonitorConceptOptions } from '../concept/concept-options.ts';
import { labelValue, type LabelEncoding } from '../labels/label-values.ts';
import type { WindowPlan } from '../windows/window-plan.ts';

/**
 * What a model's performance is measured by. `accuracy`, `precision`, `recall` and `f1` compare a predicted class with the true one; `auc`, `logLoss` and `brier` a score (for the
 * last two a probability) with 0 or 1, `false` or `true`; `mae` and `rmse` a number with a number, in its unit.
 */
export type PerformanceMetric = 'accuracy' | 'precision' | 'recall' | 'f1' | 'auc' | 'logLoss' | 'brier' | 'mae' | 'rmse';

/** How a monitor judges the performance of a model by the labels that arrive. */
export interface MonitorPerformanceOptions {
  /** What is measured. */
  readonly metric: PerformanceMetric;
  /** The metric must not be below it: violated when its whole interval is. Without `concept` there must be a bound. */
  readonly min?: number | undefined;
  /** The metric must not be above it: violated when its whole interval is. */
  readonly max?: number | undefined;
  /** How long after its prediction a label still counts. A period is final so long after its end. */
  readonly maxLabelDelay: Duration;
  /** How long the periods are that are judged one by one, at least a second; they begin at multiples of it since 1970 UTC. @default that of windows by time, else '1d' */
  readonly every?: Duration | undefined;
  /** The class that `precision`, `recall` and `f1` are about. @default 1, which true is too */
  readonly positive?: string | number | boolean | undefined;
  /** With fewer labelled predictions a period is `insufficient`. @default 30 */
  readonly minLabels?: number | undefined;
  /** How probable it is that the interval covers the true value. @default 0.95 */
  readonly confidence?: number | undefined;
  /** Looks for a change of the losses in the order of their predictions, for each version of the model. `auc` has no loss of single predictions. @default it is not looked for */
  readonly concept?: MonitorConceptOptions | undefined;
  /**
   * Says of a period that is violated, or whose losses have changed, which columns its loss goes with, beside the last period that was neither. A byte per column is kept with each prediction that has an id. `auc` has no loss of single predictions. @default nothing is said
   */
  readonly attribution?: MonitorAttributionOptions | undefined;
}

/** {@link MonitorPerformanceOptions} with the defaults filled in. */
export interface PerformanceSettings {
  readonly metric: PerformanceMetric;
  readonly encoding: LabelEncoding;
  readonly binary: boolean;
  readonly min: number;
  readonly max: number;
  readonly maxDelayMs: number;
  readonly everyMs: number;
  /** How long after its time is over a period waits for what is not stored yet. */
  readonly graceMs: number;
  readonly minLabels: number;
  readonly confidence: number;
  /** The class that precision, recall and F1 are about, as it is kept. */
  readonly positive: number;
  readonly concept: ConceptSettings | undefined;
  readonly attribution: MonitorAttributionOptions | undefined;
}

const schema = /* @__PURE__ */ z.strictObject({
  metric: z.enum(['accuracy', 'precision', 'recall', 'f1', 'auc', 'logLoss', 'brier', 'mae', 'rmse']),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  maxLabelDelay: z.custom<Duration>((value) => value !== undefined, 'must be a duration, such as 30d'),
  every: z.optional(z.custom<Duration>()),
  positive: z.optional(z.union([z.string(), z.number(), z.boolean()])),
  minLabels: z.optional(z.int().check(z.minimum(2))),
  confidence: z.optional(z.number().check(z.gt(0), z.lt(1))),
  concept: z.optional(z.unknown()),
  attribution: z.optional(z.unknown()),
});

/** Checks how performance is judged; `undefined` when it is not. */
export function performanceSettings(options: unknown, plan: WindowPlan, path: string): PerformanceSettings | undefined {
  if (options === undefined) return undefined;
  const given = check(schema, options, path);
  const { metric, min, max, maxLabelDelay, every, positive, minLabels = 30, confidence = 0.95 } = given;
  const concept = conceptSettings(given.concept, `${path}.concept`);
  if (min === undefined && max === undefined && concept === undefined) throw new ValidationError(`${path} has neither min nor max; give the bound that ${metric} is held to, or look for changes with ${path}.concept.`, { path });
  const attribution = attributionSettings(given.attribution, `${path}.attribution`);
  for (const [name, asked] of Object.entries({ concept, attribution })) {
    if (asked === undefined || metric !== 'auc') continue;
    throw new ValidationError(`${path}.${name} is about the losses of single predictions, and auc has none; measure by logLoss or brier.`, { path: `${path}.${name}` });
  }
  if (min !== undefined && max !== undefined && min > max) throw new ValidationError(`${path}.min is above ${path}.max; no model could be between.`, { path });
  const ofOneClass = ['precision', 'recall', 'f1'].includes(metric);
  if (positive !== undefined && !ofOneClass) {
    throw new ValidationError(`${path}.positive has no meaning for ${metric}; leave it out.`, { path: `${path}.positive` });
  }
  const everyMs = every === undefined ? (plan.by === 'time' ? plan.everyMs : 86_400_000) : durationMs(every, `${path}.every`);
  if (!Number.isSafeInteger(everyMs) || everyMs < 1000) throw new ValidationError(`${path}.every is ${everyMs} ms; give at least a second, in whole milliseconds.`, { path: `${path}.every` });
  const maxDelayMs = durationMs(maxLabelDelay, `${path}.maxLabelDelay`);
  if (maxDelayMs > 1000 * everyMs) {
    throw new ValidationError(`${path}.maxLabelDelay is more than 1,000 periods of ${everyMs} ms; make ${path}.every longer.`, { path: `${path}.maxLabelDelay` });
  }
  return {
    metric,
    encoding: metric === 'accuracy' || ofOneClass ? 'class' : 'number',
    binary: ['auc', 'logLoss', 'brier'].includes(metric),
    min: min ?? -Infinity,
    max: max ?? Infinity,
    maxDelayMs,
    everyMs,
    graceMs: plan.by === 'time' ? plan.graceMs : 5000,
    minLabels,
    confidence,
    positive: labelValue(positive ?? 1, 'class'),
    concept,
    attribution,
  };
}
