import { systemClock } from '../core/clock.ts';
import { contentChunks } from '../core/content.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { eachItem } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { reportFailure, type FailureAudience } from '../core/report-failure.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { findByDigest } from '../storage/lineage.ts';
import { traceLineage, type LineageGraph } from '../storage/lineage-graph.ts';
import { checkAlias } from './alias.ts';
import { standingApprovals, type Approval } from './approval.ts';
import type { CompareVersionsOptions, VersionComparison } from './compare-versions.ts';
import type { DamagedVersion, ModelPage, VersionPage } from './damaged.ts';
import type { ModelBom } from './documents/model-bom.ts';
import type { ModelDocumentOptions } from './documents/read-facts.ts';
import { checkDataset, checkDrift, evaluationView, type DatasetPointer, type Evaluation } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import { checkPolicy, type Policy } from './gates.ts';
import { eventSink } from './event-sink.ts';
import { LoadedModel } from './loaded-model.ts';
import { modelCache, type CacheStorageOptions, type ModelCache } from './model-cache.ts';
import { guardedChanges } from './guarded-changes.ts';
import { checkFiles, storeFiles } from './model-files.ts';
import { describeModel, type ModelInfo } from './model-info.ts';
import { checkModelName, parseReference } from './model-name.ts';
import { isThere } from './model-state.ts';
import { ModelStore, numberOf } from './model-store.ts';
import { datasetRecordRef, versionRef, viewOf, type ModelVersion } from './model-version.ts';
import { encodePredictions, predictionsView, readPredictions, type Predictions } from './predictions.ts';
import { OwnRegistryChanges } from './own-registry-changes.ts';
import type { RegistryChanges } from './registry-changes.ts';
import type { RegistryEvent } from './registry-event.ts';
import { registryEvents, type RegistryEventsOptions, type RegistryEventSource } from './registry-events.ts';
import {
  checkCreateOptions,
  checkEvaluationOptions,
  checkPageOptions,
  checkActorOptions,
  checkReasonedOptions,
  checkPromoteOptions,
  checkRegisterOptions,
  checkRegistryOptions,
  checkRollbackOptions,
  checkStage,
  checkUpdateModelOptions,
  checkUpdateVersionOptions,
  checkVersionNumber,
  type AliasOptions,
  type CreateModelOptions,
  type PageOptions,
  type PromoteOptions,
  type ReasonedOptions,
  type RecordEvaluationOptions,
  type RegisterVersionOptions,
  type RegistryOptions,
  type RollbackOptions,
  type SetPolicyOptions,
  type UpdateModelOptions,
  type UpdateVersionOptions,
} from './registry-options.ts';
import { runGates, type GateHost } from './run-gates.ts';
import type { SearchVersionsOptions } from './search/search-versions.ts';
import type { SignVersionOptions } from './signing/sign-version.ts';
import type { VerifyVersionOptions } from './signing/verify-version.ts';
import type { VerifiedVersion, VersionSignature } from './signing/version-signature.ts';
import type { Stage } from './stages.ts';
import { checkDatasets, checkFlavorData } from './version-facts.ts';

