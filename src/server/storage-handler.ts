import { utf8 } from '../core/bytes.ts';
import { sleep, systemClock, type Clock } from '../core/clock.ts';
import { check } from '../core/schema.ts';
import { reportFailure } from '../core/report-failure.ts';
import { eventSink } from '../registry/event-sink.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import { toResponse, type Answer } from './answer.ts';
import { BlobSizes } from './blob-sizes.ts';
import { ByteBudget } from './byte-budget.ts';
import { Call, type Service, type Target } from './call.ts';
import { Cors } from './cors.ts';
import { ErrorAnswers } from './error-answer.ts';
import { checkHandlerOptions, limitsFor, type StorageHandlerOptions } from './handler-options.ts';
import { incomingOf, type IncomingRequest } from './incoming-request.ts';
import { openApiOf } from './openapi.ts';
import { Refusal, tooBusy } from './refusal.ts';
import { Router } from './router.ts';
import { routes } from './routes.ts';
import { StreamedBody } from './streamed-body.ts';
import { UploadSessions } from './upload-sessions.ts';

/** Answers a request; never rejects. */
export interface StorageHandler {
  (request: Request): Promise<Response>;
}

/** Under which a handler also answers without a `Request` and a `Response` being made. */
export const answerDirectly: unique symbol = Symbol('modelkeep.answerDirectly');

/** A handler that can also be asked directly. */
export interface DirectHandler extends StorageHandler {
  readonly [answerDirectly]: (request: IncomingRequest) => Promise<Answer>;
}

/**
 * Serves a store over HTTP: one function from a web-standard `Request` to a `Response`, for `node:http` (with `toNodeHandler`), Hono, Express, Next, Deno, Bun and Workers alike.
 * `HttpStorage` is its client; the protocol is described by the OpenAPI document at `<basePath>/v1/openapi.json`.
 *
 * `authorize` is asked for everything that a request touches before it is touched: each key of a batch, each digest, the prefix of a list. What an adapter promises holds for the clients,
 * too: conditions are exact, a repeated write is recognised, bodies stream both ways. What the registry guards is changed by its methods on the server and not by direct writes; the
 * history then names the actor that `authorize` gave. Nothing of the server shows in an answer: what fails unexpectedly gets an id, and the log has the rest under it.
 *
 * Throws `ValidationError` for options that are not what they must be.
 *
 * @param storage - The store; it stays the caller's to close.
 *
 * @example
 * ```ts
 * import { MemoryStorage } from 'modelkeep';
 * import { createStorageHandler } from 'modelkeep/server';
 *
 * const tokens = new Map([['s3cret', 'training@ci']]);
 * const handler = createStorageHandler(new MemoryStorage(), {
 *   basePath: '/api',
 *   authorize(request, { action }) {
 *     const actor = tokens.get(request.headers.get('authorization')?.replace('Bearer ', '') ?? '');
 *     if (actor === undefined) return null;
 *     return action === 'delete' ? 'forbidden' : { actor };
 *   },
 * });
 *
 * const url = 'https://mlops.example.test/api/v1/records/notes/one';
 * const headers = { authorization: 'Bearer s3cret' };
 * await handler(new Request(url, { method: 'PUT', headers, body: 'windy' }));
 * const response = await handler(new Request(url, { headers }));
 * console.log(response.status, response.headers.get('etag'), await response.text());
 * ```
 */
export function createStorageHandler(storage: StorageAdapter, options: StorageHandlerOptions): StorageHandler {
  const server = new StorageServer(check(storageOption, storage, 'storage'), checkHandlerOptions(options));
  const answer = (request: IncomingRequest): Promise<Answer> => server.answer(request);
  const handler = async (request: Request): Promise<Response> => toResponse(await answer(incomingOf(request)));
  return Object.assign(handler, { [answerDirectly]: answer }) satisfies DirectHandler;
}

class StorageServer {
  readonly #service: Service;
  readonly #router: Router;
  readonly #cors: Cors;
  readonly #errors: ErrorAnswers;
  #inFlight = 0;

