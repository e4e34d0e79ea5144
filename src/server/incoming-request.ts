/** A body as it comes in. */
export interface BodySource {
  /** The next bytes, or `undefined` at the end; at once where they are there already. */
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Gives up the rest. Never fails. */
  cancel(): void;
}

/** What the handler reads of a request. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  header(name: string): string | undefined;
  /** The body, once; `undefined` when there is none. */
  openBody(): BodySource | undefined;
  /** Fires when the client leaves. */
  readonly signal: AbortSignal;
  /** The request as `authorize` gets it. */
  toRequest(): Request;
}

/** A web-standard request as the handler reads it. */
export function incomingOf(request: Request): IncomingRequest {
  return {
    method: request.method,
    target: targetOf(request.url),
    header: (name) => request.headers.get(name) ?? undefined,
    openBody: () => (request.body ? sourceOf(request.body) : undefined),
    get signal() {
      return request.signal;
    },
    toRequest: () => request,
  };
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
