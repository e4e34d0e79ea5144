import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { callable } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';

/**
 * How requests that come together are answered together, by one call of `predictBatch`. A request waits for company only while the model is busy, or while more are expected soon enough: by a line `a·n + b` that is fitted to how long the last batches took, and by the pace at which requests
 * come, a batch goes as soon as waiting for one more costs those who wait more time than it would save the next.
 *
 * @typeParam Input - What one request asks.
 */
export interface BatchingOptions<Input = unknown> {
  /** The most requests in a batch. @default the largest of `sizes`, or 32 */
  readonly maxSize?: number | undefined;
  /** The longest that a request waits for company while the model is free to answer it. @default '5ms' */
  readonly maxDelay?: Duration | undefined;
  /** How many batches the model is given at once. More than one helps a model that is elsewhere, such as behind HTTP; one that computes here would only share its processor among them. @default 1 */
  readonly concurrency?: number | undefined;
  /** The batch sizes that the model takes, ascending, for models that are compiled for some: a batch is filled up to the next of them. @default any size */
  readonly sizes?: readonly number[] | undefined;
  /** Makes the input that fills a batch up, of the last one in it; its output is thrown away. @default that last input once more */
  pad?(this: void, input: Input): Input;
  /** The most bytes in a batch, by the `bytes` of its requests; a larger one goes alone. @default no bound */
  readonly maxBytes?: number | undefined;
  /** Names the kind of an input, such as its shape; only inputs of one kind share a batch. @default all are of one kind */
  batchKey?(this: void, input: Input): string | number;
  /** Whether a batch that was thrown out as a whole is tried again in halves, so that an input which no batch survives fails alone. Halves that fail are divided again until the poisoned ones are found, or until so many fail that the fault is the model's. @default true */
  readonly bisect?: boolean | undefined;
}

/** What a version may take on at once, and what becomes of the rest. */
export interface ExecutionLimits {
  /** The most requests in the model at once. @default 64, or as many as the batches that go at once hold */
  readonly inFlight?: number | undefined;
  /** The most requests that wait for their turn; further ones are refused with the code `overloaded`, and so are those that could not be answered in their time. @default 256 */
  readonly queue?: number | undefined;
  /** The most bytes that wait for their turn, by the `bytes` of the requests. @default 67_108_864 */
  readonly queueBytes?: number | undefined;
  /** The longest that a request takes, its waiting included. Its caller is told then; the model is only asked to stop, and its place stays taken until it has. @default '30s' */
  readonly timeout?: Duration | undefined;
  /** How often a request is tried again that the model failed at; give it only where a second try does no harm. @default no retries */
  readonly retries?: PredictionRetryOptions | undefined;
  /** When a version that keeps failing is left alone for a while; `false` for never. @default a breaker with its defaults */
  readonly breaker?: BreakerOptions | false | undefined;
}

/** How a request is tried again that the model failed at: only within its time, and not while others wait for the model. */
export interface PredictionRetryOptions {
  /** How many times at most, besides the first. */
  readonly max: number;
  /** The wait before the first retry; it doubles with each, and its upper half is left to chance. @default '50ms' */
  readonly backoff?: Duration | undefined;
}

/** When a version is held to be broken. Requests are then refused at once with the code `unavailable`, until one of them, let through as a probe, is answered. */
export interface BreakerOptions {
  /** The share of the last requests that must fail for it to open. @default 0.5 */
  readonly failureRate?: number | undefined;
  /** How many requests it looks back. @default 100 */
  readonly window?: number | undefined;
  /** The fewest requests that it judges by. @default 10 */
  readonly minRequests?: number | undefined;
  /** An answer that took the model longer than this counts as a failure. @default none does */
  readonly slowCall?: Duration | undefined;
  /** How long it refuses all before it lets a probe through. @default '5s' */
  readonly openFor?: Duration | undefined;
}

/** {@link BatchingOptions} with the defaults filled in. */
export interface BatchingSettings<Input> {
  readonly maxSize: number;
  readonly maxDelayMs: number;
  readonly concurrency: number;
  readonly sizes: readonly number[];
  readonly pad: (input: Input) => Input;
  readonly maxBytes: number;
  readonly batchKey: ((input: Input) => string | number) | undefined;
  readonly bisect: boolean;
}

/** What a model runner goes by. */
export interface ExecutionSettings<Input> {
  /** Without batching, batches of one. */
  readonly batching: BatchingSettings<Input>;
  readonly limits: LimitSettings;
}

/** {@link ExecutionLimits} with the defaults filled in. */
export interface LimitSettings {
  readonly inFlight: number;
  readonly queue: number;
  readonly queueBytes: number;
  readonly timeoutMs: number;
  readonly retries: { readonly max: number; readonly backoffMs: number };
  readonly breaker: BreakerSettings | undefined;
}

