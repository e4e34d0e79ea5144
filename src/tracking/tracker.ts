import * as z from 'zod/mini';
import { isWellFormed } from '../core/bytes.ts';
import { systemClock, type Clock, type Undo } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import type { Environment, EnvironmentRecord } from '../core/environment.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import { isId, newId } from '../core/ids.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { eachItem } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { reportFailure } from '../core/report-failure.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readLineage } from '../storage/lineage.ts';
import { listAll, readValue } from '../storage/records.ts';
import { readHistory, type MetricHistory } from './metric-log.ts';
import { checkName } from './metric-name.ts';
import { openArtifact, readArtifact, readArtifacts, type ArtifactRecord } from './run-artifacts.ts';
import { readDatasets, type DatasetRecord } from './run-datasets.ts';
import { readEnvironment, writeEnvironment } from './run-environment.ts';
import { listRunPage, withMetrics, type RunPage } from './run-list.ts';
import type { ExperimentRecord, ParamValues, RunRecord, StoredRun, TagValues } from './run-record.ts';
import { createRun, readParentId, readStoredRun, resumeRun } from './run-start.ts';
import { checkParams, checkTags } from './run-values.ts';
import { Run } from './run.ts';
import { keys } from './tracking-keys.ts';

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
  /** The run that this one is part of, or its id. @default none */
  parent?: string | Pick<RunRecord, 'id'> | undefined;
}

/** A run to go on with: it is `running` again, and keeps what was logged. */
export interface ResumeRunOptions extends OperationOptions {
  /** Id of the run. */
  resume: string;
  /** Params to add. @default none */
  params?: ParamValues | undefined;
  /** Tags to set. @default none */
  tags?: TagValues | undefined;
}

/** How a run is started: anew, or resumed. */
export type StartRunOptions = NewRunOptions | ResumeRunOptions;

/** Which runs are listed. */
export interface RunsQuery extends OperationOptions {
  /** Names of experiments. @default all */
  experiments?: readonly string[] | undefined;
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
  name: /* @__PURE__ */ z.optional(label),
  parent: anyField,
  params: anyField,
  tags: anyField,
  signal: anyField,
});
const resumeSchema = /* @__PURE__ */ z.strictObject({ resume: /* @__PURE__ */ z.string(), params: anyField, tags: anyField, signal: anyField });

/**
 * Keeps experiments: runs with params, metrics, tags, artifacts and datasets, in any storage, in Node and in the browser.
 *
 * What an awaited call reported is in the store. Metrics and tags are buffered so that logging never holds up training; see {@link Run}.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const run = await tracker.startRun({ experiment: 'flight-delay', params: { learningRate: 0.01 } });
 * for (let step = 0; step < 100; step++) run.logMetrics({ loss: 1 / (step + 1) }, { step });
 * await run.end();
 *
 * const record = await tracker.getRun(run.id);
 * console.log(record.status, record.metrics['loss']?.value); // finished 0.01
 * const { steps, values } = await tracker.metricHistory(run.id, 'loss');
 * console.log(steps.length, values[0]); // 100 1
 * ```
 */
export class Tracker {
  readonly #storage: StorageAdapter;
  readonly #environment: Environment | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #onError: ErrorListener | undefined;
  readonly #flushIntervalMs: number;
  readonly #maxBufferedPoints: number;
  readonly #knownExperiments = new Set<string>();
  readonly #openRuns = new Set<Run>();
  readonly #givenUp = new WeakSet<Run>();
  #undoExit: Undo | undefined;

  constructor(options: TrackerOptions) {
    if (typeof options?.storage?.append !== 'function') {
      throw new ValidationError('A tracker needs a storage: new Tracker({ storage: new MemoryStorage() }), or one of the other adapters.', { path: 'storage' });
    }
    const { maxBufferedPoints = 2_000_000, flushInterval = '500ms' } = options;
    if (!Number.isSafeInteger(maxBufferedPoints) || maxBufferedPoints < 1) {
      throw new ValidationError(`maxBufferedPoints is ${shown(maxBufferedPoints)}; give a whole number of at least 1.`, { path: 'maxBufferedPoints' });
    }
    this.#storage = options.storage;
    this.#environment = options.environment;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger;
    this.#onError = options.onError;
    this.#flushIntervalMs = durationMs(flushInterval, 'flushInterval');
    this.#maxBufferedPoints = maxBufferedPoints;
  }

