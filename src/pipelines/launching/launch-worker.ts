import type { Undo } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { Look } from '../../core/look-loop.ts';
import type { RunHead } from '../run-store.ts';
import type { BookEvent, BookState, LaunchBook } from './launch-book.ts';
import { KeptRuns } from './kept-runs.ts';
import type { Launch, LaunchHost, LaunchOptions } from './launch.ts';

// A clock that was set is noticed after so long.
const longestPauseMs = 60_000;

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
  readonly #runs: KeptRuns;
  #unhook: Undo = () => undefined;

  constructor(work: LaunchWork<S>) {
    this.#work = work;
    this.#runs = new KeptRuns(work.host, (signal) => this.#look(signal));
  }

  get running(): number {
    return this.#runs.running;
  }

  start(): void {
    const { hints, host } = this.#work;
    if (hints) this.#unhook = host.store.storage.onChange?.(() => this.wake()) ?? this.#unhook;
    this.#runs.loop.start();
  }

  wake(): void {
    this.#runs.loop.wake();
  }

  idle(): Promise<void> {
    return this.#runs.loop.idle();
  }

  async close(signal: AbortSignal | undefined): Promise<void> {
    this.#unhook();
    await this.#runs.close(signal);
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const wakeAt = await this.#decide(signal);
    if (wakeAt === undefined) return { waitMs: 0, settled: false };
    return { waitMs: Math.min(Math.max(wakeAt - this.#work.host.clock.now(), 1), longestPauseMs), settled: this.#runs.running === 0 };
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
    const ended = others.filter((_, i) => heads[i] && !isOpen(heads[i]));
    for (const [i, launch] of others.entries()) {
      const [head, lease] = [heads[i], leases[i]];
      if (this.#runs.loop.signal.aborted || (head && !isOpen(head)) || (lease && lease.expiresAt > now)) continue;
      // Whoever claimed it is given the time to begin; a claim from the future was made by a clock that was ahead.
      if (head || Math.abs(now - launch.claimedAt) > leaseMs) this.#carryOut(launch);
    }
    if (ended.length === 0) return state;
    await this.#work.book.close(ended.map(({ run }) => run));
    return this.#withoutEnded(await this.#work.book.open());
  }

  #carryOut(launch: Launch): void {
    this.#runs.carryOut(launch.run, (signal) => this.#carried(launch, signal));
  }

  async #carried(launch: Launch, signal: AbortSignal): Promise<void> {
    const { host, book, options } = this.#work;
    const { run } = launch;
    try {
      const outcome = await host.carryOut(launch, { ...options, signal });
      if (outcome !== undefined) await book.close([run]);
    } catch (error) {
      // What the definition does not allow will not come right by itself.
      if (isModelkeepError(error, 'validation', 'unsupported')) await book.close([run], [{ type: 'run-abandoned', data: { run, failure: describeFailure(error) } }]);
      throw error;
    }
  }
}

/** One that waits for somebody holds none of the places that there are: whoever keeps the pipeline goes on with it. */
function isOpen({ status }: RunHead): boolean {
  return status === 'running';
}
