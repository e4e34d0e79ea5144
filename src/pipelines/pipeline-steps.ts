import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { asGate, type StepGateAnswer, type StepGateReport } from './gates/gate.ts';
import { defineMap, type ItemFunction, type MapOptions } from './map-step.ts';
import { childOf } from './nesting/child-pipeline.ts';
import { defineQuarantine, type QuarantineAnswer, type QuarantineOptions } from './quarantine/quarantine-step.ts';
import {
  defineStep,
  nameSchema,
  type FinalStepOptions,
  type MapHandle,
  type StepDefinition,
  type StepFunction,
  type StepHandle,
  type StepInputs,
  type StepNeeds,
  type StepOptions,
  type StepSurroundings,
} from './step.ts';
import type { TriggerRule } from './trigger-rule.ts';
import type { ApprovalOutput } from './waiting/decision.ts';
import { defineApproval, defineSleep, type ApprovalOptions, type SleepOptions } from './waiting/waiting-steps.ts';

/** What the steps of a pipeline are kept in. */
export interface StepBook extends StepSurroundings {
  readonly name: string;
  readonly steps: Map<string, StepDefinition>;
}

/** A pipeline as far as its steps are defined. */
export class PipelineSteps<Params> {
  /** Names the pipeline and its runs in the store. */
  readonly name: string;
  readonly #book: StepBook;

  constructor(book: StepBook) {
    this.name = book.name;
    this.#book = book;
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
    return this.#define(name, (handle) => defineStep(handle, options, run as StepDefinition['run'], this.#book));
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
    return this.#define(name, (handle) => asGate(defineStep(handle, options, run as StepDefinition['run'], this.#book)));
  }

  /**
   * Adds a step that does the same work for each item of a list which may be known only when the run has come to it. Each item is recorded as it ends, so a run that was killed goes on with those that had not, and each has its own attempts:
   * `retries`, `timeout`, `heartbeatTimeout`, `totalTimeout`, `pool`, `slots` and `cache` are of each item. `when` and `trigger` are asked once, before the list is made. The step puts out what its items do, in their order. When an item fails for good, the others
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
    const handle: MapHandle<Output> = Object.freeze({ ...this.#handle(name), mapped: true as const });
    return this.#add(handle, defineMap(handle, options, run as unknown as StepDefinition['run'], this.#book));
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
    return this.#define(name, (handle) => defineQuarantine(handle, options, run as StepDefinition['run'], this.#book));
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
    return this.#define(name, (handle) => defineSleep(handle, options, this.#book));
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
    return this.#define(name, (handle) => defineApproval(handle, options, this.#book));
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
    return this.#define(name, (handle) => defineStep(handle, options, run as StepDefinition['run'], this.#book, true));
  }

  #define<Output>(name: string, define: (handle: StepHandle<Output>) => StepDefinition): StepHandle<Output> {
    const handle: StepHandle<Output> = Object.freeze(this.#handle(name));
    return this.#add(handle, define(handle));
  }

  #handle(name: string): Pick<StepHandle, 'name' | 'pipeline'> {
    check(nameSchema, name, 'name');
    if (this.#book.steps.has(name)) throw new ValidationError(`Pipeline '${this.name}' has a step '${name}' already; give each step a name of its own.`, { path: name });
    return { name, pipeline: this.name };
  }

  #add<Handle extends StepHandle>(handle: Handle, definition: StepDefinition): Handle {
    this.#book.steps.set(handle.name, definition);
    return handle;
  }
}
