import type { Undo } from '../core/clock.ts';
import type { EnvironmentRecord } from '../core/environment.ts';
import { ConflictError, IntegrityError, ValidationError } from '../core/errors.ts';
import { eachItem, type Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { reportFailure } from '../core/report-failure.ts';
import type { BlobRange, StorageAdapter } from '../storage/contract.ts';
import type { ArtifactRecord } from './artifacts/artifact-record.ts';
import type { ArtifactPage, ArtifactTreeEntry, BrowseArtifactsOptions, ListArtifactsOptions } from './artifacts/list-artifacts.ts';
import type * as artifactReading from './artifacts/read-artifact.ts';
import type { ReadWholeOptions } from './artifacts/read-artifact.ts';
import type { LoggedTable, ReadTableOptions } from './artifacts/table-artifact.ts';
import type { CompareRunsOptions, RunComparison } from './comparison/compare-runs.ts';
import type { RunDetails } from './comparison/run-details.ts';
import { Heart } from './heartbeat.ts';
import type { ImportedRun, RunSource } from './interchange/imported-run.ts';
import type { ImportRunsReport } from './interchange/import-report.ts';
import type { ImportRunsOptions } from './interchange/import-runs.ts';
import { LogTails } from './log-tails.ts';
import { checkName } from './metric-name.ts';
import type { DeleteModelOptions } from './models/delete-model.ts';
import type { LoggedModel } from './models/logged-model.ts';
import { newRun } from './new-run.ts';
import { presentRun } from './present-run.ts';
import { readSoundUnder } from '../storage/read-each.ts';
import type { Reproduction } from './reproduction/reproduction.ts';
import type { ReproductionCheck, VerifyReproductionOptions } from './reproduction/verify-reproduction.ts';
import type { RunChanges } from './run-changes.ts';
import type { DatasetRecord } from './run-datasets.ts';
import type { PurgeReport } from './run-deletion.ts';
import { readEnvironment } from './run-environment.ts';
import type { RunIndex } from './run-index.ts';
import { readRunLineage } from './run-lineage.ts';
import type { RunPage } from './run-list.ts';
import type { ExperimentRecord, RunRecord, StoredRun } from './run-record.ts';
import { createRun, readStoredRun, resumeRun } from './run-start.ts';
import { checkParams, checkTags } from './run-values.ts';
import { Run } from './run.ts';
import type { SearchRunsOptions } from './search-runs.ts';
import type { MetricSeries, MetricSeriesOptions } from './series/metric-series.ts';
import { checkStart, listQuery, resumes, trackerSettings, type ListRunsOptions, type PurgeOptions, type RunsQuery, type StartRunOptions, type TrackerOptions, type TrackerSettings } from './tracker-options.ts';
import { keys } from './tracking-keys.ts';

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
  readonly #settings: TrackerSettings;
  readonly #storage: StorageAdapter;
  readonly #heart: Heart;
  readonly #knownExperiments = new Set<string>();
  readonly #openRuns = new Set<Run>();
  readonly #givenUp = new WeakSet<Run>();
  readonly #samplers = new WeakMap<Run, Undo>();
  readonly #tails: LogTails;
  #index: RunIndex | undefined;
  #undoExit: Undo | undefined;

  constructor(options: TrackerOptions) {
    this.#settings = trackerSettings(options);
    this.#storage = this.#settings.storage;
    this.#tails = new LogTails(this.#storage, 1_000);
    this.#heart = new Heart(this.#storage, this.#settings.clock, this.#settings.heartbeatMs, (error) => this.#report(error));
  }

  /**
   * Starts a run, or goes on with one. It is in the store when this resolves.
   *
   * Throws `ValidationError` for options that are not what they should be, `NotFoundError` when the parent or the run to resume does not exist, and
   * `ConflictError` when a resumed run has another value of a param, or a run has the `id` already.
   */
  async startRun(options: StartRunOptions): Promise<Run> {
    checkStart(options);
    const params = checkParams(options.params ?? {});
    const tags = checkTags(options.tags ?? {});
    const session = this.#heart.newSession();
    const beat = this.#heart.due();
    const { signal } = options;
    const stored = resumes(options)
      ? await resumeRun(this.#storage, this.#settings.clock, options.resume, { params, tags, session, beat, signal })
      : await createRun(this.#storage, await newRun(this.#settings, options, { params, tags, session }, (error) => this.#report(error)), { signal, beat, newExperiment: !this.#knownExperiments.has(options.experiment) });
    this.#knownExperiments.add(stored.experiment);
    this.#settings.logger?.debug(`Run ${stored.id} of experiment ${stored.experiment} is ${resumes(options) ? 'resumed' : 'started'}.`);
    const run = this.#open(stored, session);
    // What is only beside the point of a run must not keep it from starting.
    if (options.systemMetrics !== false) await this.#sample(run, stored).catch((error: unknown) => this.#report(error));
    return run;
  }

  /**
   * Starts a run, gives it to `fn`, and ends it: as `finished` when `fn` returns, whose value this resolves to; as `failed`, with the error recorded, when it
   * throws, and the error is thrown on. A run that `fn` has ended itself stays as it is.
   */
  async withRun<T>(options: StartRunOptions, fn: (run: Run) => T | Promise<T>): Promise<T> {
    if (typeof fn !== 'function') throw new ValidationError('fn is no function; give withRun(options, async (run) => …).', { path: 'fn' });
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
    return this.#present(await readStoredRun(this.#storage, id, options), options);
  }

  /** Every run, newest first, page by page. Runs that cannot be read are told to `onError` and left out. */
  async *runs(query: RunsQuery = {}): AsyncGenerator<RunRecord, void, undefined> {
    yield* eachItem(async (after) => {
      const page = await this.listRuns({ ...query, after });
      for (const { id, error } of page.damaged) this.#report(new IntegrityError(`Run ${id} cannot be read: ${error.message}`, { key: id }));
      return page;
    });
  }

  /** One page of runs, newest first by the time of their start. Runs that start meanwhile come before all pages, so that none is skipped and none comes twice. A run that cannot be read is in `damaged` and hides no other. */
  async listRuns(options: ListRunsOptions = {}): Promise<RunPage> {
    const { listRunPage } = await import('./run-list.ts');
    return listRunPage(this.#storage, this.#tails, listQuery(options), this.#settings.clock.now(), { signal: options.signal });
  }

  /** Changes what people say of a run, ended or not: name, group, notes, tags; `null` takes a name, group or note away. Throws `NotFoundError` when there is no such run, and `ValidationError` for what is not allowed. */
  async updateRun(id: string, changes: RunChanges, options: OperationOptions = {}): Promise<RunRecord> {
    const { changeRun } = await import('./run-changes.ts');
    return this.#present(await changeRun(this.#storage, this.#settings.clock, id, changes, options), options);
  }

  /** Deletes a run so that it can be restored: lists and searches leave it out, and who has it open elsewhere can only end it; all it has stays. Throws `NotFoundError` when there is none, and `ConflictError` while it is open with this tracker. */
  async deleteRun(id: string, options: OperationOptions = {}): Promise<RunRecord> {
    for (const run of this.#openRuns) if (run.id === id) throw new ConflictError(`Run ${id} is open; end it before it is deleted.`, { key: id });
    return this.#setDeleted(id, true, options);
  }

  /** Takes a run back that was deleted and not purged; one that was not deleted stays as it is. Throws `NotFoundError` when there is no such run. */
  async restoreRun(id: string, options: OperationOptions = {}): Promise<RunRecord> {
    return this.#setDeleted(id, false, options);
  }

  /** Removes for good all runs that were deleted at least `olderThan` ago and that nobody has open, with all they have; bytes of artifacts go at the next `collectGarbage`, unless something else names them. Cut off, it is finished by the next call. */
  async purgeDeleted(options: PurgeOptions = {}): Promise<PurgeReport> {
    const now = this.#settings.clock.now();
    const { purgeDeletedRuns, purgeAge } = await import('./run-deletion.ts');
    const olderThanMs = purgeAge(options);
    const { signal, onProgress } = options;
    return purgeDeletedRuns(this.#storage, now - olderThanMs, now, { signal, onProgress });
  }

  /** Every experiment, in the order of the keys that their names make. Those that cannot be read are told to `onError` and left out. */
  async *experiments(options: OperationOptions = {}): AsyncGenerator<ExperimentRecord, void, undefined> {
    yield* readSoundUnder<ExperimentRecord>(this.#storage, keys.experiments, (error) => this.#report(error), options);
  }

  /**
   * One page of the runs that a filter finds, in an order. A filter is a text in a superset of MLflow's grammar (`metrics.`, `params.`, `tags.`, `attributes.`, `datasets.`, with `AND`, `OR`, `NOT`, parentheses, `LIKE`, `ILIKE`, `IN`,
   * `BETWEEN` and `IS NULL`), or the same as an object. Only what was flushed is found.
   *
   * Every run is kept in memory from the first search on, and what has changed since is read at each, whoever changed it. Pages neither skip nor repeat a run, whatever starts or ends meanwhile, as long as what it is sorted by stays.
   *
   * Throws `ValidationError`, with the place in the text, for a filter or an order that cannot be read, and for the cursor of another search.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Tracker } from 'modelkeep';
   *
   * const tracker = new Tracker({ storage: new MemoryStorage() });
   * for (const learningRate of [0.1, 0.01]) {
   *   await tracker.withRun({ experiment: 'demo', params: { learningRate } }, (run) => run.logMetrics({ 'val/auc': 1 - learningRate }));
   * }
   * const { items } = await tracker.searchRuns({ filter: "metrics.`val/auc` > 0.8 and params.learningRate in ('0.1', '0.01')", orderBy: ['metrics.`val/auc` desc'], limit: 1 });
   * console.log(items[0]?.params['learningRate']); // 0.01
   * ```
   */
  async searchRuns(options: SearchRunsOptions = {}): Promise<RunPage> {
    const [{ searchRunPage }, { RunIndex }] = await Promise.all([import('./search-runs.ts'), import('./run-index.ts')]);
    this.#index ??= new RunIndex(this.#storage);
    return searchRunPage(this.#storage, this.#index, options, this.#settings.clock.now());
  }

  /**
   * The points of a metric that were flushed: by step, then timestamp, then the order of logging; none when the run has no such metric. With `maxPoints`, at most so many, among them the first and the last point and the extremes
   * between; `exact` says whether any is missing. Throws `NotFoundError` when there is no such run.
   */
  async metricHistory(runId: string, name: string, options: MetricSeriesOptions = {}): Promise<MetricSeries> {
    checkName(name, 'A metric');
    await readStoredRun(this.#storage, runId, options);
    const { readSeries } = await import('./series/metric-series.ts');
    return readSeries(this.#storage, keys.metrics(runId), name, options);
  }

  /** What differs between runs, or all: params, metrics, datasets, code, environment, models and artifacts. Throws `NotFoundError` for a run that does not exist. */
  async compareRuns(ids: readonly string[], options: CompareRunsOptions & OperationOptions = {}): Promise<RunComparison> {
    const { compareRunDetails, checkComparison } = await import('./comparison/compare-runs.ts');
    checkComparison(ids, options);
    const { signal, ...rest } = options;
    return compareRunDetails(await Promise.all(ids.map((id) => this.#details(id, { signal }))), rest);
  }

  /** What it takes to run a run again, step by step, with warnings of what is not known or not fixed. Throws `NotFoundError` when there is no such run. */
  async reproduction(id: string, options: OperationOptions = {}): Promise<Reproduction> {
    const { reproductionOf } = await import('./reproduction/reproduction.ts');
    return reproductionOf(await this.#details(id, options));
  }

  /** Whether a run came to the same as another that it repeats, within tolerances, and what differs. Throws `NotFoundError` for a run that does not exist. */
  async verifyReproduction(original: string, repeated: string, options: VerifyReproductionOptions & OperationOptions = {}): Promise<ReproductionCheck> {
    const { verifyReproductionOf, checkVerification } = await import('./reproduction/verify-reproduction.ts');
    checkVerification(options);
    const { signal, ...rest } = options;
    const [before, after] = await Promise.all([this.#details(original, { signal }), this.#details(repeated, { signal })]);
    return verifyReproductionOf(before, after, rest);
  }

  /** The artifacts of a run, in the order of the keys that their names make. Those whose record cannot be read are told to `onError` and left out. Throws `NotFoundError` when there is no such run. */
  async *artifacts(runId: string, options: OperationOptions = {}): AsyncGenerator<ArtifactRecord, void, undefined> {
    await readStoredRun(this.#storage, runId, options);
    const { readArtifacts } = await import('./artifacts/list-artifacts.ts');
    yield* readArtifacts(this.#storage, runId, (error) => this.#report(error), options);
  }

  /** One page of the artifacts of a run whose names begin with `prefix`, by name; one that cannot be read is in `damaged` and hides no other. Throws `NotFoundError` when there is no such run. */
  async listArtifacts(runId: string, options: ListArtifactsOptions = {}): Promise<ArtifactPage> {
    await readStoredRun(this.#storage, runId, options);
    const { listArtifacts } = await import('./artifacts/list-artifacts.ts');
    return listArtifacts(this.#storage, runId, options);
  }

  /** What lies at a path among the artifacts of a run, names being split at each `/`: files, and directories with how much is in them. Throws `NotFoundError` when there is no such run. */
  async browseArtifacts(runId: string, options: BrowseArtifactsOptions = {}): Promise<Page<ArtifactTreeEntry>> {
    await readStoredRun(this.#storage, runId, options);
    const { browseArtifacts } = await import('./artifacts/list-artifacts.ts');
    return browseArtifacts(this.#storage, runId, options);
  }

  /** All bytes of an artifact. Throws `NotFoundError` when there is none, and `IntegrityError` when they are not the bytes that were logged. */
  async readArtifact(runId: string, name: string, options: OperationOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#artifactReader(runId, options)).readArtifact(this.#storage, runId, name, options);
  }

  /** The bytes of an artifact in chunks; like {@link Tracker.readArtifact}, but the `IntegrityError` comes at the end, when all bytes have passed. */
  async openArtifact(runId: string, name: string, options: OperationOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    return (await this.#artifactReader(runId, options)).openArtifact(this.#storage, runId, name, options);
  }

  /** Some bytes of an artifact, which cannot be checked against its digest. Throws `NotFoundError` when there is none, and `ValidationError` for a range that is none. */
  async readArtifactRange(runId: string, name: string, range: BlobRange, options: OperationOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#artifactReader(runId, options)).readArtifactRange(this.#storage, runId, name, range, options);
  }

  /** An artifact as text, in UTF-8. Throws like {@link Tracker.readArtifact}, and `ValidationError` for one that is no text, or larger than `maxBytes`. */
  async readArtifactText(runId: string, name: string, options: ReadWholeOptions = {}): Promise<string> {
    return (await this.#artifactReader(runId, options)).readArtifactText(this.#storage, runId, name, options);
  }

  /** The value that `run.logJson` logged, or that any JSON artifact holds. Throws like {@link Tracker.readArtifactText}. */
  async readArtifactJson(runId: string, name: string, options: ReadWholeOptions = {}): Promise<unknown> {
    return (await this.#artifactReader(runId, options)).readArtifactJson(this.#storage, runId, name, options);
  }

  /** The table that `run.logTable` logged, whole or some columns and rows of it; `toCsv` writes it as text. Throws like {@link Tracker.readArtifact}. */
  async readTable(runId: string, name: string, options: ReadTableOptions = {}): Promise<LoggedTable> {
    await readStoredRun(this.#storage, runId, options);
    const { readTable } = await import('./artifacts/table-artifact.ts');
    return readTable(this.#storage, runId, name, options);
  }

  /** Takes an artifact out of a run; its bytes go at the next `collectGarbage`, unless something else names them. Throws `NotFoundError` when there is none. */
  async deleteArtifact(runId: string, name: string, options: OperationOptions = {}): Promise<void> {
    await readStoredRun(this.#storage, runId, options);
    const { deleteArtifact } = await import('./artifacts/write-artifact.ts');
    return deleteArtifact(this.#storage, this.#settings.clock, runId, name, options);
  }

  /** The models that a run logged, oldest first. Those whose record cannot be read are told to `onError` and left out. Throws `NotFoundError` when there is no such run. */
  async models(runId: string, options: OperationOptions = {}): Promise<LoggedModel[]> {
    await readStoredRun(this.#storage, runId, options);
    return (await import('./models/logged-model.ts')).readModels(this.#storage, runId, (error) => this.#report(error), options);
  }

  /**
   * Takes the models of a name out of a run, or the one with a digest, with the artifacts of their files and their lineage; their bytes go at the next `collectGarbage`, unless something else names them, such as a version in a registry. Cut off,
   * it is finished by calling it again. Throws `NotFoundError` when there is none.
   */
  async deleteModel(runId: string, name: string, options: DeleteModelOptions = {}): Promise<void> {
    await readStoredRun(this.#storage, runId, options);
    return (await import('./models/delete-model.ts')).deleteModels(this.#storage, this.#settings.clock, runId, name, options);
  }

  /** The datasets that a run used, in the order of their logging. Those whose record cannot be read are told to `onError` and left out. Throws `NotFoundError` when there is no such run. */
  async datasets(runId: string, options: OperationOptions = {}): Promise<DatasetRecord[]> {
    await readStoredRun(this.#storage, runId, options);
    return (await import('./run-datasets.ts')).readDatasets(this.#storage, runId, (error) => this.#report(error), options);
  }

  /** All that is known of where a run took place; `undefined` when it was started without an environment. Throws `NotFoundError` when there is no such run. */
  async environment(runId: string, options: OperationOptions = {}): Promise<EnvironmentRecord | undefined> {
    return readEnvironment(this.#storage, await readStoredRun(this.#storage, runId, options), options);
  }

  /** The edges from a run to what it used, produced and is part of, and from what points at it, oldest first. Throws `NotFoundError` when there is no such run. */
  async lineage(runId: string, options: OperationOptions = {}): Promise<LineageEdge[]> {
    await readStoredRun(this.#storage, runId, options);
    return readRunLineage(this.#storage, runId, options);
  }

  /** Takes in runs of elsewhere, which a reader of `modelkeep/interchange` gives, in bounded memory. Imported again, each point and file is there once, and what is new is added. What cannot be read is in the report and hides nothing else. */
  async importRuns(runs: RunSource, options: ImportRunsOptions = {}): Promise<ImportRunsReport> {
    const { importRuns } = await import('./interchange/import-runs.ts');
    return importRuns(this.#storage, this.#settings.clock, runs, options);
  }

  /** Runs with their points, datasets and artifacts, newest first, for a writer of `modelkeep/interchange` or the `importRuns` of another store, where they keep their ids. Nothing is read before it is wanted. */
  async *exportRuns(query: RunsQuery = {}): AsyncGenerator<ImportedRun, void, undefined> {
    const { exportRuns } = await import('./interchange/export-runs.ts');
    yield* exportRuns(this.#storage, this.runs(query), { signal: query.signal });
  }

  async #artifactReader(runId: string, options: OperationOptions): Promise<typeof artifactReading> {
    await readStoredRun(this.#storage, runId, options);
    return import('./artifacts/read-artifact.ts');
  }

  async #details(id: string, options: OperationOptions): Promise<RunDetails> {
    const stored = await readStoredRun(this.#storage, id, options);
    const { readDetails } = await import('./read-details.ts');
    return readDetails(this.#storage, this.#tails, stored, this.#settings.clock.now(), (error) => this.#report(error), options);
  }

  async #setDeleted(id: string, deleted: boolean, options: OperationOptions): Promise<RunRecord> {
    await readStoredRun(this.#storage, id, options);
    const { setDeleted } = await import('./run-deletion.ts');
    return this.#present(await setDeleted(this.#storage, this.#settings.clock, id, deleted, options), options);
  }

  #present(run: StoredRun, options: OperationOptions): Promise<RunRecord> {
    return presentRun(this.#storage, run, this.#settings.clock.now(), options, this.#tails);
  }

  #open(stored: StoredRun, session: string): Run {
    const run = new Run(stored, session, {
      ...this.#settings,
      onError: (error) => this.#report(error),
      onEnding: (ending) => this.#stopSampling(ending),
      onEnd: (ended) => this.#forget(ended),
    });
    this.#openRuns.add(run);
    this.#heart.start();
    this.#undoExit ??= this.#settings.environment?.onExit(() => this.#flushAtExit());
    return run;
  }

  /** Logs the load of the host beside what the run logs. Its steps go on from the start of the run, so that those of a resumed run come later. */
  async #sample(run: Run, { startedAt }: StoredRun): Promise<void> {
    const { systemMetrics: source, systemMetricsMs: intervalMs, clock } = this.#settings;
    if (source === undefined) return;
    const { sampleSystemMetrics } = await import('./system-metrics.ts');
    const firstStep = Math.max(0, Math.floor((clock.now() - startedAt) / intervalMs));
    this.#samplers.set(run, sampleSystemMetrics({ source, clock, intervalMs, firstStep, log: (values, at) => run.logMetrics(values, at), onError: (error) => this.#report(error) }));
  }

  /** The last sample is logged by the stopping itself. */
  #stopSampling(run: Run): void {
    this.#samplers.get(run)?.();
    this.#samplers.delete(run);
  }

  #forget(run: Run): void {
    this.#openRuns.delete(run);
    if (this.#openRuns.size > 0) return;
    this.#heart.stop();
    this.#undoExit?.();
    this.#undoExit = undefined;
  }

  /** Work that is done at the exit of a process puts the exit off, and it comes again; a run that could not be flushed is therefore tried once only. */
  async #flushAtExit(): Promise<void> {
    const runs = [...this.#openRuns].filter((run) => !this.#givenUp.has(run));
    // Nobody purges a run while someone who has it open gives signs of life.
    const surely = this.#heart.isBeating;
    await Promise.all(
      runs.map((run) =>
        run.leave(surely).catch((error: unknown) => {
          this.#givenUp.add(run);
          this.#report(error);
        }),
      ),
    );
  }

  #report(error: unknown): void {
    reportFailure(error, { who: 'The tracker', logger: this.#settings.logger, onError: this.#settings.onError });
  }
}
