import * as z from 'zod/mini';
import { isWellFormed } from '../core/bytes.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import type { Environment } from '../core/environment.ts';
import { ValidationError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { checkOptionNames, type OptionNames } from '../core/option-names.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { SystemMetrics } from '../core/system-metrics.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { DeletedRuns, ListRunsQuery } from './run-list.ts';
import type { ParamValues, RunRecord, TagValues } from './run-record.ts';

/** What a tracker works with. */
export interface TrackerOptions {
  /** Where runs are kept. */
  storage: StorageAdapter;
  /** Tells of the host: code, runtime, machine. @default none, and runs say nothing of it and are not flushed at the exit of the process */
  environment?: Environment | undefined;
  /** @default the host's */
  clock?: Clock | undefined;
  /** Is told what the tracker does. @default none */
  logger?: Logger | undefined;
  /** Is told of failures in the background, such as a flush that will be tried again. @default none */
  onError?: ErrorListener | undefined;
  /** Metrics and tags are written at most so long after they were logged, while the event loop runs. @default '500ms' */
  flushInterval?: Duration | undefined;
  /** Points that a run keeps in memory at most while they wait to be written; more are dropped and counted. @default 2_000_000 */
  maxBufferedPoints?: number | undefined;
  /**
   * What is dropped when the storage does not keep up. `drop`: what comes while the buffer is full. `sample`: from half of the bound on, all but every 2nd, then every 4th, 8th… call of `logMetrics`, so that a curve gets coarser
   * rather than broken off. Either is counted in `droppedPoints`; a loop that awaits `run.ready()` loses nothing. @default 'drop'
   */
  overflow?: 'drop' | 'sample' | undefined;
  /** How often a sign of life is written while runs are open; a run without ten of them has `crashed`. @default '30s' */
  heartbeatInterval?: Duration | undefined;
  /** Where the load of the host is read, such as `nodeSystemMetrics({ tf })`; every run logs it as metrics under `system/`. `false`: nowhere. @default what the environment has, none without one */
  systemMetrics?: SystemMetrics | false | undefined;
  /** How often the load is read. @default '10s' */
  systemMetricsInterval?: Duration | undefined;
}

/** A new run. */
export interface NewRunOptions extends OperationOptions {
  /** Name of the experiment that it belongs to; the first run makes it. */
  experiment: string;
  /** For people; need not be unique. @default none */
  name?: string | undefined;
  /** @default none */
  params?: ParamValues | undefined;
  /** @default none */
  tags?: TagValues | undefined;
  /** The id that it has, a UUIDv7, for who has to find it again without having noted it; `ConflictError` when there is such a run. @default a new one */
  id?: string | undefined;
  /** The id of the run of a pipeline that this one is part of; what comes of it leads back there. @default none */
  pipelineRun?: string | undefined;
  /** The run that this one is part of, or its id. @default none */
  parent?: string | Pick<RunRecord, 'id'> | undefined;
  /** The set that it belongs to, such as the folds of one cross-validation. @default none */
  group?: string | undefined;
  /** What there is to say about it, as Markdown. @default none */
  notes?: string | undefined;
  /** What its random generators are seeded with; what runs it again has to know. @default none */
  seed?: number | string | undefined;
  /** `false` keeps the load of the host out of this run. @default as the tracker has it */
  systemMetrics?: false | undefined;
}

/** A run to go on with: it is `running` again, and keeps what was logged. */
export interface ResumeRunOptions extends OperationOptions {
  /** Id of the run. */
  resume: string;
  /** Params to add. @default none */
  params?: ParamValues | undefined;
  /** Tags to set. @default none */
  tags?: TagValues | undefined;
  /** `false` keeps the load of the host out of this run. @default as the tracker has it */
  systemMetrics?: false | undefined;
}

/** How a run is started: anew, or resumed. */
export type StartRunOptions = NewRunOptions | ResumeRunOptions;

/** Which runs are listed. */
export interface RunsQuery extends OperationOptions {
  /** Names of experiments. @default all */
  experiments?: readonly string[] | undefined;
  /** Whether deleted runs are left out, come with the others, or come alone. @default 'exclude' */
  deleted?: DeletedRuns | undefined;
}

/** Which part of the runs is listed. */
export interface ListRunsOptions extends RunsQuery {
  /** At most so many. @default 100 */
  limit?: number | undefined;
  /** The `next` of the page before. @default from the newest */
  after?: string | undefined;
}

const anyField = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const label = /* @__PURE__ */ z
  .string()
  .check(/* @__PURE__ */ z.minLength(1), /* @__PURE__ */ z.maxLength(500), /* @__PURE__ */ z.refine(isWellFormed, 'has a lone surrogate, which UTF-8 cannot hold'));
const newRunSchema = /* @__PURE__ */ z.strictObject({
  experiment: label,
  id: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string().check(/* @__PURE__ */ z.refine(isId, 'must be a UUIDv7 in lower case'))),
  pipelineRun: /* @__PURE__ */ z.optional(label),
  name: /* @__PURE__ */ z.optional(label),
  group: /* @__PURE__ */ z.optional(label),
  notes: anyField,
  seed: anyField,
  systemMetrics: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.literal(false)),
  parent: anyField,
  params: anyField,
  tags: anyField,
  signal: anyField,
});
const resumeSchema = /* @__PURE__ */ z.strictObject({ resume: /* @__PURE__ */ z.string(), systemMetrics: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.literal(false)), params: anyField, tags: anyField, signal: anyField });

