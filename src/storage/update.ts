import { throwIfAborted } from '../core/abort.ts';
import { backoffMs } from '../core/backoff.ts';
import { sleep, systemClock, type Clock } from '../core/clock.ts';
import { decode, encode } from '../core/codec.ts';
import type { Digest } from '../core/digest.ts';
import { ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { systemRandom, type Random } from '../core/random.ts';
import type { StorageAdapter, Version, WriteOperation } from './contract.ts';

/** How a record is updated. */
export interface UpdateOptions extends OperationOptions {
  /** The blobs that the new value refers to. @default none */
  blobs?: (value: never) => readonly Digest[];
  /** What is written first, in the same call; it stays where the update does not come through. A function is asked anew for what each attempt writes. @default nothing */
  first?: readonly WriteOperation[] | (() => readonly WriteOperation[]);
  /** How often it is tried before `ConflictError`. @default 100 */
  attempts?: number;
  /** @default the host's */
  clock?: Clock;
  /** @default the host's */
  random?: Random;
}

/**
 * Changes a record by compare-and-swap: `change` is given the present value (`undefined` when there is none) and returns the next; it is called again on fresh
 * data whenever someone else was first, so it must be free of side effects. Returning the very value it was given writes nothing. What `change` throws is thrown on, with nothing written.
 *
 * Throws `ConflictError` when others were first at every attempt.
 */
export async function update<T>(
  storage: StorageAdapter,
  key: Key,
  change: (value: T | undefined) => T,
  options: UpdateOptions = {},
): Promise<{ value: T; version: Version | undefined }> {
  const { first = [], attempts = 100, clock = systemClock, random = systemRandom, signal } = options;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    throwIfAborted(signal, `Updating ${key}`);
    const [record] = await storage.read([key], { signal, fresh: true });
    const before = record && (decode(record.bytes, key) as T);
    const value = change(before);
    if (value === before) return { value, version: record?.version };
    const blobs = (options.blobs as ((value: T) => readonly Digest[]) | undefined)?.(value);
    const condition = record ? { match: record.version } : 'absent';
    // Named, so that an adapter that repeats it after a lost answer does not take its own write for someone else's and have the change made twice.
    const result = (await storage.write([...(typeof first === 'function' ? first() : first), { kind: 'put', key, bytes: encode(value, key), blobs, condition, operationId: newId() }], { signal })).at(-1);
    if (result?.ok) return { value, version: result.version };
    // The first collisions are over at once; only a crowd is worth spreading out.
    if (attempt > 2) await sleep(clock, backoffMs(attempt - 2, { initialMs: 1, maxMs: 50 }, random), signal);
  }
  throw new ConflictError(`${key} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key, attempts });
}
