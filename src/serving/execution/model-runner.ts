import { backoffMs } from '../../core/backoff.ts';
import type { Caller } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { AbortedError, isModelkeepError, ModelkeepError, TimeoutError, ValidationError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import { reportFailure } from '../../core/report-failure.ts';
import { hostTurn, type Turn } from '../../core/turn.ts';
import type { Predictor } from '../predictor.ts';
import { BatchCost } from './batch-cost.ts';
import { Batcher } from './batcher.ts';
import { CircuitBreaker, type BreakerState, type Leave } from './circuit-breaker.ts';
import { DeadlineWatch } from './deadline-watch.ts';
import { executionSettings, type BatchingOptions, type ExecutionLimits, type ExecutionSettings } from './execution-options.ts';
import { ModelCall, type ModelCallParts } from './model-call.ts';
import { isModelsFault, isWorthRetrying, modelFailure } from './model-failure.ts';
import { ModelRequest, type ModelAnswer } from './model-request.ts';
import { RequestQueue } from './request-queue.ts';

/** What a runner is made of. */
export interface ModelRunnerParts<Input, Output> {
  /** The version, as errors name it, such as `flight-delay@3`. */
  readonly name: string;
  readonly predictor: Predictor<Input, Output>;
  readonly batching?: BatchingOptions<Input> | undefined;
  readonly limits?: ExecutionLimits | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Is told of what no caller is told any more. */
  readonly onError?: ErrorListener | undefined;
  /** @default the turn of the host */
  readonly turn?: Turn | undefined;
}

/** How a request is run. */
export interface RunOptions {
  /** Who may give the request up. */
  readonly caller?: Caller | undefined;
  /** The longest that it takes, in milliseconds. @default the timeout of the limits */
  readonly timeoutMs?: number | undefined;
  /** What it counts in the bounds of bytes. @default 0 */
  readonly bytes?: number | undefined;
}

/**
 * Gives requests to one ready version of a model: in batches, within limits, until their time is up, and not while the model is known to fail. Each request is settled once, with an output that is its own or with an error:
 *
 * - `overloaded`: it was not taken on, for too much waits; `details.retryAfterMs` says when to come again.
 * - `unavailable`: it was not taken on, for the version has failed too often of late, or is being drained.
 * - `TimeoutError`, `AbortedError`: its time is up, or certainly will be; its caller has left.
 * - `model-failed`: the model threw, or what it gave cannot be used; `cause` is what was thrown. A `ValidationError` of the model, and the other errors of this package that mean something to a caller, are passed on.
 *
 * A model that hangs keeps its place among those in flight until it ends, and with it a version that runs one batch at a time can do nothing else: requests time out, the breaker opens, and what ends the model for good is to unload the version, or to run it in a thread that can be ended.
 */
export class ModelRunner<Input, Output> {
  readonly #parts: ModelRunnerParts<Input, Output>;
  readonly #settings: ExecutionSettings<Input>;
  readonly #queue: RequestQueue<ModelRequest<Input, Output>>;
  readonly #batcher: Batcher<ModelRequest<Input, Output>>;
  readonly #cost = new BatchCost();
  readonly #deadlines: DeadlineWatch<ModelRequest<Input, Output>>;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #callParts: ModelCallParts<Input, Output>;
  readonly #drained: (() => void)[] = [];
  #inFlight = 0;
  #calls = 0;
  #resting = 0;
  #endedAt = -Infinity;
  #draining = false;
  #pumping = false;

  constructor(parts: ModelRunnerParts<Input, Output>) {
    const { predictor, batching, limits, clock, turn = hostTurn } = parts;
    this.#parts = parts;
    this.#settings = executionSettings(batching, limits);
    if (batching !== undefined && predictor.predictBatch === undefined) {
      throw new ValidationError(`${parts.name} cannot answer batches, for its predictor has no predictBatch; give it one, or leave batching out.`, { path: 'batching', key: parts.name });
    }
    if (predictor.predict === undefined && predictor.predictBatch === undefined) {
      throw new ValidationError(`The predictor of ${parts.name} has neither predict nor predictBatch.`, { path: 'predictor', key: parts.name });
    }
    const { batching: settings, limits: limited } = this.#settings;
    this.#queue = new RequestQueue(settings.maxSize);
    this.#batcher = new Batcher({ queue: this.#queue, settings, cost: this.#cost, clock, turn, onDue: (hurry) => this.#pump(hurry) });
    this.#deadlines = new DeadlineWatch(clock, (request) => this.#expire(request));
    this.#breaker = limited.breaker && new CircuitBreaker(limited.breaker, () => this.#refuseWaiting());
    this.#callParts = {
      name: parts.name,
      predictor,
      batched: batching !== undefined,
      settings,
      paddedSize: (size) => this.#batcher.paddedSize(size),
      clock,
      onAnswer: (request, output, computeMs, batchSize) => this.#answer(request, output, computeMs, batchSize),
      onFailure: (request, error) => this.#fail(request, error),
      onDuration: (size, ms) => this.#cost.add(size, ms),
      onEnd: (requests) => this.#ended(requests),
    };
  }

  /** Requests that the model has now, those included whose callers have left. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Requests that wait for their turn now, or to be tried again. */
  get queued(): number {
    return this.#queue.size + this.#resting;
  }

  /** Where the circuit breaker stands; `closed` when there is none. */
  get breaker(): BreakerState {
    return this.#breaker?.state(this.#parts.clock.monotonic()) ?? 'closed';
  }

  /** Answers one input. */
  run(input: Input, options: RunOptions = {}): Promise<ModelAnswer<Output>> {
    return new Promise((resolve, reject) => {
      const { caller, timeoutMs = this.#settings.limits.timeoutMs, bytes = 0 } = options;
      if (caller?.left) throw this.#abortedError(caller.signal);
      const now = this.#parts.clock.monotonic();
      const kind = this.#kindOf(input);
      const leave = this.#admit(now, bytes, timeoutMs);
      const request = new ModelRequest<Input, Output>({ input, kind, bytes, arrivedAt: now, deadline: now + timeoutMs, leave, resolve, reject });
      this.#batcher.arrived(now);
      this.#queue.add(request);
      this.#pump();
      if (request.settled) return;
      this.#deadlines.add(request);
      if (caller !== undefined) this.#heed(caller.signal, request);
    });
  }

  /** Takes nothing more on; resolves when nothing waits any more and the model has ended with all that it had, which a model that hangs never does. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#pump();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#checkDrained();
    });
  }

  #kindOf(input: Input): string | number | undefined {
    const { batchKey } = this.#settings.batching;
    if (batchKey === undefined) return undefined;
    try {
      return batchKey(input);
    } catch (error) {
      throw modelFailure(`batchKey of ${this.#parts.name}`, error);
    }
  }

  /** Throws unless a request is taken on. */
  #admit(now: number, bytes: number, timeoutMs: number): Leave | undefined {
    const { name } = this.#parts;
    if (this.#draining) throw new ModelkeepError('unavailable', `${name} is being unloaded and takes nothing more.`, { key: name });
    const leave = this.#breaker?.admit(now);
    if (this.#breaker !== undefined && leave === undefined) throw this.#brokenError(now);
    try {
      this.#checkRoom(bytes, timeoutMs);
    } catch (error) {
      if (leave !== undefined) this.#breaker?.settle(leave, undefined, now);
      throw error;
    }
    return leave;
  }

  #checkRoom(bytes: number, timeoutMs: number): void {
    const { queue, queueBytes } = this.#settings.limits;
    const waiting = this.queued;
    // A batch may gather while the model is free, however little may wait for a busy one.
    if (this.#free && waiting < this.#settings.batching.maxSize) return;
    if (waiting >= queue) throw this.#overloadedError(`${waiting} requests wait already, as many as limits.queue allows`);
    if (waiting > 0 && this.#queue.bytes + bytes > queueBytes) throw this.#overloadedError(`the requests that wait hold ${this.#queue.bytes} bytes, and limits.queueBytes allows no ${bytes} more`);
    // Where something waits, something is in the model, from which it will be known when this is no longer so.
    const rounds = Math.floor(waiting / this.#perRound) + 1;
    if (rounds > 1 && this.#batcher.likelyMs(rounds + 1) > timeoutMs) {
      throw this.#overloadedError(`${waiting} requests wait already, too many to answer another within its ${timeoutMs} ms`);
    }
  }

  /** Whether the model can be given something now. */
  get #free(): boolean {
    const { batching, limits } = this.#settings;
    return this.#calls < batching.concurrency && this.#inFlight + batching.maxSize <= limits.inFlight;
  }

  /** Requests that the model is given at once at most. */
  get #perRound(): number {
    const { batching, limits } = this.#settings;
    return batching.maxSize * Math.min(batching.concurrency, Math.floor(limits.inFlight / batching.maxSize));
  }

  /** Gives the model all that it can be given now; `hurry` means that who waits longest waits for no company. */
  #pump(hurry = false): void {
    // A model that answers at once ends in here.
    if (this.#pumping) return;
    this.#pumping = true;
    let hurried = hurry;
    while (this.#free) {
      const batch = this.#batcher.next(this.#parts.clock.monotonic(), hurried || this.#draining);
      hurried = false;
      if (batch === undefined) break;
      for (const request of batch.late) this.#expire(request);
      if (batch.requests.length > 0) this.#give(batch.requests);
    }
    this.#pumping = false;
  }

  #give(requests: readonly ModelRequest<Input, Output>[]): void {
    this.#inFlight += requests.length;
    this.#calls++;
    new ModelCall(requests, this.#callParts).start();
  }

  #ended(requests: number): void {
    this.#inFlight -= requests;
    this.#calls--;
    this.#endedAt = this.#parts.clock.monotonic();
    this.#pump();
    this.#checkDrained();
  }

  #answer(request: ModelRequest<Input, Output>, output: Output, computeMs: number, batchSize: number): void {
    if (request.settled) return;
    const { breaker } = this.#settings.limits;
    this.#settle(request, breaker !== undefined && computeMs > breaker.slowCallMs);
    request.resolve({ output, queueMs: request.startedAt! - request.arrivedAt, computeMs, batchSize });
  }

  #fail(request: ModelRequest<Input, Output>, error: unknown): void {
    const failure = modelFailure(this.#parts.name, error);
    if (request.settled) return this.#failedUnheard(failure, error);
    request.failures++;
    if (this.#mayRetry(request, failure)) {
      const waitMs = backoffMs(request.failures, { initialMs: this.#settings.limits.retries.backoffMs }, this.#parts.random);
      if (this.#parts.clock.monotonic() + waitMs + this.#batcher.expectedMs(1) < request.deadline) return this.#rest(request, waitMs);
    }
    this.#reject(request, failure, isModelsFault(failure) ? true : undefined);
  }

  /** Nobody waits for what became of it any more; that it was stopped is no news. */
  #failedUnheard(failure: ModelkeepError, error: unknown): void {
    if ((error as { name?: unknown } | null | undefined)?.name === 'AbortError' || isModelkeepError(error, 'aborted')) return;
    reportFailure(failure, { who: this.#parts.name, onError: this.#parts.onError });
  }

  #mayRetry(request: ModelRequest<Input, Output>, failure: ModelkeepError): boolean {
    const { retries } = this.#settings.limits;
    return request.failures <= retries.max && isWorthRetrying(failure) && !this.#draining && this.breaker === 'closed' && this.queued < this.#perRound;
  }

  /** Tries a request again after a while. */
  #rest(request: ModelRequest<Input, Output>, waitMs: number): void {
    this.#resting++;
    const wake = (): void => {
      this.#resting--;
      request.unrest = undefined;
    };
    const undo = this.#parts.clock.setTimer(() => {
      wake();
      if (this.breaker !== 'closed') return this.#reject(request, this.#brokenError(this.#parts.clock.monotonic()), undefined);
      this.#queue.add(request);
      this.#pump();
    }, waitMs);
    request.unrest = () => {
      undo();
      wake();
    };
  }

  #expire(request: ModelRequest<Input, Output>): void {
    if (request.settled) return;
    const { clock, name } = this.#parts;
    const now = clock.monotonic();
    const limitMs = request.deadline - request.arrivedAt;
    const waitedMs = (request.startedAt ?? now) - request.arrivedAt;
    // Whose time went by in the queue is a victim of the load, not of the model; unless the model ended with nothing all the while.
    const slow = request.abandon !== undefined && 2 * waitedMs <= limitMs;
    const failed = slow || request.failures > 0 || (this.#inFlight > 0 && this.#endedAt < request.arrivedAt);
    const why = now < request.deadline ? `could not have been answered within its ${limitMs} ms` : `was not answered within its ${limitMs} ms`;
    this.#reject(request, new TimeoutError(`A request ${why} by ${name}; for ${Math.round(waitedMs)} ms it waited for its turn. Raise limits.timeout, or see why the model is slow.`, { key: name, limitMs, queueMs: waitedMs }), failed ? true : undefined);
  }

  /** The version has turned out to fail: who waits is better told at once, and may have another version answer. */
  #refuseWaiting(): void {
    for (const request of [...this.#queue]) this.#reject(request, this.#brokenError(this.#parts.clock.monotonic()), undefined);
  }

  #heed(signal: AbortSignal, request: ModelRequest<Input, Output>): void {
    const left = (): void => this.#reject(request, this.#abortedError(signal), undefined);
    if (signal.aborted) return left();
    signal.addEventListener('abort', left, { once: true });
    request.unheed = () => signal.removeEventListener('abort', left);
  }

  #reject(request: ModelRequest<Input, Output>, error: ModelkeepError, failed: boolean | undefined): void {
    if (request.settled) return;
    this.#settle(request, failed);
    request.reject(error);
    request.abandon?.();
    this.#checkDrained();
  }

  #settle(request: ModelRequest<Input, Output>, failed: boolean | undefined): void {
    request.settled = true;
    this.#queue.delete(request);
    this.#deadlines.delete(request);
    request.unheed?.();
    request.unrest?.();
    if (request.leave !== undefined) this.#breaker?.settle(request.leave, failed, this.#parts.clock.monotonic());
  }

  #checkDrained(): void {
    if (this.#draining && this.#inFlight === 0 && this.queued === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #overloadedError(why: string): ModelkeepError {
    const { name } = this.#parts;
    const expected = (Math.floor(this.queued / this.#perRound) + 1) * this.#batcher.expectedMs(this.#settings.batching.maxSize);
    const retryAfterMs = expected > 0 ? Math.ceil(expected) : Math.min(1000, this.#settings.limits.timeoutMs);
    return new ModelkeepError('overloaded', `${name} takes no more requests now: ${why}. Come again in ${retryAfterMs} ms.`, { key: name, retryAfterMs });
  }

  #brokenError(now: number): ModelkeepError {
    const { name } = this.#parts;
    const retryAfterMs = Math.ceil(this.#breaker?.retryAfterMs(now) ?? 0);
    return new ModelkeepError('unavailable', `${name} has failed too often of late and is left alone; it is tried again ${retryAfterMs > 0 ? `in ${retryAfterMs} ms` : 'with one request now'}.`, { key: name, retryAfterMs });
  }

  #abortedError(signal: AbortSignal): AbortedError {
    return new AbortedError(`The request to ${this.#parts.name} was aborted by its caller.`, { cause: signal.reason });
  }
}
