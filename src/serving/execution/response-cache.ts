import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { AbortedError, isModelkeepError, TimeoutError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { inputKey } from './input-key.ts';
import { plainCopy, type PlainCopy } from './plain-copy.ts';

/** Which answers of models are kept, for inputs that come again. */
export interface ResponseCacheOptions {
  /** The most answers. @default 10_000 */
  readonly maxEntries?: number | undefined;
  /** About the most bytes that they and their keys hold. @default 67_108_864 */
  readonly maxBytes?: number | undefined;
  /** How long an answer is good for. @default for ever */
  readonly ttl?: Duration | undefined;
}

/** What a cache of answers has done so far. */
export interface ResponseCacheCounts {
  /** Answers kept now. */
  readonly entries: number;
  /** About the bytes that they hold. */
  readonly bytes: number;
  /** Requests answered from what was kept. */
  readonly hits: number;
  /** Requests answered together with an equal one that the model had already. */
  readonly joined: number;
  /** Requests that the model was asked for. */
  readonly misses: number;
  /** Answers let go because there was no room or their time was up. */
  readonly evicted: number;
  /** Requests that could not be looked up, or whose answers could not be kept, for they are no plain data. */
  readonly uncacheable: number;
}

/** One request that may be answered from the cache. */
export interface CachedCall<Output, Input = unknown> {
  readonly version: number;
  readonly input: Input;
  readonly signal?: AbortSignal | undefined;
  /** How long it may wait for an equal request. */
  readonly timeoutMs?: number | undefined;
  /** Asks the model what it is given, which nobody else writes over; its signal fires when none of those who wait for this answer is left. */
  readonly compute: (signal: AbortSignal, input: Input) => Promise<Output>;
}

/** An answer, and whether the model was asked for it by somebody else: now or before. */
export interface CachedAnswer<Output> {
  readonly output: Output;
  readonly cached: boolean;
}

interface Entry<Output> extends PlainCopy<Output> {
  readonly version: number;
  readonly until: number;
}

/** A model that is being asked, and how many wait for it. */
interface Flight<Output> {
  readonly answer: Promise<{ readonly output: Output; readonly copy: PlainCopy<Output> | undefined }>;
  readonly controller: AbortController;
  waiting: number;
}

const schema = /* @__PURE__ */ z.strictObject({
  maxEntries: z.optional(z.int().check(z.minimum(1))),
  maxBytes: z.optional(z.int().check(z.minimum(0))),
  ttl: z.optional(z.custom<Duration>()),
});

/**
 * Answers of models by version and input, for models that always answer the same: those used longest ago go first. Of equal requests at the same time the model is asked for one, and all have its answer. Failures are not kept. Each who is answered has a copy of their own.
 */
export class ResponseCache<Output> {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<Output>>();
  readonly #flights = new Map<string, Flight<Output>>();
  #bytes = 0;
  #hits = 0;
  #joined = 0;
  #misses = 0;
  #evicted = 0;
  #uncacheable = 0;

  constructor(options: ResponseCacheOptions, clock: Clock) {
    const { maxEntries = 10_000, maxBytes = 67_108_864, ttl } = check(schema, options, 'responses');
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#ttlMs = ttl === undefined ? Infinity : durationMs(ttl, 'responses.ttl');
    this.#clock = clock;
  }

  /** What it has done so far. */
  get counts(): ResponseCacheCounts {
    return { entries: this.#entries.size, bytes: this.#bytes, hits: this.#hits, joined: this.#joined, misses: this.#misses, evicted: this.#evicted, uncacheable: this.#uncacheable };
  }

  /** The answer that is kept, or the model's. */
  async answer<Input>(call: CachedCall<Output, Input>): Promise<CachedAnswer<Output>> {
    const { version, input, signal } = call;
    if (signal?.aborted) throw abortedError(signal);
    const digest = inputKey(input);
    if (digest === undefined) return this.#uncached(call);
    const key = `${version} ${digest}`;
    const kept = this.#lookUp(key);
    if (kept !== undefined) {
      this.#hits++;
      return { output: plainCopy(kept.value)!.value, cached: true };
    }
    const flight = this.#flights.get(key);
    if (flight !== undefined) return this.#join(key, flight, call);
    this.#misses++;
    return { output: await this.#begin(key, digest, call), cached: false };
  }

  /** Lets go of all answers of a version, such as one that is unloaded. */
  forget(version: number): void {
    for (const [key, entry] of this.#entries) if (entry.version === version) this.#delete(key, entry);
  }

  async #uncached<Input>({ signal, compute, input }: CachedCall<Output, Input>): Promise<CachedAnswer<Output>> {
    this.#uncacheable++;
    return { output: await compute(signal ?? new AbortController().signal, input), cached: false };
  }

  #lookUp(key: string): Entry<Output> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until > this.#clock.monotonic()) {
      this.#entries.set(key, entry);
      return entry;
    }
    this.#bytes -= entry.bytes;
    this.#evicted++;
    return undefined;
  }

  /** Asks the model, for whoever asks the same meanwhile too. */
  async #begin<Input>(key: string, digest: string, { version, compute, signal, input }: CachedCall<Output, Input>): Promise<Output> {
    const controller = new AbortController();
    // Its caller may write over the input, or the model in it, before it is answered: that answer would be kept for another input than it is of.
    const own = plainCopy(input);
    const isOfKey = (): boolean => own !== undefined || inputKey(input) === digest;
    const answer = (async () => compute(controller.signal, own === undefined ? input : own.value))()
      .then((output) => ({ output, copy: isOfKey() ? this.#keep(key, version, output) : undefined }))
      .finally(() => this.#landed(key, controller));
    const flight: Flight<Output> = { answer, controller, waiting: 0 };
    this.#flights.set(key, flight);
    return (await this.#wait(key, flight, { signal })).output;
  }

  #landed(key: string, controller: AbortController): void {
    if (this.#flights.get(key)?.controller === controller) this.#flights.delete(key);
  }

  /** Waits for what another asked. Whose own time is not up and who has not left is not failed by the other's. */
  async #join<Input>(key: string, flight: Flight<Output>, call: CachedCall<Output, Input>): Promise<CachedAnswer<Output>> {
    const begun = this.#clock.monotonic();
    try {
      const { copy } = await this.#wait(key, flight, call);
      if (copy !== undefined) {
        this.#joined++;
        return { output: plainCopy(copy.value)!.value, cached: true };
      }
    } catch (error) {
      if (call.signal?.aborted || !isModelkeepError(error, 'timeout', 'aborted') || error instanceof OwnTimeout) throw error;
    }
    const { timeoutMs } = call;
    return this.answer({ ...call, ...(timeoutMs !== undefined && { timeoutMs: Math.max(0, timeoutMs - (this.#clock.monotonic() - begun)) }) });
  }

  #wait(key: string, flight: Flight<Output>, { signal, timeoutMs }: Pick<CachedCall<Output>, 'signal' | 'timeoutMs'>): Flight<Output>['answer'] {
    flight.waiting++;
    return new Promise((resolve, reject) => {
      const done = (): void => {
        signal?.removeEventListener('abort', left);
        undo?.();
      };
      const leave = (error: Error): void => {
        done();
        flight.waiting--;
        if (flight.waiting === 0) {
          this.#landed(key, flight.controller);
          flight.controller.abort(error);
        }
        reject(error);
      };
      const left = (): void => leave(abortedError(signal!));
      const undo = timeoutMs === undefined ? undefined : this.#clock.setTimer(() => leave(new OwnTimeout(`An equal request was not answered within the ${timeoutMs} ms of this one.`, { limitMs: timeoutMs })), timeoutMs, { keepAlive: true });
      signal?.addEventListener('abort', left, { once: true });
      flight.answer.then(resolve, reject).finally(done);
    });
  }

  #keep(key: string, version: number, output: Output): PlainCopy<Output> | undefined {
    const copy = plainCopy(output);
    if (copy === undefined) {
      this.#uncacheable++;
      return undefined;
    }
    const entry = { value: copy.value, bytes: copy.bytes + 2 * key.length, version, until: this.#clock.monotonic() + this.#ttlMs };
    const before = this.#entries.get(key);
    if (before !== undefined) this.#delete(key, before);
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes && this.#entries.size <= this.#maxEntries) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
      this.#evicted++;
    }
    return copy;
  }

  #delete(key: string, { bytes }: Entry<Output>): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
  }
}

/** The time of the one who waits is up, not that of the one who asked. */
class OwnTimeout extends TimeoutError {}

function abortedError(signal: AbortSignal): AbortedError {
  return new AbortedError('The request was aborted by its caller.', { cause: signal.reason });
}