  constructor(storage: StorageAdapter, options: StorageHandlerOptions) {
    const { authorize, basePath = '', workspaces = false, guardDomains = true, gates = {}, onRegistryEvent, clock = systemClock, logger, onError } = options;
    const limits = limitsFor(storage, options.limits);
    this.#router = new Router(routes, { basePath, workspaces });
    this.#cors = new Cors(options.cors);
    this.#errors = new ErrorAnswers(storage, options);
    let document: Uint8Array | undefined;
    this.#service = {
      ...{ storage, authorize, limits, guardDomains, gates, clock },
      emit: (event, where) => onRegistryEvent && eventSink((each) => onRegistryEvent(each, where), { who: 'The listener to registry events', logger, onError })(event),
      budget: new ByteBudget(limits.bytesInFlight),
      sizes: new BlobSizes(),
      uploads: new UploadSessions(storage, clock, (error) => reportFailure(error, { who: 'The removal of old uploads', logger, onError })),
      alive: sharedProbe(storage, clock),
      document: () => (document ??= utf8(JSON.stringify(openApiOf(routes, basePath)))),
      errorFrame: (error, subject) => this.#errors.frame(error, subject),
    };
  }

  /** The answer to a request, whatever it is. */
  async answer(request: IncomingRequest): Promise<Answer> {
    let answer: Answer;
    let subject = request.method;
    try {
      const preflight = this.#preflight(request);
      if (preflight) answer = preflight;
      else {
        const target = this.#router.find(request.method, request.target);
        subject = `${request.method} ${target.route.path}`;
        answer = await this.#run(request, target);
      }
    } catch (error) {
      answer = this.#errors.answer(error, subject);
    }
    try {
      this.#cors.complete(request, answer);
    } catch (error) {
      if (answer.body instanceof StreamedBody) answer.body.cancel();
      answer = this.#errors.answer(error, subject);
    }
    return request.method === 'HEAD' ? withoutBody(answer) : answer;
  }

  #preflight(request: IncomingRequest): Answer | undefined {
    return request.method === 'OPTIONS' ? this.#cors.preflight(request, this.#router.methods(request.target)) : undefined;
  }

  async #run(request: IncomingRequest, target: Target): Promise<Answer> {
    this.#cors.refuseForeign(request);
    // No encoded body can then be larger than it looks.
    const encoding = request.header('content-encoding');
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new Refusal(415, 'unsupported', 'Bodies are taken as they are: send none with a Content-Encoding.');
    const call = new Call(this.#service, request, target);
    if (target.route.open) return target.route.handle(call);
    if (this.#inFlight >= this.#service.limits.requestsInFlight) throw tooBusy('The server answers as many requests as it can; try again later.');
    this.#inFlight++;
    let answer: Answer | undefined;
    try {
      call.checkQuery();
      answer = await target.route.handle(call);
      return answer;
    } finally {
      const end = (): void => {
        call.body.release();
        this.#inFlight--;
      };
      if (answer?.body instanceof StreamedBody) untilEnd(answer.body, request.signal, end);
      else end();
    }
  }
}

/** Does `end` when a body has ended, which it does at the latest when the client leaves. */
function untilEnd(body: StreamedBody, signal: AbortSignal, end: () => void): void {
  const leave = (): void => body.cancel();
  signal.addEventListener('abort', leave, { once: true });
  body.onEnd(() => {
    signal.removeEventListener('abort', leave);
    end();
  });
  if (signal.aborted) leave();
}

/** The answer to HEAD: all but the body. */
function withoutBody(answer: Answer): Answer {
  if (answer.body instanceof StreamedBody) answer.body.cancel();
  return { ...answer, body: undefined };
}

const probeTimeoutMs = 5_000;

/** Says whether the store answers. Whoever asks while it is being found out shares the answer, since everyone may ask. */
function sharedProbe(storage: StorageAdapter, clock: Clock): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined;
  return () => {
    asking ??= probe(storage, clock).finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

async function probe(storage: StorageAdapter, clock: Clock): Promise<boolean> {
  const aborts = new AbortController();
  const reading = storage.read(['health'], { signal: aborts.signal }).then(
    () => true,
    () => false,
  );
  const answers = await Promise.race([reading, sleep(clock, probeTimeoutMs, aborts.signal).then(() => false, () => false)]);
  aborts.abort();
  return answers;
}
