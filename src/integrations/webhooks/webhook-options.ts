import * as z from 'zod/mini';
import type { AuditEvent } from '../../core/audit.ts';
import { checkDelivery, type DeliveryOptions, type DeliverySettings } from '../../core/delivery/delivery-options.ts';
import type { ErrorListener } from '../../core/logger.ts';
import { having } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import type { TriggerSource } from '../../core/trigger-source.ts';
import { checkStoredDelivery, type StoredDeliveryOptions, type StoredDeliverySettings } from '../../storage/stored-delivery.ts';
import { webhookHeaders } from './webhook-message.ts';

/** What a webhook is signed with. */
export interface WebhookSigning {
  /** `whsec_` and 24 to 64 random bytes in Base64. While it is being replaced, give the new and the old one: receivers accept either. */
  readonly secret: string | readonly string[];
}

/** Where events are sent, and how. */
export interface WebhookOptions extends DeliveryOptions, WebhookSigning {
  /** Which types of events are sent, such as `stage-changed`. @default all */
  readonly types?: readonly string[] | undefined;
  /** How many events may wait; what comes beyond is not sent and told to `onError`. @default 1000 */
  readonly maxQueued?: number | undefined;
  /** Told of each event that was not delivered, with its id in `details.event`. @default nobody */
  readonly onError?: ErrorListener | undefined;
}

/** Events that can be read on from where one stopped, such as those of `registry.events()`. */
export type WebhookSource = TriggerSource<AuditEvent> & Required<Pick<TriggerSource<AuditEvent>, 'now'>>;

/** What a webhook sends that loses nothing, where to, and how. */
export interface StartWebhookOptions extends StoredDeliveryOptions, WebhookSigning {
  /** What is sent, such as `registry.events({ types: ['stage-changed'] })`. */
  readonly source: WebhookSource;
}

/** The options of a webhook with their defaults. */
export interface WebhookSettings extends DeliverySettings {
  readonly types: ReadonlySet<string> | undefined;
  readonly maxQueued: number;
}

const schema = z.object({ types: z.optional(z.array(z.string())), maxQueued: z.optional(z.int().check(z.minimum(1))) });
const startSchema = z.object({
  source: having<WebhookSource>('poll', "must be a source of events, such as registry.events()").check(z.refine((source) => typeof source.now === 'function', 'must have now(), as registry.events() has')),
});

/** Checks what a webhook is made with, but for its secret. */
export function checkWebhookOptions(options: WebhookOptions): WebhookSettings {
  const { types, maxQueued = 1000 } = check(schema, options, 'options');
  const { secret: _, types: __, maxQueued: ___, ...delivery } = options;
  return { ...checkDelivery(delivery, webhookHeaders), types: types && new Set(types), maxQueued };
}

/** Checks what a webhook is started with, but for its secret. */
export function checkStartOptions(options: StartWebhookOptions): StoredDeliverySettings & Pick<StartWebhookOptions, 'source'> {
  const { source } = check(startSchema, options, 'options');
  const { secret: _, source: __, ...delivery } = options;
  return { ...checkStoredDelivery(delivery, webhookHeaders), source };
}
