import { systemClock, type Clock, type Undo } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { Emitter } from '../core/emitter.ts';
import { ModelkeepError, NotFoundError, ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom } from '../core/random.ts';
import { reportFailure } from '../core/report-failure.ts';
import { shown } from '../core/shown.ts';
import type { ModelSignature } from '../core/signature/model-signature.ts';
import { GivenIds } from './bookkeeping/given-ids.ts';
import { feedMonitor } from './bookkeeping/monitor-feed.ts';
import { OutcomeSinks } from './bookkeeping/outcome-sinks.ts';
import {
  checkFeedback,
  checkPredictOptions,
  checkVersionNumber,
  deploymentSettings,
  type DeployedRegistry,
  type DeploymentOptions,
  type DeploymentSettings,
  type PredictionFeedback,
  type PredictOptions,
} from './deployment-options.ts';
import type { DeploymentEvents, DeploymentStatus, VersionSelector } from './deployment-status.ts';
import { Inference } from './inference/inference.ts';
import { Predictions, type PredictionRequest } from './inference/predictions.ts';
import type { Prediction } from './prediction.ts';
import { ReadyGate, type Readiness } from './ready-gate.ts';
import { Routes } from './routing/routes.ts';
import { noTraffic } from './routing/traffic.ts';
import { directRunner } from './versions/direct-runner.ts';
import { VersionFollower } from './versions/version-follower.ts';
import { VersionSet } from './versions/version-set.ts';
import type { VersionSlot } from './versions/version-slot.ts';

// Of the ids that callers gave, so many are remembered.
const rememberedIds = 10_000;
const mostWaiting = 1_024;

/**
 * Serves a model of a registry: keeps the version in production ready, asks it, and moves to the next one without a gap when the registry does.
 *
 * A version is loaded, warmed up, and then takes requests; the one before it answers until that moment, and leaves when the last request in it was answered. When a load fails the version before it goes on serving, `onError` and
 * `status()` say why, and it is tried again, at first after a second, then ever more seldom, at least once a minute. What serves is never unloaded because something else cannot be: not because the registry cannot be reached, and not
 * because nothing is in production any more.
 *
 * Inputs are held to the signature of the version (`ValidationError`), outputs too (`model-failed`). Every answer says which version gave it and why, under an id that {@link Deployment.feedback} refers to. What is counted, kept or watched of
 * predictions can neither delay nor fail them.
 *
 * @typeParam Input - What one request asks.
 * @typeParam Output - What it is answered.
 *
 * @example
 * ```ts
 * import { Deployment, MemoryStorage, Registry } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * await registry.createModel('flight-delay');
 * await registry.registerVersion('flight-delay', { files: { 'model.json': '{"slope":0.5}' } });
 * await registry.promote('flight-delay@1', 'production', { by: 'ann', reason: 'first' });
 *
 * await using deployment = new Deployment({
 *   storage, registry, model: 'flight-delay',
 *   load: async (version) => {
 *     const { slope } = JSON.parse(new TextDecoder().decode(await version.file('model.json'))) as { slope: number };
 *     return ({ distance }: { distance: number }) => ({ minutes: slope * distance });
 *   },
 * });
 * const { output, version, reason } = await deployment.predict({ distance: 80 });
 * console.log(output.minutes, version, reason); // 40 1 stable
 * ```
 */