/**
 * Keeps the versions of models: what their files are to the byte, where each version stands, who moved it there, why and on what evidence.
 *
 * Every change is one compare-and-swap that holds its own history, so registries in any number of processes may work on one store: each registration gets a number
 * of its own, there is never a second version in production, and a crash leaves the state before or the state after. A version is pointed at by `name@3`,
 * `name@production`, `name@staging`, `name@latest` or an alias, such as `name@champion`.
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
  readonly #changes: RegistryChanges;
  readonly #audience: FailureAudience;

  /** Throws `ValidationError` when an option is not what it must be. */
  constructor(options: RegistryOptions) {
    const { storage, gates = {}, clock = systemClock, onEvent, onError, logger } = checkRegistryOptions(options);
    if (storage.call && onEvent) {
      throw new ValidationError(`options.onEvent: the changes of ${storage.name} are made by its server; give onRegistryEvent to createStorageHandler there.`, { path: 'options.onEvent' });
    }
    this.#storage = storage;
    this.#audience = { who: 'The registry', logger, onError };
    this.#store = new ModelStore(storage, clock);
    this.#host = { storage, store: this.#store, clock, functions: new Map(Object.entries(gates)) };
    this.#changes = storage.call ? guardedChanges((command, operation) => storage.call!(command, operation)) : new OwnRegistryChanges({ ...this.#host, emit: onEvent && eventSink(onEvent, this.#audience) });
  }

  /**
   * Creates a model. Its name may be any text of up to 250 characters without control characters.
   *
   * Throws `ConflictError` when there is one of that name.
   */
  async createModel(name: string, options: CreateModelOptions = {}): Promise<ModelInfo> {
    const { tags = {}, signal: aborts, ...rest } = checkCreateOptions(options);
    return this.#changes.createModel({ ...rest, model: checkModelName(name), tags }, { signal: aborts });
  }

  /** Tells something else of a model. Throws `NotFoundError` when there is none of that name. */
  async updateModel(name: string, options: UpdateModelOptions): Promise<ModelInfo> {
    const { signal: aborts, ...texts } = checkUpdateModelOptions(options);
    return this.#changes.updateModel({ ...texts, model: checkModelName(name) }, { signal: aborts });
  }

  /**
   * Deletes a model with all its versions. Their contents are given up to the collection of garbage; the history stays, and when a model of that name is created again its
   * versions go on with the next number.
   *
   * Throws `ConflictError` while a version is in production or staging.
   */
  async deleteModel(name: string, options: ReasonedOptions): Promise<void> {
    const { signal: aborts, ...actor } = checkReasonedOptions(options);
    await this.#changes.deleteModel({ model: checkModelName(name), ...actor }, { signal: aborts });
  }

  /** A model as it stands. Throws `NotFoundError` when there is none of that name. */
  async getModel(name: string, options: OperationOptions = {}): Promise<ModelInfo> {
    return describeModel(await this.#store.state(checkModelName(name), options));
  }

  /** Every model, page by page. Models that cannot be read are told to `onError` and left out. */
  models(options: OperationOptions = {}): AsyncGenerator<ModelInfo> {
    return eachItem(async (after) => this.#told(await this.listModels({ ...options, after })));
  }

  /** One page of the models, in a fixed order. A model that cannot be read is in `damaged` and hides no other. */
  async listModels(options: PageOptions = {}): Promise<ModelPage> {
    const { after, limit, signal: aborts } = checkPageOptions(options);
    const { items, damaged, next } = await this.#store.models(after, limit, { signal: aborts });
    return { items: items.map(describeModel), damaged, next };
  }

  /**
   * Stores the files and registers them as the model's next version. The version is there, whole, when this resolves, and not in part before: a registration that
   * ends in the middle leaves nothing but contents that nobody refers to, which the store collects.
   *
   * Throws `ValidationError` for unsafe paths and contents that cannot be stored, `NotFoundError` when there is no such model.
   */
  async registerVersion(model: string, options: RegisterVersionOptions): Promise<ModelVersion> {
    const { files, run, dataset, datasets, signature, metrics: measured = {}, tags = {}, idempotent = false, signal: aborts, onProgress, ...facts } = checkRegisterOptions(options);
    const operation = { signal: aborts, onProgress };
    const name = checkModelName(model, 'model');
    const contents = checkFiles(files, this.#storage);
    checkFlavorData(facts.flavorData);
    const from = {
      ...facts,
      run: typeof run === 'object' ? run.id : run,
      dataset: dataset === undefined ? undefined : checkDataset(dataset, 'options.dataset'),
      datasets: datasets === undefined ? undefined : checkDatasets(datasets, 'options.datasets'),
      signature: signature === undefined ? undefined : (await import('./signature/signature-of.ts')).readSignature(signature, 'options.signature'),
    };
    // Asked before anything is stored.
    await this.#store.state(name, operation);
    const stored = await storeFiles(this.#storage, contents, operation);
    return this.#changes.registerVersion({ ...from, model: name, files: stored, metrics: measured, tags, idempotent }, { signal: aborts });
  }

  /** The version that a reference points at. Throws `NotFoundError` when it points at none. */
  async getVersion(ref: string, options: OperationOptions = {}): Promise<ModelVersion> {
    const { state, record } = await this.#store.find(parseReference(ref), options);
    return viewOf(state, record);
  }

  /** Tells something else of a version; its contents and where they come from never change. Throws `NotFoundError` when the reference points at none. */
  async updateVersion(ref: string, options: UpdateVersionOptions): Promise<ModelVersion> {
    const { signal: aborts, ...texts } = checkUpdateVersionOptions(options);
    parseReference(ref);
    return this.#changes.updateVersion({ ...texts, ref }, { signal: aborts });
  }

  /**
   * Takes a version out of use: it cannot be promoted, no alias can point at it, and rollback never comes back to it. Its files stay. `reinstate` takes that back.
   *
   * Throws `ConflictError` while it is in production or staging, or an alias points at it.
   */
  async retire(ref: string, options: ReasonedOptions): Promise<ModelVersion> {
    return this.#changes.retire(...onVersion(ref, options));
  }

  /** Brings a retired version back into use, among the archived ones. */
  async reinstate(ref: string, options: ReasonedOptions): Promise<ModelVersion> {
    return this.#changes.reinstate(...onVersion(ref, options));
  }

  /**
   * Deletes a version. Its contents are given up to the collection of garbage, what other versions share with it stays; its number is never given again, and the history stays.
   *
   * Throws `ConflictError` while it is in production or staging, or an alias points at it.
   */
  async deleteVersion(ref: string, options: ReasonedOptions): Promise<void> {
    await this.#changes.deleteVersion(...onVersion(ref, options));
  }

  /**
   * Points an alias at a version, wherever it pointed before: `model@alias` is that version from now on. An alias has letters, digits, `_` and `-`; digits alone, `v` and digits,
   * `latest` and the names of stages are refused.
   *
   * Throws `NotFoundError` when there is no such version, `ConflictError` when it was retired.
   */
  async setAlias(model: string, alias: string, version: number, options: AliasOptions = {}): Promise<ModelVersion> {
    const { signal: aborts, ...actor } = checkActorOptions(options);
    const given = { model: checkModelName(model, 'model'), alias: checkAlias(alias), version: checkVersionNumber(version) };
    return this.#changes.setAlias({ ...given, ...actor }, { signal: aborts });
  }

  /** Takes an alias away; nothing happens when there is none. */
  async deleteAlias(model: string, alias: string, options: AliasOptions = {}): Promise<void> {
    const { signal: aborts, ...actor } = checkActorOptions(options);
    await this.#changes.deleteAlias({ model: checkModelName(model, 'model'), alias: checkAlias(alias), ...actor }, { signal: aborts });
  }

  /** Every version of a model, newest first, page by page. Versions that cannot be read are told to `onError` and left out. */
  versions(model: string, options: OperationOptions = {}): AsyncGenerator<ModelVersion> {
    return eachItem(async (after) => this.#told(await this.listVersions(model, { ...options, after })));
  }

  #told<P extends { readonly damaged: readonly DamagedVersion[] }>(page: P): P {
    for (const { model, version, error } of page.damaged) {
      const what = version === undefined ? `Model ${shown(model)}` : `Version ${version} of ${shown(model)}`;
      reportFailure(new IntegrityError(`${what} cannot be read: ${error.message}`, { model, ...(version !== undefined && { version }) }), this.#audience);
    }
    return page;
  }

  /** One page of a model's versions, newest first. A version that cannot be read is in `damaged` and hides no other. */
  async listVersions(model: string, options: PageOptions = {}): Promise<VersionPage> {
    const { after, limit, signal: aborts } = checkPageOptions(options);
    const state = await this.#store.state(checkModelName(model, 'model'), { signal: aborts });
    if (after !== undefined && !/^[1-9]\d{0,8}$/.test(after)) throw new ValidationError(`options.after is ${shown(after)}, which no page gave.`, { path: 'options.after' });
    const numbers: number[] = [];
    for (let at = after === undefined ? state.lastVersion : Math.min(Number(after) - 1, state.lastVersion); at > state.deletedThrough && numbers.length < limit; at--) {
      if (isThere(state, at)) numbers.push(at);
    }
    const records = await this.#store.eachVersion(state, numbers, { signal: aborts });
    const last = numbers.at(-1);
    return {
      items: records.flatMap((record) => (record && 'version' in record ? [viewOf(state, record)] : [])),
      damaged: records.flatMap((record, i) => (record && 'error' in record ? [{ model: state.name, version: numbers[i]!, error: describeFailure(record.error) }] : [])),
      next: last !== undefined && last > state.deletedThrough + 1 ? String(last) : undefined,
    };
  }

  /**
   * The versions of one model, some or all that a filter matches, in an order, page by page. The grammar is a superset of MLflow's and the one of `tracker.searchRuns`: `metrics.`, `tags.`, `attributes.` (or a name alone: `model`,
   * `version`, `stage`, `alias`, `lifecycle`, `createdAt`, `createdBy`, `description`, `digest`, `size`, `run`, `pipelineRun`, `features`, `flavor`, `framework`, `frameworkVersion`, `licence`), `datasets.` and `files.`.
   *
   * Pages neither skip nor repeat a version, whatever is registered between them. Costs one read of every version that is searched, in batches; of all that match, no more than four pages are kept.
   * What cannot be read is in `damaged` of the first page and hides no other.
   *
   * Throws `ValidationError` that shows the character for a filter or an order that cannot be read, `NotFoundError` for a model that is not there.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Registry } from 'modelkeep';
   *
   * const registry = new Registry({ storage: new MemoryStorage() });
   * await registry.createModel('fraud');
   * await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, metrics: { auc: 0.83 }, flavor: 'json' });
   *
   * const { items } = await registry.searchVersions({ filter: "metrics.auc > 0.8 and stage != 'archived'", orderBy: ['metrics.auc desc'] });
   * console.log(items.map(({ model, version }) => `${model}@${version}`)); // ['fraud@1']
   * ```
   */
  async searchVersions(options: SearchVersionsOptions = {}): Promise<VersionPage> {
    const { searchVersionPage } = await import('./search/search-versions.ts');
    return searchVersionPage(this.#store, options);
  }

  /**
   * Puts versions, also of different models, side by side: what is the same, what differs and what some lack of their attributes, metrics, evaluations by dataset, files, datasets and tags.
   *
   * Throws `ValidationError` for fewer than two references, `NotFoundError` when one points at no version.
   */
  async compareVersions(refs: readonly string[], options: CompareVersionsOptions = {}): Promise<VersionComparison> {
    const { compareVersionsAt } = await import('./compare-versions.ts');
    return compareVersionsAt(this.#store, refs, options);
  }

  /**
   * The model card of a version in the form of Hugging Face's `README.md`: YAML with `model-index`, and Markdown with what the records have of it: description, training, datasets, evaluations, signature, files with their digests, gates and
   * approvals. The same records give the same text. Descriptions are taken as Markdown; all else is shown as it is.
   *
   * Throws `NotFoundError` when the reference points at no version.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Registry } from 'modelkeep';
   *
   * const registry = new Registry({ storage: new MemoryStorage() });
   * await registry.createModel('fraud', { description: 'Is this payment a fraud?' });
   * await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, metrics: { auc: 0.83 }, licence: 'Apache-2.0' });
   * console.log(await registry.modelCard('fraud@1', { task: 'tabular-classification', intendedUse: ['Ranking payments for review.'] }));
   * ```
   */
  async modelCard(ref: string, options: ModelDocumentOptions = {}): Promise<string> {
    const [{ checkDocumentOptions, readFacts }, { modelCardOf }] = await Promise.all([import('./documents/read-facts.ts'), import('./documents/model-card.ts')]);
    const checked = checkDocumentOptions(options);
    return modelCardOf(await readFacts(this.#store, ref, checked), checked);
  }

  /**
   * The bill of materials of a version in CycloneDX 1.6 (an ML-BOM): the model with its model card and licence, its files with their hashes, the datasets that it met and its framework. The same records give the same data, to the serial number.
   *
   * Throws `NotFoundError` when the reference points at no version.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Registry } from 'modelkeep';
   *
   * const registry = new Registry({ storage: new MemoryStorage() });
   * await registry.createModel('fraud');
   * await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, licence: 'Apache-2.0' });
   * console.log(JSON.stringify(await registry.bom('fraud@1'), null, 2));
   * ```
   */
  async bom(ref: string, options: ModelDocumentOptions = {}): Promise<ModelBom> {
    const [{ checkDocumentOptions, readFacts }, { modelBomOf }] = await Promise.all([import('./documents/read-facts.ts'), import('./documents/model-bom.ts')]);
    const checked = checkDocumentOptions(options);
    return modelBomOf(await readFacts(this.#store, ref, checked), checked);
  }

  /** Opens the files of a version. Each is checked against its digest while it is read. Throws `NotFoundError` when the reference points at none. */
  async load(ref: string, options: OperationOptions = {}): Promise<LoadedModel> {
    return new LoadedModel(this.#storage, await this.getVersion(ref, options));
  }

  /**
   * The files of registered versions in the shape of a Web `Cache`: for `env.customCache` of transformers.js and for service workers. Names are resolved once for each
   * cache, so that files that belong together come from one version; make another cache to see a promotion.
   */
  asCacheStorage(options: CacheStorageOptions = {}): ModelCache {
    return modelCache((ref) => this.load(ref), options);
  }

  /** Sets the gates before each stage, in place of those before; stages that are not named have none. They hold in every process. */
  async setPolicy(model: string, policy: Policy, options: SetPolicyOptions = {}): Promise<void> {
    const { signal: aborts, ...actor } = checkActorOptions(options);
    const name = checkModelName(model, 'model');
    const checked = checkPolicy(policy, name);
    await this.#changes.setPolicy({ model: name, policy: checked, ...actor }, { signal: aborts });
  }

  /** Records what a version achieved on a dataset, for gates to go by; with its predictions they can compare it with another version row by row. */
  async recordEvaluation(ref: string, options: RecordEvaluationOptions): Promise<Evaluation> {
    const { dataset, predictions, drift, signal: aborts, ...measured } = checkEvaluationOptions(options);
    const where = checkDataset(dataset, 'options.dataset');
    const evidence = drift === undefined ? undefined : checkDrift(drift, 'options.drift');
    const reference = parseReference(ref);
    const table = predictions === undefined ? undefined : encodePredictions(predictions, 'options.predictions');
    // Asked before anything is stored.
    if (table) numberOf(reference, await this.#store.state(reference.model, { signal: aborts }));
    const stored = table && { ...(await this.#storage.writeBlob(contentChunks(table.bytes, 'options.predictions'), { signal: aborts })), rows: table.rows };
    return this.#changes.recordEvaluation({ ...measured, ref, dataset: where, predictions: stored, drift: evidence }, { signal: aborts });
  }

  /** The predictions behind an evaluation, or `undefined` when it has none. Throws `IntegrityError` when they are damaged or gone. */
  async predictions(evaluation: Evaluation, options: OperationOptions = {}): Promise<Predictions | undefined> {
    return evaluation.predictions && predictionsView(await readPredictions(this.#storage, evaluation.predictions, options));
  }

  /** The evaluations of a version, oldest first. */
  async evaluations(ref: string, options: OperationOptions = {}): Promise<Evaluation[]> {
    const { state, record } = await this.#store.find(parseReference(ref), options);
    return (await this.#store.evaluations(state, record.version, options)).map(evaluationView);
  }

  /** Vouches for a version, for gates that ask for approvals; once for each person. The history keeps why. */
  async approve(ref: string, options: ReasonedOptions): Promise<ModelVersion> {
    return this.#changes.approve(...onVersion(ref, options));
  }

  /** Takes back that one vouched for a version; nothing happens when one did not. */
  async withdrawApproval(ref: string, options: ReasonedOptions): Promise<ModelVersion> {
    return this.#changes.withdrawApproval(...onVersion(ref, options));
  }

  /** Who vouches for a version, oldest first. */
  async approvals(ref: string, options: OperationOptions = {}): Promise<Approval[]> {
    const { state, record } = await this.#store.find(parseReference(ref), options);
    return standingApprovals(await this.#store.approvals(state, record.version, options));
  }

  /**
   * Signs a version as OpenSSF model signing does, for whoever gets its files elsewhere and for `verify`. What is signed are the digests that were registered; no file is read. The
   * signature is kept with the version, and goes into its history; its private key does not leave this process. Keys are those of `signManifest`.
   *
   * Throws `ValidationError` for keys of another kind, `IntegrityError` when the list of files is not the one that was registered.
   */
  async sign(ref: string, options: SignVersionOptions): Promise<VersionSignature> {
    const { checkSignOptions, signVersion } = await import('./signing/sign-version.ts');
    const checked = checkSignOptions(options);
    const operation = { signal: checked.signal };
    const { version } = await this.load(ref, operation);
    return this.#changes.sign(await signVersion(version, checked), operation);
  }

  /** The signatures of a version, oldest first: unverified, as they were recorded. */
  async signatures(ref: string, options: OperationOptions = {}): Promise<VersionSignature[]> {
    const { state, record } = await this.#store.find(parseReference(ref), options);
    return (await this.#store.signatures(state, record.version, options)).map(({ revision: _, ...signature }) => signature);
  }

  /**
   * Verifies that a key signed a version and that its files are those that were signed: each is read whole, as a stream.
   *
   * Throws `NotFoundError` when the version has no signature of the key, and `IntegrityError`, which says what is wrong and names the file that differs, is missing or is too many.
   */
  async verify(ref: string, options: VerifyVersionOptions): Promise<VerifiedVersion> {
    const { checkVerifyOptions, verifyVersion } = await import('./signing/verify-version.ts');
    const checked = checkVerifyOptions(options);
    const version = await this.getVersion(ref, { signal: checked.signal });
    return verifyVersion(this.#storage, version, await this.signatures(`${version.model}@${version.version}`, { signal: checked.signal }), checked);
  }

  /** What the gates before a stage say of a version now. Changes nothing. */
  async checkGates(ref: string, stage: Stage, options: OperationOptions = {}): Promise<GateReport> {
    const reference = parseReference(ref);
    checkStage(stage);
    const { state, record } = await this.#store.find(reference, options);
    return runGates(this.#host, state, record, stage, options);
  }

  /**
   * Moves a version to a stage. The gates before the stage are asked first, and the state that they saw is the state that is changed: when someone else changes it
   * meanwhile, they are asked again. Where the version stands already nothing happens and nothing is written.
   *
   * Moving the version in production elsewhere leaves production empty; `rollback` then brings back the one before it. `from` says which version is to be replaced, so that whoever decided
   * on what they saw a while ago overwrites nothing that came since.
   *
   * Throws `GateError`, with the report in `details.report`, when gates fail and `force` is not set, and nothing but the history is changed, which keeps who was refused and why as `promotion-refused`; `ConflictError` when another version came into the stage while the gates
   * were asked, so that of two promotions at once one wins, when `from` is not there, and when the version was retired.
   */
  async promote(ref: string, stage: Stage, options: PromoteOptions): Promise<ModelVersion> {
    parseReference(ref);
    checkStage(stage);
    const { force = false, signal: aborts, ...rest } = checkPromoteOptions(options, stage);
    return this.#changes.promote({ ref, stage, force, ...rest }, { signal: aborts });
  }

  /**
   * Brings the previous version back into production, in one call and without asking gates; the present one is archived. Previous is the version that the present
   * one replaced. Called again it goes back one further, up to 100 steps, and never to a version that was itself rolled back or moved out by name; `to` names any version that was
   * in production before. It takes as long for a large model as for a small one: the list of files, their presence and their sizes are checked, and of their bytes the first
   * 8 MB, the smallest files first; `verifyAll` reads everything.
   *
   * Throws `NotFoundError` when there is no previous version, `IntegrityError` when its files are damaged, `ConflictError` when another version came into production meanwhile,
   * when `from` is not there, and when the version was retired or, named by `to`, never in production.
   */
  async rollback(model: string, options: RollbackOptions): Promise<ModelVersion> {
    const { signal: aborts, verifyAll = false, ...rest } = checkRollbackOptions(options);
    return this.#changes.rollback({ model: checkModelName(model, 'model'), verifyAll, ...rest }, { signal: aborts });
  }

  /** Everything that happened to a model, also to one that was deleted, from the first to the last: who moved what, when, why, and on what evidence. */
  async history(model: string, options: OperationOptions = {}): Promise<RegistryEvent[]> {
    return this.#store.history(checkModelName(model, 'model'), options);
  }

  /**
   * The events of all models, or of some, as a source that is read by a cursor: what a pipeline is triggered by, and what `startWebhook` sends. Whoever keeps the cursor and goes on from it gets each event at least once and those of
   * a model in their order, also what happened while it did not run, by whatever process.
   *
   * The cursor has one number for each model, and goes with these options. A poll lists the models, reads those that changed, and the whole history of those that have news. What hinders one model from being read is thrown when there is
   * nothing new of the others.
   *
   * @example
   * ```ts
   * import { MemoryStorage, Registry } from 'modelkeep';
   *
   * const registry = new Registry({ storage: new MemoryStorage() });
   * const source = registry.events({ types: ['stage-changed', 'rolled-back'] });
   * const before = await source.now();
   *
   * await registry.createModel('fraud');
   * await registry.registerVersion('fraud', { files: { 'model.json': '{}' } });
   * await registry.promote('fraud@1', 'production', { by: 'ada', reason: 'first' });
   *
   * const { events } = await source.poll(before);
   * console.log(events.map(({ data }) => data.type)); // ['stage-changed']
   * ```
   */
  events(options: RegistryEventsOptions = {}): RegistryEventSource {
    return registryEvents(this.#store, options);
  }

  /** What a version came from, as far as it was recorded: its run, the datasets that it was trained and evaluated on, and what those came from in turn. */
  async lineage(ref: string, options: OperationOptions = {}): Promise<LineageGraph> {
    const { model, version, digest } = await this.getVersion(ref, options);
    return traceLineage(this.#storage, [versionRef(model, version, digest)], 'upstream', options);
  }

  /**
   * Everything that came from a dataset, as far as it was recorded: the runs that used it, the versions that were trained or evaluated on it, and what came from those. Given by its
   * fingerprint alone, the dataset is found under every name that it had, for which every use of any dataset is read.
   */
  async impact(dataset: DatasetPointer, options: OperationOptions = {}): Promise<LineageGraph> {
    const where = checkDataset(dataset, 'dataset');
    const named = where.name === undefined ? await findByDigest(this.#storage, 'dataset', where.digest, options) : [datasetRecordRef(where)];
    return traceLineage(this.#storage, named, 'downstream', options);
  }
}

function onVersion(ref: string, options: ReasonedOptions): [input: { ref: string; by: string; reason: string }, operation: OperationOptions] {
  const { signal: aborts, ...actor } = checkReasonedOptions(options);
  parseReference(ref);
  return [{ ref, ...actor }, { signal: aborts }];
}
