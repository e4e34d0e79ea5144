import type { AuditEvent } from '../core/audit.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import type { TriggerSource } from '../core/trigger-source.ts';
import type { ClearCacheOptions } from './caching/clear-cache.ts';
import type { ExplainOptions, StepExplanation } from './caching/explain.ts';
import type { PipelineRun } from './history/read-run.ts';
import { RunArchive, type ArchiveHost } from './history/run-archive.ts';
import type { PipelineRunPage, PipelineRunSummary } from './history/run-summary.ts';
import type { SearchPipelineRunsOptions } from './history/search-runs.ts';
import type { ListLogsOptions, LogsOptions, StepLogLine, StepLogPage } from './logs/read-step-logs.ts';
import { PipelineSteps, type StepBook } from './pipeline-steps.ts';
import type { QuarantinedOutput } from './quarantine/read-quarantined.ts';
import type { StepHandle } from './step.ts';
import { runEnds, type EndsOptions, type RunEnd } from './triggers/run-ends.ts';
import type { DecisionOptions, StepReleaseOptions } from './waiting/decide.ts';
import { Decisions } from './waiting/decisions.ts';
import type { ListWaitingOptions } from './waiting/list-waiting.ts';
import type { WaitingStep } from './waiting/wait.ts';

/** A pipeline as far as its runs are looked at, and decided about by others than those who carry them out. */
export class PipelineRecords<Params> extends PipelineSteps<Params> {
  readonly #host: ArchiveHost;
  readonly #decisions: Decisions;
  readonly #archive: RunArchive;

  constructor(book: StepBook, host: ArchiveHost) {
    super(book);
    this.#host = host;
    this.#decisions = new Decisions(host.store, host.clock);
    this.#archive = new RunArchive(host);
  }

  /**
   * Approves a step of a run that waits for that, from any process. The first decision stands, and is in the run's `history` with who made it; it is durable when this resolves.
   *
   * Throws `NotFoundError` when there is no such run, `ValidationError` when the step is no approval, `ConflictError` when it does not wait, its time is over, or somebody has decided before, who is named; and an error of code `forbidden` when it has `approvers`
   * and `by` is none of them.
   *
   * @param step - The step, or its name.
   */
  async approve(run: string, step: StepHandle | string, options: DecisionOptions): Promise<void> {
    await this.#decisions.decide(run, step, 'approved', options);
  }

  /**
   * Releases what a step of a run has set aside, as it is or with an `output` in its place: the step succeeds with it. Throws as `approve` does, and `ValidationError` for an output that cannot be stored.
   */
  async release<Output>(run: string, step: StepHandle<Output> | string, options: StepReleaseOptions<Output>): Promise<void> {
    await this.#decisions.decide(run, step, 'released', options);
  }

  /**
   * What a step of a run has set aside the last time that it did: while it waits, and after it was decided upon. Throws `NotFoundError` when there is no such run or it has set aside nothing, `ValidationError` when the run has no such step, and
   * `IntegrityError` when what was set aside is lost.
   */
  async quarantined<Output>(run: string, step: StepHandle<Output> | string, options: OperationOptions = {}): Promise<QuarantinedOutput<Output>> {
    return this.#decisions.quarantined(run, step, options);
  }

  /** Rejects a step of a run that waits for approval, or has set something aside: it fails with the code `rejected`. Throws as `approve` does. */
  async reject(run: string, step: StepHandle | string, options: DecisionOptions): Promise<void> {
    await this.#decisions.decide(run, step, 'rejected', options);
  }

  /**
   * A page of the steps that wait for somebody, over all runs: what is asked, since when and until when. The oldest run comes first. What is decided about meanwhile is left out; nothing is listed twice.
   *
   * Throws `ValidationError` when an option is not what it must be.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'release', storage: new MemoryStorage() });
   * pipeline.approval('approve', { ask: () => 'Release it?' });
   * await pipeline.run();
   * for (const { run, step, asks } of (await pipeline.waiting()).items) {
   *   console.log(step, asks); // approve Release it?
   *   await pipeline.reject(run, step, { by: 'ada', comment: 'not on a Friday' });
   * }
   * ```
   */
  async waiting(options: ListWaitingOptions = {}): Promise<Page<WaitingStep>> {
    return this.#decisions.waiting(options);
  }

