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
  #append: Append | undefined;
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
    return this.#append === undefined && this.#waiting.length === 0;
  }

  /** Appends all there is, in order; what could not be written stays, and is tried again under the same name. */
  async appendTo(storage: StorageAdapter, log: Key): Promise<void> {
    while (!this.isEmpty) {
      this.#append ??= { operationId: newId(), batches: takeBatches(this.#waiting) };
      const { operationId, batches } = this.#append;
      await storage.append(log, batches.map((batch) => batch.bytes), { operationId });
      this.#append = undefined;
      for (const batch of batches) this.#points -= batch.points;
    }
  }
}

function takeBatches(queue: SealedBatch[]): SealedBatch[] {
  let count = 0;
  for (let bytes = 0; count < queue.length && (count === 0 || bytes + queue[count]!.bytes.length <= maxAppendBytes); count++) bytes += queue[count]!.bytes.length;
  return queue.splice(0, count);
}
