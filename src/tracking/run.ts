import type { Clock } from '../core/clock.ts';
import type { EncodableForm } from '../core/codec.ts';
import { ConflictError, NotFoundError, StorageError, ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readValue } from '../storage/records.ts';
import { update, type UpdateOptions } from '../storage/update.ts';
import { BatchQueue } from './batch-queue.ts';
import { Flusher } from '../core/flusher.ts';
import { livingSessions } from './heartbeat.ts';
import { mergeLatest } from './latest-metric.ts';
import { readLogTail } from './log-tail.ts';
import { MetricBuffer, type MetricValues } from './metric-buffer.ts';
import type { ArtifactRecord } from './artifacts/artifact-record.ts';
import type { ImageInput } from './artifacts/image-artifact.ts';
import type { LogTableInput, LogTableOptions } from './artifacts/table-artifact.ts';
import type { ArtifactContent, ArtifactInput, LogArtifactOptions, LogArtifactsOptions } from './artifacts/write-artifact.ts';
import type { LogModelInput } from './models/log-model.ts';
import type { LoggedModel } from './models/logged-model.ts';
import type { DatasetInput, DatasetRecord } from './run-datasets.ts';
import { extremesOf, fitRecords } from './run-extremes.ts';
import { presentRun } from './present-run.ts';
import { blobsOfRun, toRunRecord, type EndStatus, type ParamValues, type RunRecord, type StoredRun, type TagValues } from './run-record.ts';
import { checkParams, checkTags, isByName, withParams } from './run-values.ts';
import { checkNotes } from './tracker-options.ts';
import { keys } from './tracking-keys.ts';

/** Where and when metrics count. */
export interface LogMetricsOptions {
  /** A whole number; negative ones and ones that were logged before are allowed. @default 0 */
  step?: number | undefined;
  /** Epoch milliseconds, from 0. @default now */
  timestamp?: number | undefined;
}

/** What is to be said about the end of a run. */
export interface EndOptions extends OperationOptions {
  /** Why it ended so. */
  reason?: string | undefined;
  /** What it failed with: an error, or anything else that was thrown. */
  error?: unknown;
}

/** What a run works with; the tracker gives it. */
export interface RunContext {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly flushIntervalMs: number;
  readonly maxBufferedPoints: number;
  readonly overflow: 'drop' | 'sample';
  /** Is told of failures in the background. */
  readonly onError: ErrorListener;
  /** Is told when the run is about to end, while it can still be logged to. */
  readonly onEnding: (run: Run) => void;
  /** Is told when the run has ended. */
  readonly onEnd: (run: Run) => void;
}

/**
 * A handle on a run that is under way, from `tracker.startRun()` or `tracker.withRun()`. Several handles, in several processes, may be open on one run; none
 * loses what another logs. Used with `await using`, a run that is left without {@link Run.end} is recorded as `killed`, with the reason `disposed`.
 *
 * {@link Run.logMetrics} and {@link Run.setTags} only buffer. What they took is written within a second while the event loop runs (a loop that never awaits is
 * flushed at its next await), and at `flush()`, `end()`, disposal and the exit of the environment. A write that fails in the background is told to the
 * tracker's `onError` and tried again; nothing is lost but what exceeds the bound of the buffer. `flush()` and `end()` try it at once and reject while it fails.
 */
export class Run implements AsyncDisposable {
  /** UUIDv7. */
  readonly id: string;
  /** Name of its experiment. */
  readonly experiment: string;
  readonly #context: RunContext;
  readonly #session: string;
  readonly #buffer: MetricBuffer;
  readonly #flusher: Flusher;
  readonly #queue = new BatchQueue();
  #dropped = 0;
  /** Calls of `logMetrics` since the buffer was last below half of its bound. */
  #crowdedCalls = 0;
  readonly #tags = new Map<string, string>();
  #notes: string | undefined;
  #ending: Promise<RunRecord> | undefined;
  #closed = false;

