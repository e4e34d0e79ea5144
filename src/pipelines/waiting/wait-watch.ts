import type { Clock, Undo } from '../../core/clock.ts';
import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { LookLoop, type Look } from '../../core/look-loop.ts';
import { systemRandom } from '../../core/random.ts';
import type { RunStore } from '../run-store.ts';
import { Pace } from '../workers/pace.ts';
import { decisionOf, expiry, type DecidedRun, type Decision } from './decision.ts';
import { isForPerson, type StepWait } from './wait.ts';

// How soon at the latest a decision of another process is found where the storage does not hint at it; what is decided soon after it was asked is found sooner.
const longestIntervalMs = 5_000;
// A clock that was set is noticed after so long.
const longestPauseMs = 60_000;
const backoff = { initialMs: 1_000, maxMs: 60_000 };

/** What the waits of a run are watched with. */
export interface WaitWatchParts {
  readonly run: string;
  readonly round: number;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly onError: ErrorListener;
  /** Is told once of each wait that is over: by a decision, or by its moment. */
  readonly over: (step: string, wait: StepWait, decision: Decision | undefined) => Promise<void>;
}

/** Looks when the steps of a run that wait may go on. A wait for a person whose time is over is decided by that, unless somebody was first. */
export class WaitWatch {
  readonly #parts: WaitWatchParts;
  readonly #waits = new Map<string, StepWait>();
  readonly #pace: Pace = new Pace(longestIntervalMs, systemRandom);
  #loop: LookLoop | undefined;
  #unhook: Undo = () => undefined;

  constructor(parts: WaitWatchParts) {
    this.#parts = parts;
  }

  /** Tells at once which of these waits are over already, and watches the others when it is {@link begin | begun}. */
  async takeUp(waits: Iterable<readonly [string, StepWait]>): Promise<void> {
    for (const [step, wait] of waits) this.#waits.set(step, wait);
    if (this.#waits.size > 0) await this.#look();
  }

  begin(step: string, wait: StepWait): void {
    this.#waits.set(step, wait);
    this.#pace.quicken();
    if (this.#loop) return this.#loop.wakeNow();
    const { clock, onError, store } = this.#parts;
    this.#loop = new LookLoop({ clock, random: systemRandom, look: () => this.#look(), onError, backoff, keepAlive: true, closed });
    this.#unhook = store.storage.onChange?.(() => this.#loop!.wake()) ?? this.#unhook;
    this.#loop.start();
  }

  end(step: string): void {
    this.#waits.delete(step);
  }

  async stop(): Promise<void> {
    this.#unhook();
    await this.#loop?.stop();
  }

  async #look(): Promise<Look> {
    const { store, run, clock } = this.#parts;
    const isAsked = [...this.#waits.values()].some(isForPerson);
    const head = isAsked ? await store.head(run) : undefined;
    const now = clock.now();
    for (const [step, wait] of [...this.#waits]) {
      const isDue = wait.until !== undefined && wait.until <= now;
      const decision = head && isForPerson(wait) ? (decisionOf(head, step) ?? (isDue ? await this.#expire(step, wait, now) : undefined)) : undefined;
      if (decision === undefined && (!isDue || isForPerson(wait))) continue;
      // Told before it is forgotten: what fails is tried again.
      await this.#parts.over(step, wait, decision);
      this.#waits.delete(step);
    }
    const left = [...this.#waits.values()];
    const next = Math.min(...left.map(({ until = Infinity }) => until - now), left.some(isForPerson) ? this.#pace.next() : Infinity);
    return { waitMs: Math.min(Math.max(next, 1), longestPauseMs), settled: true };
  }

  /** Has the time decide, unless somebody has. */
  async #expire(step: string, wait: StepWait, now: number): Promise<Decision | undefined> {
    const { store, run, round } = this.#parts;
    const find = (head: DecidedRun | undefined): Decision | undefined => head && decisionOf(head, step);
    try {
      return find(await store.decide(run, step, expiry(wait, now, round)));
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
      return find(await store.head(run));
    }
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The run does not wait here any more.', {});
}
