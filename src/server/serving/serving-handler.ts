import { systemClock } from '../../core/clock.ts';
import { toResponse, type Answer } from '../answer.ts';
import { ByteBudget } from '../byte-budget.ts';
import { Cors } from '../cors.ts';
import { incomingOf, type IncomingRequest } from '../incoming-request.ts';
import { Refusal, tooBusy } from '../refusal.ts';
import { answerDirectly, type DirectHandler, type StorageHandler } from '../storage-handler.ts';
import { InferenceStats } from './inference-stats.ts';
import type { ServedDeployment } from './served-deployment.ts';
import { ServingCall, servingHeaders, type ServingService } from './serving-call.ts';
import { ServingErrors } from './serving-errors.ts';
import { checkServingHandlerOptions, deploymentsByModel, servingLimits, type ServingHandlerOptions } from './serving-handler-options.ts';
import { errorFormOf, findRoute, type ServingRoute } from './serving-routes.ts';
import { inferHeaderLength } from '../../core/tensors/infer-tensors.ts';

const longestTarget = 16 * 1024;
const requestHeaders = [servingHeaders.key, servingHeaders.version, servingHeaders.id, servingHeaders.timeout, inferHeaderLength];
const answerHeaders = [servingHeaders.version, servingHeaders.reason, servingHeaders.id, inferHeaderLength];

/**
 * Serves models over HTTP, by the protocols that their clients speak already: TensorFlow Serving's REST API (`/v1/models/…`), the Open Inference Protocol v2 with binary tensors (`/v2/…`), TorchServe's predictions (`/predictions/…`), metrics for
 * Prometheus (`/metrics`), health, and calls that manage deployments (`/deployments/…`). One function from a web-standard `Request` to a `Response`; with `toNodeHandler` for `node:http`.
 *
 * What a model is asked with follows from the signature of its version: one with a signature of tensors is given all tensors of a request at once, as {@link ServedTensor}s; any other is asked once for each row, which batching joins
 * again. A version that a request names must be in memory. Requests are routed by the header `x-modelkeep-key`, and answers say in `x-modelkeep-version`, `-reason` and `-id` where they come from.
 *
 * `authorize` is asked with kind `deployment`: to `call` it with the method `predict`, `feedback`, `load`, `unload`, or `startRollout` and others of rollouts, to `read` it, to `list` all, and to read all with the method `metrics`. Health is told to everyone. Errors have the form of the
 * protocol. Throws `ValidationError` for options that are not what they must be.
 *
 * @param deployments - The models, each under its name; they stay the caller's to close.
 *
 * @example
 * ```ts
 * import { Deployment, MemoryStorage, Registry } from 'modelkeep';
 * import { createServingHandler } from 'modelkeep/server';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * await registry.createModel('flight-delay');
 * await registry.registerVersion('flight-delay', { files: { 'model.json': '{"slope":0.5}' } });
 * await registry.promote('flight-delay@1', 'production', { by: 'ann', reason: 'first' });
 * await using deployment = new Deployment({ storage, registry, model: 'flight-delay', load: () => ({ distance }: { distance: number }) => ({ minutes: 0.5 * distance }) });
 *
 * const handler = createServingHandler([deployment], { authorize: 'public' });
 * const response = await handler(new Request('http://models.test/v1/models/flight-delay:predict', {
 *   method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ instances: [{ distance: 80 }] }),
 * }));
 * console.log(await response.json(), response.headers.get('x-modelkeep-version')); // { predictions: [ 40 ] } 1
 * ```
 */
export function createServingHandler(deployments: readonly ServedDeployment[], options: ServingHandlerOptions): StorageHandler {
  const server = new ServingServer(deploymentsByModel(deployments), checkServingHandlerOptions(options));
  const answer = (request: IncomingRequest): Promise<Answer> => server.answer(request);
  const handler = async (request: Request): Promise<Response> => toResponse(await answer(incomingOf(request)));
  return Object.assign(handler, { [answerDirectly]: answer }) satisfies DirectHandler;
}

class ServingServer {
  readonly #service: ServingService;
  readonly #base: string;
  readonly #errors: ServingErrors;
  readonly #cors: Cors;
  #inFlight = 0;

  constructor(deployments: ReadonlyMap<string, ServedDeployment>, options: ServingHandlerOptions) {
    const { authorize, basePath = '', clock = systemClock, cors, limits } = options;
    const bounds = servingLimits(limits);
    this.#service = { deployments, authorize, limits: bounds, clock, budget: new ByteBudget(bounds.bytesInFlight), stats: new InferenceStats() };
    this.#base = basePath;
    this.#errors = new ServingErrors(options);
    this.#cors = new Cors(cors, { request: requestHeaders, answer: answerHeaders });
  }

  async answer(request: IncomingRequest): Promise<Answer> {
    const path = this.#pathOf(request);
    const failed = (error: unknown): Answer => this.#errors.answer(error, errorFormOf(path), `${request.method} ${path.slice(0, 200)}`);
    let answer: Answer;
    try {
      answer = await this.#run(request, path);
    } catch (error) {
      answer = failed(error);
    }
    try {
      this.#cors.complete(request, answer);
    } catch (error) {
      answer = failed(error);
    }
    return request.method === 'HEAD' ? { ...answer, body: undefined } : answer;
  }

  /** The path below the base; empty for one that is not. */
  #pathOf({ target }: IncomingRequest): string {
    const mark = target.indexOf('?');
    const whole = mark === -1 ? target : target.slice(0, mark);
    return whole.startsWith(`${this.#base}/`) ? whole.slice(this.#base.length) : '';
  }

  async #run(request: IncomingRequest, path: string): Promise<Answer> {
    if (request.target.length > longestTarget) throw new Refusal(414, 'validation', `The URL is longer than ${longestTarget} characters.`);
    const preflight = this.#preflight(request, path);
    if (preflight !== undefined) return preflight;
    const route = findRoute(request.method, path);
    if (route === undefined) throw new Refusal(404, 'not-found', 'Nothing is served here.');
    this.#assertMethod(request, route);
    this.#cors.refuseForeign(request);
    const call = new ServingCall(this.#service, request);
    if (route.open) return route.handle(call);
    if (this.#inFlight >= this.#service.limits.requestsInFlight) throw tooBusy('The server answers as many requests as it can; try again later.');
    this.#inFlight++;
    try {
      return await route.handle(call);
    } finally {
      call.release();
      this.#inFlight--;
    }
  }

  #preflight(request: IncomingRequest, path: string): Answer | undefined {
    if (request.method !== 'OPTIONS') return undefined;
    const asked = request.header('access-control-request-method') ?? '';
    const found = findRoute(asked === '' ? 'GET' : asked, path);
    return found && this.#cors.preflight(request, methodsOf(found));
  }

  #assertMethod({ method }: IncomingRequest, route: ServingRoute): void {
    const methods = methodsOf(route);
    if (!methods.includes(method)) throw new Refusal(405, 'unsupported', `Only ${methods.join(', ')} can be asked for here.`, { headers: { allow: methods.join(', ') } });
  }
}

function methodsOf({ method }: ServingRoute): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : ['POST'];
}
