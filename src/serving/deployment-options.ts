import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption, having, signalOption } from '../core/option-schemas.ts';
import type { Random } from '../core/random.ts';
import { check } from '../core/schema.ts';
import type { Registry } from '../registry/registry.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { FeatureLookupOptions } from './inference/feature-lookup.ts';
import type { MonitorOfPredictions, ObservePrediction } from './bookkeeping/monitor-feed.ts';
import { executionSettings, type BatchingOptions, type ExecutionLimits } from './execution/execution-options.ts';
import type { ResponseCacheOptions } from './execution/response-cache.ts';
import type { PredictionLogOptions } from './log/log-options.ts';
import type { ServingMetricsOptions } from './metrics/metrics-options.ts';
import type { TelemetryOptions } from './metrics/telemetry.ts';
import type { PredictorSource } from './predictor.ts';
import type { RolloutCheck } from './rollout/guardrail.ts';
import type { DeployedExperiment, UnitAttributes } from './routing/deployed-experiment.ts';
import type { ShadowOptions } from './routing/shadow-lane.ts';

/** What a deployment asks of a registry. */
export type DeployedRegistry = Pick<Registry, 'getModel' | 'getVersion' | 'load' | 'checkGates' | 'promote' | 'rollback'>;

/** The files of a registered version, opened, and what is recorded of it. */
export type DeployedVersion = Awaited<ReturnType<Registry['load']>>;

/** Makes a predictor of the files of a version. */
export type LoadPredictor<Input, Output> = (version: DeployedVersion, call: { readonly signal: AbortSignal }) => PredictorSource<Input, Output> | Promise<PredictorSource<Input, Output>>;

/** Which versions a deployment keeps in memory besides those in use. */
export interface VersionCacheOptions {
  /** Bytes that all versions may hold together. Versions that are no longer in use stay while there is room, the one that was asked least recently goes first; those in use are never held back by it. @default those that are no longer in use leave at once */
  readonly maxBytes?: number | undefined;
  /** Whether a version that a caller names is loaded when it is asked for; it needs `maxBytes`. @default false: callers can name those only that are in memory */
  readonly onDemand?: boolean | undefined;
}

/** How keys stay at the variants that they had first. */
export interface StickyOptions {
  /** How long a prediction waits at most for the storage of the experiment, and no longer than half of its own `timeout`; then the key is divided as `assign` has it. @default '50ms' */
  readonly timeout?: Duration | undefined;
}

/** What is held to the signature of a version; one without a signature takes and gives anything. */
export interface SignatureCheckOptions {
  /** Whether inputs are checked before the model sees them; one that does not fit is the caller's `ValidationError`. @default true */
  readonly input?: boolean | undefined;
  /** Whether outputs are checked before the caller sees them; one that does not fit is a failure of the model (`model-failed`). @default true */
  readonly output?: boolean | undefined;
}

