import type { Clock, Undo } from '../../core/clock.ts';
import { ValidationError, type TimeoutError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { StorageAdapter, WriteCondition } from '../../storage/contract.ts';
import { packOutput, unpackOutput } from '../output-codec.ts';
import { silenceTimeout } from '../timeouts.ts';
import { isLater, placeOf, putHeartbeat, readHeartbeat, type HeartbeatAuthor } from './heartbeat-record.ts';

/** What the heartbeats of an attempt are kept with. */
export interface HeartbeatTerms {
  readonly storage: StorageAdapter;
  readonly key: Key;
  readonly step: string;
  readonly limitMs: number;
  readonly author: HeartbeatAuthor;
  /** Whether what an earlier round said counts. */
  readonly lasts: boolean;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

// Whoever is killed loses what it said in so long at most; a step may say something for each of a million rows.
const saveEveryMs = 1_000;
// A record is read before each attempt, and is no place for what should be stored as an output.
const mostBytes = 64 * 1024;

/** The signs of life of one attempt: how long it has been silent, and what it last said of how far it is. */
export class Heartbeat {
  readonly #terms: HeartbeatTerms;
  readonly #last: Uint8Array | undefined;
  #place: WriteCondition | undefined;
  #beatAt: number;
  #pending: Uint8Array | undefined;
  #savedAt = -Infinity;
  #saving: Promise<void> | undefined;
  #undoTimer: Undo | undefined;
  /** Whether it is heard no more. */
  #closed = false;
  /** Whether a later attempt has spoken, whose words stay. */
  #outdated = false;

  constructor(terms: HeartbeatTerms, last: Uint8Array | undefined, place: WriteCondition | undefined) {
    this.#terms = terms;
    this.#last = last;
    this.#place = place;
    this.#beatAt = terms.clock.monotonic();
  }

  /** The heartbeats of an attempt that begins, with what those before it have said. */
  static async begin(terms: HeartbeatTerms): Promise<Heartbeat> {
    const { storage, key, lasts, author, onError } = terms;
    const found = await readHeartbeat(storage, key);
    if (found && 'error' in found) onError(found.error);
    const before = found && 'value' in found && (lasts || found.value.round === author.round) ? found.value.details : undefined;
    return new Heartbeat(terms, before, placeOf(found));
  }

  /** A copy of what the attempts before have said last; `undefined` for nothing. */
  last(): unknown {
    try {
      return this.#last && unpackOutput(this.#last, `the last heartbeat of step ${this.#terms.step}`);
    } catch (error) {
      // What cannot be read any more costs the step its progress, and must not cost it the run.
      this.#terms.onError(error);
      return undefined;
    }
  }

  /** Takes a sign of life. Throws `ValidationError` for details that cannot be kept. */
  beat(details: unknown): void {
    const { step, clock } = this.#terms;
    if (this.#closed) return;
    this.#beatAt = clock.monotonic();
    if (details === undefined) return;
    const path = `step '${step}'.heartbeat`;
    const packed = packOutput(details, `${path}.details`);
    if (packed.length > mostBytes) {
      throw new ValidationError(`A heartbeat of step '${step}' has details of ${packed.length} bytes, which is more than ${mostBytes}; say how far the step is, and store elsewhere what it has made.`, { path, limit: mostBytes });
    }
    this.#pending = packed;
    this.#save();
  }

  /** Tells once when the attempt has been silent for too long, from now on. */
  watch(onSilence: (error: TimeoutError) => void): Undo {
    const { step, clock, limitMs } = this.#terms;
    let undo: Undo;
    const arm = (ms: number): void => {
      undo = clock.setTimer(look, ms, { keepAlive: true });
    };
    // A timer for each sign of life would cost more than the sign.
    const look = (): void => {
      const left = this.#beatAt + limitMs - clock.monotonic();
      if (left > 0) arm(left);
      else onSilence(silenceTimeout(step, limitMs));
    };
    this.#beatAt = clock.monotonic();
    arm(limitMs);
    return () => undo();
  }

  /**
   * Hears nothing more. Never rejects.
   *
   * @param keeps - Whether what was said last is for a next attempt.
   */
  async close(keeps: boolean): Promise<void> {
    this.#closed = true;
    this.#undoTimer?.();
    await this.#saving;
    if (keeps) await this.#write();
  }

  #save(): void {
    if (this.#saving || this.#undoTimer || this.#closed || this.#pending === undefined) return;
    const { clock } = this.#terms;
    const write = (): void => {
      this.#undoTimer = undefined;
      this.#saving = this.#write().finally(() => {
        this.#saving = undefined;
        this.#save();
      });
    };
    const waitMs = this.#savedAt + saveEveryMs - clock.monotonic();
    if (waitMs <= 0) write();
    else this.#undoTimer = clock.setTimer(write, waitMs);
  }

  /** Stores what was said last. Never rejects: what could not be stored is tried again with what is said next. */
  async #write(): Promise<void> {
    const { storage, key, author, clock, onError } = this.#terms;
    const details = this.#pending;
    if (details === undefined) return;
    this.#pending = undefined;
    this.#savedAt = clock.monotonic();
    try {
      while (!this.#outdated) {
        const place = await putHeartbeat(storage, key, { ...author, at: clock.now(), details }, this.#place);
        if (place) {
          this.#place = place;
          return;
        }
        const found = await readHeartbeat(storage, key);
        this.#place = placeOf(found);
        if (found && 'value' in found && isLater(found.value, author)) this.#outdated = true;
      }
    } catch (error) {
      this.#pending ??= details;
      onError(error);
    }
  }
}