  /** The ends of this pipeline's runs, as a source that starts another. A run that is resumed after it had ended ends again. Throws `ValidationError` for a status that there is not. */
  ends(options: EndsOptions = {}): TriggerSource<RunEnd> {
    return runEnds(this.#host.store, this.name, options);
  }

  /**
   * One run with its steps as they were last recorded: states, attempts, times, and what each was given and put out, by digest. A step that runs at this moment in another process is `pending`. Throws `NotFoundError` when there is none.
   */
  async getRun(id: string, options: OperationOptions = {}): Promise<PipelineRun> {
    return this.#archive.run(id, options);
  }

  /** All runs of this pipeline, the latest id first. One that cannot be read is told to `onError` and left out. */
  async *runs(options: OperationOptions = {}): AsyncGenerator<PipelineRunSummary, void, undefined> {
    yield* this.#archive.runs(options);
  }

  /**
   * A page of the runs that a search finds, in the grammar of {@link parseFilter}: of `attributes` (a name alone is one), which are `id`, `status`, `startedAt`, `endedAt`, `duration`, `owner`, `cause` (`call`, `schedule`, `backfill`, `trigger`,
   * `pipeline`), `causeName`, `startedBy`, `source`, `event`, `parentRun`, `intervalStart` and `intervalEnd`, of `params`, compared as text, of `steps` by their status, and by `inputs.digest` and `outputs.digest` of what steps were given and put
   * out. The newest come first, unless `orderBy` says otherwise; pages neither skip nor repeat a run, whatever starts meanwhile. A run that cannot be read is in `damaged` and hides no other.
   *
   * A page of the newest reads about as many heads as it takes to fill it, another order that of every run; of steps it reads the records that are asked about, of the runs whose heads may be meant. A filter that no run meets without one
   * of some digests reads the runs that have to do with these, and those that have not ended or were not looked at by such a search before.
   *
   * Throws `ValidationError`, with the place in the text, for a filter or an order that cannot be read, and for the cursor of another search.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   * import * as z from 'zod';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
   * pipeline.step('train', {}, ({ params }) => `trained on ${params.month}`);
   * for (const month of ['2001-01', '2001-02']) await pipeline.run({ params: { month } });
   * const { items } = await pipeline.searchRuns({ filter: "status = 'succeeded' and params.month >= '2001-02'" });
   * console.log(items.map(({ params }) => params)); // [{ month: '2001-02' }]
   * ```
   */
  async searchRuns(options: SearchPipelineRunsOptions = {}): Promise<PipelineRunPage> {
    return this.#archive.search(options);
  }

  /** When a run was started, resumed and finished, and by which process, oldest first; throws `NotFoundError` when there is none. */
  async history(id: string, options: OperationOptions = {}): Promise<readonly AuditEvent[]> {
    return this.#archive.history(id, options);
  }

  /**
   * The lines that a step of a run logged by `log`, of all its attempts or of one, and with `follow` those to come until the step has ended. Of an attempt that said more than `logCharacters` the lines in the middle are missing, and
   * `dropped` of the line behind them says how many; its last lines come when it ends. Lines are stored within half a second, and before the step counts as ended; an attempt whose process is killed loses what was not stored.
   *
   * Throws `NotFoundError` when there is no such run, `ValidationError` when it has no such step, and `AbortedError` when the signal fires.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * pipeline.step('train', {}, ({ log }) => log.warn('3 rows have no label'));
   * const { id } = await pipeline.run();
   * for await (const { level, text } of pipeline.logs(id, { step: 'train', follow: true })) console.log(level, text); // warn 3 rows have no label
   * ```
   */
  async *logs(id: string, options: LogsOptions): AsyncGenerator<StepLogLine, void, undefined> {
    yield* this.#archive.logs(id, options);
  }

  /** A page of the lines that a step of a run logged. Its `next` also goes on with what is logged later. Throws as `logs` does. */
  async listLogs(id: string, options: ListLogsOptions): Promise<StepLogPage> {
    return this.#archive.listLogs(id, options);
  }

  /**
   * Says why a step with a cache ran in a run, or what it took instead: everything that it depends on and that is not what it was when an output of the step was last made or taken before. Of a `map` it tells of how many items the output was taken, how many
   * ran by which cause, and of the first of them why, compared with the equal items of the run before.
   *
   * Throws `ValidationError` when it is not a step of this pipeline that has a cache, and `NotFoundError` when there is no such run or the cache was not asked in it.
   *
   * @param step - The step, or its name.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   * import * as z from 'zod';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage(), params: z.object({ lr: z.number() }) });
   * const model = pipeline.step('train', { cache: { version: '1' } }, ({ params }) => ({ weights: [params.lr] }));
   * await pipeline.run({ params: { lr: 0.1 } });
   * await pipeline.run({ params: { lr: 0.2 } });
   * const { causes } = await pipeline.explain(model);
   * console.log(causes[0]?.because); // params.lr is 0.2 instead of 0.1
   * ```
   */
  async explain(step: StepHandle | string, options: ExplainOptions = {}): Promise<StepExplanation> {
    return this.#archive.explain(step, options);
  }

  /**
   * Forgets the outputs that later runs could take, or those of them that have expired or are of some age, and tells how many there were. What runs have recorded stays; blobs that nothing names any more are for `collectGarbage` to take
   * away. An output that is being made at this moment may be put in afterwards, and one that is put in anew stays.
   *
   * Throws `ValidationError` when an option is not what it must be.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * pipeline.step('load', { cache: { version: '1', ttl: '7d' } }, () => [1, 2, 3]);
   * await pipeline.run();
   * console.log(await pipeline.clearCache({ expired: true }), await pipeline.clearCache()); // 0 1
   * ```
   */
  async clearCache(options: ClearCacheOptions = {}): Promise<number> {
    const { clearCache } = await import('./caching/clear-cache.ts');
    return clearCache(this.#host, options);
  }

  /** The edges from a run to what started it, and from what is part of it or came of it, oldest first. Throws `NotFoundError` when there is no such run. */
  async lineage(id: string, options: OperationOptions = {}): Promise<LineageEdge[]> {
    return this.#archive.lineage(id, options);
  }
}
