import { backoffMs } from '../../core/backoff.ts';
import type { Undo } from '../../core/clock.ts';
import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { systemRandom } from '../../core/random.ts';
import type { BookEvent, BookState, LaunchBook } from './launch-book.ts';
import type { Launch, LaunchHost, LaunchOptions } from './launch.ts';

// However many hints come, no book is looked into more often.
const shortestPauseMs = 50;
// A clock that was set is noticed after so long.
const longestPauseMs = 60_000;
const waits = { initialMs: 1_000, maxMs: 60_000 };

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
  readonly #stop = new AbortController();
  readonly #cancel = new AbortController();
  readonly #runs = new Map<string, Promise<void>>();
  readonly #waiters = new Set<{ readonly from: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }>();
  #unhook: Undo = () => undefined;
  #looks = 0;
  #woken = false;
  #rouse: (() => void) | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(work: LaunchWork<S>) {
    this.#work = work;
  }

  get running(): number {
    return this.#runs.size;
  }

  start(): void {
    const { hints, host } = this.#work;
    if (hints) this.#unhook = host.store.storage.onChange?.(() => this.wake()) ?? this.#unhook;
    this.#loop = this.#keep();
  }

  wake(): void {
    this.#woken = true;
    this.#rouse?.();
  }

  idle(): Promise<void> {
    if (this.#stop.signal.aborted) return Promise.reject(closed());
    return new Promise<void>((resolve, reject) => {
      this.#waiters.add({ from: this.#looks + 1, resolve, reject });
      this.wake();
    });
  }

  async close(signal: AbortSignal | undefined): Promise<void> {
    this.#stop.abort();
    this.#unhook();
    const cancel = (): void => this.#cancel.abort(signal?.reason);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    await this.#loop;
    await Promise.all(this.#runs.values());
    signal?.removeEventListener('abort', cancel);
    for (const { reject } of this.#waiters) reject(closed());
    this.#waiters.clear();
  }

  async #keep(): Promise<void> {
    const { clock, onError } = this.#work.host;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      this.#woken = false;
      const look = ++this.#looks;
      let waitMs: number;
      try {
        const wakeAt = await this.#look();
        failures = 0;
        if (wakeAt !== undefined && this.#runs.size === 0) this.#settle(look);
        waitMs = wakeAt === undefined ? 0 : Math.min(Math.max(wakeAt - clock.now(), shortestPauseMs), longestPauseMs);
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        waitMs = backoffMs(++failures, waits, systemRandom);
      }
      if (waitMs > 0 && !signal.aborted) await this.#rest(waitMs, failures === 0);
    }
  }

  /** One look: when to look again, or `undefined` when there may be more to do at once. */
  async #look(): Promise<number | undefined> {
    const { book, decide, host, intervalMs, hints } = this.#work;
    const { signal } = this.#stop;
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
      if (this.#stop.signal.aborted || (head && head.status !== 'running') || (lease && lease.expiresAt > now)) continue;
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
        this.wake();
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

  #settle(look: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.from > look) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Waits before the next look: after a failure for its time, else until it is woken, though not for a moment only. */
  async #rest(ms: number, rousable: boolean): Promise<void> {
    if (!rousable) return this.#pause(ms, false);
    if (!this.#woken) await this.#pause(ms, true);
    else await this.#pause(shortestPauseMs, false);
  }

  #pause(ms: number, rousable: boolean): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      let undo: Undo = () => undefined;
      const end = (): void => {
        undo();
        signal.removeEventListener('abort', end);
        this.#rouse = undefined;
        resolve();
      };
      // Whoever keeps schedules wants to be kept alive for the next one.
      undo = this.#work.host.clock.setTimer(end, ms, { keepAlive: true });
      if (rousable) this.#rouse = end;
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The keeper of the pipeline is closed.', {});
}
