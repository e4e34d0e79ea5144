import * as z from 'zod/mini';
import { untilAborted } from '../core/abort.ts';
import { checkDelivery, type DeliveryOptions, type DeliverySettings } from '../core/delivery/delivery-options.ts';
import { DeliveryWorker, type DeliveryWork } from '../core/delivery/delivery-worker.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { isModelkeepError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { TriggerSource } from '../core/trigger-source.ts';
import type { StorageAdapter } from './contract.ts';
import { readValue, writeValue } from './records.ts';
import { storageOption } from './storage-option.ts';

/** Where the events of a source are posted, and how, so that none is lost. */
export interface StoredDeliveryOptions extends DeliveryOptions {
  /** How far it came is stored under this name, one for each delivery. */
  readonly name: string;
  /** Where that is stored. */
  readonly storage: StorageAdapter;
  /** Where a name begins that is new: with what happens from now on, or with all that ever happened. @default 'now' */
  readonly from?: 'now' | 'beginning' | undefined;
  /** How long to wait before it looks again when no hint of the storage comes. @default '5s' */
  readonly interval?: Duration | undefined;
  /** How many events may be under way; no more are read beyond. @default 100 */
  readonly maxQueued?: number | undefined;
  /** How long after it happened an event that is not taken is given up and passed over. @default never: it is sent until it is taken */
  readonly giveUpAfter?: Duration | undefined;
  /** Told of each event that was not taken in all its attempts, with what it is in `details`, and of whatever else goes wrong; all of it is tried again. @default nobody */
  readonly onError?: ErrorListener | undefined;
}

/** A delivery that goes on from where it stood, whatever becomes of its process. */
export interface RunningDelivery {
  /** How many events are waiting or under way. */
  readonly queued: number;
  /** Resolves when all that had happened by now was taken, and that is stored; it waits for as long as the receiver takes nothing. Throws `AbortedError` when its signal fires first, and an error of code `closed` when the delivery ends before. */
  flush(options?: OperationOptions): Promise<void>;
  /** Lets the attempts under way end, for which it waits at most `timeout`, and makes no further one; when its signal fires, they are broken off. What was not taken is sent by who starts it next. */
  close(options?: OperationOptions): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The same options with their defaults. */
export interface StoredDeliverySettings {
  readonly name: string;
  readonly storage: StorageAdapter;
  readonly from: 'now' | 'beginning';
  readonly maxQueued: number;
  readonly intervalMs: number;
  readonly giveUpMs: number | undefined;
  readonly delivery: DeliverySettings;
}

const schema = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(200)),
  storage: storageOption,
  from: z.optional(z.enum(['now', 'beginning'])),
  maxQueued: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
});

/**
 * Checks where the events of a source are posted, and how; nothing else may be given.
 *
 * @param ours - Headers in lower case that are not the caller's to set.
 */
export function checkStoredDelivery(options: StoredDeliveryOptions, ours: readonly string[]): StoredDeliverySettings {
  const { name, storage, from = 'now', maxQueued = 100 } = check(schema, options, 'options');
  const { name: _, storage: __, from: ___, maxQueued: ____, interval = '5s', giveUpAfter, ...delivery } = options;
  return {
    name,
    storage,
    from,
    maxQueued,
    intervalMs: durationMs(interval, 'options.interval'),
    giveUpMs: giveUpAfter === undefined ? undefined : durationMs(giveUpAfter, 'options.giveUpAfter'),
    delivery: checkDelivery(delivery, ours),
  };
}

/** What is delivered, and where it is stored how far that came. */
export interface StoredDeliveryParts<E> extends Pick<DeliveryWork<E>, 'who' | 'messages'> {
  readonly key: Key;
  readonly source: TriggerSource<E> & Required<Pick<TriggerSource<E>, 'now'>>;
}

/** Begins a delivery, or goes on with it. Resolves when its place is stored, so that no later event is missed. */
export async function startStoredDelivery<E>({ key, source, who, messages }: StoredDeliveryParts<E>, settings: StoredDeliverySettings): Promise<RunningDelivery> {
  const { storage, from, maxQueued, intervalMs, giveUpMs, delivery } = settings;
  const cursor = await placeOf(storage, key, from === 'now' ? () => source.now() : undefined);
  const save = async (at: string | undefined): Promise<void> => void (await writeValue(storage, key, { cursor: at }));
  const worker = new DeliveryWorker({ who, settings: delivery, source, messages, maxQueued, intervalMs, giveUpMs, save }, cursor);
  const undo = storage.onChange?.(() => worker.wake());
  worker.start();
  const close = async (operation: OperationOptions = {}): Promise<void> => {
    undo?.();
    await worker.close(operation);
  };
  return {
    get queued(): number {
      return worker.queued;
    },
    flush: async ({ signal } = {}) => untilAborted(worker.idle(), signal, `The flush of ${who.charAt(0).toLowerCase()}${who.slice(1)}`),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Where a delivery stands; a new one begins where `begin` says, and is stored there at once. */
async function placeOf(storage: StorageAdapter, key: Key, begin: (() => Promise<string>) | undefined): Promise<string | undefined> {
  const stored = await readValue<{ readonly cursor?: string | undefined }>(storage, key);
  if (stored) return stored.value.cursor;
  const cursor = await begin?.();
  try {
    await writeValue(storage, key, { cursor }, { condition: 'absent' });
    return cursor;
  } catch (error) {
    // Another process began it meanwhile; what it saw counts.
    if (!isModelkeepError(error, 'conflict')) throw error;
    return placeOf(storage, key, begin);
  }
}