/** How a deployment is made. */
export interface DeploymentOptions<Input = unknown, Output = unknown> {
  /** Where what it must remember is kept; its hints tell of changes in the registry, when they share a store. */
  readonly storage: StorageAdapter;
  /** Has the model and its versions. */
  readonly registry: DeployedRegistry;
  /** Name of the model. */
  readonly model: string;
  /** Makes a predictor of a version. It is called once for each time that a version comes into memory; what it makes is disposed of exactly once. */
  readonly load: LoadPredictor<Input, Output>;
  /** The version in use: what a stage or an alias of the registry names, followed live, or a number. @default 'production' */
  readonly follow?: 'production' | 'staging' | 'latest' | (string & {}) | number | undefined;
  /** Further aliases or stages whose versions are kept ready, for callers that ask by them. @default none */
  readonly labels?: readonly string[] | undefined;
  /** How often it looks where the versions stand, at least. @default '5s' */
  readonly interval?: Duration | undefined;
  /** Which versions are kept in memory besides those in use. @default none */
  readonly cache?: VersionCacheOptions | undefined;
  /** How long a version may take to load and warm up. @default '5m' */
  readonly loadTimeout?: Duration | undefined;
  /** How long a version that leaves waits for its last requests before it is given up. @default '30s' */
  readonly drainTimeout?: Duration | undefined;
  /** What is held to the signatures of versions. @default inputs and outputs */
  readonly validate?: SignatureCheckOptions | undefined;
  /** How requests that come together are answered together. @default one by one */
  readonly batching?: BatchingOptions<Input> | undefined;
  /** What each version takes on at once, how long it may take, and when it is left alone. @default see each */
  readonly limits?: ExecutionLimits | undefined;
  /** What a request counts in `limits.queueBytes` and `batching.maxBytes`. @default 0 */
  readonly bytesOf?: ((input: Input) => number) | undefined;
  /** Looks features up and adds them to what is asked. @default none */
  readonly features?: FeatureLookupOptions<Input> | undefined;
  /** What answers when a version fails, times out, is overloaded or known to fail: the version in use, a version by its number, or nothing. @default 'stable' */
  readonly fallback?: 'stable' | number | false | undefined;
  /** Is fed every prediction, failures too, and feedback. It needs `observe`. @default none */
  readonly monitor?: MonitorOfPredictions | undefined;
  /** What the monitor is told of a prediction that was answered. @default nothing */
  readonly observe?: ObservePrediction<Input, Output> | undefined;
  /** How many copies of requests a candidate is given at once. @default see each */
  readonly shadow?: ShadowOptions | undefined;
  /** The functions behind guardrails such as `{ check: 'health' }` of a rollout, by name. @default `drift` by the verdicts of the monitor, if it is one that has them */
  readonly guardrails?: Readonly<Record<string, RolloutCheck>> | undefined;
  /** An experiment that decides by key which version answers, such as an `ABTest` whose variants name versions. Units are exposed when they are answered, and metrics of feedback are recorded. Rollouts are kept out meanwhile. @default none */
  readonly experiment?: DeployedExperiment | undefined;
  /**
   * Keeps keys at the variant of the experiment that they had first, whatever becomes of its weights, in all processes and for good: the experiment stores them, by `assignSticky`. A key that this process does not know costs a read of the
   * storage before it is answered. Rollouts need no such memory, for their shares only grow. @default false: variants are computed, by `assign`
   */
  readonly sticky?: boolean | StickyOptions | undefined;
  /** Keeps answers for inputs that come again, for models that always answer the same. @default none are kept */
  readonly responses?: ResponseCacheOptions | undefined;
  /** What is counted, and the price of a prediction; see `metricsText()` and `costs()`. @default see each */
  readonly metrics?: ServingMetricsOptions | undefined;
  /** A tracer and a meter of OpenTelemetry. @default none */
  readonly telemetry?: TelemetryOptions | undefined;
  /** Keeps what was served, and what came of it, in the storage; see `predictions()`. @default false */
  readonly log?: boolean | PredictionLogOptions | undefined;
  /** Told of failures that no caller waits for. @default nobody */
  readonly onError?: ErrorListener | undefined;
  /** Told what happens, in the form of pino or console. @default nobody */
  readonly logger?: Logger | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
  /** Source of chance, for requests without a key. @default the host's */
  readonly random?: Random | undefined;
}

/** How one prediction is asked for. */
export interface PredictOptions {
  /** Whose request it is, such as the id of a user: the same key is routed alike, in every process. @default none: routed by chance */
  readonly key?: string | undefined;
  /** What is known of whoever asks, for an experiment that targets by it. @default nothing */
  readonly attributes?: UnitAttributes | undefined;
  /** The version that is to answer. @default as it is routed */
  readonly version?: number | undefined;
  /** Names the prediction, for feedback. @default a new one */
  readonly id?: string | undefined;
  /** Ends the wait: with it nobody is told of the answer. @default none */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take altogether. @default as long as the model may take */
  readonly timeout?: Duration | undefined;
}

/** What came of a prediction. */
export interface PredictionFeedback {
  /** The id of the prediction. */
  readonly id: string;
  /** The key that the prediction was asked by, for an experiment: needed when the process that made the prediction is another one, or has made thousands since. @default remembered */
  readonly key?: string | undefined;
  /** What the right answer would have been. @default not told */
  readonly label?: string | number | boolean | undefined;
  /** What it led to, as numbers by name. @default none */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

const text = z.string().check(z.minLength(1));
const flag = z.optional(z.boolean());
const duration = z.optional(z.union([z.number(), z.string()], 'must be milliseconds or a text such as 30s'));
const versionNumber = z.int().check(z.minimum(1), z.maximum(999_999_999));

const optionsSchema = z.strictObject({
  storage: storageOption,
  registry: having<DeployedRegistry>('getModel', 'must be a registry'),
  model: text,
  load: callable(),
  follow: z.optional(z.union([text, versionNumber])),
  labels: z.optional(z.array(text)),
  interval: duration,
  cache: z.optional(z.strictObject({ maxBytes: z.optional(z.number().check(z.minimum(0))), onDemand: flag })),
  loadTimeout: duration,
  drainTimeout: duration,
  validate: z.optional(z.strictObject({ input: flag, output: flag })),
  batching: z.optional(z.looseObject({})),
  limits: z.optional(z.looseObject({})),
  bytesOf: z.optional(callable()),
  features: z.optional(z.strictObject({ store: having('getOnlineFeatures', 'must be a store of features'), service: z.optional(text), entity: callable() })),
  fallback: z.optional(z.union([z.literal('stable'), versionNumber, z.literal(false)])),
  monitor: z.optional(having<MonitorOfPredictions>('observe', 'must be a DriftMonitor')),
  observe: z.optional(callable()),
  shadow: z.optional(z.strictObject({ inFlight: z.optional(z.int().check(z.minimum(1))), queue: z.optional(z.int().check(z.minimum(0))) })),
  guardrails: z.optional(z.record(z.string(), callable<RolloutCheck>())),
  experiment: z.optional(having<DeployedExperiment>('assign', 'must be an experiment, such as new ABTest(…)')),
  sticky: z.optional(z.union([z.boolean(), z.strictObject({ timeout: duration })])),
  responses: z.optional(z.looseObject({})),
  metrics: z.optional(z.looseObject({})),
  telemetry: z.optional(z.looseObject({})),
  log: z.optional(z.union([z.boolean(), z.looseObject({})])),
  onError: z.optional(callable<ErrorListener>()),
  logger: z.optional(having<Logger>('error', 'must be a logger, such as console')),
  clock: clockOption,
  random: z.optional(callable<Random>()),
});

const predictSchema = z.strictObject({ key: z.optional(z.string()), attributes: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.undefined()]))), version: z.optional(versionNumber), id: z.optional(text), signal: signalOption, timeout: duration });
const feedbackSchema = z.strictObject({
  id: text,
  key: z.optional(z.string()),
  label: z.optional(z.union([z.string(), z.number(), z.boolean()])),
  metrics: z.optional(z.record(z.string(), z.number())),
});

