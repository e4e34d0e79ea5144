import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Duration } from '../core/duration.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { driftSettings, type DriftOptions, type DriftSettings } from '../stats/profiles/drift-settings.ts';
import type { DataProfile } from '../stats/profiles/data-profile.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { MonitorAlertOptions } from './alerts/alert-options.ts';
import type { DriftAlert } from './alerts/alert-state.ts';
import type { MonitorEstimateOptions } from './estimates/estimate-options.ts';
import type { MonitorHealthOptions } from './health/health-options.ts';
import type { DriftVerdict } from './monitor-state.ts';
import type { MonitorPerformanceOptions } from './performance/performance-options.ts';
import type { MonitorQualityOptions } from './quality/quality-options.ts';
import type { WindowOptions } from './windows/window-plan.ts';

/** When a column of a window counts as drifted. */
export interface MonitorDriftOptions extends DriftOptions {
  /**
   * Over how many windows in a row `alpha` bounds the chance of any false alarm: each window is judged at `alpha / horizon`, which by Bonferroni's inequality holds
   * however the windows depend on each other, and they do, for all are compared with one reference, and sliding ones share rows. @default 1: `alpha` holds for each window
   */
  readonly horizon?: number | undefined;
}

/** {@link MonitorDriftOptions} as each window is judged by them. */
export function monitorDriftSettings(options: MonitorDriftOptions | undefined, path: string): DriftSettings {
  const { horizon, ...drift } = options ?? {};
  const windows = check(horizonSchema, horizon ?? 1, `${path}.horizon`);
  const settings = driftSettings(drift, path);
  return { ...settings, alpha: settings.alpha / windows };
}

const horizonSchema = z.int().check(z.minimum(1), z.maximum(1_000_000));

/** How a {@link DriftMonitor} is opened. */
export interface OpenMonitorOptions {
  /** Where the reference and the verdicts are kept. */
  readonly storage: StorageAdapter;
  /** Under which the monitor is stored. */
  readonly name: string;
  /** When a window closes and is judged. */
  readonly window: WindowOptions;
  /** When a column counts as drifted. @default as compareData has it */
  readonly drift?: MonitorDriftOptions | undefined;
  /** How the performance is judged by labels that come later, with `feedback()`. @default not at all */
  readonly performance?: MonitorPerformanceOptions | undefined;
  /** How the performance is estimated before labels come, or where none do. @default not at all */
  readonly estimate?: MonitorEstimateOptions | undefined;
  /** What the system around the model is held to, by `latencyMs` and `error` of what is observed. @default it is not judged */
  readonly health?: MonitorHealthOptions | undefined;
  /** What the quality of the data is held to: values that are missing, out of range, unseen or of another type, and columns that are not sent or not known. `{}` holds it to the reference. @default it is not judged */
  readonly quality?: MonitorQualityOptions | undefined;
  /** When it alerts. @default at the first window that drifts */
  readonly alerts?: MonitorAlertOptions | undefined;
  /** How long what was observed may wait before it is stored in the background: what a process that is killed loses. @default '1s' */
  readonly flushInterval?: Duration | undefined;
  /** The source of time. @default the host's */
  readonly clock?: Clock | undefined;
  /** Is told when a window could not be stored in the background, and when a listener throws. Nothing is lost: the next call tries again. @default nobody */
  readonly onError?: ErrorListener | undefined;
}

/** How a {@link DriftMonitor} is made. */
export interface DriftMonitorOptions extends OpenMonitorOptions {
  /** What the data looked like when all was well, from {@link profileData}. */
  readonly reference: DataProfile;
}

/** What a model was asked, and what it answered. */
export interface Observation {
  /** Values by column; columns that the reference does not have are told of by a monitor that judges quality, and not looked at otherwise. Only a request that failed may come without: it counts for the health alone. */
  readonly features?: Readonly<Record<string, unknown>> | undefined;
  /** Goes to the column that the reference names as its prediction. */
  readonly prediction?: unknown;
  /** What the model thought: a score, or one per class in the order of the estimator's `classes`. Only a monitor that estimates a classifier looks at it. @default the prediction, where the estimator has a threshold */
  readonly scores?: number | ArrayLike<number> | undefined;
  /** Which version of the model answered; verdicts count the rows of each. */
  readonly version?: string | number | undefined;
  /** Names the prediction, so that its label finds it. Only a monitor that judges performance keeps it; without an id a prediction has no label. */
  readonly id?: string | number | undefined;
  /** How long it took to answer, in milliseconds. Only a monitor that judges health looks at it. */
  readonly latencyMs?: number | undefined;
  /** That the request failed: `true`, or what it failed of. Only a monitor that judges health looks at it. */
  readonly error?: unknown;
}

/** What the right answer would have been. */
export interface Feedback {
  /** The `id` that the prediction was observed with. */
  readonly id: string | number;
  /** A class, 0 or 1, or a number, as the metric takes it. */
  readonly label: string | number | boolean;
}

/** How {@link DriftMonitor.check} judges. */
export interface CheckOptions extends OperationOptions {
  /** Closes the open window, or the open pane of a sliding one, however few rows it has, so that its verdict is stored. @default false */
  readonly close?: boolean | undefined;
}

/** Which verdicts {@link DriftMonitor.verdicts} lists. */
export interface VerdictsOptions extends OperationOptions {
  /** Goes on after this page's `next`. @default from the first */
  readonly after?: string | undefined;
  /** At most this many. @default 100 */
  readonly limit?: number | undefined;
}

/** Which judged periods {@link DriftMonitor.performances} lists. */
export interface PerformancesOptions extends OperationOptions {
  /** Goes on after this page's `next`. @default from the first */
  readonly after?: string | undefined;
  /** At most this many. @default 100 */
  readonly limit?: number | undefined;
}

/** Which part of its history {@link DriftMonitor.alertHistory} lists. */
export interface AlertHistoryOptions extends OperationOptions {
  /** Goes on after this page's `next`. @default from the first */
  readonly after?: string | undefined;
  /** At most this many. @default 100 */
  readonly limit?: number | undefined;
}

/** What a monitor tells its listeners. */
export interface MonitorEvents {
  /** A window was closed, judged and stored. */
  readonly verdict: DriftVerdict;
  /** An alert that is not silenced fires, or is resolved. */
  readonly alert: DriftAlert;
}

/** What a monitor is made with, as far as it is told here; the rest is looked at where it is used. */
export interface MonitorSettings {
  readonly name: string;
  readonly storage: StorageAdapter;
  readonly window?: unknown;
  readonly flushInterval?: Duration | undefined;
}

/** Schema of what a monitor is made with. */
export const optionsSchema: z.ZodMiniType<MonitorSettings> = z.strictObject({
  name: z.string().check(z.minLength(1)),
  window: z.unknown(),
  storage: z.custom<StorageAdapter>((value) => typeof (value as Partial<StorageAdapter> | undefined)?.writeBlob === 'function', 'must be a storage, such as new MemoryStorage()'),
  reference: z.optional(z.unknown()),
  drift: z.optional(z.unknown()),
  performance: z.optional(z.unknown()),
  estimate: z.optional(z.unknown()),
  health: z.optional(z.unknown()),
  quality: z.optional(z.unknown()),
  alerts: z.optional(z.unknown()),
  flushInterval: z.optional(z.custom<Duration>()),
  clock: z.optional(z.unknown()),
  onError: z.optional(z.unknown()),
  signal: z.optional(z.unknown()),
});
