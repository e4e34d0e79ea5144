import type { AuditEvent } from '../../core/audit.ts';
import { utf8 } from '../../core/bytes.ts';
import type { Message } from '../../core/delivery/send-message.ts';
import type { WebhookKeys } from './webhook-keys.ts';

/** The headers that a webhook sets itself. */
export const webhookHeaders: readonly string[] = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];

/** An event as Standard Webhooks send it. Each attempt has a timestamp of its own, and all have the id of the event. */
export function webhookMessage(event: AuditEvent, keys: WebhookKeys): Message {
  const { id, type } = event;
  const body = bodyOf(event);
  return {
    what: `Event ${id} (${type})`,
    details: { event: id, type },
    body,
    headers: async (now) => {
      const timestamp = String(Math.floor(now / 1000));
      return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': await keys.sign({ id, timestamp, body }) };
    },
  };
}

/** The event as JSON, with its time in words as Standard Webhooks have it; numbers that JSON lacks are texts. */
function bodyOf(event: AuditEvent): Uint8Array<ArrayBuffer> {
  const plain = (_: string, value: unknown): unknown => ((typeof value === 'number' && !Number.isFinite(value)) || typeof value === 'bigint' ? String(value) : value);
  return utf8(JSON.stringify({ ...event, timestamp: new Date(event.at).toISOString() }, plain));
}
