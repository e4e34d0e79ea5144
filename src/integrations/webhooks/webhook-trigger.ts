import * as z from 'zod/mini';
import { systemClock, type Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { callable, clockOption, standardSchemaOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check, validateWith, type StandardSchema } from '../../core/schema.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from '../../core/trigger-source.ts';
import type { LogPosition, StorageAdapter } from '../../storage/contract.ts';
import { readValue, writeValue } from '../../storage/records.ts';
import { storageOption } from '../../storage/storage-option.ts';
import { verifyWebhook } from './verify-webhook.ts';
import { WebhookKeys } from './webhook-keys.ts';

/** How webhooks are taken in. */
export interface WebhookTriggerOptions<E> {
  /** What is taken in is stored under this name. */
  readonly name: string;
  /** Where it is stored. */
  readonly storage: StorageAdapter;
  /** The secret that a webhook must be signed with, or several of which one will do, while one is being replaced. */
  readonly secret: string | readonly string[];
  /** Checks the body: any Standard Schema. What it makes of it is the event, and must be plain data; what does not validate is refused with 400. @default any JSON */
  readonly schema?: StandardSchema<unknown, E> | undefined;
  /** How far a timestamp may be from now, in either direction. @default '5m' */
  readonly tolerance?: Duration | undefined;
  /** Bytes that a body may have. @default 262_144 */
  readonly maxBytes?: number | undefined;
  /** Is told when the storage fails; the sender is answered 503, and sends again. @default nobody */
  readonly onError?: ErrorListener | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
}

/** Takes webhooks in, and gives them as a source of events. */
export interface WebhookTrigger<E> extends TriggerSource<E> {
  /** Answers a request: 204 when the webhook is stored, now or before; 401 where signature or time do not fit, 400, 405 or 413 for what is no webhook, 503 when it could not be stored. Never rejects. */
  handle(request: Request): Promise<Response>;
  now(options?: OperationOptions): Promise<string>;
}

/** What is known of an id. */
interface Receipt {
  /** When the first attempt was made, epoch milliseconds. */
  readonly at: number;
  /** Whether the event is in the log. */
  readonly stored: boolean;
}

/** An event in the log; one whose sender was not answered may be there twice, both times the same. */
interface ReceivedEvent {
  readonly id: string;
  readonly at: number;
  readonly event: unknown;
}

const optionsSchema = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(200)),
  storage: storageOption,
  secret: z.unknown(),
  schema: standardSchemaOption,
  tolerance: z.optional(z.custom<Duration>()),
  maxBytes: z.optional(z.int().check(z.minimum(1))),
  onError: z.optional(callable<ErrorListener>()),
  clock: clockOption,
});
const longestId = 256;
const defaultLimit = 100;

/**
 * Takes in webhooks that are signed as Standard Webhooks have it, stores each durably before it is answered, once however often it is sent, and gives them as a source for `pipeline.triggerOn`. Mount `handle` where the requests come: in
 * anything that has web-standard requests, or by `toNodeHandler` of `modelkeep/server`. Any number of processes may take in webhooks of one name.
 *
 * A webhook is known by its id, which is kept for good: a request that someone recorded starts nothing anew, within the tolerance of its timestamp or by a sender that repeats it after days.
 *
 * Throws `ValidationError` when an option is not what it must be, and `UnsupportedError` where the host has no WebCrypto.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline, webhook, webhookTrigger } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
 * const pushes = webhookTrigger({ name: 'data-pushed', storage, secret });
 * const retrain = new Pipeline({ name: 'retrain', storage });
 * retrain.step('train', {}, () => 'a model');
 * await retrain.triggerOn(pushes, { from: 'beginning' });
 *
 * const sender = webhook({ url: 'https://example.test/hooks', secret, fetch: pushes.handle });
 * sender({ id: 'a', sequence: 1, type: 'pushed', at: Date.now(), subject: { kind: 'dataset', id: 'flights' }, data: {} });
 * await sender.close();
 * await using keeper = retrain.start();
 * await keeper.idle();
 * for await (const { triggeredBy, status } of retrain.runs()) console.log(triggeredBy, status);
 * ```
 */
