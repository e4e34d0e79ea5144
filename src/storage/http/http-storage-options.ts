import { systemClock, type Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { isSegment } from '../../core/key.ts';
import type { Logger } from '../../core/logger.ts';
import { systemRandom, type Random } from '../../core/random.ts';
import { shown } from '../../core/shown.ts';
import type { AdapterSupports } from '../contract.ts';
import type { Token } from './token-source.ts';

/** When a request that failed is sent again. */
export interface HttpRetryOptions {
  /** How often after the first attempt; 0 never repeats anything. @default 6 */
  readonly limit?: number | undefined;
  /** The wait before the second attempt; each further one is twice as long, and half of it is left to chance. @default '200ms' */
  readonly initial?: Duration | undefined;
  /** The longest wait, also where a server asks for a longer one by `Retry-After`. @default '30s' */
  readonly max?: Duration | undefined;
  /** How long one request may take with all its attempts and waits; for what is read as a stream, how long it may stand still. @default '5m' */
  readonly within?: Duration | undefined;
}

/** How an {@link HttpStorage} works. */
export interface HttpStorageOptions {
  /** Sent as `Authorization: Bearer …`. A function is asked once, and again when the server answers 401; calls that meet a 401 together wait for one answer. @default nothing is sent */
  readonly token?: Token | undefined;
  /** Further headers of every request. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The workspace of a team on a server that has workspaces; one segment of a key. @default the store itself */
  readonly workspace?: string | undefined;
  /** Sends a request, as `fetch` does; a storage handler serves too, for tests without a network. @default the host's, looked up at each request */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** How long an attempt waits for an answer, or for the next piece of one; a body that is sent adds a second for every 64 KiB, and a blob that is made of its parts one for every 4 MiB. @default '30s' */
  readonly timeout?: Duration | undefined;
  /** When a request that failed is sent again. @default see each */
  readonly retry?: HttpRetryOptions | undefined;
  /** What the store behind the server can do, where that is known to be more than {@link HttpStorage} takes for granted. @default see `supports` */
  readonly supports?: Partial<AdapterSupports> | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits between attempts. @default the host's */
  readonly random?: Random | undefined;
  /** Is told of every attempt that failed and is made again. @default none */
  readonly logger?: Logger | undefined;
}

/** What is taken for granted of a store that nobody has asked yet. It may be a part of one, whose other records name blobs that nobody here may delete. */
const leastSupports: AdapterSupports = { durability: 'buffered', sharedBetweenProcesses: true, maxRecordBytes: 1 << 20, maxEntryBytes: 1 << 20, sharesBlobs: true };

/** What the store behind the server can do, as far as that is known. */
export function checkSupports(known: Partial<AdapterSupports> = {}): AdapterSupports {
  const supports = { ...leastSupports, ...known };
  const { durability, maxRecordBytes, maxEntryBytes } = supports;
  if (!['memory', 'buffered', 'flushed'].includes(durability)) {
    throw new ValidationError(`options.supports.durability is ${shown(durability)}; use 'memory', 'buffered' or 'flushed'.`, { path: 'options.supports.durability' });
  }
  for (const [name, bytes] of Object.entries({ maxRecordBytes, maxEntryBytes })) {
    if (!(bytes >= 0)) throw new ValidationError(`options.supports.${name} is ${shown(bytes)}; give a number of bytes.`, { path: `options.supports.${name}` });
  }
  return supports;
}

/** Where and how requests are sent: the options with their defaults. */
export interface HttpSettings {
  /** Ends with `/v1/`. */
  readonly base: string;
  /** The base as the caller gave it, for messages. */
  readonly origin: string;
  readonly token: Token | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: NonNullable<HttpStorageOptions['fetch']>;
  readonly timeoutMs: number;
  readonly limit: number;
  readonly initialMs: number;
  readonly maxMs: number;
  readonly withinMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger | undefined;
}

/** Checks what an HttpStorage is made with. */
export function checkHttpOptions(baseUrl: string | URL, options: HttpStorageOptions): HttpSettings {
  const { token, headers = {}, workspace, fetch = (request) => globalThis.fetch(request), timeout = '30s', retry = {}, clock = systemClock, random = systemRandom, logger } = options;
  const { limit = 6, initial = '200ms', max = '30s', within = '5m' } = retry;
  const origin = checkBase(baseUrl);
  if (token !== undefined && typeof token !== 'function' && typeof token !== 'string') throw new ValidationError('options.token must be a text or a function that gives one.', { path: 'options.token' });
  if (typeof fetch !== 'function') throw new ValidationError('options.fetch must be a function.', { path: 'options.fetch' });
  if (!Number.isInteger(limit) || limit < 0) throw new ValidationError(`options.retry.limit is ${shown(limit)}; give a whole number from 0.`, { path: 'options.retry.limit' });
  for (const [name, value] of Object.entries(headers)) headerValue(`headers.${name}`, value);
  if (workspace !== undefined && !isSegment(workspace)) throw new ValidationError(`options.workspace is ${shown(workspace)}; give one segment of a key.`, { path: 'options.workspace' });
  return {
    base: `${origin}${workspace === undefined ? '' : `/workspaces/${workspace}`}/v1/`,
    origin,
    token,
    headers,
    fetch,
    timeoutMs: durationMs(timeout, 'options.timeout'),
    limit,
    initialMs: durationMs(initial, 'options.retry.initial'),
    maxMs: durationMs(max, 'options.retry.max'),
    withinMs: durationMs(within, 'options.retry.within'),
    clock,
    random,
    logger,
  };
}

/** The base without a slash at its end. A page may give a path; it is one of its own server. */
function checkBase(baseUrl: string | URL): string {
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  let url: URL;
  try {
    url = new URL(baseUrl, page);
  } catch (cause) {
    throw new ValidationError(`${shown(baseUrl)} is not a URL; give where the storage handler is, such as 'https://mlops.example.test/api'.`, { path: 'baseUrl', cause });
  }
  const problem =
    url.protocol !== 'http:' && url.protocol !== 'https:'
      ? 'begin with http: or https:'
      : url.username !== '' || url.password !== ''
        ? 'hold no name and password, which fetch refuses; give them as options.token or options.headers'
        : url.search !== '' || url.hash !== ''
          ? 'have no query and no fragment'
          : undefined;
  // The URL itself may hold a secret.
  if (problem !== undefined) throw new ValidationError(`The base URL must ${problem}.`, { path: 'baseUrl' });
  return url.href.replace(/\/+$/, '');
}

function headerValue(path: string, value: unknown): void {
  // What fetch would refuse, without the value in the message: it may be a secret.
  if (typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return;
  throw new ValidationError(`options.${path} must be a text of one line that a header can hold.`, { path: `options.${path}` });
}