export class Deployment<Input = unknown, Output = unknown> implements AsyncDisposable {
  /** Name of the model. */
  readonly model: string;
  readonly #registry: DeployedRegistry;
  readonly #settings: DeploymentSettings<Input, Output>;
  readonly #clock: Clock;
  readonly #onError: ErrorListener;
  readonly #events: Emitter<DeploymentEvents>;
  readonly #versions: VersionSet<Input, Output>;
  readonly #follower: VersionFollower | undefined;
  readonly #routes: Routes<Input, Output>;
  readonly #gate: ReadyGate;
  readonly #predictions: Predictions<Input, Output>;
  readonly #ids = new GivenIds(rememberedIds);
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /** Begins to look where the versions stand, and to load. Throws `ValidationError` when an option is not what it must be. */
  constructor(options: DeploymentOptions<Input, Output>) {
    const settings = deploymentSettings(options);
    const { model, registry, storage, load, cache, checks, features, follow, labels, fallback, clock = systemClock, random = systemRandom, onError, logger } = settings;
    this.model = model;
    this.#registry = registry;
    this.#settings = settings;
    this.#clock = clock;
    this.#onError = (error) => reportFailure(error, { who: `The deployment of '${model}'`, onError, logger });
    this.#events = new Emitter(this.#onError);
    this.#versions = new VersionSet({
      model,
      registry,
      load,
      run: (name, predictor) => directRunner(name, predictor, clock),
      checkOutput: checks?.output ?? true,
      loadTimeoutMs: settings.loadTimeoutMs,
      drainTimeoutMs: settings.drainTimeoutMs,
      maxBytes: cache?.maxBytes,
      clock,
      random,
      onError: this.#onError,
      changed: (slot) => this.#versionChanged(slot),
    });
    const isFollowing = typeof follow === 'string' || labels.length > 0;
    this.#follower = isFollowing ? new VersionFollower({ model, registry, storage, intervalMs: settings.intervalMs, clock, random, onError: this.#onError, looked: () => this.#settle() }) : undefined;
    this.#routes = new Routes({
      model,
      versions: this.#versions,
      traffic: () => noTraffic,
      followed: () => (typeof follow === 'number' ? follow : this.#follower?.versionOf(follow)),
      labels,
      labelled: (label) => this.#follower?.versionOf(label),
      fallback,
      random,
    });
    this.#gate = new ReadyGate(() => this.#readiness(), mostWaiting, clock);
    const inference = new Inference<Input, Output>({ features, checkInput: checks?.input ?? true, clock });
    this.#predictions = new Predictions({ routes: this.#routes, inference, sinks: this.#sinks(), ids: this.#ids, clock });
    this.#follower?.start();
    this.#settle();
  }

  /**
   * Answers one request. It waits for the first version to be ready, if none is yet.
   *
   * Throws `ValidationError` for an input that the model does not take, `model-failed` with what the model threw, or gave that cannot be, as its cause, `TimeoutError`, `AbortedError`, and `unavailable` when no version is ready and none is on its way;
   * `NotFoundError` for a version that is not there or not in memory.
   */
  async predict(input: Input, options: PredictOptions = {}): Promise<Prediction<Output>> {
    this.#demandOpen();
    const { version, key, id, signal, timeoutMs } = checkPredictOptions(options);
    const startedAt = this.#clock.monotonic();
    const request: PredictionRequest<Input> = { input, key, id, signal, deadline: timeoutMs === undefined ? undefined : startedAt + timeoutMs, at: this.#clock.now(), startedAt };
    if (version !== undefined) return this.#predictWith(version, request);
    let choice = this.#routes.choose(key);
    if (choice === undefined) {
      await this.#gate.pass(signal, request.deadline);
      choice = this.#routes.choose(key);
    }
    if (choice === undefined) throw new ModelkeepError('unavailable', `No version of '${this.model}' is ready.`, { model: this.model });
    return this.#predictions.make(choice, request);
  }

  /**
   * Says what came of a prediction, in whichever process and whenever it is known: the monitor gets the label. Synchronous.
   *
   * Throws `ValidationError` for a label without a monitor that judges performance.
   */
  feedback(feedback: PredictionFeedback): void {
    this.#demandOpen();
    const { id, label } = checkFeedback(feedback);
    const { monitor } = this.#settings;
    if (label !== undefined) monitor?.feedback({ id, label });
  }

  /**
   * Resolves when the version in use is ready. Rejects with `unavailable`, which says why, when it cannot be: its load failed (it is tried again all the same), or there is none in use.
   */
  async ready(options: OperationOptions & { readonly timeout?: Duration | undefined } = {}): Promise<void> {
    this.#demandOpen();
    const { timeout, signal } = options;
    await this.#gate.pass(signal, timeout === undefined ? undefined : this.#clock.monotonic() + durationMs(timeout, 'options.timeout'));
  }

  /** Looks where the versions stand in the registry now, and resolves when it has; what must be loaded then is on its way. */
  async refresh(): Promise<void> {
    this.#demandOpen();
    await this.#follower?.refresh();
  }

  /** How things stand in this process. */
  status(): DeploymentStatus {
    const { stable, traffic } = this.#routes;
    const { loaded, disposed } = this.#versions;
    return { model: this.model, stable, traffic, versions: this.#versions.status((version) => this.#routes.armOf(version)), loaded, disposed };
  }

  /** What a version in memory takes and gives; absent when it is not in memory, or was registered without. @param version - The version in use unless told otherwise. */
  signature(version: number | undefined = this.#routes.stable): ModelSignature | undefined {
    return version === undefined ? undefined : this.#versions.ready(version)?.facts?.signature;
  }

  /**
   * The version that a number, a stage, an alias or nothing (the version in use) names. A label that is followed (`follow`, `labels`) names the version that is ready, any other what the registry says.
   *
   * Throws `NotFoundError` when there is none, `unavailable` when none is in use yet.
   */
  async resolve(selector: VersionSelector = {}, options: OperationOptions = {}): Promise<number> {
    const { version, label } = selector;
    if (version !== undefined && label !== undefined) throw new ValidationError('selector has a version and a label; give one of them.', { path: 'selector' });
    if (version !== undefined) return this.#existing(checkVersionNumber(version), options);
    if (label === undefined || label === this.#settings.follow) {
      await this.#gate.pass(options.signal, undefined);
      return this.#routes.stable!;
    }
    return this.#routes.labelled(label) ?? (await this.#registry.getVersion(`${this.model}@${label}`, options)).version;
  }

  /**
   * Keeps a version in memory, loading it first, until {@link Deployment.unload}. Resolves when it is ready.
   *
   * Throws `NotFoundError` when there is no such version, `overloaded` when `cache.maxBytes` has no room for it, `unavailable` with the reason when it cannot be loaded.
   */
  async load(version: number, options: OperationOptions = {}): Promise<void> {
    this.#demandOpen();
    await this.#versions.pin(checkVersionNumber(version), options.signal);
  }

  /** Gives a version back that was kept by {@link Deployment.load}, or is in memory still; resolves when the last request in it was answered. Throws `ConflictError` for a version that is in use. */
  async unload(version: number): Promise<void> {
    this.#demandOpen();
    await this.#versions.unpin(checkVersionNumber(version));
  }

  /** Calls `listener` at each event of that name until undone. */
  on<K extends keyof DeploymentEvents>(name: K, listener: (event: DeploymentEvents[K]) => void): Undo {
    return this.#events.on(name, listener);
  }

  /** Takes no further request, answers those that it has, and gives back every version. The registry, the monitor and the storage stay open: they are the caller's. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#gate.changed();
    await this.#follower?.close();
    await this.#versions.close();
  }

  #sinks(): OutcomeSinks {
    const { monitor, observe } = this.#settings;
    return new OutcomeSinks([...(monitor && observe ? [(outcome: Parameters<typeof feedMonitor>[2]) => feedMonitor(monitor, observe, outcome)] : []), (outcome) => this.#events.emit('served', outcome)], this.#onError);
  }

  async #predictWith(version: number, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const choice = this.#routes.override(version);
    if (choice) return this.#predictions.make(choice, request);
    if (this.#settings.cache?.onDemand !== true) {
      throw this.#versions.failureOf(version) ?? new NotFoundError(`${this.model}@${version} is not in memory; load(${version}) it first, or allow it by cache.onDemand.`, { model: this.model, version });
    }
    return this.#versions.withLoaded(version, request.signal, (slot) => this.#predictions.make({ slot, arm: 'stable', reason: 'override' }, request));
  }

  async #existing(version: number, options: OperationOptions): Promise<number> {
    if (!this.#versions.ready(version)) await this.#registry.getVersion(`${this.model}@${version}`, options);
    return version;
  }

  #settle(): void {
    if (this.#isClosed) return;
    this.#routes.settle();
    this.#gate.changed();
  }

  #versionChanged(slot: VersionSlot<Input, Output>): void {
    const { version, state, failure } = slot;
    this.#events.emit('version', { version, state, ...(state === 'failed' && { error: describeFailure(failure).message }) });
    if (state === 'ready' || state === 'failed') this.#settle();
  }

  #readiness(): Readiness {
    if (this.#isClosed) return this.#closed();
    if (this.#routes.stable !== undefined) return 'ready';
    const reason = this.#routes.reasonNotReady();
    if (reason) return reason;
    if (this.#routes.wanted !== undefined) return 'coming';
    const outcome = this.#follower?.outcome;
    if (outcome === undefined) return 'coming';
    const { follow } = this.#settings;
    if (outcome === 'seen') return new ModelkeepError('unavailable', `'${this.model}' has no version that ${shown(follow)} names; promote one, or set the alias.`, { model: this.model });
    return new ModelkeepError('unavailable', `Where the versions of '${this.model}' stand could not be seen: ${describeFailure(outcome.error).message}`, { model: this.model, cause: outcome.error });
  }

  #demandOpen(): void {
    if (this.#isClosed) throw this.#closed();
  }

  #closed(): ModelkeepError {
    return new ModelkeepError('closed', `The deployment of '${this.model}' is closed.`, { model: this.model });
  }
}