/** Options with what they are by default. */
export interface DeploymentSettings<Input, Output> extends DeploymentOptions<Input, Output> {
  readonly follow: string | number;
  readonly labels: readonly string[];
  readonly fallback: 'stable' | number | false;
  readonly intervalMs: number;
  readonly loadTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Absent where keys are not kept at variants. */
  readonly stickyTimeoutMs: number | undefined;
}

/** Checks what a deployment is made with. */
export function deploymentSettings<Input, Output>(options: DeploymentOptions<Input, Output>): DeploymentSettings<Input, Output> {
  check(optionsSchema, options, 'options');
  const { follow = 'production', labels = [], fallback = 'stable', interval = '5s', loadTimeout = '5m', drainTimeout = '30s', cache, monitor, observe, batching, limits, experiment, sticky = false } = options;
  if (cache?.onDemand === true && cache.maxBytes === undefined) throw new ValidationError('options.cache.onDemand needs options.cache.maxBytes, so that callers cannot fill the memory.', { path: 'options.cache.maxBytes' });
  if (monitor && !observe) throw new ValidationError('options.monitor needs options.observe, which says what of a prediction it is told.', { path: 'options.observe' });
  if (observe && !monitor) throw new ValidationError('options.observe is for options.monitor, which is missing.', { path: 'options.monitor' });
  if (sticky !== false && experiment?.assignSticky === undefined) throw new ValidationError('options.sticky needs options.experiment with assignSticky, such as new ABTest(…), which stores the variants of keys.', { path: 'options.experiment' });
  // Each version has a runner of its own; what is wrong with their options is told here.
  executionSettings(batching, limits);
  const intervalMs = Math.max(50, durationMs(interval, 'options.interval'));
  return { ...options, follow, labels, fallback, intervalMs, loadTimeoutMs: durationMs(loadTimeout, 'options.loadTimeout'), drainTimeoutMs: durationMs(drainTimeout, 'options.drainTimeout'), stickyTimeoutMs: stickyTimeoutOf(sticky) };
}

function stickyTimeoutOf(sticky: boolean | StickyOptions): number | undefined {
  if (sticky === false) return undefined;
  return durationMs((sticky === true ? undefined : sticky.timeout) ?? '50ms', 'options.sticky.timeout');
}

/** Checks how a prediction is asked for, and gives its timeout in milliseconds. */
export function checkPredictOptions(options: PredictOptions): number | undefined {
  if (!isPlainly(options)) check(predictSchema, options, 'options');
  const { timeout } = options;
  return timeout === undefined ? undefined : durationMs(timeout, 'options.timeout');
}

/** Whether options are certainly what they must be. Every prediction is looked at so; the schema, which takes much longer, decides on all others and says what is wrong. */
function isPlainly(options: PredictOptions): boolean {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false;
  for (const name in options) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    switch (name) {
      case 'key':
        if (typeof value !== 'string' && value !== undefined) return false;
        break;
      case 'id':
        if (value === '' || (typeof value !== 'string' && value !== undefined)) return false;
        break;
      case 'signal':
        if (value !== undefined && typeof (value as Readonly<Record<string, unknown>> | null)?.['addEventListener'] !== 'function') return false;
        break;
      default:
        if (value !== undefined || !Object.hasOwn(predictSchema.def.shape, name)) return false;
    }
  }
  return true;
}

/** Checks what came of a prediction. */
export function checkFeedback(feedback: PredictionFeedback): PredictionFeedback {
  return check(feedbackSchema, feedback, 'feedback');
}

/** Checks the number of a version. */
export function checkVersionNumber(version: number): number {
  return check(versionNumber, version, 'version');
}
