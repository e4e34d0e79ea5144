import { backoffMs } from '../../core/backoff.ts';
import { sleep, type Clock, type Undo } from '../../core/clock.ts';
import { ConflictError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { systemRandom } from '../../core/random.ts';
import { claimed, isOf, isOver, reasonOf, type TaskRecord } from './task-record.ts';
import type { FoundTask, TaskStore } from './task-store.ts';

/** How tasks are held. */
export interface HoldTerms {
  readonly tasks: TaskStore;
  readonly owner: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

// An order to stop is heard after so long at most.
const longestSilenceMs = 1_000;
const backoff = { initialMs: 500, maxMs: 5_000 };
const mostTries = 10;

/** A task that is claimed here: renewed by heartbeats until it is given back or ended. Whatever is written for it is written only while the claim is ours, by one compare-and-swap with the claim itself; who was paused beyond it finds another's and writes nothing. */
export class HeldTask {
  readonly #terms: HoldTerms;
  readonly #fence: number;
  #found: FoundTask;
  #renewedAt: number;
  #lost: Error | undefined;
  #over = false;
  #last: Promise<unknown> = Promise.resolve();
  #undo: Undo = () => undefined;
  #onStop: (reason: Error) => void = () => undefined;

  constructor(terms: HoldTerms, found: FoundTask, fence: number) {
    this.#terms = terms;
    this.#found = found;
    this.#fence = fence;
    this.#renewedAt = terms.clock.now();
  }

  /** Claims a task that was found open; `undefined` when somebody else was first. */
  static async claim(terms: HoldTerms, { key, value, version }: FoundTask, working: boolean): Promise<HeldTask | undefined> {
    const { tasks, owner, ttlMs, clock } = terms;
    const task = claimed(value, owner, clock.now() + ttlMs, working);
    const written = await tasks.put(key, task, version);
    return written === undefined ? undefined : new HeldTask(terms, { key, value: task, version: written }, task.claim.fence);
  }

  get task(): TaskRecord {
    return this.#found.value;
  }

  get fence(): number {
    return this.#fence;
  }

  /** Renews the claim until it is over; `onStop` is told once why the attempt is to be stopped: by the run's order, or because the claim is another's. */
  watch(onStop: (reason: Error) => void): void {
    const { clock, ttlMs, onError } = this.#terms;
    this.#onStop = onStop;
    const arm = (): void => {
      if (!this.#over && !this.#lost) this.#undo = clock.setTimer(beat, Math.min(ttlMs / 3, longestSilenceMs));
    };
    const beat = (): void => void this.#beat().catch(onError).then(arm);
    arm();
  }

  /** Notes that the step's own work has begun, for those who watch the run. */
  async working(): Promise<void> {
    await this.#write((task) => ({ ...task, claim: { ...task.claim!, working: true } }));
  }

  /** Records what the attempt has come to, unless the claim is lost: `false` then. A store that fails is tried again while the claim lasts, for hours of work may hang on one write. */
  async end(outcome: Pick<TaskRecord, 'end' | 'fault'>, signal: AbortSignal): Promise<boolean> {
    const { clock, onError } = this.#terms;
    for (let tries = 1; ; tries++) {
      try {
        const isRecorded = await this.#write((task) => ({ ...task, ...outcome, claim: { ...task.claim!, working: true } }));
        this.#close();
        return isRecorded;
      } catch (error) {
        if (signal.aborted || tries === mostTries) throw error;
        onError(error);
        await sleep(clock, backoffMs(tries, backoff, systemRandom), signal).catch(() => undefined);
      }
    }
  }

  /** Gives the task back for somebody else to make. */
  async release(): Promise<void> {
    try {
      await this.#write(({ claim: _, ...task }) => task);
    } finally {
      this.#close();
    }
  }

  #close(): void {
    this.#over = true;
    this.#undo();
  }

  async #beat(): Promise<void> {
    const { clock, ttlMs } = this.#terms;
    if (clock.now() - this.#renewedAt < ttlMs / 3 && clock.now() >= this.#renewedAt) return this.#inTurn(() => this.#refresh());
    await this.#write((task) => ({ ...task, claim: { ...task.claim!, expiresAt: clock.now() + ttlMs } }));
    this.#renewedAt = clock.now();
  }

  /** Changes the record, as often as others change it too, and as long as the claim is ours. */
  #write(change: (task: TaskRecord) => TaskRecord): Promise<boolean> {
    return this.#inTurn(async () => {
      while (!this.#lost) {
        const { key, value, version } = this.#found;
        const task = change(value);
        const written = await this.#terms.tasks.put(key, task, version);
        if (written !== undefined) {
          this.#found = { key, value: task, version: written };
          return true;
        }
        await this.#refresh();
      }
      return false;
    });
  }

  /** Looks what has become of the record. */
  async #refresh(): Promise<void> {
    const { tasks, owner } = this.#terms;
    const { key, value } = this.#found;
    const found = await tasks.read(key);
    if (found === undefined || !isOf(found.value, value) || isOver(found.value) || found.value.claim?.owner !== owner || found.value.claim.fence !== this.#fence) {
      this.#lost = new ConflictError(`The attempt at step '${value.step}' of run ${value.run} is no longer '${owner}'s to make; what it comes to is not taken.`, { key });
      this.#onStop(this.#lost);
      return;
    }
    this.#found = found;
    if (found.value.stop) this.#onStop(reasonOf(found.value.stop));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
