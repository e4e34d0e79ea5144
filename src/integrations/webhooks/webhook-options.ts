import * as z from 'zod/mini';
import type { AuditEvent } from '../../core/audit.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import type { ErrorListener, Logger } from '../../core/logger.ts';
import { callable, clockOption, having } from '../../core/option-schemas.ts';
import { systemRandom, type Random } from '../../core/random.ts';
import { check } from '../../core/schema.ts';
import type { TriggerSource } from '../../core/trigger-source.ts';
import type { StorageAdapter } from '../../storage/contract.ts';

/** How often a webhook is sent again. */
export interface WebhookRetry {
  /** Attempts in all. @default 8 */
  readonly attempts?: number | undefined;
  /** Wait before the second attempt, which doubles from one to the next. @default '1s' */
  readonly initial?: Duration | undefined;
  /** No wait is longer, unless the receiver asks for it. @default '5m' */
  readonly max?: Duration | undefined;
}

/** Where events are sent, and how. */
export interface WebhookOptions {
  /** Where to: `https:`, or `http:` within a network of your own. */
  readonly url: string | URL;
  /** `whsec_` and 24 to 64 random bytes in Base64. While it is being replaced, give the new and the old one: receivers accept either. */
  readonly secret: string | readonly string[];
  /** Which types of events are sent, such as `stage-changed`. @default all */
  readonly types?: readonly string[] | undefined;
  /** Further headers, such as for a gateway. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often an attempt that failed is made again. @default 8 attempts over about two minutes */
  readonly retry?: WebhookRetry | undefined;
  /** How long one attempt may take. @default '20s' */
  readonly timeout?: Duration | undefined;
  /** How many events may wait; what comes beyond is not sent and told to `onError`. @default 1000 */
  readonly maxQueued?: number | undefined;
  /** Told of each event that was not delivered, with its id in `details.event`. @default nobody */
  readonly onError?: ErrorListener | undefined;
  /** Told what happens, in the form of pino or console. @default nobody */
  readonly logger?: Logger | undefined;
  /** Sends a request, as `fetch` does. @default the host's, looked up at each request */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits. @default the host's */
  readonly random?: Random | undefined;
}

/** Events that can be read on from where one stopped, such as those of `registry.events()`. */
export type WebhookSource = TriggerSource<AuditEvent> & Required<Pick<TriggerSource<AuditEvent>, 'now'>>;

/** What a webhook sends that loses nothing, where to, and how. */
export interface StartWebhookOptions extends Omit<WebhookOptions, 'types' | 'maxQueued' | 'onError'> {
  /** Where it stands is stored under this name, one for each webhook. */
  readonly name: string;
  /** Where that is stored. */
  readonly storage: StorageAdapter;
  /** What is sent, such as `registry.events({ types: ['stage-changed'] })`. */
  readonly source: WebhookSource;
  /** Where a name begins that is new: with what happens from now on, or with all that ever happened. @default 'now' */
  readonly from?: 'now' | 'beginning' | undefined;
  /** How long to wait before it looks again when no hint of the storage comes. @default '5s' */
  readonly interval?: Duration | undefined;
  /** How many events may be under way; no more are read beyond. @default 100 */
  readonly maxQueued?: number | undefined;
  /** How long after it happened an event that is not taken is given up and passed over. @default never: it is sent until it is taken */
  readonly giveUpAfter?: Duration | undefined;
  /** Told of each event that was not taken in all its attempts, with its id in `details.event`, and of whatever else goes wrong; all of it is tried again. @default nobody */
  readonly onError?: ErrorListener | undefined;
}

/** The options of a webhook with their defaults. */
export interface WebhookSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly types: ReadonlySet<string> | undefined;
  readonly attempts: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly timeoutMs: number;
  readonly maxQueued: number;
  readonly onError: ErrorListener | undefined;
  readonly logger: Logger | undefined;
  readonly fetch: NonNullable<WebhookOptions['fetch']>;
  readonly clock: Clock;
  readonly random: Random;
}

const ours = ['content-type', 'webhook-id', 'webhook-timestamp', 'webhook-signature'];
const count = z.int().check(z.minimum(1));

const schema = z.strictObject({
  url: z.unknown(),
  secret: z.unknown(),
  types: z.optional(z.array(z.string())),
  headers: z.optional(z.record(z.string(), z.string())),
  retry: z.optional(z.strictObject({ attempts: z.optional(count), initial: z.optional(z.unknown()), max: z.optional(z.unknown()) })),
  timeout: z.optional(z.unknown()),
  maxQueued: z.optional(count),
  onError: z.optional(callable<ErrorListener>()),
  logger: z.optional(having<Logger>('warn', 'must be a logger')),
  fetch: z.optional(callable<NonNullable<WebhookOptions['fetch']>>()),
  clock: clockOption,
  random: z.optional(callable<Random>()),
});

/** Checks what a webhook is made with, but for its secret. */
export function checkWebhookOptions(options: WebhookOptions): WebhookSettings {
  const { url, types, headers = {}, retry = {}, timeout = '20s', maxQueued = 1000, onError, logger, clock = systemClock, random = systemRandom, fetch } = check(schema, options, 'options') as WebhookOptions;
  for (const name of Object.keys(headers)) {
    if (ours.includes(name.toLowerCase())) throw new ValidationError(`options.headers.${name} is set by the webhook itself; leave it out.`, { path: `options.headers.${name}` });
  }
  try {
    new Headers(headers);
  } catch {
    // What it threw would show the value, which may be a secret.
    throw new ValidationError('options.headers has a name or a value that no header can have.', { path: 'options.headers' });
  }
  return {
    url: checkUrl(url),
    headers,
    types: types && new Set(types),
    attempts: retry.attempts ?? 8,
    initialMs: durationMs(retry.initial ?? '1s', 'options.retry.initial'),
    maxMs: durationMs(retry.max ?? '5m', 'options.retry.max'),
    timeoutMs: durationMs(timeout, 'options.timeout'),
    maxQueued,
    onError,
    logger,
    fetch: fetch ?? ((request) => globalThis.fetch(request)),
    clock,
    random,
  };
}

// The URL may hold a secret, so that no message shows it.
function checkUrl(given: string | URL): string {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : undefined;
  const problem =
    url === undefined ? "must be an absolute URL, such as 'https://example.test/hooks'"
    : url.protocol !== 'http:' && url.protocol !== 'https:' ? 'must begin with http: or https:'
    : url.username !== '' || url.password !== '' ? 'must hold no name and password; give them as options.headers'
    : undefined;
  if (problem === undefined) return url!.href;
  throw new ValidationError(`options.url ${problem}.`, { path: 'options.url' });
}
