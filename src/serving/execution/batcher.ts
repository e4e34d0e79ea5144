import type { Clock, Undo } from '../../core/clock.ts';
import type { Turn } from '../../core/turn.ts';
import { ArrivalPace } from './arrival-pace.ts';
import type { BatchCost } from './batch-cost.ts';
import type { BatchingSettings } from './execution-options.ts';
import type { Queued, RequestQueue } from './request-queue.ts';

// What no host's timer can tell from nothing.
const timerStepMs = 1;

// Of what is spread normally, 97.7 % are below the mean and two standard deviations.
const mostDeviations = 2;

/** What waits for a batch. */
export interface Batchable extends Queued {
  readonly arrivedAt: number;
  readonly deadline: number;
}

/** A batch, and those that it has no use for: their time is up, or will be before the model has answered. */
export interface FormedBatch<T> {
  readonly requests: readonly T[];
  readonly late: readonly T[];
}

/** What a batcher works with. */
export interface BatcherParts<T extends Batchable> {
  readonly queue: RequestQueue<T>;
  readonly settings: Pick<BatchingSettings<never>, 'maxSize' | 'maxDelayMs' | 'maxBytes' | 'sizes'>;
  readonly cost: BatchCost;
  readonly clock: Clock;
  readonly turn: Turn;
  /** Asks for the next batch when a wait is over: in a hurry when there is nothing more to wait for. */
  readonly onDue: (hurry: boolean) => void;
}

/**
 * Decides when those who wait go to the model, and which of them together; without polling.
 *
 * With `n` waiting, one more who comes after `g` milliseconds and joins costs them `n·(g + a)`, for they wait and the batch grows; it saves the newcomer `b − g`, for else it would have to wait until they were answered and have a batch of its own. So it pays to wait for a next one that comes within
 * `(b − n·a) / (n + 1)`, and this is waited for if the pace at which requests come makes it likely.
 */
export class Batcher<T extends Batchable> {
  readonly #parts: BatcherParts<T>;
  readonly #pace = new ArrivalPace();
  #timer: Undo | undefined;
  #timerAt = Infinity;
  #turnAwaited = false;

  constructor(parts: BatcherParts<T>) {
    this.#parts = parts;
  }

  /** Takes note that a request has come. */
  arrived(now: number): void {
    this.#pace.add(now);
  }

  /** Takes the next batch out of the queue if it should go now; else `onDue` is called when to ask again, unless more come before. */
  next(now: number, hurry: boolean): FormedBatch<T> | undefined {
    const due = this.#due(now, hurry);
    if (due === undefined) return undefined;
    this.#turnAwaited = false;
    this.#disarm();
    const batch = this.#form(due, now);
    for (const request of batch.requests) this.#parts.queue.delete(request);
    for (const request of batch.late) this.#parts.queue.delete(request);
    return batch;
  }

  /** The inputs that the model is given for a batch of that size. */
  paddedSize(size: number): number {
    return this.#parts.settings.sizes.find((allowed) => allowed >= size) ?? size;
  }

  /** Milliseconds that a batch of that size is expected to take; 0 when nobody knows. */
  expectedMs(size: number): number {
    return this.#parts.cost.expectedMs(this.paddedSize(size));
  }

  /** Milliseconds within which that many full batches, one after the other, are most likely done with. */
  likelyMs(batches: number): number {
    return batches * this.expectedMs(this.#parts.settings.maxSize) + mostDeviations * Math.sqrt(batches) * this.#parts.cost.spreadMs;
  }

  /** The requests that are to go now. */
  #due(now: number, hurry: boolean): ReadonlySet<T> | undefined {
    const { queue, settings } = this.#parts;
    const { oldest, full } = queue;
    if (oldest === undefined) {
      this.#disarm();
      return undefined;
    }
    const alike = queue.alike(oldest);
    // Whoever has waited long enough comes before others that are more.
    const overdue = now - oldest.arrivedAt >= settings.maxDelayMs;
    if (hurry || alike.size >= settings.maxSize) return alike;
    if (!overdue && full !== undefined) return full;
    const until = overdue ? now : this.#waitUntil(alike, oldest);
    if (until - now >= timerStepMs) return this.#arm(until, now);
    // What came at the same moment goes along; a model that computes in this thread would keep it from being heard.
    if (!this.#turnAwaited) {
      this.#turnAwaited = true;
      this.#parts.turn(() => {
        if (this.#turnAwaited) this.#parts.onDue(true);
        this.#turnAwaited = false;
      });
    }
    return undefined;
  }

  #waitUntil(alike: ReadonlySet<T>, oldest: T): number {
    const { queue, settings, cost } = this.#parts;
    const n = alike.size;
    const pays = (cost.fixedMs - n * cost.perItemMs) / (n + 1);
    if (this.#pace.gapMs * queue.kinds >= pays) return -Infinity;
    let latest = Infinity;
    for (const { deadline } of alike) latest = Math.min(latest, deadline);
    return Math.min(this.#pace.last + pays, oldest.arrivedAt + settings.maxDelayMs, latest - this.expectedMs(n + 1));
  }

  #arm(until: number, now: number): undefined {
    if (until >= this.#timerAt) return undefined;
    this.#disarm();
    this.#timerAt = until;
    this.#timer = this.#parts.clock.setTimer(() => {
      this.#timerAt = Infinity;
      this.#parts.onDue(false);
    }, until - now);
    return undefined;
  }

  #disarm(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  /** First come, first served, but for those whose deadline is not going to be met. Where no more wait than go at once, a batch is rather made smaller than one of them dropped. */
  #form(waiting: ReadonlySet<T>, now: number): FormedBatch<T> {
    // One alone is tried in any case.
    if (waiting.size === 1) {
      const alone = [...waiting];
      return alone[0]!.deadline <= now ? { requests: [], late: alone } : { requests: alone, late: [] };
    }
    const { maxSize, maxBytes } = this.#parts.settings;
    const crowded = waiting.size > maxSize;
    const requests: T[] = [];
    const late: T[] = [];
    let left = waiting.size;
    let size = Math.min(left, maxSize);
    let bytes = 0;
    for (const request of waiting) {
      const next = requests.length + 1;
      if (next > size || (next > 1 && bytes + request.bytes > maxBytes)) break;
      const time = request.deadline - now;
      if (!crowded && time >= this.expectedMs(next)) while (time < this.expectedMs(size)) size--;
      left--;
      // Others could have the place of one that may well be late; where there are none, it may have it.
      if (time <= 0 || time < (crowded ? this.likelyMs(1) : this.expectedMs(size))) {
        late.push(request);
        size = Math.min(size, requests.length + left);
      } else {
        requests.push(request);
        bytes += request.bytes;
      }
    }
    return requests.length > 0 ? { requests, late } : spared(late, now);
  }
}

/** What is expected of the model may be wrong, and is only found out by asking it: one of those that seem too late is tried all the same. */
function spared<T extends Batchable>(late: readonly T[], now: number): FormedBatch<T> {
  const [tried] = [...late].sort((a, b) => b.deadline - a.deadline);
  if (tried === undefined || tried.deadline <= now) return { requests: [], late };
  return { requests: [tried], late: late.filter((request) => request !== tried) };
}
