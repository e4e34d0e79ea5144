import type { Clock } from '../core/clock.ts';
import { assertDigest, type Digest } from '../core/digest.ts';
import { assertKey, assertPrefix, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { GateFunction } from '../registry/custom-gate.ts';
import type { RegistryEvent } from '../registry/registry-event.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { headerNames, type WireError } from '../storage/http-protocol.ts';
import type { Access, Authorize, Identity } from './access.ts';
import type { BlobSizes } from './blob-sizes.ts';
import { assertReachable } from './guard.ts';
import type { Limits } from './handler-options.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { Refusal } from './refusal.ts';
import type { RegistryEventPlace } from './registry-endpoint.ts';
import { RequestBody } from './request-body.ts';
import type { Route } from './route.ts';
import type { ByteBudget } from './byte-budget.ts';
import { StreamedBody } from './streamed-body.ts';
import type { UploadSessions } from './upload-sessions.ts';
import { workspaceStorage } from './workspace-storage.ts';

/** What all requests share. */
export interface Service {
  readonly storage: StorageAdapter;
  readonly authorize: Authorize | 'public';
  readonly limits: Limits;
  readonly guardDomains: boolean;
  readonly gates: Readonly<Record<string, GateFunction>>;
  readonly clock: Clock;
  readonly emit: (event: RegistryEvent, where: RegistryEventPlace) => void;
  readonly budget: ByteBudget;
  readonly sizes: BlobSizes;
  readonly uploads: UploadSessions;
  /** Says whether the store answers. */
  readonly alive: () => Promise<boolean>;
  readonly document: () => Uint8Array;
  /** What a streamed answer ends with when it fails. */
  readonly errorFrame: (error: unknown, subject: string) => WireError;
}

/** What a request asks for, by its path. */
export interface Target {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly search: string;
  readonly workspace: string | undefined;
}

const anyone: Identity = { actor: 'anonymous' };
const operationPattern = /^[\x21-\x2b\x2d-\x7e]{1,200}$/;

/** One request on its way to its answer: what it asks for, checked, and what it may. */
export class Call {
  readonly service: Service;
  readonly request: IncomingRequest;
  readonly body: RequestBody;
  readonly workspace: string | undefined;
  /** What the log calls the request. */
  readonly subject: string;
  readonly #target: Target;
  #storage: StorageAdapter | undefined;
  #query: Readonly<Record<string, string | undefined>> | undefined;
  #identity: Identity | undefined;

  constructor(service: Service, request: IncomingRequest, target: Target) {
    this.service = service;
    this.request = request;
    this.workspace = target.workspace;
    this.subject = `${request.method} ${target.route.path}`;
    this.body = new RequestBody(request, { clock: service.clock, timeoutMs: service.limits.bodyTimeoutMs, budget: service.budget });
    this.#target = target;
  }

  /** The store, or the workspace of it, that the request works with. */
  get storage(): StorageAdapter {
    this.#storage ??= this.workspace === undefined ? this.service.storage : workspaceStorage(this.service.storage, this.workspace);
    return this.#storage;
  }

  /** For everything that is done to the store: it ends when the client leaves. */
  get options(): OperationOptions {
    return { signal: this.request.signal };
  }

  /** Refuses a query that says what the route does not know, whether it is looked at or not. */
  checkQuery(): void {
    if (this.#target.search !== '') this.#query = this.#parseQuery();
  }

  /** The query, checked by the schema of the route. */
  get query(): Readonly<Record<string, string | undefined>> {
    this.#query ??= this.#parseQuery();
    return this.#query;
  }

  param(name: string): string {
    const value = this.#target.params[name] ?? '';
    // Nothing that a path can name needs an escape; two spellings of one thing are for getting past a proxy.
    if (value.includes('%')) throw new Refusal(400, 'validation', `The path has an escape in its ${name}; none is needed there.`);
    return value;
  }

  key(): Key {
    return this.checkKey(this.param('key'));
  }

  digest(): Digest {
    return assertDigest((this.#target.params['digest'] ?? '').replace(/%3a/i, ':'));
  }

  checkKey(text: string): Key {
    const { keyLength } = this.service.limits;
    if (text.length > keyLength) throw new Refusal(400, 'validation', `A key has at most ${keyLength} characters; this one has ${text.length}.`);
    return assertKey(text);
  }

  /** The prefix that a list is about. */
  prefix(): string {
    return assertPrefix(this.query['prefix'] ?? '');
  }

  /** How many lines a list gives: what was asked for, or less. */
  pageLimit(): number {
    const { page } = this.service.limits;
    const asked = this.query['limit'];
    return asked === undefined ? Math.min(1_000, page) : Math.min(Number(asked), page);
  }

  /** The name that the client gave to its write. */
  operationId(): string | undefined {
    const id = this.request.header(headerNames.operationId);
    if (id !== undefined && !operationPattern.test(id)) {
      throw new Refusal(400, 'validation', `${headerNames.operationId} must be one name of at most 200 visible characters without commas.`);
    }
    return id;
  }

  /** Asks whether the request may do something, and says who makes it. Everything that is touched goes through here first. */
  async permit(action: Access['action'], kind: Access['kind'], key: string, method?: string): Promise<Identity> {
    const { authorize, guardDomains } = this.service;
    let identity = anyone;
    const access: Access = { action, kind, key, workspace: this.workspace, method };
    if (authorize !== 'public') {
      const answer = authorize(this.request.toRequest(), access);
      identity = assertIdentity(answer instanceof Promise ? await answer : answer, access);
    }
    assertReachable(access, guardDomains);
    this.#identity = identity;
    return identity;
  }

  /** Asks for many things at once, each of them once. */
  async permitAll(action: Access['action'], kind: Access['kind'], keys: Iterable<string>): Promise<void> {
    for (const key of new Set(keys)) await this.permit(action, kind, key);
  }

  /** Who makes the request, for the history of what it changes; `undefined` where everyone may do everything and nobody is known. */
  get actor(): string | undefined {
    return this.service.authorize === 'public' ? undefined : this.#identity?.actor;
  }

  /** The body of an answer that is made as it is taken. */
  stream(source: AsyncIterator<Uint8Array>): StreamedBody {
    return new StreamedBody(source, this.service.clock, this.service.limits.bodyTimeoutMs);
  }

  #parseQuery(): Record<string, string> {
    const query: Record<string, string> = {};
    if (this.#target.search !== '') {
      for (const [name, value] of new URLSearchParams(this.#target.search)) {
        if (Object.hasOwn(query, name)) throw new Refusal(400, 'validation', 'The query says the same thing twice.');
        Object.defineProperty(query, name, { value, enumerable: true });
      }
    }
    const schema = this.#target.route.query;
    if (schema !== undefined) return check(schema, query, 'query') as Record<string, string>;
    if (this.#target.search !== '') throw new Refusal(400, 'validation', 'Nothing is to be said in the query here.');
    return query;
  }
}

/** Anything but a clear yes is a no. */
export function assertIdentity(verdict: unknown, { action, kind, key }: Access): Identity {
  if (verdict === null) throw new Refusal(401, 'unauthorized', 'Nobody can tell who asks: sign in, or send a valid token.');
  if (verdict === 'forbidden') throw new Refusal(403, 'forbidden', `You may not ${action} ${kind === 'store' ? 'the store' : `the ${kind} ${key}`.trim()}.`, { details: { action, kind, key } });
  const actor = typeof verdict === 'object' ? (verdict as { actor?: unknown }).actor : undefined;
  if (typeof actor === 'string' && actor !== '') return verdict as Identity;
  throw new TypeError("authorize must return { actor } with a text that is not empty, null or 'forbidden'.");
}
