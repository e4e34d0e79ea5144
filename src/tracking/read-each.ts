import { isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, StoredRecord } from '../storage/contract.ts';

/** A record, why it cannot be read, or nothing where there is none. */
export type EachRecord = StoredRecord | { error: unknown } | undefined;

/** The record at each key, or why it cannot be read; `undefined` where there is none. */
export async function readEach(storage: StorageAdapter, found: readonly string[], options: OperationOptions): Promise<EachRecord[]> {
  if (found.length === 0) return [];
  try {
    return await storage.read(found, options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    if (found.length === 1) return [{ error }];
    // One damaged record fails the whole read, so halves are asked for until it stands alone.
    const half = found.length >>> 1;
    return [...(await readEach(storage, found.slice(0, half), options)), ...(await readEach(storage, found.slice(half), options))];
  }
}

/** Whether an error says that one record is not readable, rather than that the storage fails. */
export function isDamage(error: unknown): boolean {
  return isModelkeepError(error, 'integrity', 'unsupported');
}
