import type { Undo } from '../../core/clock.ts';
import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { LookLoop, type Look } from '../../core/look-loop.ts';
import { systemRandom } from '../../core/random.ts';
import type { BookEvent, BookState, LaunchBook } from './launch-book.ts';
import type { Launch, LaunchHost, LaunchOptions } from './launch.ts';

// A clock that was set is noticed after so long.
const longestPauseMs = 60_000;
const backoff = { initialMs: 1_000, maxMs: 60_000 };

/** What a schedule or trigger makes of its state at one moment. */
export interface LaunchDecision<S extends BookState> {
  /** What changes in the state, runs that begin left out; absent when nothing does. */
  readonly change?: Partial<S> | undefined;
  /** Runs that begin. */
  readonly launches?: readonly Launch[] | undefined;
  readonly events?: readonly BookEvent[] | undefined;
  /** When to look again if nothing changed, epoch milliseconds. @default when it is woken, or after the interval */
  readonly wakeAt?: number | undefined;
}

/** Decides what is to be run. It has no effects: what it decides is only done when the state has not changed meanwhile. */
export type LaunchDecider<S extends BookState> = (state: S, now: number, signal: AbortSignal) => Promise<LaunchDecision<S>>;

/** What a worker works with. */
export interface LaunchWork<S extends BookState> {
  readonly host: LaunchHost;
  readonly book: LaunchBook<S>;
  readonly decide: LaunchDecider<S>;
  readonly intervalMs: number;
  readonly options: Omit<LaunchOptions, 'signal'>;
  /** Whether there may be something to do at any time, such as when the storage changes. */
  readonly hints: boolean;
}

/** Something that a keeper keeps going. */
export interface KeptWorker {
  /** How many runs go on here. */
  readonly running: number;
  /** Begins. Never throws. */
  start(): void;
  /** Looks again soon. */
  wake(): void;
  /** Resolves when a look that begins from now on finds nothing to do and no run goes on here. */
  idle(): Promise<void>;
  /** Begins nothing more, and waits for the runs that go on here; they are cancelled when the signal fires. */
  close(signal: AbortSignal | undefined): Promise<void>;
}

/**
 * Keeps a schedule or trigger: looks at its state, decides, has the decision stored by compare-and-swap and carries out the runs that it won. A run that its process left undone is taken up by whoever looks
 * next, for the book names it, and its lease tells whether someone works on it.
 */
export class LaunchWorker<S extends BookState> implements KeptWorker {
  readonly #work: LaunchWork<S>;
  readonly #loop: LookLoop;
  readonly #cancel = new AbortController();
  readonly #runs = new Map<string, Promise<void>>();
  #unhook: Undo = () => undefined;

  constructor(work: LaunchWork<S>) {
    this.#work = work;
    const { clock, onError } = work.host;
    // Whoever keeps schedules wants to be kept alive for the next one.
    this.#loop = new LookLoop({ clock, random: systemRandom, look: (signal) => this.#look(signal), onError, backoff, keepAlive: true, closed });
  }

  get running(): number {
    return this.#runs.size;
  }

  start(): void {
    const { hints, host } = this.#work;
    if (hints) this.#unhook = host.store.storage.onChange?.(() => this.wake()) ?? this.#unhook;
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  idle(): Promise<void> {
    return this.#loop.idle();
  }

  async close(signal: AbortSignal | undefined): Promise<void> {
    const stopped = this.#loop.stop();
    this.#unhook();
    const cancel = (): void => this.#cancel.abort(signal?.reason);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    await stopped;
    await Promise.all(this.#runs.values());
    signal?.removeEventListener('abort', cancel);
    this.#loop.dismiss();
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const wakeAt = await this.#decide(signal);
    if (wakeAt === undefined) return { waitMs: 0, settled: false };
    return { waitMs: Math.min(Math.max(wakeAt - this.#work.host.clock.now(), 1), longestPauseMs), settled: this.#runs.size === 0 };
  }

  /** Decides and has it done: when to look again, or `undefined` when there may be more to do at once. */
  async #decide(signal: AbortSignal): Promise<number | undefined> {
    const { book, decide, host, intervalMs, hints } = this.#work;
    const state = await this.#withoutEnded(await book.open({ signal }));
    const soon = host.clock.now() + intervalMs;
    const decision = state.paused ? {} : await decide(state, host.clock.now(), signal);
    const { change, launches = [], events = [], wakeAt } = decision;
    if (change === undefined && launches.length === 0 && events.length === 0) {
      // Runs that go on elsewhere may be left undone.
      const foreign = state.open.some(({ run }) => !this.#runs.has(run));
      return foreign || state.paused || hints ? Math.min(soon, wakeAt ?? soon) : (wakeAt ?? soon);
    }
    if (signal.aborted) return soon;
    const claims = launches.map(({ run, interval, triggeredBy }) => ({ type: 'run-claimed', data: { run, interval, triggeredBy } }));
    const open: Partial<BookState> = { open: [...state.open, ...launches] };
    const changed = await book.change(state, { ...change, ...(open as Partial<S>) }, [...events, ...claims]);
    if (changed) for (const launch of launches) this.#carryOut(launch);
    return undefined;
  }

  /** Closes runs that have ended, takes up those that were left undone, and gives the state without the former. */
  async #withoutEnded(state: S): Promise<S> {
    const { store, clock, leaseMs } = this.#work.host;
    const others = state.open.filter(({ run }) => !this.#runs.has(run));
    if (others.length === 0) return state;
    const runs = others.map(({ run }) => run);
    const [heads, leases] = [await store.heads(runs), await store.leases(runs)];
    const now = clock.now();
    const ended = others.filter((_, i) => heads[i] && heads[i].status !== 'running');
    for (const [i, launch] of others.entries()) {
      const [head, lease] = [heads[i], leases[i]];
      if (this.#loop.signal.aborted || (head && head.status !== 'running') || (lease && lease.expiresAt > now)) continue;
      // Whoever claimed it is given the time to begin; a claim from the future was made by a clock that was ahead.
      if (head || Math.abs(now - launch.claimedAt) > leaseMs) this.#carryOut(launch);
    }
    if (ended.length === 0) return state;
    await this.#work.book.close(ended.map(({ run }) => run));
    return this.#withoutEnded(await this.#work.book.open());
  }

  #carryOut(launch: Launch): void {
    if (this.#runs.has(launch.run)) return;
    const done = this.#carried(launch)
      .catch((error: unknown) => this.#work.host.onError(error))
      .finally(() => {
        this.#runs.delete(launch.run);
        this.#loop.wakeNow();
      });
    this.#runs.set(launch.run, done);
  }

  async #carried(launch: Launch): Promise<void> {
    const { host, book, options } = this.#work;
    const { run } = launch;
    try {
      const outcome = await host.carryOut(launch, { ...options, signal: this.#cancel.signal });
      if (outcome !== undefined) await book.close([run]);
    } catch (error) {
      // What the definition does not allow will not come right by itself.
      if (isModelkeepError(error, 'validation', 'unsupported')) await book.close([run], [{ type: 'run-abandoned', data: { run, failure: describeFailure(error) } }]);
      throw error;
    }
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The keeper of the pipeline is closed.', {});
}
