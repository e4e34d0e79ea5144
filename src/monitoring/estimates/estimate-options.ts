import * as z from 'zod/mini';
import { encode } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { ConfidenceEstimator } from '../../stats/estimation/confidence-estimator.ts';
import type { DirectLossEstimator } from '../../stats/estimation/direct-loss-estimator.ts';
import { isFailure } from '../health/health-tally.ts';
import type { Judgement, RowTally } from '../judging/judgement.ts';

/**
 * What is estimated without labels: of a classifier, by a `ConfidenceEstimator`, `accuracy`, `precision`, `recall`, `specificity`, `f1` or `auc`; of a regression, by a `DirectLossEstimator`, `mae`, `mse` or `rmse`, in the unit of its labels or its square.
 * Those that labels are judged by too have the same name there.
 */
export type EstimatedMetricName = 'accuracy' | 'precision' | 'recall' | 'specificity' | 'f1' | 'auc' | 'mae' | 'mse' | 'rmse';

/** How a monitor estimates the performance of a model before labels come, or where none do. */
export interface MonitorEstimateOptions {
  /** What is estimated. */
  readonly metric: EstimatedMetricName;
  /** What estimates: `confidenceEstimator` of `modelkeep/stats` makes it of labelled rows of a classifier, `directLossEstimator` of those of a regression. It is stored with the monitor. @default the one that is stored, which `DriftMonitor.open` finds */
  readonly estimator?: ConfidenceEstimator | DirectLossEstimator | undefined;
  /** The metric must not be below it: violated when the whole interval of its estimate is. */
  readonly min?: number | undefined;
  /** The metric must not be above it: violated when the whole interval of its estimate is. */
  readonly max?: number | undefined;
  /** Of a classifier with several classes, the class that `precision`, `recall`, `specificity`, `f1` and `auc` are about. @default their mean over the classes */
  readonly positive?: string | number | boolean | undefined;
}

/** {@link MonitorEstimateOptions} with the defaults filled in. */
export interface EstimateSettings {
  readonly metric: EstimatedMetricName;
  readonly estimator: ConfidenceEstimator | DirectLossEstimator;
  /** Under which a window keeps what is counted for this estimator and no other. */
  readonly sums: string;
  readonly min: number;
  readonly max: number;
  /** The place of the one class that is meant. */
  readonly place: number | undefined;
}

/** An estimator as it is stored. */
export interface StoredEstimator {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

const bound = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number());

const schema = /* @__PURE__ */ z.strictObject({
  metric: z.custom<EstimatedMetricName>(),
  estimator: z.custom<ConfidenceEstimator | DirectLossEstimator>((value) => typeof (value as Partial<ConfidenceEstimator> | null)?.countRow === 'function', 'must be made by confidenceEstimator or directLossEstimator of modelkeep/stats, or be stored with the monitor'),
  min: bound,
  max: bound,
  positive: z.optional(z.custom<string | number | boolean>()),
});

/** Checks how performance is estimated; `undefined` when it is not. */
export function estimateJudgement(options: unknown, path: string): { readonly judgement: Judgement<'estimate'>; readonly stored: StoredEstimator } | undefined {
  if (options === undefined) return undefined;
  const { metric, estimator, min, max, positive } = check(schema, options, path);
  if (min === undefined && max === undefined) throw new ValidationError(`${path} has neither min nor max; give the bound that ${metric} is held to.`, { path });
  if (min !== undefined && max !== undefined && min > max) throw new ValidationError(`${path}.min is above ${path}.max; no model could be between.`, { path });
  const place = estimator.placeOf({ metric, positive, path });
  const bytes = encode(estimator.toJSON(), path);
  const digest = digestOf(bytes);
  // Counts in the cells of one estimator are nothing to another, which a process that was deployed later may have.
  const sums = `estimate ${digest.slice(-16)}`;
  const settings: EstimateSettings = { metric, estimator, sums, min: min ?? -Infinity, max: max ?? Infinity, place };
  const load = async (): ReturnType<Judgement<'estimate'>['load']> => (await import('./judge-estimate.ts')).estimateJudge(settings);
  return { judgement: { name: 'estimate', sums, tally: estimateTally(estimator), load }, stored: { digest, bytes } };
}

function estimateTally(estimator: ConfidenceEstimator | DirectLossEstimator): RowTally {
  const cells = estimator.versionCells();
  return {
    observe(observation, version, now) {
      // Who failed to answer cannot have answered wrongly.
      if (observation.prediction !== undefined || !isFailure(observation.error)) cells.count(observation, version, now);
    },
    take: () => cells.take(),
  };
}