/** What {@link TrackerOptions} come to. */
export interface TrackerSettings {
  readonly storage: StorageAdapter;
  readonly environment: Environment | undefined;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  readonly onError: ErrorListener | undefined;
  readonly flushIntervalMs: number;
  readonly maxBufferedPoints: number;
  readonly overflow: 'drop' | 'sample';
  readonly heartbeatMs: number;
  readonly systemMetrics: SystemMetrics | undefined;
  readonly systemMetricsMs: number;
}

const trackerNames: OptionNames<TrackerOptions> = {
  storage: true, environment: true, clock: true, logger: true, onError: true, flushInterval: true, maxBufferedPoints: true, overflow: true, heartbeatInterval: true, systemMetrics: true, systemMetricsInterval: true,
};
const listNames: OptionNames<ListRunsOptions> = { experiments: true, deleted: true, limit: true, after: true, signal: true };

/** Checks what a tracker is made with. Throws `ValidationError`. */
export function trackerSettings(options: TrackerOptions): TrackerSettings {
  if (typeof options?.storage?.append !== 'function') {
    throw new ValidationError('A tracker needs a storage: new Tracker({ storage: new MemoryStorage() }), or one of the other adapters.', { path: 'storage' });
  }
  checkOptionNames(options, trackerNames, 'The tracker');
  const { maxBufferedPoints = 2_000_000, flushInterval = '500ms', heartbeatInterval = '30s', systemMetricsInterval = '10s', overflow = 'drop', systemMetrics = options.environment?.systemMetrics } = options;
  if (!Number.isSafeInteger(maxBufferedPoints) || maxBufferedPoints < 1) {
    throw new ValidationError(`maxBufferedPoints is ${shown(maxBufferedPoints)}; give a whole number of at least 1.`, { path: 'maxBufferedPoints' });
  }
  if (overflow !== 'drop' && overflow !== 'sample') throw new ValidationError(`overflow is ${shown(overflow, 80)}; give 'drop' or 'sample'.`, { path: 'overflow' });
  const heartbeatMs = durationMs(heartbeatInterval, 'heartbeatInterval');
  if (heartbeatMs < 1) throw new ValidationError(`heartbeatInterval is ${shown(heartbeatInterval)}; give at least a millisecond.`, { path: 'heartbeatInterval' });
  const systemMetricsMs = durationMs(systemMetricsInterval, 'systemMetricsInterval');
  if (systemMetricsMs < 1) throw new ValidationError(`systemMetricsInterval is ${shown(systemMetricsInterval)}; give at least a millisecond.`, { path: 'systemMetricsInterval' });
  if (systemMetrics !== undefined && systemMetrics !== false && typeof systemMetrics?.open !== 'function') {
    throw new ValidationError(`systemMetrics is ${shown(systemMetrics, 80)}; give nodeSystemMetrics(), a source of your own, or false.`, { path: 'systemMetrics' });
  }
  return {
    storage: options.storage,
    environment: options.environment,
    clock: options.clock ?? systemClock,
    logger: options.logger,
    onError: options.onError,
    flushIntervalMs: durationMs(flushInterval, 'flushInterval'),
    maxBufferedPoints,
    overflow,
    heartbeatMs,
    systemMetrics: systemMetrics === false ? undefined : systemMetrics,
    systemMetricsMs,
  };
}

