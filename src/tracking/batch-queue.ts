import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { SealedBatch } from './metric-buffer.ts';

/** Entries that are appended together, under one name, so that trying again cannot write them twice. */
interface Append {
  readonly operationId: string;
  readonly batches: readonly SealedBatch[];
}

const maxAppendBytes = 8 * 1024 * 1024;

/** Batches on their way to a log. */
export class BatchQueue {
  readonly #waiting: SealedBatch[] = [];
  /** Those that were begun and are not known to be done, in order; one at a time as a rule. */
  #appends: readonly Append[] = [];
  #points = 0;

  push(batch: SealedBatch): void {
    this.#waiting.push(batch);
    this.#points += batch.points;
  }

  /** Points in batches that are not written yet. */
  get points(): number {
    return this.#points;
  }

  /** Whether there are batches that no append under way has taken. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether nothing is left to write, nor to try again. */
  get isEmpty(): boolean {
    return this.#appends.length === 0 && this.#waiting.length === 0;
  }

  /** Appends all there is, in order; what could not be written stays, and is tried again under the same name. */
  async appendTo(storage: StorageAdapter, log: Key): Promise<void> {
    while (!this.isEmpty) {
      if (this.#appends.length === 0) this.#take();
      await this.#append(storage, log, this.#appends[0]!);
    }
  }

  /** Hands what no append under way has taken to the storage before the caller's turn ends, without waiting for those that are; what could not be written stays, as with {@link BatchQueue.appendTo}. */
  async appendAtOnce(storage: StorageAdapter, log: Key): Promise<void> {
    const before = this.#appends.length;
    while (this.isWaiting) this.#take();
    await Promise.allSettled(this.#appends.slice(before).map((append) => this.#append(storage, log, append)));
  }

  #take(): void {
    this.#appends = [...this.#appends, { operationId: newId(), batches: takeBatches(this.#waiting) }];
  }

  async #append(storage: StorageAdapter, log: Key, append: Append): Promise<void> {
    await storage.append(log, append.batches.map((batch) => batch.bytes), { operationId: append.operationId });
    // Both ways of writing may have come to it; the storage keeps one.
    if (!this.#appends.includes(append)) return;
    this.#appends = this.#appends.filter((each) => each !== append);
    for (const batch of append.batches) this.#points -= batch.points;
  }
}

function takeBatches(queue: SealedBatch[]): SealedBatch[] {
  let count = 0;
  for (let bytes = 0; count < queue.length && (count === 0 || bytes + queue[count]!.bytes.length <= maxAppendBytes); count++) bytes += queue[count]!.bytes.length;
  return queue.splice(0, count);
}