export function webhookTrigger<E = unknown>(options: WebhookTriggerOptions<E>): WebhookTrigger<E> {
  const { name, storage, schema, tolerance = '5m', maxBytes = 262_144, onError, clock = systemClock } = check(optionsSchema, options, 'options');
  const { secret } = options;
  // Refused here, and not with the first request.
  new WebhookKeys(secret);
  durationMs(tolerance, 'options.tolerance');
  const inbox = new Inbox<E>(storage, name);
  const take = async (request: Request): Promise<Response> => {
    if (request.method !== 'POST') return answer(405, 'send webhooks by POST', { allow: 'POST' });
    const { id, at, event } = await verifyWebhook(request, { secret, tolerance, maxBytes, clock });
    if (id === '' || id.length > longestId) return answer(400, `webhook-id must have 1 to ${longestId} characters`);
    await inbox.keep(id, at, schema ? await validateWith(schema, event, 'body') : event);
    return new Response(null, { status: 204 });
  };
  return {
    id: `webhooks/${escapeSegment(name)}`,
    handle: (request) =>
      take(request).catch((error: unknown) => {
        if (isModelkeepError(error, 'unauthorized')) return answer(401, error.message);
        if (isModelkeepError(error, 'validation')) return answer((error.details as { maxBytes?: number }).maxBytes === undefined ? 400 : 413, error.message);
        onError?.(error);
        return answer(503, 'the webhook could not be stored; send it again', { 'retry-after': '5' });
      }),
    poll: (after, poll = {}) => inbox.read(after, poll),
    now: (operation = {}) => inbox.end(operation),
  };
}

/** The webhooks of a name, as they were stored. */
class Inbox<E> {
  readonly #storage: StorageAdapter;
  readonly #name: string;
  readonly #key: Key;

  constructor(storage: StorageAdapter, name: string) {
    this.#storage = storage;
    this.#name = name;
    this.#key = `received-webhooks/${escapeSegment(name)}`;
  }

  /** Stores an event, unless it is; durable when it resolves. An id has one time, whoever stores it, for a trigger knows events by both. */
  async keep(id: string, at: number, event: unknown): Promise<void> {
    const key = `${this.#key}/${escapeSegment(id)}`;
    const receipt = await this.#receipt(key, at);
    if (receipt.stored) return;
    const entry: ReceivedEvent = { id, at: receipt.at, event };
    await this.#storage.append(this.#key, [encode(entry, 'body')]);
    const stored: Receipt = { at: receipt.at, stored: true };
    await writeValue(this.#storage, key, stored);
  }

  async read(after: string | undefined, { signal, limit = defaultLimit }: TriggerPollOptions): Promise<TriggerPage<E>> {
    const events = new Map<string, TriggerEvent<E>>();
    let next = after;
    for await (const { bytes, position } of this.#storage.readLog(this.#key, { after: placeOf(after), signal })) {
      const { id, at, event } = decode(bytes, this.#key) as ReceivedEvent;
      events.set(id, { id, at, ref: { kind: 'webhook', id: this.#name }, data: event as E });
      next = position;
      if (events.size >= limit) break;
    }
    return { events: [...events.values()].sort((a, b) => a.at - b.at), next };
  }

  async end({ signal }: OperationOptions): Promise<string> {
    let last: LogPosition = '';
    for await (const { position } of this.#storage.readLog(this.#key, { signal })) last = position;
    return last;
  }

  async #receipt(key: Key, at: number): Promise<Receipt> {
    const mine: Receipt = { at, stored: false };
    try {
      await writeValue(this.#storage, key, mine, { condition: 'absent' });
      return mine;
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
      return (await readValue<Receipt>(this.#storage, key))?.value ?? mine;
    }
  }
}

/** The position behind which a poll reads; before there was anything, that is the beginning. */
function placeOf(after: string | undefined): LogPosition | undefined {
  return after === '' ? undefined : after;
}

function answer(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify({ error: message }), { status, headers: { 'content-type': 'application/json', ...headers } });
}
