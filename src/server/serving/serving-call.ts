import { fromUtf8, utf8 } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { parseTolerant, stringifyTolerant } from '../../core/lossless-json.ts';
import type { Access } from '../access.ts';
import { jsonTextAnswer, jsonType, type Answer } from '../answer.ts';
import type { ByteBudget } from '../byte-budget.ts';
import { assertIdentity } from '../call.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { jsonDepth } from '../json-depth.ts';
import { Refusal } from '../refusal.ts';
import { RequestBody } from '../request-body.ts';
import type { InferenceStats } from './inference-stats.ts';
import type { ServedDeployment, ServedPredictOptions } from './served-deployment.ts';
import type { ServingHandlerOptions, ServingLimits } from './serving-handler-options.ts';

/** Headers by which requests are routed, and answers say where they come from; all protocols have them. */
export const servingHeaders = {
  /** What a request is routed by. */
  key: 'x-modelkeep-key',
  /** The version that must answer; in an answer the version that did. */
  version: 'x-modelkeep-version',
  /** The id that the prediction is to have; in an answer the id that feedback refers to. */
  id: 'x-modelkeep-id',
  /** How long the answer may take, in milliseconds. */
  timeout: 'x-modelkeep-timeout-ms',
  /** In an answer: why it was this version. */
  reason: 'x-modelkeep-reason',
} as const;

/** What all requests share. */
export interface ServingService {
  readonly deployments: ReadonlyMap<string, ServedDeployment>;
  readonly authorize: ServingHandlerOptions['authorize'];
  readonly limits: ServingLimits;
  readonly budget: ByteBudget;
  readonly clock: Clock;
  readonly stats: InferenceStats;
}

/** A JSON object of a request. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One request on its way to its answer. */
export class ServingCall {
  readonly service: ServingService;
  readonly request: IncomingRequest;
  readonly #body: RequestBody;

  constructor(service: ServingService, request: IncomingRequest) {
    this.service = service;
    this.request = request;
    this.#body = new RequestBody(request, { clock: service.clock, timeoutMs: service.limits.bodyTimeoutMs, budget: service.budget });
  }

  /** Asks for leave, and says who has it; `undefined` where everyone may do everything. */
  permit(action: Access['action'], key: string, method?: string): string | undefined | Promise<string> {
    const { authorize } = this.service;
    if (authorize === 'public') return undefined;
    const access: Access = { action, kind: 'deployment', key, method };
    const verdict = authorize(this.request.toRequest(), access);
    return verdict instanceof Promise ? verdict.then((identity) => assertIdentity(identity, access).actor) : assertIdentity(verdict, access).actor;
  }

  /** A deployment that is to be asked something. */
  deployment(model: string, missing = `The model '${model}' is not served here.`): ServedDeployment {
    const found = this.service.deployments.get(model);
    if (found === undefined) throw new Refusal(404, 'not-found', missing);
    return found;
  }

  /** The whole body. */
  bytes(): Promise<Uint8Array> {
    this.#expectPlain();
    return this.#body.bytes(this.service.limits.requestBytes, 'The body');
  }

  #expectPlain(): void {
    const encoding = this.request.header('content-encoding');
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new Refusal(415, 'unsupported', 'Bodies are taken as they are: send none with a Content-Encoding.');
  }

  /** The media type of the body, without its parameters; empty where none is named. */
  get contentType(): string {
    return this.request.header('content-type')?.split(';')[0]!.trim().toLowerCase() ?? '';
  }

  /** Refuses a body that says that it is something else than what is taken. What says nothing is taken, and what curl says of any body that it is given. */
  expectType(...others: readonly string[]): void {
    const type = this.contentType;
    if (type === '' || type === jsonType || type === 'application/x-www-form-urlencoded' || others.includes(type)) return;
    throw new Refusal(415, 'unsupported', `The body must be ${[jsonType, ...others].join(' or ')}; Content-Type says something else.`);
  }

  /** The body as a JSON object, an empty body being an empty one where `empty` says so. */
  async object({ empty = false }: { readonly empty?: boolean } = {}): Promise<JsonObject> {
    this.expectType();
    this.#expectPlain();
    const text = await this.#body.text(this.service.limits.requestBytes, 'The body');
    if (text === undefined) throw noUtf8();
    return empty && text === '' ? {} : asObject(this.#parseText(text));
  }

  /** The JSON object that bytes are. */
  objectOf(bytes: Uint8Array): JsonObject {
    return asObject(this.parse(bytes));
  }

  /** The JSON value that bytes are; NaN and infinities may stand bare, and integers of 64 bits keep their value. */
  parse(bytes: Uint8Array): unknown {
    let text: string;
    try {
      text = fromUtf8(bytes);
    } catch (cause) {
      throw noUtf8(cause);
    }
    return this.#parseText(text);
  }

  #parseText(text: string): unknown {
    const { depth } = this.service.limits;
    if (text === '') throw new Refusal(400, 'validation', 'JSON Parse error: The document is empty');
    if (opensMoreThan(text, depth) && jsonDepth(utf8(text)) > depth) throw new Refusal(400, 'validation', `JSON Parse error: The document is nested more than ${depth} deep.`);
    try {
      return parseTolerant(text);
    } catch (cause) {
      throw new Refusal(400, 'validation', `JSON Parse error: ${(cause as Error).message.slice(0, 200)}`, { cause });
    }
  }

  /** What headers say of how a prediction is to be made. `version` is one that stands in the path. */
  predictOptions(version: number | undefined): Omit<ServedPredictOptions, 'signal'> {
    const { request } = this;
    const asked = version ?? versionOf(request.header(servingHeaders.version));
    const key = request.header(servingHeaders.key);
    const id = request.header(servingHeaders.id);
    const timeout = request.header(servingHeaders.timeout);
    if (id !== undefined && !isHeaderText(id)) throw new Refusal(400, 'validation', `${servingHeaders.id} must have at most 200 visible characters.`);
    if (timeout !== undefined && !/^[1-9]\d{0,8}$/.test(timeout)) throw new Refusal(400, 'validation', `${servingHeaders.timeout} must be a number of milliseconds.`);
    return {
      ...(asked !== undefined && { version: asked }),
      ...(key !== undefined && { key }),
      ...(id !== undefined && { id }),
      ...(timeout !== undefined && { timeout: Number(timeout) }),
    };
  }

  /** Lets go of the body. */
  release(): void {
    this.#body.release();
  }
}

function asObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal(400, 'validation', 'JSON Value: Is not object');
  return value as JsonObject;
}

function noUtf8(cause?: unknown): Refusal {
  return new Refusal(400, 'validation', 'JSON Parse error: The document is not UTF-8.', { cause });
}

/** Whether a text has more brackets than so many; with fewer it cannot be nested deeper, and need not be looked through for its strings. */
function opensMoreThan(text: string, most: number): boolean {
  let count = 0;
  for (const bracket of '[{') {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) if (++count > most) return true;
  }
  return false;
}

/** Whether a header can hold a text. */
export function isHeaderText(text: string): boolean {
  return /^[\x21-\x7e]{1,200}$/.test(text);
}

/** The version that a text names. */
export function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,19}$/.test(text) || BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw new Refusal(400, 'validation', `Failed to convert version: ${text.slice(0, 40)} to numeric.`);
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version === 0) throw new Refusal(404, 'not-found', `There is no version ${text}.`);
  return version;
}

/** An answer of JSON in which NaN and infinities stand bare, and bigints as integers. */
export function tolerantAnswer(value: unknown, headers?: Readonly<Record<string, string>>): Answer {
  return jsonTextAnswer(stringifyTolerant(value), { headers });
}
