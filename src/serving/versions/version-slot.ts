import { orStopped, throwIfAborted } from '../../core/abort.ts';
import type { Clock, Undo } from '../../core/clock.ts';
import { AbortedError, ModelkeepError, TimeoutError, ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { shown } from '../../core/shown.ts';
import type { DeployedVersion, LoadPredictor, DeployedRegistry } from '../deployment-options.ts';
import type { Predictor, PredictorSource } from '../predictor.ts';
import type { VersionState, VersionStatus } from '../version-status.ts';
import { checkedPredictor } from './checked-predictor.ts';
import type { Runner } from './runner.ts';

/** What every version of a deployment is loaded with. */
export interface SlotParts<Input, Output> {
  readonly model: string;
  readonly registry: Pick<DeployedRegistry, 'load'>;
  readonly load: LoadPredictor<Input, Output>;
  readonly run: (name: string, predictor: Predictor<Input, Output>) => Runner<Input, Output>;
  readonly checkOutput: boolean;
  readonly loadTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

/** Who is told of a slot, by the set of versions that it is in. */
export interface SlotHost<Input, Output> {
  /** Makes room for what the slot is about to load, whose bytes it knows by now; throws when there is none. */
  admit(slot: VersionSlot<Input, Output>): Promise<void>;
  /** Is told that the state has changed. */
  changed(slot: VersionSlot<Input, Output>): void;
  /** Is told that a predictor was made, or given back. */
  counted(what: 'loaded' | 'disposed'): void;
}

/** One version in memory, from the beginning of its load to the end of its last request. It is loaded once: a version that failed, or was unloaded, gets another slot. */
export class VersionSlot<Input, Output> {
  readonly version: number;
  readonly name: string;
  /** Resolves when it is ready or has failed. Never rejects. */
  readonly settled: Promise<void>;
  /** When it was asked last, in the order of the set. */
  lastUsed = 0;
  readonly #parts: SlotParts<Input, Output>;
  readonly #host: SlotHost<Input, Output>;
  readonly #stop = new AbortController();
  #state: VersionState = 'loading';
  #failure: unknown;
  #facts: DeployedVersion['version'] | undefined;
  #predictor: Predictor<Input, Output> | undefined;
  #runner: Runner<Input, Output> | undefined;
  #bytes = 0;
  #holds = 0;
  #released: () => void = () => undefined;
  #end: Promise<void> | undefined;
  #leftover: Promise<void> = Promise.resolve();
  #wanted = true;

  constructor(version: number, parts: SlotParts<Input, Output>, host: SlotHost<Input, Output>) {
    this.version = version;
    this.name = `${parts.model}@${version}`;
    this.#parts = parts;
    this.#host = host;
    this.settled = this.#open();
  }

  /** Where it stands. */
  get state(): VersionState {
    return this.#state;
  }

  /** What it failed of. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The version as it is registered; absent before its files are opened. */
  get facts(): DeployedVersion['version'] | undefined {
    return this.#facts;
  }

  /** Bytes that it holds, or is about to. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether requests are in it. */
  get busy(): boolean {
    return this.#holds > 0 || (this.#runner !== undefined && this.#runner.inFlight + this.#runner.queued > 0);
  }

  /** What runs it: there for those who have held it since it was ready. */
  get runner(): Runner<Input, Output> {
    if (this.#runner === undefined || isOver(this.#state)) throw new ModelkeepError('unavailable', `${this.name} is ${this.#state}; only a version that is ready answers.`, { version: this.version });
    return this.#runner;
  }

  /** Keeps it from being unloaded until {@link release}. */
  hold(): void {
    this.#holds++;
  }

  /** Is called once for each {@link hold}. */
  release(): void {
    if (--this.#holds === 0) this.#released();
  }

  /** As it is told to callers. */
  status(arm: VersionStatus['arm']): VersionStatus {
    const { inFlight = 0, queued = 0 } = this.#runner ?? {};
    return {
      version: this.version,
      state: this.#state,
      ...(arm && { arm }),
      ...(this.#state === 'failed' && { error: describeFailure(this.#failure).message }),
      bytes: this.#predictor === undefined ? 0 : this.#bytes,
      inFlight,
      queued,
    };
  }

  /** Takes no further request, waits for those that are in it, and gives its memory back. Resolves when it has; never rejects. */
  unload(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #open(): Promise<void> {
    const { clock, loadTimeoutMs } = this.#parts;
    const { signal } = this.#stop;
    const late = (): void => this.#stop.abort(new TimeoutError(`${this.name} was not ready within ${loadTimeoutMs} ms; see what its load or its warmUp waits for, or raise loadTimeout.`, { limitMs: loadTimeoutMs }));
    const undo = clock.setTimer(late, loadTimeoutMs);
    // Begun in a later turn, when whoever made the slot knows it.
    const loading = Promise.resolve().then(() => this.#load(signal));
    try {
      await orStopped(loading, signal);
      this.#become('ready');
    } catch (error) {
      this.#leftover = this.#clearAway(loading);
      this.#failure = error;
      this.#become(this.#wanted ? 'failed' : 'unloaded');
    } finally {
      undo();
    }
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { registry, load, run, checkOutput } = this.#parts;
    const files = await registry.load(this.name, { signal });
    this.#facts = files.version;
    this.#bytes = files.version.size;
    // Room is made by whoever leaves: one that is to leave itself would wait for its own end.
    throwIfAborted(signal, `The load of ${this.name}`);
    await this.#host.admit(this);
    throwIfAborted(signal, `The load of ${this.name}`);
    const predictor = predictorOf<Input, Output>(await load(files, { signal }), this.name);
    this.#predictor = predictor;
    this.#host.counted('loaded');
    this.#bytes = heldBytes(predictor.bytes ?? files.version.size, this.name);
    throwIfAborted(signal, `The load of ${this.name}`);
    if (predictor.warmUp) {
      this.#become('warming');
      await predictor.warmUp({ signal });
    }
    const output = checkOutput ? files.version.signature?.output : undefined;
    this.#runner = run(this.name, output ? checkedPredictor(predictor, output, this.name) : predictor);
  }

  async #close(): Promise<void> {
    if (this.#state === 'loading' || this.#state === 'warming') {
      this.#wanted = false;
      this.#stop.abort(new AbortedError(`${this.name} is no longer wanted.`));
      await this.settled;
    }
    if (this.#state === 'ready') {
      this.#become('draining');
      await this.#untilLate(this.#free().then(() => this.#runner!.drain()), 'still has requests that it did not answer');
      await this.#untilLate(this.#dispose(), 'did not give its memory back');
      this.#become('unloaded');
    } else await this.#leftover;
  }

  /** Gives back what comes of a load that nobody waits for any more: also what it has made when it never ends, and what it makes later all the same. */
  async #clearAway(loading: Promise<void>): Promise<void> {
    const over = loading.catch(() => undefined);
    await this.#untilLate(over, 'did not end its load, which was told to stop,');
    void over.then(() => this.#dispose());
    await this.#untilLate(this.#dispose(), 'did not give its memory back');
  }

  /** Resolves when nobody holds it. */
  #free(): Promise<void> {
    return this.#holds === 0 ? Promise.resolve() : new Promise((resolve) => (this.#released = resolve));
  }

  /** Waits for the end of something, but not for what never ends. */
  async #untilLate(work: Promise<unknown>, what: string): Promise<void> {
    const { clock, drainTimeoutMs, onError } = this.#parts;
    let undo: Undo = () => undefined;
    const late = new Promise<true>((resolve) => (undo = clock.setTimer(() => resolve(true), drainTimeoutMs, { keepAlive: true })));
    const over = work.then(
      () => false,
      (error: unknown) => (onError(error), false),
    );
    const isLate = await Promise.race([over, late]);
    undo();
    if (isLate) onError(new TimeoutError(`${this.name} ${what} within ${drainTimeoutMs} ms, and is given up as it is.`, { limitMs: drainTimeoutMs, version: this.version }));
  }

  async #dispose(): Promise<void> {
    const predictor = this.#predictor;
    if (predictor === undefined) return;
    this.#predictor = undefined;
    try {
      await predictor.dispose?.();
    } catch (error) {
      this.#parts.onError(error);
    } finally {
      this.#host.counted('disposed');
    }
  }

  #become(state: VersionState): void {
    if (isOver(this.#state)) return;
    this.#state = state;
    this.#host.changed(this);
  }
}

/** A number that bytes can be counted with: one that is none would make the sum of all versions none, and the cache boundless. */
function heldBytes(bytes: number, name: string): number {
  if (typeof bytes === 'number' && Number.isFinite(bytes) && bytes >= 0) return bytes;
  throw new ValidationError(`The predictor of ${name} says that it holds ${shown(bytes)} bytes; bytes must be a number of 0 or more.`, { path: 'options.load' });
}

function isOver(state: VersionState): boolean {
  return state === 'failed' || state === 'unloaded';
}

function predictorOf<Input, Output>(source: PredictorSource<Input, Output>, name: string): Predictor<Input, Output> {
  if (typeof source === 'function') return { predict: source };
  if (typeof (source as Partial<Predictor> | null | undefined)?.predict === 'function' || typeof (source as Partial<Predictor> | null | undefined)?.predictBatch === 'function') return source;
  throw new ValidationError(`options.load gave no predictor for ${name}; it must resolve to a function, or to an object with predict or predictBatch.`, { path: 'options.load' });
}
