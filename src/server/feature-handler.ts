import { fromUtf8 } from '../core/bytes.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { durationMs } from '../core/duration.ts';
import { isModelkeepError, ValidationError } from '../core/errors.ts';
import { parseLossless } from '../core/lossless-json.ts';
import { reportFailure } from '../core/report-failure.ts';
import type { FeatureStore } from '../features/feature-store.ts';
import { bytesAnswer, jsonType, toResponse, type Answer } from './answer.ts';
import { ByteBudget } from './byte-budget.ts';
import { assertIdentity } from './call.ts';
import { Cors } from './cors.ts';
import { ErrorAnswers } from './error-answer.ts';
import { asFeast } from './feast-refusal.ts';
import { FeastTexts } from './feast-texts.ts';
import { featureCalls, type FeatureCall } from './feature-calls.ts';
import { checkFeatureHandlerOptions, type FeatureHandlerOptions } from './feature-handler-options.ts';
import { incomingOf, type IncomingRequest } from './incoming-request.ts';
import { MaterializeJobs } from './materialize-jobs.ts';
import { Refusal, tooBusy } from './refusal.ts';
import { RequestBody } from './request-body.ts';
import { answerDirectly, type DirectHandler, type StorageHandler } from './storage-handler.ts';

const MiB = 1024 * 1024;
const maxDepth = 16;
const longestTarget = 16 * 1024;

/**
 * Serves the features of a store as Feast's HTTP server does, so that its clients work unchanged: `POST /get-online-features`, `/push`, `/write-to-online-store`, `/materialize` and
 * `/materialize-incremental`, `GET /health`. One function from a web-standard `Request` to a `Response`; with `toNodeHandler` for `node:http`.
 *
 * Answers are columnar, entity keys first; 64-bit integers are bare numbers of JSON, read and written without loss; timestamps of features are epoch seconds. Expired values are told as
 * `OUTSIDE_MAX_AGE`, missing ones as `NULL_VALUE`. Whatever is pushed is in the log, too, since training must know what serving saw; `to: 'offline'` only keeps it from going online. Materializing
 * brings all rows up to `end_ts` online, wherever it starts, and never beyond now.
 *
 * `authorize` is asked for each view with kind `feature-view`: to `read` it, to `write` to it, to `call` for its materialization, and to `list` all when a materialization names none. Errors have
 * the form of `createStorageHandler` unless `errors` is `'feast'`. Throws `ValidationError` for options that are not what they must be.
 *
 * @param store - The features; its storage stays the caller's to close.
 *
 * @example
 * ```ts
 * import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
 * import { createFeatureHandler } from 'modelkeep/server';
 *
 * const store = new FeatureStore({ storage: new MemoryStorage() });
 * await store.apply([featureView({ name: 'driver_stats', entity: ['driver_id'], timestamp: 'event_time', features: { trips: 'int64' } })]);
 * await store.ingest('driver_stats', [{ driver_id: 1001, event_time: Date.now() - 1000, trips: 10n }], { online: true });
 *
 * const handler = createFeatureHandler(store, { authorize: 'public' });
 * const response = await handler(new Request('http://features.test/get-online-features', {
 *   method: 'POST', headers: { 'content-type': 'application/json' },
 *   body: JSON.stringify({ features: ['driver_stats:trips'], entities: { driver_id: [1001, 1002] } }),
 * }));
 * console.log(await response.json());
 * ```
 */
export function createFeatureHandler(store: FeatureStore, options: FeatureHandlerOptions): StorageHandler {
  if (typeof (store as Partial<FeatureStore> | undefined)?.getOnlineFeatures !== 'function') throw new ValidationError('store must be a FeatureStore.', { path: 'store' });
  const server = new FeatureServer(store, checkFeatureHandlerOptions(options));
  const answer = (request: IncomingRequest): Promise<Answer> => server.answer(request);
  const handler = async (request: Request): Promise<Response> => toResponse(await answer(incomingOf(request)));
  return Object.assign(handler, { [answerDirectly]: answer }) satisfies DirectHandler;
}

class FeatureServer {
  readonly #store: FeatureStore;
  readonly #options: FeatureHandlerOptions;
  readonly #clock: Clock;
  readonly #errors: ErrorAnswers;
  readonly #cors: Cors;
  readonly #budget: ByteBudget;
  readonly #jobs: MaterializeJobs;
  readonly #texts = new FeastTexts();
  readonly #timeoutMs: number;
  #inFlight = 0;