  /**
   * Starts a run, or goes on with one. It is in the store when this resolves.
   *
   * Throws `ValidationError` for options that are not what they should be, `NotFoundError` when the parent or the run to resume does not exist, and
   * `ConflictError` when a resumed run has another value of a param.
   */
  async startRun(options: StartRunOptions): Promise<Run> {
    const resumes = typeof options === 'object' && options !== null && 'resume' in options;
    check<z.ZodMiniType>(resumes ? resumeSchema : newRunSchema, options, 'startRun');
    const params = checkParams(options.params ?? {});
    const tags = checkTags(options.tags ?? {});
    const session = newId();
    const { signal } = options;
    const stored = resumes
      ? await resumeRun(this.#storage, this.#clock, options.resume, { params, tags, session, signal })
      : await createRun(this.#storage, await this.#newRun(options, { params, tags, session }), { signal, newExperiment: !this.#knownExperiments.has(options.experiment) });
    this.#knownExperiments.add(stored.experiment);
    this.#logger?.debug(`Run ${stored.id} of experiment ${stored.experiment} is ${resumes ? 'resumed' : 'started'}.`);
    return this.#open(stored, session);
  }

  /**
   * Starts a run, gives it to `fn`, and ends it: as `finished` when `fn` returns, whose value this resolves to; as `failed`, with the error recorded, when it
   * throws, and the error is thrown on. A run that `fn` has ended itself stays as it is.
   */
  async withRun<T>(options: StartRunOptions, fn: (run: Run) => T | Promise<T>): Promise<T> {
    const run = await this.startRun(options);
    let value: T;
    try {
      value = await fn(run);
    } catch (error) {
      // What the caller has to know is why the run failed, not that its end could not be recorded besides.
      if (!run.ended) await run.end('failed', { error }).catch((failure: unknown) => this.#report(failure));
      throw error;
    }
    if (!run.ended) await run.end();
    return value;
  }

  /** The run as it is now, with the latest value of each metric that was flushed. Throws `NotFoundError` when there is none with this id. */
  async getRun(id: string, options: OperationOptions = {}): Promise<RunRecord> {
    return withMetrics(this.#storage, await readStoredRun(this.#storage, id, options), options);
  }

  /** Every run, newest first, page by page. Runs that cannot be read are told to `onError` and left out. */
  async *runs(query: RunsQuery = {}): AsyncGenerator<RunRecord, void, undefined> {
    yield* eachItem(async (after) => {
      const page = await this.listRuns({ ...query, after });
      for (const { id, error } of page.damaged) this.#report(new IntegrityError(`Run ${id} cannot be read: ${error.message}`, { key: id }));
      return page;
    });
  }

  /**
   * One page of runs, newest first by the time of their start. Runs that start meanwhile come before all pages, so that none is skipped and none comes twice. A
   * run that cannot be read is in `damaged` and hides no other.
   */
  async listRuns(options: ListRunsOptions = {}): Promise<RunPage> {
    const { experiments, limit = 100, after, signal } = options;
    if (!Number.isSafeInteger(limit) || limit < 1) throw new ValidationError(`limit is ${shown(limit)}; give a whole number of at least 1.`, { path: 'limit' });
    if (after !== undefined && !isId(after)) throw new ValidationError(`after is ${shown(after)}; give the next of the page before.`, { path: 'after' });
    if (experiments !== undefined && !(Array.isArray(experiments) && experiments.every((name) => typeof name === 'string'))) {
      throw new ValidationError(`experiments is ${shown(experiments)}; give an array of names.`, { path: 'experiments' });
    }
    return listRunPage(this.#storage, { experiments, limit, after }, { signal });
  }

  /** Every experiment, in the order of the keys that their names make. */
  async *experiments(options: OperationOptions = {}): AsyncGenerator<ExperimentRecord, void, undefined> {
    for await (const entry of listAll(this.#storage, { prefix: keys.experiments }, options)) {
      const record = await readValue<ExperimentRecord>(this.#storage, entry.key, options);
      if (record) yield record.value;
    }
  }

  /**
   * All points of a metric that were flushed, exactly: by step, then timestamp, then the order of logging; none when the run has no such metric. Throws
   * `NotFoundError` when there is no such run.
   */
  async metricHistory(runId: string, name: string, options: OperationOptions = {}): Promise<MetricHistory> {
    checkName(name, 'A metric');
    await readStoredRun(this.#storage, runId, options);
    return readHistory(this.#storage, keys.metrics(runId), name, options);
  }

  /** The artifacts of a run, in the order of the keys that their names make. Throws `NotFoundError` when there is no such run. */
  async *artifacts(runId: string, options: OperationOptions = {}): AsyncGenerator<ArtifactRecord, void, undefined> {
    await readStoredRun(this.#storage, runId, options);
    yield* readArtifacts(this.#storage, runId, options);
  }

  /** All bytes of an artifact. Throws `NotFoundError` when there is none, and `IntegrityError` when they are not the bytes that were logged. */
  async readArtifact(runId: string, name: string, options: OperationOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    await readStoredRun(this.#storage, runId, options);
    return readArtifact(this.#storage, runId, name, options);
  }

  /** The bytes of an artifact in chunks; like {@link Tracker.readArtifact}, but the `IntegrityError` comes at the end, when all bytes have passed. */
  async openArtifact(runId: string, name: string, options: OperationOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    await readStoredRun(this.#storage, runId, options);
    return openArtifact(this.#storage, runId, name, options);
  }

  /** The datasets that a run used, in the order of their logging. Throws `NotFoundError` when there is no such run. */
  async datasets(runId: string, options: OperationOptions = {}): Promise<DatasetRecord[]> {
    await readStoredRun(this.#storage, runId, options);
    return readDatasets(this.#storage, runId, options);
  }

  /** All that is known of where a run took place; `undefined` when it was started without an environment. Throws `NotFoundError` when there is no such run. */
  async environment(runId: string, options: OperationOptions = {}): Promise<EnvironmentRecord | undefined> {
    return readEnvironment(this.#storage, await readStoredRun(this.#storage, runId, options), options);
  }

  /** The edges from a run to what it used, produced and is part of, and from what points at it, oldest first. Throws `NotFoundError` when there is no such run. */
  async lineage(runId: string, options: OperationOptions = {}): Promise<LineageEdge[]> {
    await readStoredRun(this.#storage, runId, options);
    const ref = { kind: 'run' as const, id: runId };
    const [from, to] = await Promise.all([readLineage(this.#storage, 'from', ref, options), readLineage(this.#storage, 'to', ref, options)]);
    return [...from, ...to].sort((a, b) => a.at - b.at);
  }

  async #newRun(options: NewRunOptions, { params, tags, session }: { params: ParamValues; tags: TagValues; session: string }): Promise<StoredRun> {
    const { experiment, name, parent, signal } = options;
    const [environment, parentId] = await Promise.all([this.#describe(), parent === undefined ? undefined : readParentId(this.#storage, parent, { signal })]);
    return {
      id: newId(),
      experiment,
      ...(name === undefined ? {} : { name }),
      status: 'running',
      startedAt: this.#clock.now(),
      ...(parentId === undefined ? {} : { parent: parentId }),
      params,
      tags,
      metrics: {},
      droppedPoints: 0,
      openSessions: [session],
      ...environment,
    };
  }

  /** That the environment cannot be told is no reason not to run. */
  async #describe(): Promise<Pick<StoredRun, 'environment' | 'code'>> {
    let record: EnvironmentRecord | undefined;
    try {
      record = await this.#environment?.describe();
    } catch (error) {
      this.#report(error);
    }
    return record === undefined ? {} : writeEnvironment(this.#storage, record);
  }

  #open(stored: StoredRun, session: string): Run {
    const run = new Run(stored, session, {
      storage: this.#storage,
      clock: this.#clock,
      flushIntervalMs: this.#flushIntervalMs,
      maxBufferedPoints: this.#maxBufferedPoints,
      onError: (error) => this.#report(error),
      onEnd: (ended) => this.#forget(ended),
    });
    this.#openRuns.add(run);
    this.#undoExit ??= this.#environment?.onExit(() => this.#flushAtExit());
    return run;
  }

  #forget(run: Run): void {
    this.#openRuns.delete(run);
    if (this.#openRuns.size > 0) return;
    this.#undoExit?.();
    this.#undoExit = undefined;
  }

  /** Work that is done at the exit of a process puts the exit off, and it comes again; a run that could not be flushed is therefore tried once only. */
  async #flushAtExit(): Promise<void> {
    const runs = [...this.#openRuns].filter((run) => !this.#givenUp.has(run));
    await Promise.all(
      runs.map((run) =>
        run.flush().catch((error: unknown) => {
          this.#givenUp.add(run);
          this.#report(error);
        }),
      ),
    );
  }

  #report(error: unknown): void {
    reportFailure(error, { who: 'The tracker', logger: this.#logger, onError: this.#onError });
  }
}
