import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Duration } from '../core/duration.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { DriftOptions } from '../stats/profiles/drift-settings.ts';
import type { DataProfile } from '../stats/profiles/data-profile.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { DriftVerdict } from './monitor-state.ts';
import type { WindowOptions } from './windows/window-plan.ts';

/** How a {@link DriftMonitor} is opened. */
export interface OpenMonitorOptions {
  /** Where the reference and the verdicts are kept. */
  readonly storage: StorageAdapter;
  /** Under which the monitor is stored. */
  readonly name: string;
  /** When a window closes and is judged. */
  readonly window: WindowOptions;
  /** When a column counts as drifted. @default as compareData has it */
  readonly drift?: DriftOptions | undefined;
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
  /** Values by column; columns that the reference does not have are not looked at. */
  readonly features: Readonly<Record<string, unknown>>;
  /** Goes to the column that the reference names as its prediction. */
  readonly prediction?: unknown;
  /** Which version of the model answered; verdicts count the rows of each. */
  readonly version?: string | number | undefined;
}

/** How {@link DriftMonitor.check} judges. */
export interface CheckOptions extends OperationOptions {
  /** Closes the open window, however few rows it has, so that its verdict is stored. @default false */
  readonly close?: boolean | undefined;
}

/** Which verdicts {@link DriftMonitor.verdicts} lists. */
export interface VerdictsOptions extends OperationOptions {
  /** Goes on after this page's `next`. @default from the first */
  readonly after?: string | undefined;
  /** At most this many. @default 100 */
  readonly limit?: number | undefined;
}

/** What a monitor tells its listeners. */
export interface MonitorEvents {
  /** A window was closed, judged and stored. */
  readonly verdict: DriftVerdict;
}

/** Schema of what a monitor is made with. */
export const optionsSchema = z.strictObject({
  name: z.string().check(z.minLength(1)),
  window: z.unknown(),
  storage: z.custom<StorageAdapter>((value) => typeof (value as Partial<StorageAdapter> | undefined)?.writeBlob === 'function', 'must be a storage, such as new MemoryStorage()'),
  reference: z.optional(z.unknown()),
  drift: z.optional(z.unknown()),
  flushInterval: z.optional(z.custom<Duration>()),
  clock: z.optional(z.unknown()),
  onError: z.optional(z.unknown()),
  signal: z.optional(z.unknown()),
});
