import type { BodySource, IncomingRequest } from './incoming-request.ts';
import { headersOf, type RequestFactory } from './lazy-request.ts';
import { NodeBody, type NodeRequest } from './node-body.ts';

/** What tells that a client left. */
export interface NodeConnection {
  readonly writableFinished: boolean;
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

const origin = 'http://localhost';
// What Node wants to be told of a body that is a stream, and the types of some hosts do not know.
const streamed = { duplex: 'half' } as const;

/** A request of `node:http` as the handler reads it. Whatever costs something is made when it is asked for. */
export class NodeIncoming implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly #request: NodeRequest;
  readonly #connection: NodeConnection;
  readonly #makeRequest: RequestFactory;
  #aborts: AbortController | undefined;
  #body: NodeBody | undefined;
  #web: Request | undefined;

  constructor(request: NodeRequest, connection: NodeConnection, makeRequest: RequestFactory) {
    this.#request = request;
    this.#connection = connection;
    this.#makeRequest = makeRequest;
    this.method = request.method ?? 'GET';
    this.target = targetOf(request.originalUrl ?? request.url ?? '/');
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === 'object' ? value.join(', ') : value;
  }

  get left(): boolean {
    return this.#connection.destroyed && !this.#connection.writableFinished;
  }

  get signal(): AbortSignal {
    if (this.#aborts === undefined) {
      const aborts = new AbortController();
      const left = (): void => {
        if (!this.#connection.writableFinished) aborts.abort(new Error('The client left.'));
      };
      if (this.#connection.destroyed) left();
      else this.#connection.once('close', left);
      this.#aborts = aborts;
    }
    return this.#aborts.signal;
  }

  openBody(): BodySource | undefined {
    const { headers } = this.#request;
    if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return undefined;
    this.#body = new NodeBody(this.#request);
    return this.#body;
  }

  /** 1 or 2. */
  get httpVersion(): number {
    return this.#request.httpVersionMajor;
  }

  /** Whether all of the body has come. */
  get complete(): boolean {
    return this.#request.complete || this.#body?.ended === true;
  }

  /** Without its body, which is the handler's to read. */
  toRequest(): Request {
    this.#web ??= this.#makeRequest({ method: this.method, url: this.#url(), fields: this.#request.headers, signal: () => this.signal });
    return this.#web;
  }

  /** With its body, for handlers that know nothing but a `Request`. */
  toWholeRequest(): Request {
    const source = this.method === 'GET' || this.method === 'HEAD' ? undefined : this.openBody();
    const body =
      source &&
      new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const chunk = await source.read();
            if (chunk === undefined) controller.close();
            else controller.enqueue(chunk);
          },
          cancel: () => source.cancel(),
        },
        { highWaterMark: 0 },
      );
    const init = { method: this.method, headers: headersOf(this.#request.headers), signal: this.signal };
    return new Request(this.#url(), body ? { ...init, body, ...streamed } : init);
  }

  /** What is wrong with the request before anyone reads it: Node silently takes the first of some headers that are there twice, where a proxy may have taken the last. */
  problem(): string | undefined {
    const { rawHeaders } = this.#request;
    let seen = 0;
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const bit = singleBit(rawHeaders[at]!);
      if (bit !== 0 && (seen & bit) !== 0) return `The header ${rawHeaders[at]!.toLowerCase()} is there twice.`;
      seen |= bit;
    }
    const host = this.#request.headers['host'];
    return host !== undefined && !/^[\w.:[\]-]*$/.test(String(host)) ? 'The header host is not one.' : undefined;
  }

  #url(): string {
    const host = this.header('host') || this.header(':authority') || 'localhost';
    return `${(this.#request.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http'}://${host}${this.target}`;
  }
}

/** A bit for each header that there may be one of, 0 for all others. Their lengths tell most others apart at no cost. */
function singleBit(name: string): number {
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'host' ? 1 : 0;
    case 5:
      return name.toLowerCase() === 'range' ? 2 : 0;
    case 8:
      return name.toLowerCase() === 'if-match' ? 4 : 0;
    case 12:
      return name.toLowerCase() === 'content-type' ? 8 : 0;
    case 13:
      return name.toLowerCase() === 'authorization' ? 16 : 0;
    case 14:
      return name.toLowerCase() === 'content-length' ? 32 : 0;
    default:
      return 0;
  }
}

/** Path and query as sent: the router refuses what a URL parser would silently resolve. Some clients and proxies send the whole URL. */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url;
  try {
    const { pathname, search } = new URL(url, origin);
    return pathname + search;
  } catch {
    return '/';
  }
}