  constructor(store: FeatureStore, options: FeatureHandlerOptions) {
    const { clock = systemClock, cors, limits = {}, logger, onError } = options;
    this.#store = store;
    this.#options = options;
    this.#clock = clock;
    this.#errors = new ErrorAnswers({ name: store.storageName }, options);
    this.#cors = new Cors(cors);
    this.#budget = new ByteBudget(limits.bytesInFlight ?? 256 * MiB);
    this.#timeoutMs = durationMs(limits.bodyTimeout ?? '1m', 'options.limits.bodyTimeout');
    this.#jobs = new MaterializeJobs((error) => reportFailure(error, { who: 'A materialization that was asked for over HTTP', logger, onError }));
  }

  async answer(request: IncomingRequest): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#run(request);
    } catch (error) {
      answer = this.#errorAnswer(error, request);
    }
    try {
      this.#cors.complete(request, answer);
    } catch (error) {
      answer = this.#errorAnswer(error, request);
    }
    return request.method === 'HEAD' ? { ...answer, body: undefined } : answer;
  }

  #errorAnswer(error: unknown, request: IncomingRequest): Answer {
    const ours = this.#errors.answer(error, request.method);
    return this.#options.errors === 'feast' ? asFeast(error, ours) : ours;
  }

  async #run(request: IncomingRequest): Promise<Answer> {
    if (request.target.length > longestTarget) throw new Refusal(414, 'validation', `The URL is longer than ${longestTarget} characters.`);
    const [whole = '', search = ''] = request.target.split('?', 2);
    const { basePath = '', limits = {} } = this.#options;
    const path = whole.startsWith(`${basePath}/`) ? whole.slice(basePath.length) : '';
    const handle = Object.hasOwn(featureCalls, path) ? featureCalls[path] : undefined;
    if (handle === undefined && path !== '/health') throw new Refusal(404, 'not-found', 'Nothing is served here.');
    const methods = handle ? ['POST'] : ['GET', 'HEAD'];
    const preflight = this.#cors.preflight(request, methods);
    if (preflight) return preflight;
    if (!methods.includes(request.method)) throw new Refusal(405, 'unsupported', `Only ${methods.join(', ')} can be asked for here.`, { headers: { allow: methods.join(', ') } });
    if (handle === undefined) return this.#health(request.signal);
    this.#cors.refuseForeign(request);
    const encoding = request.header('content-encoding');
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new Refusal(415, 'unsupported', 'Bodies are taken as they are: send none with a Content-Encoding.');
    if (this.#inFlight >= (limits.requestsInFlight ?? 256)) throw tooBusy('The server answers as many requests as it can; try again later.');
    this.#inFlight++;
    const body = new RequestBody(request, { clock: this.#clock, timeoutMs: this.#timeoutMs, budget: this.#budget });
    try {
      return await handle(this.#callOf(request, objectOf(await body.jsonBytes(limits.requestBytes ?? 16 * MiB, maxDepth)), search));
    } finally {
      body.release();
      this.#inFlight--;
    }
  }

  #callOf(request: IncomingRequest, body: FeatureCall['body'], search: string): FeatureCall {
    const { authorize, limits = {}, pushSources = {} } = this.#options;
    return {
      ...{ store: this.#store, body, signal: request.signal, pushSources, jobs: this.#jobs, texts: this.#texts },
      query: new URLSearchParams(search),
      now: () => this.#clock.now(),
      maxValues: limits.values ?? 1_000_000,
      async permit(action, key) {
        if (authorize === 'public') return;
        const access = { action, kind: 'feature-view' as const, key, method: action === 'call' ? 'materialize' : undefined };
        assertIdentity(await authorize(request.toRequest(), access), access);
      },
    };
  }

  /** Whether the storage answers; everyone may ask, and learns nothing else. */
  async #health(signal: AbortSignal): Promise<Answer> {
    try {
      await this.#store.getView('health', { signal });
    } catch (error) {
      if (!isModelkeepError(error, 'not-found')) return bytesAnswer(503, jsonType, '');
    }
    return bytesAnswer(200, jsonType, '');
  }
}

function objectOf(bytes: Uint8Array): FeatureCall['body'] {
  let value: unknown;
  try {
    value = parseLossless(fromUtf8(bytes));
  } catch (cause) {
    throw new Refusal(400, 'validation', 'The body is not JSON.', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, 'validation', 'The body must be a JSON object.');
  return value as FeatureCall['body'];
}