/** Checks how a run is started; params and tags are checked by those who copy them. Throws `ValidationError`. */
export function checkStart(options: StartRunOptions): void {
  check<z.ZodMiniType>(resumes(options) ? resumeSchema : newRunSchema, options, 'startRun');
  if (resumes(options)) return;
  const { notes, seed } = options;
  if (notes !== undefined) checkNotes(notes);
  if (seed !== undefined && !Number.isFinite(seed) && typeof seed !== 'string') throw new ValidationError(`seed is ${shown(seed, 80)}; give a number or a text.`, { path: 'startRun.seed' });
}

/** Whether a run is gone on with. */
export function resumes(options: StartRunOptions): options is ResumeRunOptions {
  return typeof options === 'object' && options !== null && 'resume' in options;
}

/** Checks a name that is for people. Throws `ValidationError`. */
export function checkLabel(value: unknown, path: string): string {
  check<z.ZodMiniType>(label, value, path);
  return value as string;
}

/** Checks a note. Throws `ValidationError`. */
export function checkNotes(notes: unknown): string {
  if (typeof notes === 'string' && notes.length <= longestNotes && isWellFormed(notes)) return notes;
  const fault = typeof notes === 'string' && notes.length > longestNotes ? `${notes.length} characters long` : shown(notes, 80);
  throw new ValidationError(`notes are ${fault}; give a text of at most ${longestNotes} characters, and log longer ones as an artifact.`, { path: 'notes' });
}

const longestNotes = 100_000;

/** Checks which runs are listed. Throws `ValidationError`. */
export function listQuery(options: ListRunsOptions): ListRunsQuery {
  checkOptionNames(options, listNames, 'The query');
  const { experiments, deleted = 'exclude', limit = 100, after } = options;
  checkLimit(limit);
  if (after !== undefined && !isId(after)) throw new ValidationError(`after is ${shown(after)}; give the next of the page before.`, { path: 'after' });
  checkRunsQuery({ experiments, deleted });
  return { experiments, deleted, limit, after };
}

/** Checks which runs are meant. Throws `ValidationError`. */
export function checkRunsQuery({ experiments, deleted = 'exclude' }: RunsQuery): void {
  if (experiments !== undefined && !(Array.isArray(experiments) && experiments.every((name) => typeof name === 'string'))) {
    throw new ValidationError(`experiments is ${shown(experiments)}; give an array of names.`, { path: 'experiments' });
  }
  if (!['exclude', 'include', 'only'].includes(deleted)) throw new ValidationError(`deleted is ${shown(deleted, 80)}; give 'exclude', 'include' or 'only'.`, { path: 'deleted' });
}

/** Checks how many are asked for. Throws `ValidationError`. */
export function checkLimit(limit: unknown): void {
  if (!Number.isSafeInteger(limit) || (limit as number) < 1) throw new ValidationError(`limit is ${shown(limit)}; give a whole number of at least 1.`, { path: 'limit' });
}

/** Which deleted runs are purged. */
export interface PurgeOptions extends LongOperationOptions {
  /** How long ago a run must have been deleted at least. @default '30d' */
  olderThan?: Duration | undefined;
}
