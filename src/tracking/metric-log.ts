import type { Key } from '../core/key.ts';
import type { LogQuery, StorageAdapter } from '../storage/contract.ts';
import { openBatch, type MetricBatch, type PackedBatch } from './metric-batch.ts';

/** Batches by session and number, each of which is in the set once. */
export class BatchIds {
  readonly #numbers = new Map<string, Set<number>>();

  /** Takes one in; false when it was there already. */
  add({ session, number }: Pick<MetricBatch, 'session' | 'number'>): boolean {
    let numbers = this.#numbers.get(session);
    if (numbers === undefined) this.#numbers.set(session, (numbers = new Set()));
    if (numbers.has(number)) return false;
    numbers.add(number);
    return true;
  }

  /** Whether it is there. */
  has({ session, number }: Pick<MetricBatch, 'session' | 'number'>): boolean {
    return this.#numbers.get(session)?.has(number) ?? false;
  }
}

/** The batches in a run's log, each once however often it was written, unread; `seen` is told which they are. With `transient`, a batch is of use until the next one is asked for. */
export async function* openBatches(storage: StorageAdapter, log: Key, { signal, transient }: Pick<LogQuery, 'signal' | 'transient'>, seen: BatchIds = new BatchIds()): AsyncGenerator<PackedBatch> {
  for await (const entry of storage.readLog(log, { signal, transient })) {
    const batch = openBatch(entry.bytes, log);
    if (seen.add(batch)) yield batch;
  }
}
