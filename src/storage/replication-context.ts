import type { Clock } from '../core/clock.ts';
import type { Key } from '../core/key.ts';
import type { Progress } from '../core/progress.ts';
import type { StorageAdapter } from './contract.ts';
import { isKeyFailure, type ConflictBook } from './replication-conflict.ts';

/** What a link has moved since it was made. */
export interface ReplicationCounts {
  /** Records written to the target. */
  readonly records: number;
  /** Records and logs deleted from the target. */
  readonly deletions: number;
  /** Entries appended to the target's logs. */
  readonly entries: number;
  /** Blobs written to the target. */
  readonly blobs: number;
  /** Bytes of all these. */
  readonly bytes: number;
  /** Conflicts that are open now. */
  readonly conflicts: number;
}

/** How far a replication has come: what it is looking at (`done` keys so far), and what it has moved since the link was made. */
export interface ReplicationProgress extends Progress, ReplicationCounts {}

/** A key that could not be replicated, while others could. */
export interface KeyFailure {
  readonly key: string;
  readonly error: unknown;
}

const atOnce = 8;

/** Does several things at once, but not too many. The first failure is thrown when what had begun has come to its end; nothing more is begun then. */
export async function inParallel(work: readonly (() => Promise<unknown>)[]): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const run = async (): Promise<void> => {
    while (next < work.length && failures.length === 0) await work[next++]!().catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, work.length) }, run));
  if (failures.length > 0) throw failures[0];
}

/** What the parts of a pass share. */
export class ReplicationContext {
  readonly from: StorageAdapter;
  readonly to: StorageAdapter;
  readonly clock: Clock;
  readonly book: ConflictBook;
  readonly signal: AbortSignal;
  /** Keys that failed in this pass. */
  failures: KeyFailure[] = [];
  /** How many keys others kept changing, so that the next pass must see to them. */
  unfinished = 0;
  readonly #onProgress: (progress: ReplicationProgress) => void;
  readonly #counts = { records: 0, deletions: 0, entries: 0, blobs: 0, bytes: 0 };
  #phase = 'records';
  #done = 0;

  constructor(from: StorageAdapter, to: StorageAdapter, clock: Clock, book: ConflictBook, signal: AbortSignal, onProgress: (progress: ReplicationProgress) => void) {
    this.from = from;
    this.to = to;
    this.clock = clock;
    this.book = book;
    this.signal = signal;
    this.#onProgress = onProgress;
  }

  counts(): ReplicationCounts {
    return { ...this.#counts, conflicts: this.book.size };
  }

  beginPhase(phase: 'records' | 'logs' | 'blobs'): void {
    this.#phase = phase;
    this.#done = 0;
  }

  /** Tells that so many more keys were looked at, and what was moved. */
  moved(looked: number, moved: Partial<Omit<ReplicationCounts, 'conflicts'>> = {}): void {
    this.#done += looked;
    for (const [what, count] of Object.entries(moved)) this.#counts[what as keyof typeof moved] += count;
    this.#onProgress({ phase: this.#phase, done: this.#done, ...this.counts() });
  }

  /** Notes a failure that concerns one key only; any other ends the pass. */
  failed(key: Key, error: unknown): void {
    if (!isKeyFailure(error)) throw error;
    this.failures.push({ key, error });
  }

  /** Does `work` on all items by one call or, when one of them cannot be dealt with, on each by itself; `undefined` stands for those that failed. */
  async each<I, R>(items: readonly I[], keyOf: (item: I) => Key, work: (some: readonly I[]) => Promise<readonly R[]>): Promise<(R | undefined)[]> {
    if (items.length === 0) return [];
    try {
      return [...(await work(items))];
    } catch (error) {
      if (items.length === 1) this.failed(keyOf(items[0]!), error);
      if (!isKeyFailure(error)) throw error;
      if (items.length === 1) return [undefined];
      const half = items.length >> 1;
      return [...(await this.each(items.slice(0, half), keyOf, work)), ...(await this.each(items.slice(half), keyOf, work))];
    }
  }
}
