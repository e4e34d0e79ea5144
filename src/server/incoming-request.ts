import type { Caller } from '../core/abort.ts';

/** A body as it comes in. */
export interface BodySource {
  /** The next bytes, or `undefined` at the end; at once where they are there already. */
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Gives up the rest. Never fails. */
  cancel(): void;
}

/** What the handler reads of a request. */
export interface IncomingRequest extends Caller {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  header(name: string): string | undefined;
  /** The body, once; `undefined` when there is none. */
  openBody(): BodySource | undefined;
  /** The whole body at once, in the place of `openBody`, where that takes the host much less time than to give it piece by piece. Nothing ends it before its end. */
  wholeBody?(): Promise<Uint8Array>;
  /** The request as `authorize` gets it. */
  toRequest(): Request;
}

/** A web-standard request as the handler reads it. Whether its client has left only the signal tells, which some servers make when it is asked for. */
class WebIncoming implements IncomingRequest {
  readonly left = false;
  readonly method: string;
  readonly target: string;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
    this.target = targetOf(request.url);
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  openBody(): BodySource | undefined {
    const { body } = this.#request;
    return body === null ? undefined : sourceOf(body);
  }

  async wholeBody(): Promise<Uint8Array> {
    return new Uint8Array(await this.#request.arrayBuffer());
  }

  toRequest(): Request {
    return this.#request;
  }
}

/** A web-standard request as the handler reads it. */
export function incomingOf(request: Request): IncomingRequest {
  return new WebIncoming(request);
}

/** Path and query of an absolute URL in its normal form, which is what a `Request` has. */
function targetOf(url: string): string {
  const path = url.indexOf('/', url.indexOf('://') + 3);
  const hash = url.indexOf('#', path);
  return url.slice(path, hash === -1 ? undefined : hash);
}

function sourceOf(body: ReadableStream<Uint8Array>): BodySource {
  const reader = body.getReader();
  return {
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    cancel: () => void reader.cancel().catch(() => undefined),
  };
}
