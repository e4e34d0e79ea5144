import type { BodySource } from './incoming-request.ts';
import type { NodeHeaders } from './lazy-request.ts';

/** What is used of Node's `http.IncomingMessage`. */
export interface NodeRequest {
  /** Such as `GET`. */
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** What Express keeps of `url` where it cuts off the path of a mount. */
  readonly originalUrl?: string | undefined;
  /** The headers by lower-case name. */
  readonly headers: NodeHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** 1 or 2. */
  readonly httpVersionMajor: number;
  /** Whether all of the body came. */
  readonly complete: boolean;
  /** Whether nothing more will come. */
  readonly destroyed: boolean;
  /** The connection. */
  readonly socket: object;
  /** The next piece of the body, or null. */
  read(): unknown;
  /** Lets what nobody reads go by. */
  resume(): unknown;
  /** Listens for an event. */
  on(event: 'readable' | 'close' | 'error', listener: () => void): unknown;
  /** Listens no longer. */
  off(event: 'readable' | 'close', listener: () => void): unknown;
}

// What is wrong shows when it is read; a stream that nobody listens to would end the process.
const ignore = (): void => undefined;

/** The body of a request of `node:http`: it ends with the last byte that was announced, for a connection has no more of it, or where nothing was with the request. */
export class NodeBody implements BodySource {
  readonly #request: NodeRequest;
  #left: number;
  #cancelled = false;
  /** Ends the wait for more. */
  #leave: (() => void) | undefined;

  constructor(request: NodeRequest) {
    const { 'content-length': announced, 'transfer-encoding': encoding } = request.headers;
    this.#request = request;
    this.#left = announced === undefined || encoding !== undefined ? Infinity : Number(announced);
    request.on('error', ignore);
  }

  /** Whether all that was announced has come. */
  get ended(): boolean {
    return this.#left <= 0;
  }

  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.ended) return undefined;
    const chunk = this.#take();
    if (chunk !== undefined) return chunk;
    return this.#request.complete ? undefined : this.#readLater();
  }

  cancel(): void {
    this.#cancelled = true;
    this.#leave?.();
    // What still comes is thrown away.
    if (!this.ended) this.#request.resume();
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#request.read() as Uint8Array | null;
    if (chunk === null) return undefined;
    this.#left -= chunk.length;
    // Nobody reads on, and a request is over when it was read to its end.
    if (this.ended) this.#request.resume();
    return chunk;
  }

  async #readLater(): Promise<Uint8Array | undefined> {
    while (!this.#cancelled) {
      // One that is gone already says so no more: whoever waited for that would wait for ever.
      if (this.#request.destroyed) throw new Error('The connection was cut.');
      await this.#happened();
      const chunk = this.#take();
      if (chunk !== undefined) return chunk;
      if (this.#request.complete) return undefined;
    }
    return undefined;
  }

  /** Something may have come, or nothing will any more. */
  #happened(): Promise<void> {
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#request.off('readable', leave);
        this.#request.off('close', leave);
        this.#leave = undefined;
        resolve();
      };
      this.#leave = leave;
      this.#request.on('readable', leave);
      this.#request.on('close', leave);
    });
  }
}
