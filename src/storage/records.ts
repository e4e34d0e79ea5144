import { decode, encode } from '../core/codec.ts';
import type { Digest } from '../core/digest.ts';
import { ConflictError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ListEntry, ListQuery, ReadOptions, StorageAdapter, Version, WriteCondition } from './contract.ts';

/** A record decoded. */
export interface ValueRecord<T> {
  readonly value: T;
  readonly version: Version;
}

/** The decoded record at `key`, or `undefined`. */
export async function readValue<T>(storage: StorageAdapter, key: Key, options?: ReadOptions): Promise<ValueRecord<T> | undefined> {
  const [record] = await storage.read([key], options);
  return record && { value: decode(record.bytes, key) as T, version: record.version };
}

/** The decoded records at `keys`, in that order, by one read. */
export async function readValues<T>(storage: StorageAdapter, keys: readonly Key[], options?: OperationOptions): Promise<(ValueRecord<T> | undefined)[]> {
  const records = keys.length === 0 ? [] : await storage.read(keys, options);
  return records.map((record, i) => record && { value: decode(record.bytes, keys[i]!) as T, version: record.version });
}

/** Writes one record; throws `ConflictError` when its condition does not hold. */
export async function writeValue(
  storage: StorageAdapter,
  key: Key,
  value: unknown,
  options: OperationOptions & { condition?: WriteCondition; blobs?: readonly Digest[] } = {},
): Promise<Version> {
  const [result] = await storage.write([{ kind: 'put', key, bytes: encode(value, key), blobs: options.blobs, condition: options.condition }], options);
  if (result?.ok) return result.version!;
  throw new ConflictError(
    options.condition === 'absent' ? `${key} exists already.` : `${key} was changed by someone else in the meantime; read it again.`,
    { key },
  );
}

/** Every entry of a list, page by page. */
export async function* listAll(storage: Pick<StorageAdapter, 'list'>, query: ListQuery, options?: OperationOptions): AsyncGenerator<ListEntry> {
  let after = query.after;
  do {
    const page = await storage.list({ ...query, after }, options);
    yield* page.entries;
    after = page.next;
  } while (after !== undefined);
}
