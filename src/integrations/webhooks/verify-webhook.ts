import { concatBytes, fromUtf8, utf8 } from '../../core/bytes.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ModelkeepError, ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { WebhookKeys } from './webhook-keys.ts';

/** A webhook as servers hand it over that have no `Request`. */
export interface WebhookRequest {
  /** The headers by name, in any case. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body exactly as it came, before any parser. */
  readonly body: string | Uint8Array;
}

/** Remembers which webhooks were dealt with; it may be a table that several processes share. */
export interface WebhookMemory {
  /** Whether a webhook of that id was dealt with. */
  has(id: string): boolean | Promise<boolean>;
  /** Remembers that it was. */
  add(id: string): void | Promise<void>;
}

/** How a webhook is checked. */
export interface VerifyWebhookOptions {
  /** The secret that it must be signed with, or several of which one will do. */
  readonly secret: string | readonly string[];
  /** How far its timestamp may be from now, in either direction. @default '5m' */
  readonly tolerance?: Duration | undefined;
  /** Tells which webhooks were dealt with before. @default none: `repeated` is never true */
  readonly memory?: WebhookMemory | undefined;
  /** Bytes that a body may have. @default 1048576 */
  readonly maxBytes?: number | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
}

/** A webhook that is what its sender sent. */
export interface VerifiedWebhook {
  /** Id of the event, the same however often it is sent. */
  readonly id: string;
  /** When this attempt was made, in epoch milliseconds. */
  readonly at: number;
  /** The body, parsed. */
  readonly event: unknown;
  /** Whether the memory has it already: answer 2xx, and do nothing. */
  readonly repeated: boolean;
  /** Remembers that it was dealt with. Call it when that is done, so that an attempt at which you failed is not taken for one. */
  done(): Promise<void>;
}

/**
 * Checks a webhook that was sent by {@link webhook} or by anyone else who keeps to Standard Webhooks: its signature, compared in constant time, and its time. Give the body as it came; JSON that was parsed and written again has other bytes.
 *
 * An old request that someone recorded is refused by its timestamp; one within the tolerance, like one that the sender repeats because your answer was lost, is told by the `memory` as `repeated`.
 *
 * Throws `ModelkeepError` of code `unauthorized`, whose `details.reason` is `headers`, `signature` or `time`: answer 401. Throws `ValidationError` for a body that is too long or, though signed, no JSON: answer 400.
 *
 * @example
 * ```ts
 * import { verifyWebhook, webhook, webhookMemory } from 'modelkeep';
 *
 * const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
 * const memory = webhookMemory();
 *
 * async function receive(request: Request): Promise<Response> {
 *   const { event, repeated, done } = await verifyWebhook(request, { secret, memory });
 *   if (!repeated) console.log(event);
 *   await done();
 *   return new Response(null, { status: 204 });
 * }
 *
 * const send = webhook({ url: 'https://example.test/hooks', secret, fetch: receive });
 * send({ id: 'a', sequence: 1, type: 'test', at: Date.now(), subject: { kind: 'model', id: 'fraud' }, data: {} });
 * await send.close();
 * ```
 */
export async function verifyWebhook(request: Request | WebhookRequest, options: VerifyWebhookOptions): Promise<VerifiedWebhook> {
  const { secret, tolerance = '5m', memory, maxBytes = 1_048_576, clock = systemClock } = options;
  const keys = new WebhookKeys(secret);
  const toleranceMs = durationMs(tolerance, 'options.tolerance');
  if (!Number.isInteger(maxBytes) || maxBytes < 1) throw new ValidationError(`options.maxBytes is ${shown(maxBytes)}; give a whole number from 1.`, { path: 'options.maxBytes' });
  const header = (name: string): string => headerOf(request.headers, name) ?? refuse('headers', `it has no ${name}`);
  const [id, timestamp, signature] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')];
  if (!/^\d{1,12}$/.test(timestamp)) refuse('headers', 'its webhook-timestamp is no number of seconds');
  const body = await bytesOf(request, maxBytes);
  if (!(await keys.verify({ id, timestamp, body }, signature))) refuse('signature', 'no signature fits; is the secret the right one, and the body as it came?');
  const at = Number(timestamp) * 1000;
  const away = clock.now() - at;
  if (Math.abs(away) > toleranceMs) refuse('time', `it was sent ${Math.abs(Math.round(away / 1000))} s ${away > 0 ? 'ago' : 'from now'}, and ${toleranceMs / 1000} s are tolerated`);
  const event = parsed(body);
  const repeated = (await memory?.has(id)) ?? false;
  return { id, at, event, repeated, done: async () => void (await memory?.add(id)) };
}

/**
 * Remembers the last ids in memory, for a receiver of one process.
 *
 * @param limit - How many are remembered; older ones are forgotten. 10,000 unless given.
 *
 * @example
 * ```ts
 * import { webhookMemory } from 'modelkeep';
 *
 * const memory = webhookMemory();
 * await memory.add('019a');
 * console.log(await memory.has('019a')); // true
 * ```
 */
export function webhookMemory(limit = 10_000): WebhookMemory {
  if (!Number.isInteger(limit) || limit < 1) throw new ValidationError(`limit is ${shown(limit)}; give a whole number from 1.`, { path: 'limit' });
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.delete(id);
      ids.add(id);
      if (ids.size > limit) ids.delete(ids.values().next().value!);
    },
  };
}

function refuse(reason: 'headers' | 'signature' | 'time', why: string): never {
  throw new ModelkeepError('unauthorized', `The webhook is refused: ${why}.`, { reason });
}

function headerOf(headers: WebhookRequest['headers'], name: string): string | undefined {
  if (typeof (headers as Headers).get === 'function') return (headers as Headers).get(name) ?? undefined;
  const found = Object.entries(headers as Readonly<Record<string, string | readonly string[] | undefined>>).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : found?.[0];
}

async function bytesOf(request: Request | WebhookRequest, maxBytes: number): Promise<Uint8Array> {
  const { body } = request;
  const parts: Uint8Array[] = [];
  let size = 0;
  const take = (part: Uint8Array): void => {
    size += part.length;
    if (size > maxBytes) throw new ValidationError(`The webhook has more than ${maxBytes} bytes.`, { path: 'body', maxBytes });
    parts.push(part);
  };
  if (typeof body === 'string') take(utf8(body));
  else if (body instanceof Uint8Array) take(body);
  else if (body !== null) {
    if (typeof (body as ReadableStream<Uint8Array> | undefined)?.getReader !== 'function') {
      throw new ValidationError('body must be the text or the bytes as they came, not what a parser made of them.', { path: 'body' });
    }
    const reader = body.getReader();
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) take(read.value);
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }
  return concatBytes(parts);
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(body)) as unknown;
  } catch (cause) {
    throw new ValidationError('The body of the webhook is no JSON.', { path: 'body', cause });
  }
}