  /** @internal */
  constructor(run: Pick<RunRecord, 'id' | 'experiment'>, session: string, context: RunContext) {
    this.id = run.id;
    this.experiment = run.experiment;
    this.#context = context;
    this.#session = session;
    this.#buffer = new MetricBuffer(session, context.storage.supports.maxEntryBytes, (batch) => this.#queue.push(batch));
    this.#flusher = new Flusher({
      write: () => this.#write(),
      pending: () => this.#hasPending,
      clock: context.clock,
      intervalMs: context.flushIntervalMs,
      onFailure: context.onError,
    });
  }

  /**
   * Logs values of metrics. Synchronous, in order, and never failing for the storage's sake: values are buffered. When the buffer is full because the storage
   * does not keep up, the values are dropped and counted in `droppedPoints` of the run's record.
   *
   * Throws `ValidationError`, taking none of the values, when one is not a number (NaN and ±Infinity are), a name is not allowed, or the step is not whole;
   * throws `StorageError` with code `closed` after the end of the run.
   */
  logMetrics(values: MetricValues, options?: LogMetricsOptions): void {
    this.#assertOpen('logMetrics');
    if (!isByName(values)) throw new ValidationError(`metrics are ${shown(values, 80)}; give an object of numbers by name.`, { path: 'metrics' });
    if (options !== undefined && !isByName(options)) throw new ValidationError(`options are ${shown(options, 80)}; give { step, timestamp }.`, { path: 'options' });
    for (const name in options) if (name !== 'step' && name !== 'timestamp') throw new ValidationError(`options has unknown options: ${name.slice(0, 80)}; there are step, timestamp.`, { path: `options.${name}` });
    const step = options?.step ?? 0;
    if (!Number.isSafeInteger(step)) throw new ValidationError(`step is ${shown(step, 80)}; give a whole number.`, { path: 'step' });
    const timestamp = options?.timestamp ?? this.#context.clock.now();
    if (!Number.isFinite(timestamp) || timestamp < 0) throw new ValidationError(`timestamp is ${shown(timestamp, 80)}; give epoch milliseconds.`, { path: 'timestamp' });
    const names = Object.keys(values);
    if (names.length === 0) return;
    if (!this.#hasRoom(names.length)) {
      this.#dropped += names.length;
      return;
    }
    this.#buffer.add(names, values, step, timestamp);
    this.#flusher.request(this.#queue.isWaiting);
  }

  /**
   * Writes params, once and for all: the same value again is fine. Durable when it resolves. Rejects with `ConflictError`, writing none, when one has another
   * value already, and with `ValidationError` when a name is not allowed or a value is not plain data.
   */
  async logParams(values: ParamValues, options: OperationOptions = {}): Promise<void> {
    this.#assertOpen('logParams');
    const params = checkParams(values);
    await this.#updateRecord((run) => withParams(run, params), options);
  }

  /** Sets tags: the last value counts. Synchronous and buffered like metrics. Throws `ValidationError`, taking none, when a name is not allowed or a value is no text. */
  setTags(values: TagValues): void {
    this.#assertOpen('setTags');
    for (const [name, value] of Object.entries(checkTags(values))) this.#tags.set(name, value);
    if (this.#tags.size > 0) this.#flusher.request();
  }

  /** Says what there is to say about the run, as Markdown; it replaces what was said. Buffered like tags. Throws `ValidationError` for what is no text or too long a one. */
  setNotes(notes: string): void {
    this.#assertOpen('setNotes');
    this.#notes = checkNotes(notes);
    this.#flusher.request();
  }

  /**
   * Resolves while there is room in the buffer, at once as a rule, and otherwise when half of it is free again: a loop that awaits it each time loses no point, however slow the storage. Rejects when what waits cannot be written.
   */
  async ready(options: OperationOptions = {}): Promise<void> {
    while (2 * this.#buffered >= this.#context.maxBufferedPoints) await this.#flusher.flush(options.signal);
  }

  /**
   * Stores bytes or text under their digest, and records them under `name`, which may be a path; logging the name again replaces the record. Contents that several names share are stored once. Durable when it resolves; nothing is
   * recorded when the source fails.
   */
  async logArtifact(name: string, content: ArtifactContent, options: LogArtifactOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logArtifact', options);
    const { writeArtifact } = await import('./artifacts/write-artifact.ts');
    return writeArtifact(this.#context.storage, this.#context.clock, this.id, name, content, options);
  }

  /** Stores many files, such as those of `artifactsFromDirectory`, one after the other; those before one that fails stay. */
  async logArtifacts(inputs: AsyncIterable<ArtifactInput> | Iterable<ArtifactInput>, options: LogArtifactsOptions = {}): Promise<ArtifactRecord[]> {
    await this.#checkOpen('logArtifacts', options);
    const { writeArtifacts } = await import('./artifacts/write-artifact.ts');
    return writeArtifacts(this.#context.storage, this.#context.clock, this.id, inputs, options);
  }

  /** Stores a text, as {@link Run.logArtifact} does. */
  async logText(name: string, text: string, options: LogArtifactOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logText', options);
    const { writeText } = await import('./artifacts/write-json.ts');
    return writeText(this.#context.storage, this.#context.clock, this.id, name, text, options);
  }

  /** Stores a value as JSON, and values that JSON lacks (NaN, dates, bytes) in a form of their own that `readArtifactJson` reads back. */
  async logJson<T>(name: string, value: T & EncodableForm<T>, options: OperationOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logJson', options);
    const { writeJson } = await import('./artifacts/write-json.ts');
    return writeJson(this.#context.storage, this.#context.clock, this.id, name, value, options);
  }

  /** Stores a table, given by columns or rows, with the types of its columns; `tracker.readTable` gives it back. */
  async logTable(name: string, table: LogTableInput, options: LogTableOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logTable', options);
    const { writeTable } = await import('./artifacts/table-artifact.ts');
    return writeTable(this.#context.storage, this.#context.clock, this.id, name, table, options);
  }

  /** Stores an image: the bytes of a file, or pixels (RGBA, 8 bits each), which become a PNG. */
  async logImage(name: string, image: ImageInput, options: LogArtifactOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logImage', options);
    const { writeImage } = await import('./artifacts/image-artifact.ts');
    return writeImage(this.#context.storage, this.#context.clock, this.id, name, image, options);
  }

  /** Stores a figure as the text of an SVG. It is kept as it is, scripts in it included: show it as an image, not as part of a page. */
  async logFigure(name: string, svg: string, options: OperationOptions = {}): Promise<ArtifactRecord> {
    await this.#checkOpen('logFigure', options);
    const { writeFigure } = await import('./artifacts/write-figure.ts');
    return writeFigure(this.#context.storage, this.#context.clock, this.id, name, svg, options);
  }

  /**
   * Stores a model, such as a checkpoint: its files as artifacts below `models/<name>/`, and one record with their digests and what is told of it, which `tracker.models` lists. The same contents under the same name are one model, of which
   * what is told last counts; other contents are another one, beside it. Durable when it resolves; no model is recorded when a file fails.
   */
  async logModel(name: string, model: LogModelInput, options: LongOperationOptions = {}): Promise<LoggedModel> {
    await this.#checkOpen('logModel', options);
    const { writeModel } = await import('./models/log-model.ts');
    return writeModel(this.#context.storage, this.#context.clock, this.id, name, model, options);
  }

  /** Records which data the run uses: name, role, fingerprint of the contents, row count and types of columns; not the contents. Durable when it resolves. */
  async logDataset(dataset: DatasetInput, options: OperationOptions = {}): Promise<DatasetRecord> {
    await this.#checkOpen('logDataset', options);
    const { writeDataset } = await import('./run-datasets.ts');
    return writeDataset(this.#context.storage, this.#context.clock, this.id, dataset, options);
  }

  /** Resolves when all that was logged before is durable; rejects when the storage fails or the run was deleted, and what could not be written is tried again later. */
  async flush(options: OperationOptions = {}): Promise<void> {
    if (this.#hasPending) await this.#flusher.flush(options.signal);
  }

  /**
   * Flushes for a host that may end at the next turn: points are handed to the storage within this one. Whether the run is still in the store is not asked before, for that takes turns; `surely` says that it must be.
   * @internal
   */
  async leave(surely: boolean): Promise<void> {
    if (surely && this.#ending === undefined) {
      this.#buffer.seal();
      if (this.#queue.isWaiting) await this.#queue.appendAtOnce(this.#context.storage, keys.metrics(this.id));
    }
    await this.flush();
  }

  /**
   * Writes what is buffered and records the end. The handle is closed then; calling it again gives the same record. When it rejects because the storage failed,
   * the run is still open and nothing is lost: call it again. With several handles on one run, the last end counts.
   */
  async end(status: EndStatus = 'finished', options: EndOptions = {}): Promise<RunRecord> {
    if (status !== 'finished' && status !== 'failed' && status !== 'killed') {
      throw new ValidationError(`A run cannot end as ${shown(status, 80)}; give 'finished', 'failed' or 'killed'.`, { path: 'status' });
    }
    if (options.reason !== undefined && typeof options.reason !== 'string') {
      throw new ValidationError(`reason is ${shown(options.reason, 80)}; give a text.`, { path: 'reason' });
    }
    if (this.#ending === undefined) this.#context.onEnding(this);
    this.#ending ??= this.#end(status, options).catch((error: unknown) => {
      this.#ending = undefined;
      throw error;
    });
    return this.#ending;
  }

  /** Whether the run has ended through this handle. */
  get ended(): boolean {
    return this.#closed;
  }

  /** Ends the run as `killed`, with the reason `disposed`, unless it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending === undefined) await this.end('killed', { reason: 'disposed' });
    else await this.#ending;
  }

  get #hasPending(): boolean {
    return this.#hasPoints || this.#tags.size > 0 || this.#notes !== undefined;
  }

  get #hasPoints(): boolean {
    return this.#buffer.count > 0 || !this.#queue.isEmpty;
  }

  get #buffered(): number {
    return this.#queue.points + this.#buffer.count;
  }

  /** Whether a call that brings so many points is taken in. */
  #hasRoom(points: number): boolean {
    const { maxBufferedPoints, overflow } = this.#context;
    const after = this.#buffered + points;
    if (overflow === 'drop' || 2 * after <= maxBufferedPoints) {
      this.#crowdedCalls = 0;
      return after <= maxBufferedPoints;
    }
    // The less room is left, the fewer calls: one in 2 while a quarter of the buffer is free, one in 4 while an eighth is, and so on.
    const stride = 2 ** Math.floor(Math.log2(maxBufferedPoints / (maxBufferedPoints - this.#buffered)));
    return this.#crowdedCalls++ % stride === 0 && after <= maxBufferedPoints;
  }

  async #end(status: EndStatus, { reason, error, signal }: EndOptions): Promise<RunRecord> {
    if (this.#hasPoints) await this.#flusher.flush(signal);
    const tags = Object.fromEntries(this.#tags);
    const notes = this.#notes;
    const endedAt = this.#context.clock.now();
    const extremes = Object.fromEntries(this.#buffer.extremes);
    const fits = fitRecords(this.#context.storage, Object.fromEntries(this.#buffer.latest), extremes);
    const stored = await this.#updateRecord(
      ({ reason: _reason, error: _error, ...run }) => ({
        ...run,
        status,
        endedAt,
        ...(reason === undefined ? {} : { reason }),
        ...(error === undefined ? {} : { error: describeFailure(error) }),
        tags: { ...run.tags, ...tags },
        ...(notes === undefined ? {} : { notes }),
        metrics: fits ? mergeLatest(run.metrics, this.#buffer.latest) : run.metrics,
        droppedPoints: run.droppedPoints + (run.openSessions.includes(this.#session) ? this.#dropped : 0),
        openSessions: fits ? run.openSessions.filter((session) => session !== this.#session) : run.openSessions,
      }),
      { signal, first: fits ? extremesOf(this.id, this.#session, extremes) : [] },
    );
    this.#closed = true;
    this.#tags.clear();
    this.#notes = undefined;
    this.#flusher.stop();
    this.#context.onEnd(this);
    if (stored.openSessions.length === 0) return toRunRecord(stored, stored.metrics);
    return this.#closeDeadSessions(stored, fits, { signal });
  }

  /** The record of a run that others have open, or had open when they died: what these logged is put into the record, so that readers need not look for it in the log for ever. */
  async #closeDeadSessions(run: StoredRun, fits: boolean, options: OperationOptions): Promise<RunRecord> {
    const { storage, clock } = this.#context;
    const living = await livingSessions(storage, run, clock.now(), options);
    if (!fits || living.length === run.openSessions.length) return presentRun(storage, run, clock.now(), options);
    const logged = await readLogTail(storage, keys.metrics(this.id), undefined, options);
    const stored = await this.#updateRecord(
      (now) => ({
        ...now,
        metrics: mergeLatest(now.metrics, Object.entries(logged.latest)),
        openSessions: now.openSessions.filter((session) => living.includes(session) || !run.openSessions.includes(session)),
      }),
      // The log has what this handle logged as well.
      { ...options, first: extremesOf(this.id, this.#session, logged.best) },
    );
    return presentRun(storage, stored, clock.now(), options);
  }

  /** Writes the batches and tags there are; what is not written stays. */
  async #write(): Promise<void> {
    this.#buffer.seal();
    if (!this.#queue.isEmpty) {
      await this.#checkKept({});
      await this.#queue.appendTo(this.#context.storage, keys.metrics(this.id));
    }
    if (this.#tags.size > 0 || this.#notes !== undefined) await this.#writeRemarks();
  }

  async #writeRemarks(): Promise<void> {
    const tags = new Map(this.#tags);
    const notes = this.#notes;
    await this.#updateRecord((run) => ({ ...run, tags: { ...run.tags, ...Object.fromEntries(tags) }, ...(notes === undefined ? {} : { notes }) }), {});
    for (const [name, value] of tags) if (this.#tags.get(name) === value) this.#tags.delete(name);
    if (this.#notes === notes) this.#notes = undefined;
  }

  async #updateRecord(change: (run: StoredRun) => StoredRun, options: Pick<UpdateOptions, 'signal' | 'first'>): Promise<StoredRun> {
    const { storage, clock } = this.#context;
    const { value } = await update<StoredRun>(
      storage,
      keys.run(this.id),
      (run) => {
        this.#assertKept(run);
        return change(run);
      },
      { clock, blobs: blobsOfRun, ...options },
    );
    return value;
  }

  /** Only the end of a run that was deleted is recorded, with what was logged until then, so that nothing is missing when it is restored. */
  #assertKept(run: StoredRun | undefined): asserts run is StoredRun {
    if (run === undefined || run.purging) throw new NotFoundError(`Run ${this.id} is not in the store any more.`, { key: this.id });
    if (run.deletedAt === undefined || this.#ending !== undefined) return;
    throw new ConflictError(`Run ${this.id} was deleted; take it back with tracker.restoreRun('${this.id}') before anything is logged to it.`, { key: this.id });
  }

  async #checkOpen(call: string, options: OperationOptions): Promise<void> {
    this.#assertOpen(call);
    await this.#checkKept(options);
  }

  /** What is written beside the run's record must not outlive it. */
  async #checkKept(options: OperationOptions): Promise<void> {
    const { storage } = this.#context;
    this.#assertKept((await readValue<StoredRun>(storage, keys.run(this.id), { ...options, fresh: true }))?.value);
  }

  #assertOpen(call: string): void {
    if (this.#closed || this.#ending !== undefined) {
      throw new StorageError('closed', `Run ${this.id} has ended, so ${call} has nowhere to go; open it again with startRun({ resume: '${this.id}' }).`, { key: this.id });
    }
  }
}
