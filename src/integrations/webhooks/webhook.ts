import { untilAborted } from '../../core/abort.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { sendMessage } from '../../core/delivery/send-message.ts';
import { WorkLines } from '../../core/delivery/work-lines.ts';
import { ModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { reportFailure } from '../../core/report-failure.ts';
import { WebhookKeys } from './webhook-keys.ts';
import { webhookMessage } from './webhook-message.ts';
import { checkWebhookOptions, type WebhookOptions, type WebhookSettings } from './webhook-options.ts';

/** Takes events and sends them; give it as the `onEvent` of a `Registry`. */
export interface WebhookSink {
  /** Queues an event. Returns at once and never throws. */
  (event: AuditEvent): void;
  /** How many events are waiting or under way. */
  readonly queued: number;
  /** Resolves when every event so far was delivered or given up. Throws `AbortedError` when its signal fires first; the events go on. */
  flush(options?: OperationOptions): Promise<void>;
  /** Takes no further event, and resolves when every one so far was delivered or given up. When its signal fires, what is left is given up and told to `onError`. */
  close(options?: OperationOptions): Promise<void>;
  /** As `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Sends events to a URL in the form of Standard Webhooks (https://www.standardwebhooks.com): a POST of the event as JSON, with `webhook-id` (the id of the event, the same at each attempt), `webhook-timestamp` and `webhook-signature`
 * (HMAC-SHA-256 over `id.timestamp.body`). The receiver checks it with {@link verifyWebhook}, or with any library for that standard.
 *
 * An attempt that fails for the moment (no connection, no answer in time, 408, 425, 429, 5xx) is made again after a growing wait with jitter, or when `Retry-After` says so, which is honoured up to an hour; any other answer but 2xx gives
 * the event up. Redirections are not followed. The events of one subject, such as a model, arrive in the order in which they were given, those of several side by side. A receiver may see an event twice, never altered.
 *
 * What waits is kept in memory, up to `maxQueued` events, and is lost with the process; {@link startWebhook} loses nothing. Nothing that goes wrong reaches the caller; `onError` is told.
 *
 * Throws `ValidationError` when an option is not what it must be, `UnsupportedError` where the host has no WebCrypto.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, webhook } from 'modelkeep';
 *
 * const send = webhook({
 *   url: 'https://example.test/hooks',
 *   secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
 *   types: ['model-created', 'stage-changed', 'rolled-back'],
 *   fetch: async (request) => {
 *     console.log(request.headers.get('webhook-id'), await request.text());
 *     return new Response();
 *   },
 * });
 * const registry = new Registry({ storage: new MemoryStorage(), onEvent: send });
 * await registry.createModel('fraud');
 * await send.close();
 * ```
 */
export function webhook(options: WebhookOptions): WebhookSink {
  const settings = checkWebhookOptions(options);
  const queue = new WebhookQueue(settings, new WebhookKeys(options.secret));
  const send = (event: AuditEvent): void => queue.add(event);
  return Object.defineProperty(
    Object.assign(send, {
      flush: (operation: OperationOptions = {}) => queue.flush(operation),
      close: (operation: OperationOptions = {}) => queue.close(operation),
      [Symbol.asyncDispose]: () => queue.close({}),
    }),
    'queued',
    { get: () => queue.size },
  ) as WebhookSink;
}

/** Events that wait, a line for each subject. */
class WebhookQueue {
  readonly #settings: WebhookSettings;
  readonly #keys: WebhookKeys;
  readonly #lines = new WorkLines();
  readonly #abort = new AbortController();
  #closed = false;

  constructor(settings: WebhookSettings, keys: WebhookKeys) {
    this.#settings = settings;
    this.#keys = keys;
  }

  get size(): number {
    return this.#lines.size;
  }

  add(event: AuditEvent): void {
    const { types, maxQueued } = this.#settings;
    if (types !== undefined && !types.has(event.type)) return;
    if (this.#closed) return this.#tell(dropped(event, 'the webhook is closed', 'closed'));
    if (this.size >= maxQueued) return this.#tell(dropped(event, `${maxQueued} events wait already`, 'unavailable'));
    // By the id alone: what happens to a model and to one of its versions is one story.
    this.#lines.add(event.subject.id, () => this.#send(event));
  }

  async flush({ signal }: OperationOptions): Promise<void> {
    await untilAborted(this.#lines.settled(), signal, 'The flush of a webhook');
  }

  async close({ signal }: OperationOptions): Promise<void> {
    this.#closed = true;
    const abort = (): void => this.#abort.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    await this.#lines.settled();
    signal?.removeEventListener('abort', abort);
  }

  async #send(event: AuditEvent): Promise<void> {
    try {
      await sendMessage(webhookMessage(event, this.#keys), this.#settings, this.#abort.signal);
    } catch (error) {
      this.#tell(this.#abort.signal.aborted ? dropped(event, 'the webhook was closed', 'closed') : error);
    }
  }

  #tell(error: unknown): void {
    const { logger, onError } = this.#settings;
    reportFailure(error, { who: 'The webhook', logger, onError });
  }
}

function dropped({ id, type }: AuditEvent, why: string, code: 'closed' | 'unavailable'): ModelkeepError {
  return new ModelkeepError(code, `Event ${id} (${type}) was not sent: ${why}.`, { event: id, type });
}
