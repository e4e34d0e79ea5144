/** Header fields as Node has them: names in lower case. */
export type NodeHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What a request is made of when someone wants all of it. */
export interface RequestParts {
  readonly method: string;
  readonly url: string;
  readonly fields: NodeHeaders;
  readonly signal: () => AbortSignal;
}

/** Makes requests without bodies. */
export type RequestFactory = (parts: RequestParts) => Request;

/**
 * Makes stand-ins for a `Request`, which are built only when more of them is wanted than method, URL, signal and headers by name: building one costs Node more than answering it, and most
 * who decide about a request look at a header or two.
 */
export function lazyRequests(): RequestFactory {
  class LazyHeaders {
    readonly #fields: NodeHeaders;
    #whole: Headers | undefined;

    constructor(fields: NodeHeaders) {
      this.#fields = fields;
    }

    static whole(lazy: LazyHeaders): Headers {
      lazy.#whole ??= headersOf(lazy.#fields);
      return lazy.#whole;
    }

    get(name: string): string | null {
      const value = this.#whole === undefined && Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
      // For any other spelling the real thing decides.
      return typeof value === 'string' ? value : LazyHeaders.whole(this).get(name);
    }
  }
  class LazyRequest {
    readonly #parts: RequestParts;
    #headers: Headers | undefined;
    #whole: Request | undefined;

    constructor(parts: RequestParts) {
      this.#parts = parts;
    }

    static whole(lazy: LazyRequest): Request {
      const { method, url, fields, signal } = lazy.#parts;
      lazy.#whole ??= new Request(url, { method, headers: headersOf(fields), signal: signal() });
      return lazy.#whole;
    }

    get method(): string {
      return this.#parts.method;
    }

    get url(): string {
      return this.#parts.url;
    }

    get signal(): AbortSignal {
      return this.#parts.signal();
    }

    get headers(): Headers {
      this.#headers ??= new LazyHeaders(this.#parts.fields) as unknown as Headers;
      return this.#headers;
    }
  }
  standIn(LazyHeaders, Headers, (lazy) => LazyHeaders.whole(lazy as LazyHeaders));
  standIn(LazyRequest, Request, (lazy) => LazyRequest.whole(lazy as LazyRequest));
  return (parts) => new LazyRequest(parts) as unknown as Request;
}

/** The `Headers` of Node's fields. */
export function headersOf(fields: NodeHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && !name.startsWith(':')) headers.set(name, typeof value === 'object' ? value.join(', ') : value);
  }
  return headers;
}

/** Gives a class what it lacks of a web class, passed on to the whole object, and makes its instances instances of the web class. */
function standIn(lazy: { readonly prototype: object }, web: { readonly prototype: object }, whole: (self: object) => object): void {
  const { prototype } = lazy;
  for (const name of Reflect.ownKeys(web.prototype)) {
    if (Object.hasOwn(prototype, name)) continue;
    const { value, get } = Object.getOwnPropertyDescriptor(web.prototype, name) as { value?: unknown; get?: () => unknown };
    if (get) {
      Object.defineProperty(prototype, name, {
        get(this: object) {
          return get.call(whole(this));
        },
      });
    } else if (typeof value === 'function') {
      Object.defineProperty(prototype, name, {
        value(this: object, ...args: readonly unknown[]): unknown {
          return Reflect.apply(value, whole(this), args);
        },
      });
    }
  }
  Object.setPrototypeOf(prototype, web.prototype);
}
