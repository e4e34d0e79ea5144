import { concatBytes } from '../../core/bytes.ts';
import { sleep } from '../../core/clock.ts';
import { AbortedError, StorageError, TimeoutError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { sendRequest } from '../../core/send-request.ts';
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
  /** How many bytes the server goes through before it answers, apart from the body. @default 0 */
  readonly workBytes?: number | undefined;
  /** Statuses that are an answer like success, such as 404 where there may be nothing. @default none */
  readonly also?: readonly number[] | undefined;
  /** @default 'always' */
  readonly repeat?: Repeat | undefined;
}

// 64 KiB a second: slower is not waited for.
const bytesPerMs = 65.536;
// 4 MiB a second: what the slowest store does with bytes that it has.
const workBytesPerMs = 4194.304;
// What a server takes of all its clients together is not much more.
const requestsAtOnce = 32;
// An error says what it has to say at once.
const maxErrorBytes = 1024 * 1024;

/** Sends requests until they are answered: goes through the attempts, waits between them, and says when there is no further one. */
export class HttpTransport {
  readonly #settings: HttpSettings;
  readonly #tokens: TokenSource;
  readonly #slots = new Slots(requestsAtOnce);
  readonly #scopes = new Set<CallScope>();

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
    const wait = waitMs(error, failures, this.#settings);
    logger?.warn(`${(error as Error).message} ${method} ${path} goes on in ${Math.round(wait)} ms.`);
    await sleep(clock, wait, signal);
  }

  /** Ends all answers that are still open. */
  close(error: Error): void {
    for (const scope of this.#scopes) scope.fail(error);
  }

  /** Goes through the attempts. */
  async #send(call: HttpCall, scope: CallScope, take: (answer: HttpAnswer) => Promise<void>): Promise<void> {
    const { limit, clock, withinMs, logger } = this.#settings;
    const begun = clock.monotonic();
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const token = await scope.run(this.#tokens.get());
      try {
        return await this.#slots.run(scope, async () => take(await this.#attempt(call, scope, token, attempt)));
      } catch (error) {
        if (scope.signal.aborted) throw callersError(scope.signal.reason);
        const refused = error instanceof CallFailure && error.status === 401 && !renewed;
        if (refused && (await scope.run(this.#tokens.renew(token)))) {
          renewed = true;
          continue;
        }
        const wait = waitMs(error, attempt, this.#settings);
        if (attempt > limit || !mayRepeat(error, call.repeat) || clock.monotonic() - begun + wait > withinMs) throw callersError(error);
        logger?.warn(`${(error as Error).message} Attempt ${attempt + 1} of ${limit + 1} follows in ${Math.round(wait)} ms.`);
        await scope.run(sleep(clock, wait, scope.signal));
      }
    }
  }

  /** One request and the beginning of its answer. */
  async #attempt(call: HttpCall, whole: CallScope, token: string | undefined, attempt: number): Promise<HttpAnswer> {
    const { clock, fetch, timeoutMs } = this.#settings;
    const place = this.#placeOf(call);
    const scope = new CallScope(clock);
    const patience = timeoutMs + allowanceMs(call);
    scope.follow(whole.signal);
    scope.limit(patience, () => silence(place, patience));
    const request = this.#requestOf(call, token, attempt, scope.signal);
    const coming = sendRequest(fetch, request);
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

  #requestOf(call: HttpCall, token: string | undefined, attempt: number, signal: AbortSignal): Request {
    const { method, body } = call;
    const headers = new Headers(this.#settings.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    if (attempt > 1) headers.set(headerNames.attempt, String(attempt));
    for (const [name, value] of Object.entries(call.headers ?? {})) if (value !== undefined) headers.set(name, value);
    // Following a redirect could take the token, or turn a write into a read of a login page.
    return new Request(this.#urlOf(call), { method, headers, signal, redirect: 'manual', ...(body && { body }) });
  }

  /** How long all attempts together may take, and who else ends them. */
  #scopeOf(call: HttpCall): CallScope {
    const { clock, withinMs } = this.#settings;
    const place = this.#placeOf(call);
    const scope = new CallScope(clock);
    this.#scopes.add(scope);
    scope.whenEnded(() => this.#scopes.delete(scope));
    scope.follow(call.signal, (cause) => new AbortedError(`${place} was aborted by its caller.`, { cause }));
    const total = withinMs + allowanceMs(call);
    scope.limit(total, () => new TimeoutError(`${place} was not done within ${total} ms, all attempts together; try again later, or raise the option retry.within.`, { limitMs: total }));
    return scope;
  }

  #urlOf({ path, query }: HttpCall): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.append(name, String(value));
    return this.#settings.base + path + (search.size === 0 ? '' : `?${search.toString()}`);
  }

  /** The request for messages: without a query, which is long and may be private. */
  #placeOf({ method, path }: HttpCall): string {
    return `${method} ${this.#settings.base}${path}`;
  }
}

/** How much longer a request with a body, or with much to do for the server, may take. */
function allowanceMs({ body, workBytes = 0 }: HttpCall): number {
  return Math.ceil((body?.length ?? 0) / bytesPerMs + workBytes / workBytesPerMs);
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
    // Half of what a server of ours says must not pass for what another says.
    if (error instanceof CallFailure) return error;
    throw error;
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