/** {@link BreakerOptions} with the defaults filled in. */
export interface BreakerSettings {
  readonly failureRate: number;
  readonly window: number;
  readonly minRequests: number;
  readonly slowCallMs: number;
  readonly openForMs: number;
}

const count = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1)));
const duration = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.custom<Duration>());

const batchingSchema = /* @__PURE__ */ z.strictObject({
  maxSize: count,
  maxDelay: duration,
  concurrency: count,
  sizes: z.optional(z.array(z.int().check(z.minimum(1))).check(z.minLength(1))),
  pad: z.optional(callable<(input: never) => never>()),
  maxBytes: count,
  batchKey: z.optional(callable<(input: never) => string | number>()),
  bisect: z.optional(z.boolean()),
});

const breakerSchema = /* @__PURE__ */ z.strictObject({
  failureRate: z.optional(z.number().check(z.gt(0), z.maximum(1))),
  window: count,
  minRequests: count,
  slowCall: duration,
  openFor: duration,
});

const limitsSchema = /* @__PURE__ */ z.strictObject({
  inFlight: count,
  queue: z.optional(z.int().check(z.minimum(0))),
  queueBytes: z.optional(z.int().check(z.minimum(0))),
  timeout: duration,
  retries: z.optional(z.strictObject({ max: z.int().check(z.minimum(0), z.maximum(100)), backoff: duration })),
  breaker: z.optional(z.union([z.literal(false), breakerSchema])),
});

/** Checks how a version is to be executed, and fills in the defaults. Throws `ValidationError` with the path of the first thing wrong: `batching…` or `limits…`. */
export function executionSettings<Input>(batching: BatchingOptions<Input> | undefined, limits: ExecutionLimits | undefined): ExecutionSettings<Input> {
  const { inFlight, ...rest } = limitSettings(limits);
  const together = batching && batchingSettings(batching);
  const most = together === undefined ? 1 : together.maxSize * together.concurrency;
  if (together !== undefined && inFlight !== undefined && inFlight < together.maxSize) {
    throw new ValidationError(`limits.inFlight is ${inFlight}, so that no batch of ${together.maxSize} could go; raise it, or lower batching.maxSize.`, { path: 'limits.inFlight' });
  }
  const settings = { ...rest, inFlight: inFlight ?? Math.max(64, most) };
  return { batching: together ?? alone(settings.inFlight), limits: settings };
}

function alone<Input>(concurrency: number): BatchingSettings<Input> {
  return { maxSize: 1, maxDelayMs: 0, concurrency, sizes: [], pad: (input) => input, maxBytes: Infinity, batchKey: undefined, bisect: false };
}

function batchingSettings<Input>(options: BatchingOptions<Input>): BatchingSettings<Input> {
  const { maxSize, maxDelay, concurrency = 1, sizes = [], pad = (input: Input) => input, maxBytes = Infinity, batchKey, bisect = true } = check(batchingSchema, options, 'batching') as BatchingOptions<Input>;
  const largest = sizes.at(-1);
  if (sizes.some((size, i) => i > 0 && size <= sizes[i - 1]!)) throw new ValidationError('batching.sizes must ascend.', { path: 'batching.sizes' });
  if (largest !== undefined && maxSize !== undefined && maxSize !== largest) {
    throw new ValidationError(`batching.maxSize is ${maxSize}, but the largest of batching.sizes is ${largest}; leave maxSize out, or make them equal.`, { path: 'batching.maxSize' });
  }
  return { maxSize: maxSize ?? largest ?? 32, maxDelayMs: durationMs(maxDelay ?? '5ms', 'batching.maxDelay'), concurrency, sizes, pad, maxBytes, batchKey, bisect };
}

function limitSettings(options: ExecutionLimits = {}): Omit<LimitSettings, 'inFlight'> & { readonly inFlight: number | undefined } {
  const { inFlight, queue = 256, queueBytes = 67_108_864, timeout, retries, breaker = {} } = check(limitsSchema, options, 'limits');
  return {
    inFlight,
    queue,
    queueBytes,
    timeoutMs: durationMs(timeout ?? '30s', 'limits.timeout'),
    retries: { max: retries?.max ?? 0, backoffMs: durationMs(retries?.backoff ?? '50ms', 'limits.retries.backoff') },
    breaker: breaker === false ? undefined : breakerSettings(breaker),
  };
}

function breakerSettings({ failureRate = 0.5, window = 100, minRequests = 10, slowCall, openFor }: BreakerOptions): BreakerSettings {
  if (minRequests > window) throw new ValidationError(`limits.breaker.minRequests is ${minRequests}, more than the ${window} requests that it looks back; raise limits.breaker.window.`, { path: 'limits.breaker.minRequests' });
  return {
    failureRate,
    window,
    minRequests,
    slowCallMs: slowCall === undefined ? Infinity : durationMs(slowCall, 'limits.breaker.slowCall'),
    openForMs: durationMs(openFor ?? '5s', 'limits.breaker.openFor'),
  };
}
