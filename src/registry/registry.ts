import { systemClock, type Clock } from '../core/clock.ts';
import { ConflictError, GateError, NotFoundError, ValidationError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { eachItem, type Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { traceLineage, type LineageGraph } from '../storage/lineage-graph.ts';
import { checkDataset, evaluationView, type Evaluation } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import { checkPolicy, type Policy } from './gates.ts';
import { LoadedModel } from './loaded-model.ts';
import { changeStage, createModel, recordEvaluation, registerVersion, rollBackModel, setPolicy } from './model-decisions.ts';
import { checkFiles, manifestDigest, storeFiles } from './model-files.ts';
import { describeModel, type ModelInfo } from './model-info.ts';
import { checkModelName, parseReference } from './model-name.ts';
import type { ModelState } from './model-state.ts';
import { ModelStore, existing, type ModelDecision } from './model-store.ts';
import { versionRef, viewOf, type ModelVersion } from './model-version.ts';
import type { RegistryEvent } from './registry-event.ts';
import {
  checkCreateOptions,
  checkEvaluationOptions,
  checkPageOptions,
  checkPolicyOptions,
  checkPromoteOptions,
  checkRegisterOptions,
  checkRegistryOptions,
  checkRollbackOptions,
  checkStage,
  type CreateModelOptions,
  type PageOptions,
  type PromoteOptions,
  type RecordEvaluationOptions,
  type RegisterVersionOptions,
  type RegistryOptions,
  type RollbackOptions,
  type SetPolicyOptions,
} from './registry-options.ts';
import { runGates, type GateHost } from './run-gates.ts';
import type { Stage } from './stages.ts';

// How often a decision is made anew because others changed the model while it was being made.
const maxDecisions = 20;

/**
 * Keeps the versions of models: what their files are to the byte, where each version stands, who moved it there, why and on what evidence.
 *
 * Every change is one compare-and-swap that holds its own history, so registries in any number of processes may work on one store: each registration gets a number
 * of its own, there is never a second version in production, and a crash leaves the state before or the state after. A version is pointed at by `name@3`,
 * `name@production`, `name@staging` or `name@latest`.
 *
 * The stages are `none`, `staging`, `production` and `archived`. `staging` and `production` hold one version each; the one that is replaced is archived.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, gates } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('fraud', { description: 'Is this payment a fraud?', owner: 'risk' });
 * await registry.setPolicy('fraud', { production: [gates.metric('auc', { goal: 'maximize', min: 0.75 }), gates.integrity()] });
 *
 * const version = await registry.registerVersion('fraud', { files: { 'model.json': '{"layers":2}' }, metrics: { auc: 0.83 } });
 * await registry.promote(`fraud@${version.version}`, 'production', { by: 'release-bot', reason: 'auc +0.02' });
 *
 * const loaded = await registry.load('fraud@production');
 * console.log(new TextDecoder().decode(await loaded.file('model.json')));
 * for (const event of await registry.history('fraud')) console.log(event.type, event.by, event.reason);
 * ```
 */
export class Registry {
  readonly #store: ModelStore;
  readonly #host: GateHost;
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(options: RegistryOptions) {
    const { storage, gates = {}, clock = systemClock } = checkRegistryOptions(options);
    this.#storage = storage;
    this.#clock = clock;
    this.#store = new ModelStore(storage, clock);
    this.#host = { storage, store: this.#store, clock, functions: new Map(Object.entries(gates)) };
  }

  /**
   * Creates a model. Its name may be any text of up to 250 characters without control characters.
   *
   * Throws `ConflictError` when there is one of that name.
   */
  async createModel(name: string, options: CreateModelOptions = {}): Promise<ModelInfo> {
    const { by, tags = {}, signal: aborts, ...rest } = checkCreateOptions(options);
    const model = { ...rest, name: checkModelName(name), tags };
    const state = await this.#store.change(
      model.name,
      (present) => {
        if (present) throw new ConflictError(`Model ${shown(model.name)} exists already; register versions with registry.registerVersion().`, { key: model.name, model: model.name });
        return createModel(model, { by }, this.#clock.now());
      },
      { signal: aborts },
    );
    return describeModel(existing(state, model.name));
  }

  /** A model as it stands. Throws `NotFoundError` when there is none of that name. */
  async getModel(name: string, options: OperationOptions = {}): Promise<ModelInfo> {
    return describeModel(await this.#store.state(checkModelName(name), options));
  }

  /** Every model, page by page. */
  models(options: OperationOptions = {}): AsyncGenerator<ModelInfo> {
    return eachItem((after) => this.listModels({ ...options, after }));
  }

  /** One page of the models, in a fixed order. */
  async listModels(options: PageOptions = {}): Promise<Page<ModelInfo>> {
    const { after, limit, signal: aborts } = checkPageOptions(options);
    const { items, next } = await this.#store.models(after, limit, { signal: aborts });
    return { items: items.map(describeModel), next };
  }

  /**
   * Stores the files and registers them as the model's next version. The version is there, whole, when this resolves, and not in part before: a registration that
   * ends in the middle leaves nothing but contents that nobody refers to, which the store collects.
   *
   * Throws `ValidationError` for unsafe paths and contents that cannot be stored, `NotFoundError` when there is no such model.
   */
  async registerVersion(model: string, options: RegisterVersionOptions): Promise<ModelVersion> {
    const { files, run, dataset, metrics: measured = {}, tags = {}, createdBy, description, ...operation } = checkRegisterOptions(options);
    const name = checkModelName(model, 'model');
    const contents = checkFiles(files, this.#storage);
    const where = dataset === undefined ? undefined : checkDataset(dataset, 'options.dataset');
    // What an earlier crash left is moved first, so that leftovers cannot pile up in the record.
    await this.#store.settle(await this.#store.state(name, operation), operation);
    const stored = await storeFiles(this.#storage, contents, operation);
    const version = {
      digest: manifestDigest(stored),
      size: stored.reduce((sum, file) => sum + file.size, 0),
      files: stored,
      run: typeof run === 'object' ? run.id : run,
      dataset: where,
      metrics: measured,
      createdBy,
      createdAt: this.#clock.now(),
      tags,
      description,
    };
    const state = existing(await this.#store.change(name, (present) => registerVersion(existing(present, name), version), operation), name);
    return viewOf(name, { ...version, version: state.lastVersion, revision: state.revision }, state.stages);
  }

  /** The version that a reference points at. Throws `NotFoundError` when it points at none. */
  async getVersion(ref: string, options: OperationOptions = {}): Promise<ModelVersion> {
    const reference = parseReference(ref);
    const state = await this.#store.state(reference.model, options);
    return viewOf(state.name, await this.#store.version(reference, state, options), state.stages);
  }

  /** Every version of a model, newest first, page by page. */
  versions(model: string, options: OperationOptions = {}): AsyncGenerator<ModelVersion> {
    return eachItem((after) => this.listVersions(model, { ...options, after }));
  }

  /** One page of a model's versions, newest first. */
  async listVersions(model: string, options: PageOptions = {}): Promise<Page<ModelVersion>> {
    const { after, limit, signal: aborts } = checkPageOptions(options);
    const state = await this.#store.state(checkModelName(model, 'model'), { signal: aborts });
    if (after !== undefined && !/^[1-9]\d{0,8}$/.test(after)) throw new ValidationError(`options.after is ${shown(after)}, which no page gave.`, { path: 'options.after' });
    const newest = after === undefined ? state.lastVersion : Math.min(Number(after) - 1, state.lastVersion);
    const numbers = Array.from({ length: Math.min(limit, newest) }, (_, i) => newest - i);
    const records = await this.#store.versions(state, numbers, { signal: aborts });
    const last = numbers.at(-1);
    return {
      items: records.flatMap((record) => (record ? [viewOf(state.name, record, state.stages)] : [])),
      next: last !== undefined && last > 1 ? String(last) : undefined,
    };
  }

  /** Opens the files of a version. Each is checked against its digest while it is read. Throws `NotFoundError` when the reference points at none. */
  async load(ref: string, options: OperationOptions = {}): Promise<LoadedModel> {
    return new LoadedModel(this.#storage, await this.getVersion(ref, options));
  }

  /** Sets the gates before each stage, in place of those before; stages that are not named have none. They hold in every process. */
  async setPolicy(model: string, policy: Policy, options: SetPolicyOptions = {}): Promise<void> {
    const { signal: aborts, ...actor } = checkPolicyOptions(options);
    const name = checkModelName(model, 'model');
    const checked = checkPolicy(policy, name);
    await this.#store.change(name, (state) => setPolicy(existing(state, name), checked, actor), { signal: aborts });
  }

  /** Records what a version achieved on a dataset, for gates to go by. */
  async recordEvaluation(ref: string, options: RecordEvaluationOptions): Promise<Evaluation> {
    const { dataset, metrics: measured, by, signal: aborts } = checkEvaluationOptions(options);
    const where = checkDataset(dataset, 'options.dataset');
    if (Object.keys(measured).length === 0) throw new ValidationError('options.metrics is empty; give at least one.', { path: 'options.metrics' });
    const { model, version } = await this.getVersion(ref, { signal: aborts });
    const evaluation = { id: newId(), model, version, dataset: where, metrics: measured, by, at: this.#clock.now() };
    await this.#store.change(model, (state) => recordEvaluation(existing(state, model), evaluation), { signal: aborts });
    return evaluation;
  }

  /** The evaluations of a version, oldest first. */
  async evaluations(ref: string, options: OperationOptions = {}): Promise<Evaluation[]> {
    const reference = parseReference(ref);
    const state = await this.#store.state(reference.model, options);
    const { version } = await this.#store.version(reference, state, options);
    return (await this.#store.evaluations(state, version, options)).map(evaluationView);
  }

  /** What the gates before a stage say of a version now. Changes nothing. */
  async checkGates(ref: string, stage: Stage, options: OperationOptions = {}): Promise<GateReport> {
    const reference = parseReference(ref);
    checkStage(stage);
    const state = await this.#store.state(reference.model, options);
    return runGates(this.#host, state, await this.#store.version(reference, state, options), stage, options);
  }

  /**
   * Moves a version to a stage. The gates before the stage are asked first, and the state that they saw is the state that is changed: when someone else changes it
   * meanwhile, they are asked again. Where the version stands already nothing happens and nothing is written.
   *
   * Moving the version in production elsewhere leaves production empty; `rollback` then brings back the one before it.
   *
   * Throws `GateError`, with the report in `details.report`, when gates fail and `force` is not set.
   */
  async promote(ref: string, stage: Stage, options: PromoteOptions): Promise<ModelVersion> {
    const reference = parseReference(ref);
    checkStage(stage);
    const { force = false, signal: aborts, ...actor } = checkPromoteOptions(options);
    const operation = { signal: aborts };
    for (let attempt = 1; attempt <= maxDecisions; attempt++) {
      const seen = await this.#store.state(reference.model, operation);
      const record = await this.#store.version(reference, seen, operation);
      const before = viewOf(seen.name, record, seen.stages);
      if (before.stage === stage) return before;
      const report = await runGates(this.#host, seen, record, stage, operation);
      if (!report.passed && !force) throw refusal(report);
      const state = await this.#changeUnless(
        seen,
        (now) => now.revision !== seen.revision,
        (now) => changeStage(now, record.version, stage, actor, report),
        operation,
      );
      if (state) return viewOf(seen.name, record, state.stages);
    }
    throw tooBusy(reference.model);
  }

  /**
   * Brings the previous version back into production, in one call and without asking gates; the present one is archived. Previous is the version that the present
   * one replaced. Called again it goes back one further, up to 100 steps, and never to a version that was itself rolled back or moved out by name.
   *
   * Throws `NotFoundError` when there is no previous version.
   */
  async rollback(model: string, options: RollbackOptions): Promise<ModelVersion> {
    const { signal: aborts, ...actor } = checkRollbackOptions(options);
    const name = checkModelName(model, 'model');
    const operation = { signal: aborts };
    for (let attempt = 1; attempt <= maxDecisions; attempt++) {
      const seen = await this.#store.state(name, operation);
      const target = seen.stages.previous.at(-1);
      if (target === undefined) {
        throw new NotFoundError(`Model ${shown(name)} has no previous version in production to go back to; promote the one you want with registry.promote().`, {
          key: name,
          model: name,
        });
      }
      // Read before the change: once it is made, nothing may fail that would have the caller roll back again.
      const record = await this.#store.version({ model: name, selector: { version: target } }, seen, operation);
      const state = await this.#changeUnless(seen, (now) => now.stages.previous.at(-1) !== target, (now) => rollBackModel(now, actor), operation);
      if (state) return viewOf(name, record, state.stages);
    }
    throw tooBusy(name);
  }

  /** Everything that happened to a model, from the first to the last: who moved what, when, why, and on what evidence. */
  async history(model: string, options: OperationOptions = {}): Promise<RegistryEvent[]> {
    return this.#store.history(checkModelName(model, 'model'), options);
  }

  /** What a version came from, as far as it was recorded: its run, the datasets that it was trained and evaluated on, and what those came from in turn. */
  async lineage(ref: string, options: OperationOptions = {}): Promise<LineageGraph> {
    const { model, version, digest } = await this.getVersion(ref, options);
    return traceLineage(this.#storage, versionRef(model, version, digest), options);
  }

  /** Changes a model, or returns `undefined` with nothing changed when `stale` says that it is not as it was seen any more. */
  async #changeUnless(
    seen: ModelState,
    stale: (now: ModelState) => boolean,
    decide: (now: ModelState) => ModelDecision,
    options: OperationOptions,
  ): Promise<ModelState | undefined> {
    let missed = false;
    const state = await this.#store.change(
      seen.name,
      (present) => {
        const now = existing(present, seen.name);
        missed = stale(now);
        return missed ? undefined : decide(now);
      },
      options,
    );
    return missed ? undefined : state;
  }
}

function tooBusy(model: string): ConflictError {
  return new ConflictError(`${shown(model)} was changed by others while each of ${maxDecisions} decisions was being made; try again when it is less busy.`, { key: model, model });
}

function refusal(report: GateReport): GateError {
  const { model, version, stage, gates } = report;
  const reasons = gates.filter((gate) => !gate.passed).map((gate) => `${gate.name}: ${gate.reason}`);
  return new GateError(`${model}@${version} may not go to ${stage}. ${reasons.join('. ')}. Mend this, or promote with force and a reason.`, { model, version, stage, report });
}
