import { throwIfAborted } from '../core/abort.ts';
import { systemClock } from '../core/clock.ts';
import { durationMs } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { newId } from '../core/ids.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { TriggerSource } from '../core/trigger-source.ts';
import type { StoreListOptions } from '../storage/list-heads.ts';
import { refreshOf, type RefreshOptions } from './caching/refresh.ts';
import type { CancelHost, CancelOptions } from './cancelling/cancel-run.ts';
import type { RunCancellation } from './cancelling/cancellation.ts';
import { Definition } from './definition.ts';
import type { PipelineInfo } from './history/list-pipelines.ts';
import type { KeeperOptions, PipelineKeeper } from './launching/keeper.ts';
import { Kept } from './launching/kept.ts';
import type { LaunchHost } from './launching/launch.ts';
import { assertNoCircle } from './nesting/child-pipeline.ts';
import { subPipeline, type SubPipelineHost, type SubPipelineOptions, type SubPipelineOutput, type SubRun } from './nesting/sub-pipeline.ts';
import { pipelineOptionsSchema, resumeOptionsSchema, runOptionsSchema, type ExecutionOptions, type PipelineOptions, type ResumeOptions, type RunOptions, type StartedBy } from './pipeline-options.ts';
import { PipelineRecords } from './pipeline-records.ts';
import { PoolSlots } from './pool-slots.ts';
import type { RunHost } from './run-host.ts';
import { validParams } from './run-params.ts';
import type { PipelineResult } from './run-result.ts';
import { RunStarter } from './run-starter.ts';
import { RunStore } from './run-store.ts';
import type { ScheduleOptions } from './schedules/schedule-options.ts';
import { scheduleName } from './schedules/schedule-name.ts';
import type { PipelineSchedule } from './schedules/schedule.ts';
import { ownStep, type StepDefinition, type StepHandle } from './step.ts';
import type { StepWork } from './step-work.ts';
import { timeLimit } from './timeouts.ts';
import type { TriggerOptions, TriggerTiming } from './triggers/trigger-options.ts';
import type { PipelineTrigger } from './triggers/trigger.ts';
import { isForPerson } from './waiting/wait.ts';
import type { StepTask } from './workers/step-executor.ts';
import type { StepWorker, WorkOptions } from './workers/step-worker.ts';
import { StepWorkers } from './workers/step-workers.ts';

/**
 * A graph of steps that runs in this process, records every step in the store as it ends, and goes on after a crash where it stopped.
 *
 * Each step is a function with typed inputs: the outputs of the steps that it needs. A step that fails takes down what depends on it and nothing else; a run is
 * `succeeded` only when every step is, but for those that were skipped or allowed to fail. A step's end is one durable write, so a run that was killed at any moment can be resumed, here or in another process
 * that defines the same pipeline, and a step that was recorded is not run again; one that was running is. One process at a time works on a run.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline } from 'modelkeep';
 *
 * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
 * const rows = pipeline.step('ingest', {}, async () => [{ x: 1, y: 2 }, { x: 2, y: 4 }]);
 * const slope = pipeline.step('train', { needs: { rows }, retries: { limit: 3, backoff: '1s' }, timeout: '10m' }, async ({ inputs }) => {
 *   return inputs.rows.reduce((sum, { x, y }) => sum + y / x, 0) / inputs.rows.length;
 * });
 * const result = await pipeline.run();
 * console.log(result.status, result.output(slope)); // succeeded 2
 * ```
 */
