import type { Caller } from '../core/abort.ts';
import type { Undo } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ModelSignature } from '../core/signature/model-signature.ts';
import { shown } from '../core/shown.ts';
import { checkFeedback, checkVersionNumber, deploymentSettings, type DeploymentOptions, type PredictionFeedback, type PredictOptions } from './deployment-options.ts';
import type { DeploymentEvents, DeploymentStatus, VersionSelector } from './deployment-status.ts';
import type { PredictionPageQuery } from './log/log-query.ts';
import type { LoggedPrediction } from './log/logged-prediction.ts';
import type { MetricFamily } from './metrics/metric-family.ts';
import type { VersionCost } from './metrics/version-cost.ts';
import type { Prediction } from './prediction.ts';
import type { RolloutEvent } from './rollout/rollout-event.ts';
import type { RolloutEventsOptions, RolloutEventSource } from './rollout/rollout-events.ts';
import type { RolloutActor, RolloutOptions } from './rollout/rollout-options.ts';
import type { RolloutStatus } from './rollout/rollout-status.ts';
import { ServedModel } from './served-model.ts';

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
  readonly #served: ServedModel<Input, Output>;

  /** Begins to look where the versions stand, and to load. Throws `ValidationError` when an option is not what it must be. */
  constructor(options: DeploymentOptions<Input, Output>) {
    this.#served = new ServedModel(deploymentSettings(options));
    this.model = options.model;
  }

  /**
   * Answers one request. It waits for the first version to be ready, if none is yet.
   *
   * Throws `ValidationError` for an input that the model does not take, `model-failed` with what the model threw, or gave that cannot be, as its cause, `TimeoutError`, `AbortedError`, and `unavailable` when no version is ready and none is on its way;
   * `NotFoundError` for a version that is not there or not in memory.
   */
  predict(input: Input, options: PredictOptions = {}): Promise<Prediction<Output>> {
    return this.#served.predict(input, options);
  }

  /** {@link Deployment.predict} for a caller whose signal is made only if there is something to wait for. @internal */
  predictFor(caller: Caller, input: Input, options: Omit<PredictOptions, 'signal'>): Promise<Prediction<Output>> {
    return this.#served.predict(input, options, caller);
  }

  /** Whether a version can answer at once; without one, that in use. @internal */
  isReady(version?: number): boolean {
    return this.#served.isReady(version);
  }

  /**
   * Says what came of a prediction, in whichever process and whenever it is known: the monitor gets the label, the guardrails of a rollout get the metrics, the log keeps both. An id that the caller gave is known to the process that made
   * the prediction, for as long as it is among the last 10,000; the deployment's own ids are known everywhere. Synchronous.
   *
   * Throws `ValidationError` for a label that neither a monitor nor a log takes. Of a list all are looked at before the first is taken.
   */
  feedback(feedback: PredictionFeedback | readonly PredictionFeedback[]): void {
    this.#served.demandOpen();
    const all = Array.isArray(feedback) ? (feedback as readonly PredictionFeedback[]) : [feedback as PredictionFeedback];
    this.#served.books.feedback(all.map(checkFeedback));
  }

  /**
   * Resolves when the version in use is ready. Rejects with `unavailable`, which says why, when it cannot be: its load failed (it is tried again all the same), or there is none in use.
   */
  async ready(options: OperationOptions & { readonly timeout?: Duration | undefined } = {}): Promise<void> {
    this.#served.demandOpen();
    const { timeout, signal } = options;
    await this.#served.gate.pass(signal, timeout === undefined ? undefined : this.#served.clock.monotonic() + durationMs(timeout, 'options.timeout'));
  }

  /**
   * Looks now, without waiting for its next look by itself: where a rollout stands, which it brings on as far as that is due and this process decides about it, where the versions stand in the registry, and whether an experiment may decide by now. Resolves when it has; what must be
   * loaded then is on its way. Rejects when the storage does not tell of the rollout.
   */
  async refresh(): Promise<void> {
    this.#served.demandOpen();
    await this.#served.refresh();
  }

  /** How things stand in this process. */
  status(): DeploymentStatus {
    return this.#served.status();
  }

  /** What a version in memory takes and gives; absent when it is not in memory, or was registered without. @param version - The version in use unless told otherwise. */
  signature(version: number | undefined = this.#served.routes.stable): ModelSignature | undefined {
    return version === undefined ? undefined : this.#served.versions.ready(version)?.facts?.signature;
  }

  /**
   * The version that a number, a stage, an alias or nothing (the version in use) names. A label that is followed (`follow`, `labels`) names the version that is ready, any other what the registry says.
   *
   * Throws `NotFoundError` when there is none, `unavailable` when none is in use yet.
   */
  async resolve(selector: VersionSelector = {}, options: OperationOptions = {}): Promise<number> {
    return this.#served.resolve(selector, options);
  }

  /**
   * Keeps a version in memory, loading it first, until {@link Deployment.unload}. Resolves when it is ready.
   *
   * Throws `NotFoundError` when there is no such version, `overloaded` when `cache.maxBytes` has no room for it, `unavailable` with the reason when it cannot be loaded.
   */
  async load(version: number, options: OperationOptions = {}): Promise<void> {
    this.#served.demandOpen();
    await this.#served.versions.pin(checkVersionNumber(version), options.signal);
  }

  /** Gives a version back that was kept by {@link Deployment.load}, or is in memory still; resolves when the last request in it was answered. Throws `ConflictError` for a version that is in use. */
  async unload(version: number): Promise<void> {
    this.#served.demandOpen();
    await this.#served.versions.unpin(checkVersionNumber(version));
  }

  /**
   * Brings a version into production by and by: growing shares of requests, guardrails that compare it with the version in use, and an end by itself, in the registry. See {@link RolloutOptions}. Resolves when it has begun; it goes on in whichever process
   * serves the model, after restarts too.
   *
   * Throws `GateError` when the gates of the registry do not let the version pass, `ConflictError` when another rollout or an experiment goes on, or the version is in production already, `ValidationError` where the deployment does not
   * follow what is in production.
   */
  async startRollout(options: RolloutOptions): Promise<RolloutStatus> {
    this.#served.demandOpen();
    const { follow, model } = this.#served.settings;
    if (follow !== 'production') throw new ValidationError(`This deployment of '${model}' follows ${shown(follow)}; a rollout goes from the version in production to another one. Start it from a deployment that follows 'production'.`, { path: 'options.follow' });
    return this.#served.rollouts.start(options);
  }

  /** Where the rollout that goes on stands, or the last one; `undefined` when there was none. */
  async rollout(): Promise<RolloutStatus | undefined> {
    this.#served.demandOpen();
    return this.#served.rollouts.status();
  }

  /** Holds a rollout where it is, with its guardrails watched. Throws `NotFoundError` when none goes on. */
  async pauseRollout(actor: RolloutActor = {}): Promise<RolloutStatus> {
    this.#served.demandOpen();
    return this.#served.rollouts.pause(actor);
  }

  /** Goes on with a rollout that was paused. Throws `NotFoundError` when none goes on. */
  async resumeRollout(actor: RolloutActor = {}): Promise<RolloutStatus> {
    this.#served.demandOpen();
    return this.#served.rollouts.resume(actor);
  }

  /** Skips what is left of a rollout and promotes the candidate, when the gates let it pass or `force` is set. Throws `NotFoundError` when none goes on, `GateError`, and `ConflictError` when somebody promoted another version meanwhile. */
  async promoteRollout(options: RolloutActor & { readonly force?: boolean | undefined } = {}): Promise<RolloutStatus> {
    this.#served.demandOpen();
    return this.#served.rollouts.promote(options);
  }

  /** Ends a rollout without its candidate: all requests go to the version before. Throws `NotFoundError` when none goes on. */
  async abortRollout(actor: RolloutActor = {}): Promise<RolloutStatus> {
    this.#served.demandOpen();
    return this.#served.rollouts.abort(actor);
  }

  /** All that happened to rollouts of the model, in all processes, oldest first, each with its evidence. */
  async rolloutHistory(): Promise<RolloutEvent[]> {
    this.#served.demandOpen();
    return this.#served.rollouts.history();
  }

  /**
   * What happens to rollouts of the model, in all processes, as a source that pipelines and webhooks go by: `pipeline.triggerOn(deployment.rolloutEvents({ types: ['rolled-back'] }))`. It goes on to be read when the deployment is closed.
   *
   * Throws `ValidationError` for a type that there is none of.
   *
   * @example
   * ```ts
   * import { Deployment, MemoryStorage, Pipeline, Registry } from 'modelkeep';
   *
   * const storage = new MemoryStorage();
   * const registry = new Registry({ storage });
   * await registry.createModel('flight-delay');
   * for (const slope of ['0.5', '0.6']) await registry.registerVersion('flight-delay', { files: { slope } });
   * await registry.promote('flight-delay@1', 'production', { by: 'ann', reason: 'first' });
   * await using deployment = new Deployment({ storage, registry, model: 'flight-delay', load: () => (distance: number) => distance / 2 });
   *
   * const review = new Pipeline({ name: 'review', storage });
   * review.step('look', {}, () => console.log('a rollout was given up'));
   * await review.triggerOn(deployment.rolloutEvents({ types: ['rolled-back', 'aborted'] }), { from: 'beginning' });
   *
   * await deployment.startRollout({ candidate: 2, steps: [{ weight: 5, hold: '1h' }] });
   * await deployment.abortRollout({ by: 'ann', reason: 'too many calls' });
   * await using keeper = review.start();
   * await keeper.idle(); // a rollout was given up
   * ```
   */
  rolloutEvents(options: RolloutEventsOptions = {}): RolloutEventSource {
    return this.#served.rollouts.events(options);
  }

  /** What was counted, in the text format 0.0.4 of Prometheus; {@link metricsText} makes one text of several deployments. */
  metricsText(): string {
    return this.#served.books.metrics.text();
  }

  /** What was counted, by families. */
  metricFamilies(): readonly MetricFamily[] {
    return this.#served.books.metrics.families();
  }

  /** What the versions took in this process: requests, time in the model, memory, and the sum of prices. */
  costs(): VersionCost[] {
    return this.#served.books.metrics.costs();
  }

  /** A page of the predictions that the log has kept, of all processes, the newest first, with what came of them. Throws `ValidationError` without `options.log`. */
  async predictions(query: PredictionPageQuery = {}): Promise<Page<LoggedPrediction>> {
    this.#served.demandOpen();
    const { log } = this.#served.books;
    if (log === undefined) throw new ValidationError(`The deployment of '${this.model}' keeps no predictions; give it options.log.`, { path: 'options.log' });
    return log.list(query);
  }

  /** Writes what the log has kept so far. Rejects when the storage fails; nothing is lost then within the bounds of the log, and it is tried again. */
  async flush(options: OperationOptions = {}): Promise<void> {
    await this.#served.books.log?.flush(options);
  }

  /** Calls `listener` at each event of that name until undone. */
  on<K extends keyof DeploymentEvents>(name: K, listener: (event: DeploymentEvents[K]) => void): Undo {
    return this.#served.events.on(name, listener);
  }

  /** Takes no further request, answers those that it has, gives back every version, and writes what it has kept; rejects when that cannot be written. The registry, the monitor and the storage stay open: they are the caller's. */
  async close(): Promise<void> {
    await this.#served.close();
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
