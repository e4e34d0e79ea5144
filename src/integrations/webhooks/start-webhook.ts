import { escapeSegment } from '../../core/key.ts';
import { startStoredDelivery, type RunningDelivery } from '../../storage/stored-delivery.ts';
import { WebhookKeys } from './webhook-keys.ts';
import { webhookMessage } from './webhook-message.ts';
import { checkStartOptions, type StartWebhookOptions } from './webhook-options.ts';

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
export async function startWebhook(options: StartWebhookOptions): Promise<RunningDelivery> {
  const { source, ...settings } = checkStartOptions(options);
  const keys = new WebhookKeys(options.secret);
  return startStoredDelivery({ key: `webhooks/${escapeSegment(settings.name)}`, source, who: 'The webhook', messages: (event) => [webhookMessage(event, keys)] }, settings);
}
