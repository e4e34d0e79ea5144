import { callerOf, type Caller } from '../core/abort.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { Emitter } from '../core/emitter.ts';
import { ModelkeepError, NotFoundError, ValidationError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { ErrorListener } from '../core/logger.ts';
import { LookLoop, type Look } from '../core/look-loop.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom } from '../core/random.ts';
import { reportFailure } from '../core/report-failure.ts';
import { shown } from '../core/shown.ts';
import { hostTurn } from '../core/turn.ts';
import { Bookkeeping } from './bookkeeping/bookkeeping.ts';
import { checkPredictOptions, checkVersionNumber, type DeploymentSettings, type PredictOptions } from './deployment-options.ts';
import type { DeploymentEvents, DeploymentStatus, VersionSelector } from './deployment-status.ts';
import { executionSettings } from './execution/execution-options.ts';
import { ResponseCache } from './execution/response-cache.ts';
import { ModelRunner } from './execution/model-runner.ts';
import { Inference } from './inference/inference.ts';
import { Predictions, type PredictionRequest } from './inference/predictions.ts';
import type { ServingGauges } from './metrics/serving-gauges.ts';
import type { Prediction } from './prediction.ts';
import { ReadyGate, type Readiness } from './ready-gate.ts';
import { driftCheck, isDriftSource } from './rollout/drift-check.ts';
import { RolloutController } from './rollout/rollout-controller.ts';
import type { Traffic } from './rollout/rollout-state.ts';
import { Routes } from './routing/routes.ts';
import { ShadowLane } from './routing/shadow-lane.ts';
import { StickyVariants } from './routing/sticky-variants.ts';
import { VersionFollower } from './versions/version-follower.ts';
import { VersionSet } from './versions/version-set.ts';
import type { VersionSlot } from './versions/version-slot.ts';

const mostWaiting = 1_024;
// How long a process that decides on a rollout, or keeps one out by an experiment, may be silent before others go on without it.
const leaseMs = 15_000;
const claimMs = 300_000;

/** A model as one process serves it: its parts, put together. */
export class ServedModel<Input, Output> {
  readonly settings: DeploymentSettings<Input, Output>;
  readonly clock: Clock;
  readonly onError: ErrorListener;
  readonly events: Emitter<DeploymentEvents>;
  readonly versions: VersionSet<Input, Output>;
  readonly follower: VersionFollower | undefined;
  readonly rollouts: RolloutController;
  readonly routes: Routes<Input, Output>;
  readonly gate: ReadyGate;
  readonly shadows: ShadowLane;
  readonly books: Bookkeeping<Input, Output>;
  readonly predictions: Predictions<Input, Output>;
  readonly #sticky: StickyVariants | undefined;
  #traffic: Traffic = {};
  #following: Promise<void> | undefined;
  #claim: LookLoop | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /** Begins to look where the versions stand, and to load. */
  constructor(settings: DeploymentSettings<Input, Output>) {
    const { model, registry, storage, load, cache, validate, batching, limits, bytesOf, shadow, guardrails, monitor, experiment, responses, features, follow, labels, fallback, clock = systemClock, random = systemRandom, onError, logger } = settings;
    this.settings = settings;
    this.clock = clock;
    this.onError = (error) => reportFailure(error, { who: `The deployment of '${model}'`, onError, logger });
    this.events = new Emitter(this.onError);
    this.versions = new VersionSet({
      model,
      registry,
      load,
      run: (name, predictor) => new ModelRunner({ name, predictor, batching, limits, clock, random, onError: this.onError }),
      checkOutput: validate?.output ?? true,
      loadTimeoutMs: settings.loadTimeoutMs,
      drainTimeoutMs: settings.drainTimeoutMs,
      maxBytes: cache?.maxBytes,
      clock,
      random,
      onError: this.onError,
      changed: (slot) => this.#versionChanged(slot),
    });
    this.rollouts = new RolloutController({
      storage,
      name: model,
      registry,
      checks: { ...(isDriftSource(monitor) && { drift: driftCheck(monitor) }), ...guardrails },
      clock,
      random,
      onError: this.onError,
      announce: (event) => this.events.emit('rollout', event),
      onTraffic: (traffic) => this.#follow(traffic),
      onClaimLost: () => {
        this.routes.experimenting = false;
        this.#claim?.wake();
      },
      intervals: { idleMs: settings.intervalMs, leaseMs, claimMs },
    });
    const isFollowing = typeof follow === 'string' || labels.length > 0;
    this.follower = isFollowing ? new VersionFollower({ model, registry, storage, intervalMs: settings.intervalMs, clock, random, onError: this.onError, looked: () => this.settle() }) : undefined;
    this.routes = new Routes({
      model,
      versions: this.versions,
      traffic: () => this.#traffic,
      followed: () => (typeof follow === 'number' ? follow : this.follower?.versionOf(follow)),
      labels,
      labelled: (label) => this.follower?.versionOf(label),
      fallback,
      experiment,
      random,
    });
    const { stickyTimeoutMs } = settings;
    if (experiment?.assignSticky && stickyTimeoutMs !== undefined) this.#sticky = new StickyVariants({ assign: experiment.assignSticky.bind(experiment), timeoutMs: stickyTimeoutMs, clock, onError: this.onError });
    this.gate = new ReadyGate(() => this.#readiness(), mostWaiting, clock);
    this.shadows = new ShadowLane(shadow ?? {}, hostTurn);
    this.books = new Bookkeeping({
      options: settings,
      clock,
      random,
      onError: this.onError,
      rollouts: this.rollouts,
      gauges: () => this.#gauges(),
      served: (outcome) => this.events.emit('served', outcome),
    });
    const inference = new Inference<Input, Output>({ features, checkInput: validate?.input ?? true, bytesOf, responses: responses && new ResponseCache<Output>(responses, clock), timeoutMs: executionSettings(batching, limits).limits.timeoutMs, clock });
    this.predictions = new Predictions({ routes: this.routes, inference, books: this.books, shadows: this.shadows, clock });
    this.follower?.start();
    this.rollouts.begin();
    if (experiment) {
      this.#claim = this.#claimOf(experiment.name);
      this.#claim.start();
    }
    this.settle();
  }

  /** Ends it: once, however often it is called. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.gate.changed();
    this.shadows.close();
    const looks = [this.#claim?.stop(), this.follower?.close()];
    // Versions are given back whether or not a storage answers whoever looks at it.
    await this.versions.close();
    // What the last requests came to is counted and kept by now.
    const kept = await Promise.allSettled([this.books.log?.close(), this.#closeRollouts(looks)]);
    for (const end of kept) if (end.status === 'rejected') throw end.reason;
  }

  async #closeRollouts(looks: readonly (Promise<void> | undefined)[]): Promise<void> {
    for (const look of looks) await look;
    await this.rollouts.close();
  }

  /** Answers one request. @param caller - Who waits for it, in the place of the signal of the options. */
  async predict(input: Input, options: PredictOptions, caller?: Caller): Promise<Prediction<Output>> {
    this.demandOpen();
    const timeoutMs = checkPredictOptions(options);
    const { version, key, attributes, id } = options;
    const startedAt = this.clock.monotonic();
    const request: PredictionRequest<Input> = { input, key, attributes, id, caller: caller ?? callerOf(options.signal), deadline: timeoutMs === undefined ? undefined : startedAt + timeoutMs, at: this.clock.now(), startedAt };
    if (version !== undefined) return this.#predictWith(version, request);
    const kept = this.#sticky && key !== undefined && this.routes.experimenting ? await this.#sticky.of(key, attributes, request.deadline) : undefined;
    let choice = this.routes.choose(key, attributes, kept);
    if (choice === undefined) {
      await this.gate.pass(request.caller?.signal, request.deadline);
      choice = this.routes.choose(key, attributes, kept);
    }
    if (choice === undefined) throw new ModelkeepError('unavailable', `No version of '${this.settings.model}' is ready.`, { model: this.settings.model });
    return await this.predictions.make(choice, request);
  }

  /** Looks at the rollout and at the registry; resolves when requests go by what was found. */
  async refresh(): Promise<void> {
    await this.rollouts.look();
    await this.#following;
    await this.follower?.refresh();
    const { experiment } = this.settings;
    // While a rollout goes on it cannot be; the loop tells of that, and tries again.
    if (experiment && !this.routes.experimenting) await this.#claimFor(experiment.name).catch(() => undefined);
  }

  /** Whether a version can answer; without one, that in use. */
  isReady(version: number | undefined): boolean {
    const asked = version ?? this.routes.stable;
    return asked !== undefined && this.versions.ready(asked) !== undefined;
  }

  /** How things stand. */
  status(): DeploymentStatus {
    const { stable, traffic } = this.routes;
    const { loaded, disposed } = this.versions;
    return { model: this.settings.model, stable, traffic, versions: this.versions.status((version) => this.routes.armOf(version)), loaded, disposed, shadowsDropped: this.shadows.dropped };
  }

  /** The version that a selector names. */
  async resolve({ version, label }: VersionSelector, options: OperationOptions): Promise<number> {
    if (version !== undefined && label !== undefined) throw new ValidationError('selector has a version and a label; give one of them.', { path: 'selector' });
    if (version !== undefined) return this.#existing(checkVersionNumber(version), options);
    const { follow, registry, model } = this.settings;
    if (label === undefined || label === follow) {
      await this.gate.pass(options.signal, undefined);
      return this.routes.stable!;
    }
    return this.routes.labelled(label) ?? (await registry.getVersion(`${model}@${label}`, options)).version;
  }

  #gauges(): Omit<ServingGauges, 'logDropped' | 'logBuffered'> {
    const { versions, loaded, disposed, shadowsDropped } = this.status();
    return { versions, loaded, disposed, failedLoads: this.versions.failed, shadowDropped: shadowsDropped, traffic: this.routes.shares() };
  }

  async #predictWith(version: number, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const choice = this.routes.override(version);
    if (choice) return this.predictions.make(choice, request);
    if (this.settings.cache?.onDemand !== true) {
      throw this.versions.failureOf(version) ?? new NotFoundError(`${this.settings.model}@${version} is not in memory; load(${version}) it first, or allow it by cache.onDemand.`, { model: this.settings.model, version });
    }
    return this.versions.withLoaded(version, request.caller?.signal, (slot) => this.predictions.make({ slot, arm: 'stable', reason: 'override' }, request));
  }

  async #existing(version: number, options: OperationOptions): Promise<number> {
    if (!this.versions.ready(version)) await this.settings.registry.getVersion(`${this.settings.model}@${version}`, options);
    return version;
  }

  /** Takes in what has changed: of the registry, of rollouts, of versions. */
  settle(): void {
    if (this.#isClosed) return;
    this.routes.settle();
    this.gate.changed();
  }

  /** Keeps rollouts out, trying again while one goes on; until then, and when one began while this process was asleep, the experiment decides nothing. */
  #claimOf(name: string): LookLoop {
    const { clock } = this;
    const look = async (): Promise<Look> => {
      await this.#claimFor(name);
      return { waitMs: claimMs, settled: true };
    };
    return new LookLoop({ clock, random: this.settings.random ?? systemRandom, look, onError: this.onError, backoff: { initialMs: 1_000 }, keepAlive: false, closed: () => this.#closed() });
  }

  async #claimFor(name: string): Promise<void> {
    await this.rollouts.claimExperiment(name);
    this.routes.experimenting = true;
  }

  /** Goes by what a rollout says. When that has ended the registry says which version is in use, and what was seen of it may be older than the promotion. */
  #follow(traffic: Traffic): void {
    const take = (): void => {
      if (traffic !== this.rollouts.traffic) return;
      this.#traffic = traffic;
      this.settle();
    };
    const hasEnded = traffic.stable === undefined && this.#traffic.stable !== undefined;
    if (hasEnded && this.follower) this.#following = this.follower.lookOnce().then(take);
    else take();
  }

  #versionChanged(slot: VersionSlot<Input, Output>): void {
    const { version, state, failure } = slot;
    if (state === 'ready' || state === 'unloaded') this.books.metrics.hold(version, state === 'ready' ? slot.bytes : 0);
    this.events.emit('version', { version, state, ...(state === 'failed' && { error: describeFailure(failure).message }) });
    if (state === 'ready' || state === 'failed') this.settle();
  }

  #readiness(): Readiness {
    if (this.#isClosed) return this.#closed();
    if (this.routes.stable !== undefined) return 'ready';
    const reason = this.routes.reasonNotReady();
    if (reason) return reason;
    if (this.routes.wanted !== undefined) return 'coming';
    const outcome = this.follower?.outcome;
    if (outcome === undefined) return 'coming';
    const { follow } = this.settings;
    if (outcome === 'seen') return new ModelkeepError('unavailable', `'${this.settings.model}' has no version that ${shown(follow)} names; promote one, or set the alias.`, { model: this.settings.model });
    return new ModelkeepError('unavailable', `Where the versions of '${this.settings.model}' stand could not be seen: ${describeFailure(outcome.error).message}`, { model: this.settings.model, cause: outcome.error });
  }

  /** Throws unless it is open. */
  demandOpen(): void {
    if (this.#isClosed) throw this.#closed();
  }

  #closed(): ModelkeepError {
    return new ModelkeepError('closed', `The deployment of '${this.settings.model}' is closed.`, { model: this.settings.model });
  }
}
