import * as z from 'zod/mini';
import { systemClock, type Clock } from '../clock.ts';
import { durationMs, type Duration } from '../duration.ts';
import { ValidationError } from '../errors.ts';
import type { ErrorListener, Logger } from '../logger.ts';
import { callable, clockOption, having } from '../option-schemas.ts';
import { systemRandom, type Random } from '../random.ts';
import { check } from '../schema.ts';

/** How often an attempt that failed is made again. */
export interface DeliveryRetry {
  /** Attempts in all. @default 8 */
  readonly attempts?: number | undefined;
  /** Wait before the second attempt, which doubles from one to the next. @default '1s' */
  readonly initial?: Duration | undefined;
  /** No wait is longer, unless the receiver asks for it. @default '5m' */
  readonly max?: Duration | undefined;
}

/** Where events are posted, and how. */
export interface DeliveryOptions {
  /** Where to: `https:`, or `http:` within a network of your own. */
  readonly url: string | URL;
  /** Further headers, such as for a gateway. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often an attempt that failed is made again. @default 8 attempts over about two minutes */
  readonly retry?: DeliveryRetry | undefined;
  /** How long one attempt may take. @default '20s' */
  readonly timeout?: Duration | undefined;
  /** Told what happens, in the form of pino or console. @default nobody */
  readonly logger?: Logger | undefined;
  /** Sends a request, as `fetch` does. @default the host's, looked up at each request */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits. @default the host's */
  readonly random?: Random | undefined;
}

/** Where events are posted, and how, with the defaults. */
export interface DeliverySettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempts: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly timeoutMs: number;
  readonly onError: ErrorListener | undefined;
  readonly logger: Logger | undefined;
  readonly fetch: NonNullable<DeliveryOptions['fetch']>;
  readonly clock: Clock;
  readonly random: Random;
}

const count = z.int().check(z.minimum(1));

const schema = z.strictObject({
  url: z.unknown(),
  headers: z.optional(z.record(z.string(), z.string())),
  retry: z.optional(z.strictObject({ attempts: z.optional(count), initial: z.optional(z.custom<Duration>()), max: z.optional(z.custom<Duration>()) })),
  timeout: z.optional(z.custom<Duration>()),
  onError: z.optional(callable<ErrorListener>()),
  logger: z.optional(having<Logger>('warn', 'must be a logger')),
  fetch: z.optional(callable<NonNullable<DeliveryOptions['fetch']>>()),
  clock: clockOption,
  random: z.optional(callable<Random>()),
});

/**
 * Checks where events are posted, and how; nothing else may be given.
 *
 * @param ours - Headers in lower case that are not the caller's to set.
 */
export function checkDelivery(given: unknown, ours: readonly string[]): DeliverySettings {
  const { url, headers = {}, retry = {}, timeout = '20s', onError, logger, clock = systemClock, random = systemRandom, fetch } = check(schema, given, 'options');
  for (const name of Object.keys(headers)) {
    if (ours.includes(name.toLowerCase())) throw new ValidationError(`options.headers.${name} is set already; leave it out.`, { path: `options.headers.${name}` });
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
    attempts: retry.attempts ?? 8,
    initialMs: durationMs(retry.initial ?? '1s', 'options.retry.initial'),
    maxMs: durationMs(retry.max ?? '5m', 'options.retry.max'),
    timeoutMs: durationMs(timeout, 'options.timeout'),
    onError,
    logger,
    fetch: fetch ?? ((request) => globalThis.fetch(request)),
    clock,
    random,
  };
}

// The URL may hold a secret, so that no message shows it.
function checkUrl(given: unknown): string {
  const url = URL.canParse(String(given)) ? new URL(String(given)) : undefined;
  const problem =
    url === undefined ? "must be an absolute URL, such as 'https://example.test/hooks'"
    : url.protocol !== 'http:' && url.protocol !== 'https:' ? 'must begin with http: or https:'
    : url.username !== '' || url.password !== '' ? 'must hold no name and password; give them as options.headers'
    : undefined;
  if (problem === undefined) return url!.href;
  throw new ValidationError(`options.url ${problem}.`, { path: 'options.url' });
}
