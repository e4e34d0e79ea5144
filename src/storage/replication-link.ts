import { throwIfAborted, untilAborted } from '../core/abort.ts';
import { backoffMs } from '../core/backoff.ts';
import { sleep, systemClock, type Clock, type Undo } from '../core/clock.ts';
import { AbortedError, isModelkeepError, ModelkeepError, StorageError, type ErrorCode } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom, type Random } from '../core/random.ts';
import { reportFailure } from '../core/report-failure.ts';
import type { ReplicateOptions, Replication } from './replicate.ts';
import { ConflictBook, type ReplicationConflict } from './replication-conflict.ts';
import { ReplicationContext, type KeyFailure, type ReplicationCounts, type ReplicationProgress } from './replication-context.ts';
import { pageWake, webLock, type ReplicationLock } from './replication-host.ts';
import { ReplicationPass, type PassOptions } from './replication-pass.ts';
import { firstSchedule, nextSchedule, type Schedule, type ScheduleEvent } from './replication-schedule.ts';

/** Somebody who waits for a pass that begins after `after` others. */
interface Waiter {
  readonly after: number;
  readonly resolve: (counts: ReplicationCounts) => void;
  readonly reject: (error: unknown) => void;
}

const backoff = { initialMs: 1_000, maxMs: 60_000 };
const maxRepeats = 20;
const keepEveryMs = 60_000;

/** A link at work: passes when the schedule says so, and whoever waits for them. */
export class ReplicationLink implements Replication {
  readonly #options: ReplicateOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lock: ReplicationLock | undefined;
  readonly #lockName: string;
  readonly #book: ConflictBook;
  readonly #context: ReplicationContext;
  readonly #pass: ReplicationPass;
  readonly #ending = new AbortController();
  readonly #undo: Undo[] = [];
  #schedule: Schedule;
  /** How many passes have begun. */
  #begun = 0;
  #waiters: Waiter[] = [];
  #timer: Undo | undefined;
  #running: Promise<void>;
  #closing: Promise<void> | undefined;
  #closed: Error = new StorageError('closed', 'The replication was closed; begin another one with replicate(), which goes on where it stopped.');
  #keptAt = -Infinity;

  constructor(options: ReplicateOptions & { readonly live: boolean; readonly intervalMs: number }, pass: PassOptions) {
    const { from, to, live, intervalMs, clock = systemClock, random = systemRandom, lock = webLock, signal } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    // A store that nobody else can open needs no turns.
    this.#lock = lock === false || (options.lock === undefined && !pass.state.supports.sharedBetweenProcesses) ? undefined : lock;
    this.#lockName = `modelkeep.replication/${pass.state.name}/${pass.id}`;
    this.#book = new ConflictBook(options.onConflict);
    this.#context = new ReplicationContext(from, to, clock, this.#book, this.#ending.signal, (progress) => this.#tell(progress));
    this.#pass = new ReplicationPass(this.#context, pass);
    this.#schedule = firstSchedule(live, intervalMs);
    const aborted = (): void => {
      this.#closing ??= this.#close(new AbortedError('The replication was aborted by its caller.', { cause: signal?.reason }));
    };
    signal?.addEventListener('abort', aborted, { once: true });
    this.#undo.push(() => signal?.removeEventListener('abort', aborted));
    if (live) this.#listen();
    this.#running = Promise.resolve().then(() => this.#run());
    if (signal?.aborted) aborted();
  }

