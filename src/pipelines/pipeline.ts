import { throwIfAborted } from '../core/abort.ts';
import type { AuditEvent } from '../core/audit.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { durationMs } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { newId } from '../core/ids.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { check, type StandardSchema } from '../core/schema.ts';
import type { TriggerSource } from '../core/trigger-source.ts';
import type { ExplainOptions, StepExplanation } from './caching/explain.ts';
import type { ClearCacheOptions } from './caching/clear-cache.ts';
import { refreshOf, type RefreshOptions } from './caching/refresh.ts';
import { Definition } from './definition.ts';
import { asGate, type StepGateAnswer, type StepGateReport } from './gates/gate.ts';
import type { PipelineRun } from './history/read-run.ts';
import { RunArchive } from './history/run-archive.ts';
import type { PipelineRunPage, PipelineRunSummary } from './history/run-summary.ts';
import type { SearchPipelineRunsOptions } from './history/search-runs.ts';
import type { KeeperOptions, PipelineKeeper } from './launching/keeper.ts';
import { Kept } from './launching/kept.ts';
import type { LaunchHost } from './launching/launch.ts';
import { assertNoCircle, childOf } from './nesting/child-pipeline.ts';
import { subPipeline, type SubPipelineHost, type SubPipelineOptions, type SubPipelineOutput, type SubRun } from './nesting/sub-pipeline.ts';
import type { ListLogsOptions, LogsOptions, StepLogLine, StepLogPage } from './logs/read-step-logs.ts';
import { pipelineOptionsSchema, resumeOptionsSchema, runOptionsSchema, type ExecutionOptions, type PipelineOptions, type ResumeOptions, type RunOptions, type StartedBy } from './pipeline-options.ts';
import { defineMap, type ItemFunction, type MapOptions } from './map-step.ts';
import { PoolSlots } from './pool-slots.ts';
import type { RunHost } from './run-host.ts';
import { validParams } from './run-params.ts';
import type { PipelineResult } from './run-result.ts';
import { RunStarter } from './run-starter.ts';
import { RunStore } from './run-store.ts';
import type { ScheduleOptions } from './schedules/schedule-options.ts';
import { scheduleName } from './schedules/schedule-name.ts';
import type { PipelineSchedule } from './schedules/schedule.ts';
import {
  defineStep,
  nameSchema,
  ownStep,
  type FinalStepOptions,
  type MapHandle,
  type StepDefinition,
  type StepFunction,
  type StepHandle,
  type StepInputs,
  type StepNeeds,
  type StepOptions,
} from './step.ts';
import type { StepWork } from './step-work.ts';
import type { TriggerRule } from './trigger-rule.ts';
import { runEnds, type EndsOptions, type RunEnd } from './triggers/run-ends.ts';
import type { TriggerOptions, TriggerTiming } from './triggers/trigger-options.ts';
import type { PipelineTrigger } from './triggers/trigger.ts';
import type { QuarantinedOutput } from './quarantine/read-quarantined.ts';
import { defineQuarantine, type QuarantineAnswer, type QuarantineOptions } from './quarantine/quarantine-step.ts';
import type { DecisionOptions, StepReleaseOptions } from './waiting/decide.ts';
import type { ApprovalOutput } from './waiting/decision.ts';
import { Decisions } from './waiting/decisions.ts';
import type { ListWaitingOptions } from './waiting/list-waiting.ts';
import { isForPerson, type WaitingStep } from './waiting/wait.ts';
import { defineApproval, defineSleep, type ApprovalOptions, type SleepOptions } from './waiting/waiting-steps.ts';
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
export class Pipeline<Input = undefined, Params = Input> {
  /** Names the pipeline and its runs in the store. */
  readonly name: string;
  readonly #schema: StandardSchema<unknown, unknown> | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger | undefined;
  readonly #onError: ErrorListener | undefined;
  readonly #store: RunStore;
  readonly #pools: ReadonlyMap<string, number>;
  readonly #steps = new Map<string, StepDefinition>();
  readonly #starter: RunStarter;
  readonly #decisions: Decisions;
  readonly #archive: RunArchive;
  readonly #launches: LaunchHost;
  readonly #kept: Kept;
  readonly #workers: StepWorkers;
  readonly #asChild: SubPipelineHost;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(options: PipelineOptions<Input, Params>) {
    const { name, storage, params, owner = newId(), lease, grace, runTimeout, tracker, pools, logCharacters = 1_000_000, executor, clock, random, logger, onError: listener } = check(pipelineOptionsSchema, options, 'options');
    const leaseMs = durationMs(lease ?? '30s', 'options.lease');
    if (leaseMs === 0) throw new ValidationError('options.lease is 0; give the time after which a silent process counts as gone.', { path: 'options.lease' });
    this.name = name;
    this.#schema = params;
    this.#clock = clock ?? systemClock;
    this.#logger = logger;
    this.#onError = listener;
    this.#store = new RunStore(storage, name, this.#clock);
    this.#pools = new Map(Object.entries(pools ?? {}));
    const onError = (error: unknown): void => this.#report(error);
    const common = { store: this.#store, clock: this.#clock, leaseMs, onError };
    const validated = (given: unknown): Promise<unknown> => this.#validated(given);
    const host: RunHost = {
      ...common,
      random,
      graceMs: durationMs(grace ?? '5s', 'options.grace'),
      runTimeoutMs: runTimeout === undefined ? undefined : durationMs(runTimeout, 'options.runTimeout'),
      logCharacters,
      slots: new PoolSlots(this.#pools),
      tracker,
      executor,
      isOwn: this.#isOwn,
      event: ({ id }, type, data) => ({ type, subject: { kind: 'pipeline-run', id }, data: { ...data, pipeline: name, owner } }),
    };
    const starter = new RunStarter(host, owner, () => this.#definition());
    this.#starter = starter;
    this.#decisions = new Decisions(this.#store, this.#clock);
    this.#archive = new RunArchive({ ...common, steps: this.#steps });
    this.#launches = { ...common, pipeline: name, hasApprovals: () => [...this.#steps.values()].some(({ waits }) => waits !== undefined && isForPerson({ kind: waits })), validated, carryOut: (launch, terms) => starter.carryOut(launch, terms) };
    this.#kept = new Kept(this.#launches);
    this.#workers = new StepWorkers(name, owner, host);
    this.#asChild = {
      name,
      storage,
      clock: this.#clock,
      children: () => this.#ownDefinition().children,
      validated,
      begun: async (id, options) => (await this.#store.head(id, options)) !== undefined,
      advance: (beginning, options) => starter.advance(beginning, { ...options, parks: false }),
    };
  }

  /**
   * Adds a step. Its output must be plain data, bytes or typed arrays, for it is stored; a step that returns anything else fails with an error that names the place.
   *
   * Throws `ValidationError` when the name is taken, an option is not what it must be, or a handle is not of this pipeline.
   *
   * @returns What other steps name as their need, and what `result.output` takes.
   */
  step<Output, Needs extends StepNeeds = Record<never, never>>(
    name: string,
    options: StepOptions<Needs, Params, 'all_success'>,
    run: StepFunction<StepInputs<Needs>, Params, Output>,
  ): StepHandle<Output>;
  step<Output, Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = TriggerRule>(
    name: string,
    options: StepOptions<Needs, Params, Trigger>,
    run: StepFunction<StepInputs<Needs, Trigger>, Params, Output>,
  ): StepHandle<Output>;
  step<Output>(name: string, options: StepOptions<StepNeeds, Params>, run: StepFunction<never, Params, Output>): StepHandle<Output> {
    return this.#define(name, (handle) => defineStep(handle, options, run as StepDefinition['run'], { steps: this.#steps, pools: this.#pools }));
  }

  /**
   * Adds a step that looks at data or figures and lets nothing past that is not as it must be. Its work answers with `true` or `false`, or with a list of checks. When each has passed, or is only a `warning`, the step succeeds and puts out its report;
   * otherwise it fails with the code `gate-failed`, and what needs it does not run. The report, with all checks, is in the `failure` of the step, in `getRun` too. What fails by its checks is not tried again; what the work throws is, by
   * `retries`. A warning that failed is in the step's log.
   *
   * Fails with the code `validation` for an empty list, in which nothing was checked, for two checks of one name, and for a report of more than 256 KiB. Throws `ValidationError` as `step` does.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * const rows = pipeline.step('ingest', {}, () => [12, 31, 7]);
   * const good = pipeline.gate('quality', { needs: { rows } }, ({ inputs }) => [
   *   { name: 'rows', passed: inputs.rows.length >= 1000, actual: inputs.rows.length, expected: 'at least 1000' },
   *   { name: 'no negative delay', passed: inputs.rows.every((delay) => delay >= 0), severity: 'warning' },
   * ]);
   * pipeline.step('train', { needs: { rows }, after: [good] }, () => 'a model');
   * const { status, steps } = await pipeline.run();
   * console.log(status, steps['train']?.status, steps['quality']?.failure?.report?.checks.length); // failed upstream_failed 2
   * ```
   */
  gate<Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = 'all_success'>(
    name: string,
    options: StepOptions<Needs, Params, Trigger>,
    run: StepFunction<StepInputs<Needs, Trigger>, Params, StepGateAnswer>,
  ): StepHandle<StepGateReport> {
    return this.#define(name, (handle) => asGate(defineStep(handle, options, run as StepDefinition['run'], { steps: this.#steps, pools: this.#pools })));
  }

  /**
   * Adds a step that does the same work for each item of a list which may be known only when the run has come to it. Each item is recorded as it ends, so a run that was killed goes on with those that had not, and each has its own attempts:
   * `retries`, `timeout`, `totalTimeout`, `pool` and `slots` are of each item. `when` and `trigger` are asked once, before the list is made. The step puts out what its items do, in their order. When an item fails for good, the others
   * go on; then the step fails and names the first item that did. Who needs it by a trigger other than `all_success` is then given what there is, with `undefined` in the other places.
   *
   * The step fails with the code `validation` when `over` gives no list, more than 100,000 items, or an item that cannot be stored, which is named. Throws `ValidationError` as `step` does.
   *
   * @returns What other steps name as their need, and what `result.output` takes.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * const grid = pipeline.step('grid', {}, () => [{ depth: 2 }, { depth: 4 }, { depth: 8 }]);
   * const models = pipeline.map('train', { needs: { grid }, over: ({ inputs }) => inputs.grid, concurrency: 2, retries: { limit: 3 } }, ({ item, index }) => {
   *   return { index, auc: 1 - 1 / item.depth };
   * });
   * const best = pipeline.step('pick', { needs: { models } }, ({ inputs }) => inputs.models.reduce((a, b) => (b.auc > a.auc ? b : a)));
   * const result = await pipeline.run();
   * console.log(result.output(best).index, result.steps['train']?.items?.succeeded); // 2 3
   * ```
   */
  map<Item, Output, Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = 'all_success'>(
    name: string,
    options: MapOptions<Needs, Params, Trigger, Item>,
    run: ItemFunction<StepInputs<Needs, Trigger>, Params, Item, Output>,
  ): MapHandle<Output> {
    const surroundings = { steps: this.#steps, pools: this.#pools };
    const handle: MapHandle<Output> = Object.freeze({ ...this.#handle(name), mapped: true as const });
    return this.#add(handle, defineMap(handle, options, run as unknown as StepDefinition['run'], surroundings));
  }

  /**
   * Adds a step whose output is set aside when something speaks against it. Its work returns the output, and reasons when it is not to go on like that. Without reasons the step succeeds at once. With reasons its output is kept where nothing that needs it
   * gets it, and the step waits as an {@link Pipeline.approval} does, until somebody has looked at it ({@link Pipeline.quarantined}) and decided: {@link Pipeline.release} has it go on, as it is or put right, and {@link Pipeline.reject} has
   * the step fail with the code `rejected`; with nobody's decision until it `expires`, it fails with the code `expired`, or is released by `onExpiry`. What was set aside stays readable.
   *
   * An answer of another shape, and an output that cannot be stored, fail the step with the code `validation` and are not tried again. Throws `ValidationError` as `step` does, and for `cache` and `totalTimeout`.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'score', storage: new MemoryStorage() });
   * const scores = pipeline.quarantine('scores', { expires: '3d' }, () => {
   *   const output = [0.2, 1.4, 0.9];
   *   const bad = output.filter((score) => score > 1);
   *   return { output, reasons: bad.length === 0 ? [] : [`${bad.length} of ${output.length} scores are above 1`] };
   * });
   * const published = pipeline.step('publish', { needs: { scores } }, ({ inputs }) => Math.max(...inputs.scores));
   *
   * const { id, waitingFor } = await pipeline.run();
   * console.log(waitingFor[0]?.asks); // 1 of 3 scores are above 1
   * const { output } = await pipeline.quarantined(id, scores);
   * await pipeline.release(id, scores, { by: 'ada', output: output.map((score) => Math.min(score, 1)) });
   * console.log((await pipeline.resume(id)).output(published)); // 1
   * ```
   */
  quarantine<Output, Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = 'all_success'>(
    name: string,
    options: QuarantineOptions<Needs, Params, Trigger>,
    run: StepFunction<StepInputs<Needs, Trigger>, Params, QuarantineAnswer<Output>>,
  ): StepHandle<Output> {
    return this.#define(name, (handle) => defineQuarantine(handle, options, run as StepDefinition['run'], { steps: this.#steps, pools: this.#pools }));
  }

  /**
   * Adds a step that sleeps: `for` a time, or `until` a moment that is told when the step begins. The moment is recorded then, so a run that was interrupted and is gone on with sleeps for the rest only. A step that sleeps takes no slot of the run's
   * `concurrency`, and is cancelled with its run. It puts out nothing.
   *
   * Throws `ValidationError` as `step` does, and when it has not one of `for` and `until`.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'release', storage: new MemoryStorage() });
   * const shipped = pipeline.step('ship', {}, () => 'to a tenth of the users');
   * const waited = pipeline.sleep('let it settle', { after: [shipped], for: '100ms' });
   * pipeline.step('look', { after: [waited] }, () => 'at the errors');
   * console.log((await pipeline.run()).status); // succeeded
   * ```
   */
  sleep<Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = 'all_success'>(name: string, options: SleepOptions<Needs, Params, Trigger>): StepHandle<undefined> {
    return this.#define(name, (handle) => defineSleep(handle, options, { steps: this.#steps, pools: this.#pools }));
  }

  /**
   * Adds a step that waits until somebody has decided, by {@link Pipeline.approve} or {@link Pipeline.reject}, in whatever process. When nothing else in the run can go on, `run()` ends with the status `waiting` and lets go of it: a process that keeps
   * the pipeline ({@link Pipeline.start}) goes on with it once that is decided or has expired, and so does `resume`. Rejected, the step fails with the code `rejected`; with nobody's decision until it `expires`, with the code `expired`, or is approved by
   * `onExpiry`. In a pipeline that runs as a step of another, that step goes on until it is decided.
   *
   * Throws `ValidationError` as `step` does.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'release', storage: new MemoryStorage() });
   * const auc = pipeline.step('evaluate', {}, () => 0.91);
   * const approved = pipeline.approval('approve', { needs: { auc }, ask: ({ inputs }) => `Release a model with an AUC of ${inputs.auc}?`, expires: '3d' });
   * const told = pipeline.step('release', { needs: { approved } }, ({ inputs }) => `released by ${inputs.approved.by}`);
   *
   * const { id, status, waitingFor } = await pipeline.run();
   * console.log(status, waitingFor[0]?.asks); // waiting Release a model with an AUC of 0.91?
   * await pipeline.approve(id, approved, { by: 'ada', comment: 'better in every slice' });
   * console.log((await pipeline.resume(id)).output(told)); // released by ada
   * ```
   */
  approval<Needs extends StepNeeds = Record<never, never>, Trigger extends TriggerRule = 'all_success'>(name: string, options: ApprovalOptions<Needs, Params, Trigger>): StepHandle<ApprovalOutput> {
    return this.#define(name, (handle) => defineApproval(handle, options, { steps: this.#steps, pools: this.#pools }));
  }

  /**
   * Adds a step that runs at the end of the run, when all that `step` added have ended, however they did: to clean up or to report. It runs also in a run that is cancelled, which
   * does not stop it (give it a timeout), and once more each time that a run that had ended is resumed. When it fails, the run is not `succeeded`.
   *
   * Throws `ValidationError` as `step` does.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Pipeline } from 'modelkeep';
   *
   * const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
   * pipeline.step('train', {}, () => {
   *   throw new Error('out of memory');
   * });
   * pipeline.finally('report', { timeout: '1m' }, ({ states }) => console.log(states['train']?.status)); // failed
   * console.log((await pipeline.run()).status); // failed
   * ```
   */
  finally<Output, Needs extends StepNeeds = Record<never, never>>(
    name: string,
    options: FinalStepOptions<Needs>,
    run: StepFunction<StepInputs<Needs, 'all_done'>, Params, Output>,
  ): StepHandle<Output> {
    if (childOf(run)) throw new ValidationError(`Step '${name}' runs a pipeline, which a step has one run of, and finally() one that is run again each time; run the pipeline in a step.`, { path: `step '${name}'` });
    return this.#define(name, (handle) => defineStep(handle, options, run as StepDefinition['run'], { steps: this.#steps, pools: this.#pools }, true));
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
    return runEnds(this.#store, this.name, options);
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
   * A page of the runs that a search finds, in the grammar of {@link parseFilter}: of `attributes` (a name alone is one), which are `id`, `status`, `startedAt`, `endedAt`, `duration`, `owner`, `cause` (`call`, `schedule`, `backfill`, `trigger`),
   * `causeName`, `startedBy`, `source`, `event`, `intervalStart` and `intervalEnd`, and of `params`, compared as text. The newest come first, unless `orderBy` says otherwise. A run that cannot be read is in `damaged` and hides no other. Each page reads
   * the head of every run; pages neither skip nor repeat a run, whatever starts meanwhile.
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
   * Says why a step with a cache ran in a run, or what it took instead: everything that it depends on and that is not what it was when an output of the step was last made or taken before.
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
    return clearCache({ store: this.#store, steps: this.#steps, clock: this.#clock }, options);
  }

  /** The edges from a run to what started it, and from what is part of it or came of it, oldest first. Throws `NotFoundError` when there is no such run. */
  async lineage(id: string, options: OperationOptions = {}): Promise<LineageEdge[]> {
    return this.#archive.lineage(id, options);
  }

  /** What the pipeline is at this moment; throws `ValidationError` when that cannot run. */
  #definition(): Definition {
    const definition = this.#ownDefinition();
    if (definition.children.length > 0) assertNoCircle(this.#asChild);
    return definition;
  }

  /** The same, without a look at the pipelines that its steps run. */
  #ownDefinition(): Definition {
    return new Definition(this.name, this.#steps.values(), this.#pools);
  }

  #define<Output>(name: string, define: (handle: StepHandle<Output>) => StepDefinition): StepHandle<Output> {
    const handle: StepHandle<Output> = Object.freeze(this.#handle(name));
    return this.#add(handle, define(handle));
  }

  #handle(name: string): Pick<StepHandle, 'name' | 'pipeline'> {
    check(nameSchema, name, 'name');
    if (this.#steps.has(name)) throw new ValidationError(`Pipeline '${this.name}' has a step '${name}' already; give each step a name of its own.`, { path: name });
    return { name, pipeline: this.name };
  }

  #add<Handle extends StepHandle>(handle: Handle, definition: StepDefinition): Handle {
    this.#steps.set(handle.name, definition);
    return handle;
  }

  #validated(given: unknown): Promise<unknown> {
    return validParams(this.name, this.#schema, given);
  }

  readonly #isOwn = (handle: unknown): handle is StepHandle => ownStep(this.#steps, handle) !== undefined;

  #report(error: unknown): void {
    try {
      this.#logger?.error(`Pipeline '${this.name}': ${describeFailure(error).message}`);
      this.#onError?.(error);
    } catch {
      // Nobody is left to tell, and a run does not end for what listens to it.
    }
  }
}
