import { decode } from '../core/codec.ts';
import { IntegrityError, isModelkeepError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ReadOptions, StorageAdapter, StoredRecord } from './contract.ts';
import type { ValueRecord } from './records.ts';

/** The value of a record, why it cannot be read, or nothing where there is none. */
export type EachValue<T> = ValueRecord<T> | { readonly error: unknown } | undefined;

/** Is told of what cannot be read and is left out. */
export type DamageListener = (error: IntegrityError) => void;

/** The value at each key, or why it cannot be read; `undefined` where there is none. Throws what the storage throws when it fails altogether. */
export async function readEach<T>(storage: StorageAdapter, found: readonly Key[], options: ReadOptions): Promise<EachValue<T>[]> {
  const records = await recordAtEach(storage, found, options);
  return records.map((record, i) => {
    if (record === undefined || 'error' in record) return record;
    try {
      return { value: decode(record.bytes, found[i]!) as T, version: record.version };
    } catch (error) {
      if (!isDamage(error)) throw error;
      return { error };
    }
  });
}

/** That a record is left out, and why. */
export function damageAt(key: Key, error: unknown): IntegrityError {
  return new IntegrityError(`The record ${key} is left out, for it cannot be read: ${describeFailure(error).message}`, { key, cause: error });
}

/** The values at keys that are there and whole, in that order; each of the others is told of. */
async function readSound<T>(storage: StorageAdapter, found: readonly Key[], onDamage: DamageListener, options: OperationOptions): Promise<T[]> {
  const records = await readEach<T>(storage, found, options);
  return records.flatMap((record, i) => {
    if (record === undefined) return [];
    if ('value' in record) return [record.value];
    onDamage(damageAt(found[i]!, record.error));
    return [];
  });
}

/** Every value under a prefix that is whole, in the order of the keys and page by page; each of the others is told of. */
export async function* readSoundUnder<T>(storage: StorageAdapter, prefix: string, onDamage: DamageListener, options: OperationOptions): AsyncGenerator<T, void, undefined> {
  let after: string | undefined;
  do {
    const page = await storage.list({ prefix, after }, options);
    yield* await readSound<T>(storage, page.entries.map(({ key }) => key), onDamage, options);
    after = page.next;
  } while (after !== undefined);
}

async function recordAtEach(storage: StorageAdapter, found: readonly Key[], options: ReadOptions): Promise<(StoredRecord | { error: unknown } | undefined)[]> {
  if (found.length === 0) return [];
  try {
    return await storage.read(found, options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    if (found.length === 1) return [{ error }];
    // One damaged record fails the whole read, so halves are asked for until it stands alone.
    const half = found.length >>> 1;
    return [...(await recordAtEach(storage, found.slice(0, half), options)), ...(await recordAtEach(storage, found.slice(half), options))];
  }
}

/** Whether an error says that one record is not readable, rather than that the storage fails. */
export function isDamage(error: unknown): boolean {
  return isModelkeepError(error, 'integrity', 'unsupported');
}
