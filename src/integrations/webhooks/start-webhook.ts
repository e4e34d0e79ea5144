import * as z from 'zod/mini';
import { untilAborted } from '../../core/abort.ts';
import { durationMs } from '../../core/duration.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import { having } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readValue, writeValue } from '../../storage/records.ts';
import { storageOption } from '../../storage/storage-option.ts';
import { WebhookKeys } from './webhook-keys.ts';
import { checkWebhookOptions, type StartWebhookOptions, type WebhookSource } from './webhook-options.ts';
import { WebhookWorker } from './webhook-worker.ts';

/** A webhook that goes on from where it stood, whatever becomes of its process. */
export interface RunningWebhook {
  /** How many events are waiting or under way. */
  readonly queued: number;
  /** Resolves when all that had happened by now was taken, and that is stored; it waits for as long as the receiver takes nothing. Throws `AbortedError` when its signal fires first, and an error of code `closed` when the webhook ends before. */
  flush(options?: OperationOptions): Promise<void>;
  /** Lets the attempts under way end, for which it waits at most `timeout`, and makes no further one; when its signal fires, they are broken off. What was not taken is sent by who starts the webhook next. */
  close(options?: OperationOptions): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const schema = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(200)),
  storage: storageOption,
  source: having<WebhookSource>('poll', "must be a source of events, such as registry.events()").check(z.refine((source) => typeof source.now === 'function', 'must have now(), as registry.events() has')),
  from: z.optional(z.enum(['now', 'beginning'])),
  maxQueued: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))),
  // The source has them.
  types: z.optional(z.undefined()),
});

/**
 * Sends the events of a source to a URL, each at least once, whatever becomes of this process. How far it came is a record of the storage, written when an event and all before it were taken: after a restart, a crash or a loss of power it
 * goes on from there, also with what happened meanwhile. The request is the one of {@link webhook}; `webhook-id` is the same however often an event is sent, so that a receiver acts on it once.
 *
 * An event is tried again until it is taken, whatever the answer: after `retry.attempts` attempts, or at once when the answer was a refusal such as 400 or 404, `onError` is told, and the attempts begin anew after `retry.max`. The events of one
 * subject arrive in order, so that one which is not taken holds up those behind it, and none of another subject until `maxQueued` are under way; `giveUpAfter` ends that.
 *
 * Run a name in one process at a time: two of them send everything twice, though they lose nothing.
 *
 * Resolves when its place is stored, so that no later event is missed. Throws `ValidationError` when an option is not what it must be, and what the storage or the source throws when they cannot be read.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, startWebhook } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * const hook = await startWebhook({
 *   name: 'ci',
 *   storage,
 *   source: registry.events({ types: ['model-created', 'stage-changed', 'rolled-back'] }),
 *   url: 'https://example.test/hooks',
 *   secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
 *   fetch: async (request) => {
 *     console.log(request.headers.get('webhook-id'), await request.text());
 *     return new Response();
 *   },
 * });
 * await registry.createModel('fraud');
 * await hook.flush();
 * await hook.close();
 * ```
 */
export async function startWebhook(options: StartWebhookOptions): Promise<RunningWebhook> {
  const { name, storage, source, from = 'now', maxQueued = 100 } = check(schema, options, 'options');
  const { name: _, storage: __, source: ___, from: ____, maxQueued: _____, interval = '5s', giveUpAfter, ...rest } = options;
  const settings = checkWebhookOptions(rest);
  const keys = new WebhookKeys(options.secret);
  const intervalMs = durationMs(interval, 'options.interval');
  const giveUpMs = giveUpAfter === undefined ? undefined : durationMs(giveUpAfter, 'options.giveUpAfter');
  const key = `webhooks/${escapeSegment(name)}`;
  const cursor = await placeOf(storage, key, from === 'now' ? () => source.now() : undefined);
  const worker = new WebhookWorker({ settings, keys, source, maxQueued, intervalMs, giveUpMs, save: async (at) => void (await writeValue(storage, key, { cursor: at })) }, cursor);
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
    flush: async ({ signal } = {}) => untilAborted(worker.idle(), signal, 'The flush of a webhook'),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Where a webhook stands; a new one begins where `begin` says, and is stored there at once. */
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
