import ky from 'ky';
import { concatBytes } from '../../core/bytes.ts';
import { sleep } from '../../core/clock.ts';
import { AbortedError, StorageError, TimeoutError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { headerNames } from '../http-protocol.ts';
import { CallFailure, failureOfAnswer } from './call-failure.ts';
import { CallScope } from './call-scope.ts';
import { HttpAnswer, silence } from './http-answer.ts';
import type { HttpSettings } from './http-storage-options.ts';
import { mayRepeat, waitMs, type Repeat } from './retry-plan.ts';
import { Slots } from './slots.ts';
import { TokenSource } from './token-source.ts';

/** A request, up to who makes it and where. */
export interface HttpCall extends OperationOptions {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Behind `v1/`; keys and digests need no escapes. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /** Statuses that are an answer like success, such as 404 where there may be nothing. @default none */
  readonly also?: readonly number[] | undefined;
  /** @default 'always' */
  readonly repeat?: Repeat | undefined;
}

const methods = ['get', 'head', 'put', 'post', 'delete'];
// 64 KiB a second: slower is not waited for.
const bytesPerMs = 65.536;
// What a server takes of all its clients together is not much more.
const requestsAtOnce = 32;
// An error says what it has to say at once.
const maxErrorBytes = 1024 * 1024;

/**
 * Sends requests until they are answered. ky makes them and goes through the attempts; what an attempt is, which failures another one follows and when is decided here: ky by itself knows no
 * limit of time for a body, repeats neither a POST nor what was cut, and reads the host's clock.
 */
export class HttpTransport {
  readonly #settings: HttpSettings;
  readonly #tokens: TokenSource;
  readonly #slots = new Slots(requestsAtOnce);
  readonly #closing = new AbortController();

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    this.#tokens = new TokenSource(settings.token);
  }

  /** What `read` makes of the answer. When the answer breaks off under it, the request is sent again and `read` called anew. */
  async call<T>(call: HttpCall, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const scope = this.#scopeOf(call);
    let value: { readonly value: T } | undefined;
    try {
      await this.#send(call, scope, async (answer) => {
        try {
          value = { value: await read(answer) };
        } finally {
          answer.end();
        }
      });
      return value!.value;
    } finally {
      scope.end();
    }
  }

  /** The answer with its body still to come. */
  async open(call: HttpCall): Promise<HttpAnswer> {
    const scope = this.#scopeOf(call);
    let opened: HttpAnswer | undefined;
    try {
      await this.#send(call, scope, async (answer) => void (opened = answer));
    } catch (error) {
      scope.end();
      throw error;
    }
    // The time for an answer is over; what is left to come has the time that each piece has.
    scope.limit(0);
    opened!.whenEnded(() => scope.end());
    return opened!;
  }

  /** Waits before what broke off is gone on with, or throws what the caller is told when it is not worth it. `failures` counts those since it last came further. */
  async pause(error: unknown, failures: number, { method, path, signal }: HttpCall): Promise<void> {
    const { clock, limit, logger } = this.#settings;
    if (!mayRepeat(error, 'always') || signal?.aborted || failures > limit) throw callersError(error);
    const ms = waitMs(error, failures, this.#settings);
    logger?.warn(`${(error as Error).message} ${method} ${path} goes on in ${Math.round(ms)} ms.`);
    await sleep(clock, ms, signal);
  }

  /** Ends all answers that are still open. */
  close(error: Error): void {
    this.#closing.abort(error);
  }

  /** Goes through the attempts. */
  async #send(call: HttpCall, scope: CallScope, take: (answer: HttpAnswer) => Promise<void>): Promise<void> {
    const { headers, limit, clock, withinMs, logger } = this.#settings;
    const { method, body, repeat = 'always' } = call;
    const begun = clock.monotonic();
    let token: string | undefined;
    let renewed = false;
    let attempts = 0;
    let wait = 0;
    const shouldRetry = async ({ error }: { error: unknown }): Promise<boolean> => {
      if (scope.signal.aborted) return false;
      if (error instanceof CallFailure && error.status === 401 && !renewed) {
        renewed = true;
        wait = 0;
        return scope.run(this.#tokens.renew(token));
      }
      if (attempts > limit || !mayRepeat(error, repeat)) return false;
      wait = waitMs(error, attempts, this.#settings);
      return clock.monotonic() - begun + wait < withinMs;
    };
    const prepare = async (request: Request): Promise<void> => {
      token = await scope.run(this.#tokens.get());
      if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`);
      if (++attempts > 1) request.headers.set(headerNames.attempt, String(attempts));
    };
    const pause = async ({ error }: { error: Error }): Promise<void> => {
      if (wait === 0) return;
      logger?.warn(`${error.message} Attempt ${attempts + 1} of ${limit + 1} follows in ${Math.round(wait)} ms.`);
      await sleep(clock, wait, scope.signal);
    };
    const attempt = (request: Request): Promise<Response> => {
      return this.#slots.run(scope, async () => {
        const answer = await this.#attempt(request, call, scope);
        await take(answer);
        return answer.response;
      });
    };
    try {
      await ky(this.#urlOf(call), {
        method,
        headers: { ...headers, ...call.headers },
        ...(body && { body }),
        redirect: 'manual',
        timeout: false,
        throwHttpErrors: false,
        fetch: (request) => attempt(request as Request),
        hooks: { beforeRequest: [prepare], beforeRetry: [pause] },
        retry: { limit: Infinity, methods, shouldRetry, delay: () => 0 },
      });
    } catch (error) {
      throw scope.signal.aborted ? callersError(scope.signal.reason) : callersError(error);
    }
  }

  /** One request and the beginning of its answer. */
  async #attempt(request: Request, call: HttpCall, whole: CallScope): Promise<HttpAnswer> {
    const { clock, fetch, timeoutMs } = this.#settings;
    const place = this.#placeOf(call);
    const scope = new CallScope(clock);
    const patience = timeoutMs + allowanceMs(call);
    scope.follow(whole.signal);
    scope.limit(patience, () => silence(place, patience));
    const coming = fetch(request, { signal: scope.signal });
    let response: Response;
    try {
      response = await scope.run(coming);
    } catch (cause) {
      scope.end();
      // A fetch that pays no heed to the signal may answer all the same.
      coming.then(({ body }) => body?.cancel()).catch(() => undefined);
      throw scope.signal.aborted ? scope.signal.reason : unreachable(place, cause);
    }
    const answer = new HttpAnswer(response, place, scope, timeoutMs);
    if (response.ok || call.also?.includes(response.status)) return answer;
    throw await failureOf(answer);
  }

  /** How long all attempts together may take, and who else ends them. */
  #scopeOf(call: HttpCall): CallScope {
    const { clock, withinMs } = this.#settings;
    const place = this.#placeOf(call);
    const scope = new CallScope(clock);
    scope.follow(this.#closing.signal);
    scope.follow(call.signal, (cause) => new AbortedError(`${place} was aborted by its caller.`, { cause }));
    const total = withinMs + allowanceMs(call);
    scope.limit(total, () => new TimeoutError(`${place} was not done within ${total} ms, all attempts together; try again later, or raise the option retry.within.`, { limitMs: total }));
    return scope;
  }

  #urlOf({ path, query }: HttpCall): string {
    const said = Object.entries(query ?? {}).filter(([, value]) => value !== undefined) as [string, string | number][];
    const search = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString();
    return this.#settings.base + path + (search === '' ? '' : `?${search}`);
  }

  /** The request for messages: without a query, which is long and may be private. */
  #placeOf({ method, path }: HttpCall): string {
    return `${method} ${this.#settings.base}${path}`;
  }
}

/** How much longer a request with a body may take. */
function allowanceMs({ body }: HttpCall): number {
  return Math.ceil((body?.length ?? 0) / bytesPerMs);
}

async function failureOf(answer: HttpAnswer): Promise<CallFailure> {
  const { response, place } = answer;
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.chunks()) {
      parts.push(chunk);
      size += chunk.length;
      if (size > maxErrorBytes) break;
    }
  } catch (error) {
    // The status says enough, unless time is up.
    if (!(error instanceof CallFailure)) throw error;
  }
  return failureOfAnswer(response, concatBytes(parts), place);
}

function unreachable(place: string, cause: unknown): CallFailure {
  const reason = (cause as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  const why = typeof reason === 'string' ? ` (${reason})` : '';
  return new CallFailure(new StorageError('unavailable', `${place} did not reach the server${why}: it is away, the network is, or a browser forbids the request; try again later.`, { cause }), { passing: true });
}

/** What the caller is given: the failure's own error. */
function callersError(error: unknown): unknown {
  return error instanceof CallFailure ? error.error : error;
}
