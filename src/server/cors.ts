import { durationMs, type Duration } from '../core/duration.ts';
import { StorageError } from '../core/errors.ts';
import { headerNames } from '../storage/http-protocol.ts';
import { emptyAnswer, type Answer } from './answer.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** Which web pages of other origins may use the store. */
export interface CorsOptions {
  /** The origins, such as `https://app.example.test`; a function that decides; or `'*'` for all. */
  readonly origins: '*' | readonly string[] | ((origin: string) => boolean);
  /** Whether browsers send cookies along. @default false */
  readonly credentials?: boolean | undefined;
  /** How long a browser may remember what it was allowed. @default '10m' */
  readonly maxAge?: Duration | undefined;
}

const allowedHeaders = ['authorization', 'content-type', 'if-match', 'if-none-match', 'if-range', 'range'];
const exposedHeaders = ['etag', 'accept-ranges', 'content-length', 'content-range', 'retry-after', 'www-authenticate'];

/** Headers of a handler's own that pages may send, and see in answers. */
export interface OwnHeaders {
  readonly request: readonly string[];
  readonly answer: readonly string[];
}

const storageHeaders: OwnHeaders = { request: Object.values(headerNames), answer: [headerNames.blobs] };

/** What is said to web pages of other origins (the CORS protocol of the Fetch standard). */
export class Cors {
  readonly #options: CorsOptions | undefined;
  readonly #own: OwnHeaders;

  constructor(options: CorsOptions | undefined, own: OwnHeaders = storageHeaders) {
    this.#options = options;
    this.#own = own;
  }

  /** The answer to a browser that asks beforehand; `undefined` when that is not what the request is. */
  preflight(request: IncomingRequest, methods: readonly string[]): Answer | undefined {
    if (request.method !== 'OPTIONS' || this.#options === undefined || request.header('access-control-request-method') === undefined) return undefined;
    const maxAge = Math.floor(durationMs(this.#options.maxAge ?? '10m', 'options.cors.maxAge') / 1000);
    return emptyAnswer(204, {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': [...allowedHeaders, ...this.#own.request].join(', '),
      'access-control-max-age': String(maxAge),
    });
  }

  /**
   * Refuses a change that a page of a site which is not allowed has the browser send. A browser sends some of them, cookies and all, without asking beforehand; it says so in Sec-Fetch-Site.
   */
  refuseForeign(request: IncomingRequest): void {
    if (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS') return;
    const site = request.header('sec-fetch-site');
    if ((site === 'cross-site' || site === 'same-site') && !this.#allows(request.header('origin'))) {
      throw new StorageError('forbidden', 'A page of another origin may not change this store; allow the origin in the cors option of the handler.');
    }
  }

  /** Adds what an answer says to the page that asked. */
  complete(request: IncomingRequest, answer: Answer): void {
    const options = this.#options;
    if (options === undefined) return;
    const { headers } = answer;
    if (options.origins !== '*') headers['vary'] = 'Origin';
    const origin = request.header('origin');
    if (!this.#allows(origin)) return;
    headers['access-control-allow-origin'] = options.origins === '*' ? '*' : origin!;
    headers['access-control-expose-headers'] = [...exposedHeaders, ...this.#own.answer].join(', ');
    if (options.credentials) headers['access-control-allow-credentials'] = 'true';
  }

  #allows(origin: string | undefined): boolean {
    const origins = this.#options?.origins;
    if (origin === undefined || origins === undefined) return false;
    return origins === '*' || (typeof origins === 'function' ? origins(origin) : origins.includes(origin));
  }
}
