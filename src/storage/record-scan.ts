import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ListEntry, StorageAdapter, StoredRecord } from './contract.ts';

/** A record with its key. */
export interface ScannedRecord {
  readonly key: Key;
  readonly record: StoredRecord;
}

const batchBytes = 4 * 1024 * 1024;

/** Every record whose key begins with `prefix`, in the order of the keys, in batches of some MiB: each as the store has it at the time when it is read. */
export async function* scanRecords(storage: StorageAdapter, prefix: string, { signal }: OperationOptions = {}): AsyncGenerator<readonly ScannedRecord[]> {
  let after: string | undefined;
  do {
    const page = await storage.list({ prefix, after }, { signal });
    for (const batch of inBatches(page.entries)) {
      const records = await storage.read(batch, { signal, fresh: true });
      // What was deleted since it was listed is no record.
      yield records.flatMap((record, i) => (record === undefined ? [] : [{ key: batch[i]!, record }]));
    }
    after = page.next;
  } while (after !== undefined);
}

/** The keys of list entries in batches that are read at once. */
export function* inBatches(entries: readonly ListEntry[]): Generator<readonly Key[]> {
  let batch: Key[] = [];
  let bytes = 0;
  for (const { key, size } of entries) {
    if (batch.length > 0 && bytes + size > batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(key);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