export class Pipeline<Input = undefined, Params = Input> extends PipelineRecords<Params> {
  readonly #definition: () => Definition;
  readonly #validated: (given: unknown) => Promise<unknown>;
  readonly #starter: RunStarter;
  readonly #launches: LaunchHost;
  readonly #kept: Kept;
  readonly #workers: StepWorkers;
  readonly #asChild: SubPipelineHost;
  readonly #cancelling: CancelHost;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(options: PipelineOptions<Input, Params>) {
    const { name, storage, params, owner = newId(), lease, grace, runTimeout, tracker, pools: slots, logCharacters = 1_000_000, executor, clock = systemClock, random, logger, onError: listener } = check(pipelineOptionsSchema, options, 'options');
    const leaseMs = durationMs(lease ?? '30s', 'options.lease');
    if (leaseMs === 0) throw new ValidationError('options.lease is 0; give the time after which a silent process counts as gone.', { path: 'options.lease' });
    const graceMs = durationMs(grace ?? '5s', 'options.grace');
    const runTimeoutMs = timeLimit(runTimeout, 'options.runTimeout');
    const steps = new Map<string, StepDefinition>();
    const pools: ReadonlyMap<string, number> = new Map(Object.entries(slots ?? {}));
    const store = new RunStore(storage, name, clock);
    const onError = reporter(name, logger, listener);
    const common = { store, clock, leaseMs, onError };
    super({ name, steps, pools }, { ...common, steps });
    const host: RunHost = {
      ...common,
      random,
      graceMs,
      runTimeoutMs,
      logCharacters,
      slots: new PoolSlots(pools),
      tracker,
      executor,
      watches: new Set(),
      isOwn: (handle): handle is StepHandle => ownStep(steps, handle) !== undefined,
      event: ({ id }, type, data) => ({ type, subject: { kind: 'pipeline-run', id }, data: { ...data, pipeline: name, owner } }),
    };
    const validated = (given: unknown): Promise<unknown> => validParams(name, params, given);
    /** The pipeline as it is at this moment, without a look at the pipelines that its steps run. */
    const ownDefinition = (): Definition => new Definition(name, steps.values(), pools);
    const definition = (): Definition => {
      const own = ownDefinition();
      if (own.children.length > 0) assertNoCircle(this.#asChild);
      return own;
    };
    const starter = new RunStarter(host, owner, definition);
    this.#definition = definition;
    this.#validated = validated;
    this.#starter = starter;
    this.#launches = { ...common, pipeline: name, hasApprovals: () => [...steps.values()].some(({ waits }) => waits !== undefined && isForPerson({ kind: waits })), validated, carryOut: (launch, terms) => starter.carryOut(launch, terms) };
    this.#kept = new Kept(this.#launches);
    this.#workers = new StepWorkers(name, owner, host);
    const cancelling: CancelHost = { host, definition, goOn: (id, terms) => starter.goOn(id, terms) };
    this.#cancelling = cancelling;
    this.#asChild = {
      name,
      storage,
      clock,
      children: () => ownDefinition().children,
      cancel: async (id, cause) => (await import('./cancelling/cancel-run.ts')).cancelChild(cancelling, id, cause),
      cancelToEnd: async (id, cause) => (await import('./cancelling/cancel-run.ts')).cancelChildToEnd(cancelling, id, cause),
      validated,
      begun: async (id, options) => (await store.head(id, options)) !== undefined,
      advance: (beginning, options) => starter.advance(beginning, { ...options, parks: false }),
    };
  }

  /**
   * A page of the pipelines that have left anything in a store, by whichever process, in a fixed order; {@link Pipeline.searchRuns} of one by its name, without steps, tells what has run. One whose name is longer than a key holds is named by its runs, and left out where it has none.
   *
   * Throws `ValidationError` when an option is not what it must be.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * const retrain = new Pipeline({ name: 'retrain', storage });
   * retrain.step('train', {}, () => 0.83);
   * await retrain.run();
   *
   * for (const { name } of (await Pipeline.list({ storage })).items) {
   *   const { items } = await new Pipeline({ name, storage }).searchRuns({ limit: 1 });
   *   console.log(name, items[0]?.status); // retrain succeeded
   * }
   * ```
   */
  static async list(options: StoreListOptions): Promise<Page<PipelineInfo>> {
    const { listPipelines } = await import('./history/list-pipelines.ts');
    return listPipelines(options);
  }

  /**
   * Runs all steps and tells how it ended; a step that fails makes the result `failed`, it does not throw. When the signal fires, running steps are told, the rest does not
   * start, and the result is `cancelled`. Who starts it (`by`) and why (`reason`) is in its history and in `triggeredBy`; `searchRuns` finds it by `startedBy`.
   *
   * Throws `ValidationError` before anything is recorded when the params do not validate, and the error of the store when it fails: the run can then be resumed.
   */
  async run(...[options]: undefined extends Input ? [options?: RunOptions<Input>] : [options: RunOptions<Input>]): Promise<PipelineResult> {
    const { params: given, refresh: stale, by, reason, ...execution }: ExecutionOptions & RefreshOptions & StartedBy & { params?: unknown } = check(runOptionsSchema, options ?? {}, 'options');
    const definition = this.#definition();
    const refresh = refreshOf(stale, definition.steps);
    const params = await this.#validated(given);
    throwIfAborted(execution.signal, `Running pipeline '${this.name}'`);
    return this.#starter.begin(definition, { id: newId(), params, refresh, triggeredBy: { kind: 'call', ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) } }, execution);
  }

  /**
   * Goes on with a run. One that was interrupted continues where it stopped; one that ended failed or cancelled is tried again, and what had succeeded in it is kept; of one that
   * succeeded the result is given. Steps that have succeeded are never run again.
   *
   * Throws `NotFoundError` when there is no such run, `ValidationError` when its graph is not that of this definition, and `ConflictError`, naming the owner, while
   * another process works on it.
   */
  async resume(id: string, options: ResumeOptions = {}): Promise<PipelineResult> {
    check(resumeOptionsSchema, options, 'options');
    return this.#starter.goOn(id, options);
  }

  /**
   * Cancels a run, in whatever process it goes on. It is recorded first, with who did it and why, and holds from then on: who works on the run finds it within five seconds or a third of its `lease`, at once in this process, and where the storage
   * hints at changes. Steps that run are told by their signal, the rest does not start, the last steps ({@link Pipeline.finally}) run, and the run ends as `cancelled`. A run that is a step of it is cancelled first, with its own last steps.
   *
   * Resolves when it is recorded; for a run that nobody works on, because it waits for somebody or its process has died, when it has been brought to its end here. Should this process die before, whoever keeps the pipeline
   * ({@link Pipeline.start}), resumes the run or cancels it again does that. One that a schedule or trigger has claimed and nobody has begun never begins. A second call for the same round changes nothing and gives what the first recorded. A
   * run whose steps have all ended by the time that it is found ends as it would have. `resume` tries a cancelled run again, in another round.
   *
   * Throws `NotFoundError` when there is no such run, `ConflictError` when it has ended otherwise, and `ValidationError` when an option is not what it must be, or nobody works on the run and its graph is not that of this definition: it is recorded then, and for a
   * process with that definition to bring to its end.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'release', storage: new MemoryStorage() });
   * pipeline.approval('approve', { ask: () => 'Release it?' });
   * pipeline.finally('report', {}, ({ states }) => console.log(states['approve']?.because)); // the run was cancelled by ada while it waited: no longer needed
   * const { id } = await pipeline.run();
   * await pipeline.cancel(id, { by: 'ada', reason: 'no longer needed' });
   * const { status, cancellation } = await pipeline.getRun(id);
   * console.log(status, cancellation?.by); // cancelled ada
   * ```
   */
  async cancel(id: string, options: CancelOptions = {}): Promise<RunCancellation> {
    const { cancelRun } = await import('./cancelling/cancel-run.ts');
    return cancelRun(this.#cancelling, id, options);
  }

  /**
   * Runs the pipeline by itself, each time that an interval has ended: while {@link Pipeline.start} keeps it going, in one process or in several. An interval has one run, whoever begins it and however often a process is killed
   * or a clock is set; it is begun when the interval is over, so that its data are there.
   *
   * Resolves when the schedule is checked; nothing is stored before it is kept. Throws `ValidationError` when an option is not what it must be: an unknown zone, a pattern that is wrong or never comes, a name that is taken.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * pipeline.step('train', {}, () => 'trained');
   * const nightly = await pipeline.schedule({ name: 'nightly', cron: '0 3 * * *', timezone: 'Europe/Paris' });
   * const [next] = await nightly.nextRuns(1);
   * console.log(new Date(next!.at).toISOString());
   * ```
   */
  schedule(options: ScheduleOptions<Input>): Promise<PipelineSchedule> {
    const made = import('./schedules/schedule.ts').then(({ Schedule }) => Schedule.make(this.#launches, options));
    return this.#kept.addSchedule(scheduleName((options) ?? {}), made);
  }

  /**
   * Runs the pipeline for what happens at a source, such as `store.arrivals('clicks')`, `registry.events()` or the `ends()` of another pipeline, while {@link Pipeline.start} keeps it going. Each event makes at most one run, whoever
   * reads it and however often it comes; how far the source was read is stored with the runs that were claimed. A source that fails is told to `onError` and asked again, after a growing time. An event whose `params` throw is told, recorded
   * and passed over.
   *
   * Throws `ValidationError` when the source is none, an option is not what it must be, or the name is taken.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * const ingest = new Pipeline({ name: 'ingest', storage });
   * ingest.step('fetch', {}, () => 'rows');
   * const retrain = new Pipeline({ name: 'retrain', storage });
   * retrain.step('train', {}, () => 'a model');
   * await retrain.triggerOn(ingest.ends({ status: ['succeeded'] }), { from: 'beginning' });
   * await ingest.run();
   * await using keeper = retrain.start();
   * await keeper.idle();
   * for await (const { triggeredBy, status } of retrain.runs()) console.log(triggeredBy, status);
   * ```
   */
  triggerOn<E>(source: TriggerSource<E>, options: TriggerOptions<E, Input>): Promise<PipelineTrigger> {
    const made = import('./triggers/trigger.ts').then(({ Trigger }) => new Trigger(this.#launches, source, options));
    return this.#kept.addTrigger((options as TriggerTiming | undefined)?.name ?? (source as TriggerSource<E> | undefined)?.id ?? '', made);
  }

  /**
   * The work of a step of another pipeline that runs this one. Each step has one run of it, whose id is derived from the run and the step that it is for: a further attempt, a resumption and a process that takes over
   * go on with that run, in which what had succeeded is not run again. While someone else still works on it (an attempt that was left behind, a process that was killed and whose lease has not ended), they are
   * waited for. It is cancelled with its step; give the other pipeline at least the `grace` of this one. When it does not succeed, the step fails with a `ModelkeepError` of code `pipeline-failed` that
   * names the step of this pipeline, and whose details have `run`, `step` and `failure`. Without `output`, the step puts out which run it was. `getRun` leads down by its `subRuns` and up by `triggeredBy`.
   *
   * Throws `ValidationError` when an option is not what it must be. Pipelines that run each other in a circle are refused when one of them is to run.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   * import * as z from 'zod';
   *
   * const storage = new MemoryStorage();
   * const training = new Pipeline({ name: 'training', storage, params: z.object({ rows: z.array(z.number()) }) });
   * const mean = training.step('fit', {}, ({ params }) => params.rows.reduce((sum, y) => sum + y, 0) / params.rows.length);
   *
   * const nightly = new Pipeline({ name: 'nightly', storage });
   * const rows = nightly.step('ingest', {}, () => [1, 2, 6]);
   * const model = nightly.step('train', { needs: { rows } }, training.asStep({ params: ({ inputs }) => ({ rows: inputs.rows }), output: (result) => result.output(mean) }));
   * const result = await nightly.run();
   * console.log(result.output(model), (await nightly.getRun(result.id)).subRuns['train']?.pipeline); // 3 training
   * ```
   */
  asStep<ParentInputs, ParentParams, Output, Item = never>(
    options: SubPipelineOptions<Input, ParentInputs, ParentParams, Item> & SubPipelineOutput<Output>,
  ): StepWork<ParentInputs, ParentParams, Output, Item>;
  asStep<ParentInputs, ParentParams, Item = never>(
    ...[options]: undefined extends Input ? [options?: SubPipelineOptions<Input, ParentInputs, ParentParams, Item>] : [options: SubPipelineOptions<Input, ParentInputs, ParentParams, Item>]
  ): StepWork<ParentInputs, ParentParams, SubRun, Item>;
  asStep(options: object = {}): (context: never) => Promise<unknown> {
    return subPipeline(this.#asChild, options);
  }

  /**
   * Keeps the schedules and triggers of this pipeline going in this process until it is closed, also those that are defined later. Any number of processes may do so at once; each run is begun by one of them, and one that its process
   * leaves undone is gone on with by another. While it is not closed, it keeps the process alive. What goes wrong in the background is told to the pipeline's `logger` and `onError`, and tried again.
   *
   * Throws `ValidationError` when an option is not what it must be, or the pipeline has no steps.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * pipeline.step('train', {}, () => 'trained');
   * await pipeline.schedule({ name: 'hourly', every: '1h', start: Date.now() - 7_200_000 });
   * await using keeper = pipeline.start();
   * await keeper.idle(); // what was due is done
   * for await (const { interval, status } of pipeline.runs()) console.log(interval, status);
   * ```
   */
  start(options: KeeperOptions = {}): PipelineKeeper {
    this.#definition();
    return this.#kept.start(options);
  }

  /**
   * Makes attempts at the steps of this pipeline in this process, for runs of the same definition that any process carries out with `executor: 'workers'`, until it is closed. Any number of processes may do so: each attempt is claimed by one of
   * them, by compare-and-swap with a fencing token. One that gives no sign of life for the time of `lease` loses its attempts to the next, and what it comes to afterwards is not taken; so an attempt may be made twice, but counts once. Steps that are
   * added later are not known to it. While it is not closed, it keeps the process alive. What goes wrong in the background is told to the pipeline's `logger` and `onError`.
   *
   * Throws `ValidationError` when an option is not what it must be, or the pipeline has no steps.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const storage = new MemoryStorage(); // a FilesystemStorage or HttpStorage, where the processes are several
   * const define = () => {
   *   const pipeline = new Pipeline({ name: 'retrain', storage, executor: 'workers' });
   *   const rows = pipeline.step('ingest', {}, () => [1, 2, 6]);
   *   const mean = pipeline.step('train', { needs: { rows } }, ({ inputs }) => inputs.rows.reduce((sum, y) => sum + y, 0) / inputs.rows.length);
   *   return { pipeline, mean };
   * };
   * await using worker = define().pipeline.work({ concurrency: 2 }); // in any process
   * const { pipeline, mean } = define(); // and in another
   * const result = await pipeline.run();
   * console.log(result.output(mean)); // 3
   * ```
   */
  work(options: WorkOptions = {}): StepWorker {
    return this.#workers.work(this.#definition(), options);
  }

  /**
   * Makes the attempt that a queue has brought from a {@link StepExecutor}, and resolves when that has ended and is recorded, whether this process made it or another. A task that is not wanted any more is passed over. While another process holds its
   * claim, this waits, and takes over when that dies. When the signal fires, the attempt is stopped and given back.
   *
   * Throws `ValidationError` when the task is none or is of another definition of the pipeline, `AbortedError` when the signal fires while it waits, and the error of the store when it fails: deliver the task again then.
   */
  async perform(task: StepTask, options: OperationOptions = {}): Promise<void> {
    await this.#workers.perform(this.#definition(), task, options);
  }
}

/** Tells what goes wrong in the background to whoever is to know of it. */
function reporter(name: string, logger: Logger | undefined, listener: ErrorListener | undefined): ErrorListener {
  return (error) => {
    try {
      logger?.error(`Pipeline '${name}': ${describeFailure(error).message}`);
      listener?.(error);
    } catch {
      // Nobody is left to tell, and a run does not end for what listens to it.
    }
  };
}