  settled(options: OperationOptions = {}): Promise<ReplicationCounts> {
    throwIfAborted(options.signal, 'Waiting for a replication');
    if (this.#closing !== undefined) return Promise.reject(this.#closed);
    const waiting = new Promise<ReplicationCounts>((resolve, reject) => this.#waiters.push({ after: this.#begun, resolve, reject }));
    // The first pass, which has not begun, is as good as one that follows.
    if (this.#begun > 0) this.#happen({ kind: 'asked' });
    return untilAborted(waiting, options.signal, 'Waiting for a replication');
  }

  conflicts(): readonly ReplicationConflict[] {
    return this.#book.list();
  }

  counts(): ReplicationCounts {
    return this.#context.counts();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(this.#closed);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(reason: Error): Promise<void> {
    this.#closed = reason;
    for (const undo of this.#undo.splice(0)) undo();
    this.#timer?.();
    for (const { reject } of this.#waiters.splice(0)) reject(reason);
    this.#ending.abort();
    await this.#running;
  }

  #listen(): void {
    const { from, wake = pageWake } = this.#options;
    if (from.onChange) this.#undo.push(from.onChange(() => this.#happen({ kind: 'hinted' })));
    if (wake !== false) this.#undo.push(wake(() => this.#happen({ kind: 'asked' })));
  }

  #happen(event: ScheduleEvent): void {
    if (this.#closing !== undefined) return;
    const [next, begins] = nextSchedule(this.#schedule, event, this.#clock.monotonic());
    const isDueElsewhen = next.dueAt !== this.#schedule.dueAt;
    this.#schedule = next;
    if (begins) this.#running = this.#run();
    if (!isDueElsewhen) return;
    this.#timer?.();
    this.#timer = next.dueAt === undefined ? undefined : this.#clock.setTimer(() => this.#happen({ kind: 'timer' }), Math.max(0, next.dueAt - this.#clock.monotonic()));
  }

  /** One pass, and more as long as others keep changing what it is at. Never rejects. */
  async #run(): Promise<void> {
    if (this.#closing !== undefined) return;
    const number = ++this.#begun;
    try {
      const failure = await this.#locked(() => this.#passes());
      if (failure !== undefined) throw failure;
      this.#answer(number, ({ resolve }) => resolve(this.counts()));
      this.#happen({ kind: 'passed' });
    } catch (error) {
      if (this.#closing !== undefined) return;
      const isAwaited = this.#answer(number, ({ reject }) => reject(error));
      const { logger, onError } = this.#options;
      if (!isAwaited || this.#schedule.live) reportFailure(error, { who: 'The replication', logger, onError });
      this.#happen({ kind: 'failed', backoffMs: backoffMs(this.#schedule.failures + 1, backoff, this.#random) });
    }
  }

  async #passes(): Promise<Error | undefined> {
    const { signal } = this.#ending;
    for (let repeat = 1; ; repeat++) {
      const { failures, unfinished } = await this.#pass.run();
      if (unfinished === 0 || repeat === maxRepeats) {
        await this.#keep();
        if (failures.length > 0) return combined(failures);
        return unfinished === 0 ? undefined : busy(unfinished);
      }
      await sleep(this.#clock, backoffMs(repeat, { initialMs: 5, maxMs: 500 }, this.#random), signal);
    }
  }

  async #keep(): Promise<void> {
    const now = this.#clock.monotonic();
    if (now - this.#keptAt < keepEveryMs) return;
    await this.#pass.keep();
    this.#keptAt = now;
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock ? this.#lock(this.#lockName, work, { signal: this.#ending.signal }) : work();
  }

  /** Answers those who waited for a pass with this number or an earlier one. */
  #answer(number: number, answer: (waiter: Waiter) => void): boolean {
    const answered = this.#waiters.filter(({ after }) => after < number);
    this.#waiters = this.#waiters.filter(({ after }) => after >= number);
    answered.forEach(answer);
    return answered.length > 0;
  }

  #tell(progress: ReplicationProgress): void {
    try {
      this.#options.onProgress?.(progress);
    } catch (error) {
      reportFailure(error, { who: 'The onProgress of a replication', logger: this.#options.logger, onError: this.#options.onError });
    }
  }
}

function busy(keys: number): StorageError {
  return new StorageError('unavailable', `${keys} keys were changed by others as often as they were tried; they are tried again with the next pass.`, { keys });
}

/** One error for all the keys that failed: that of the only one, or one with the code of the first. */
function combined(failures: readonly KeyFailure[]): Error {
  const [{ error, key }] = failures as [KeyFailure];
  if (failures.length === 1 && error instanceof Error) return error;
  const keys = failures.slice(0, 20).map((failure) => failure.key);
  const code: ErrorCode = isModelkeepError(error) ? error.code : 'storage';
  return new ModelkeepError(code, `${failures.length} keys could not be replicated. The first is ${key}: ${describeFailure(error).message}`, { key, keys, cause: error });
}
