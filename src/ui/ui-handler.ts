import { toBase64, toHex } from '../core/bytes.ts';
import { isModelkeepError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { digestOf } from '../core/digest.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { UiCall, UiPage, UiStore } from './call.ts';
import { errorPage, placesOf } from './error-page.ts';
import { exportedPage, type ExportedPage } from './export-page.ts';
import { Links } from './links.ts';
import { LiveStreams } from './live/live-streams.ts';
import { formatsFor, type Formats } from './page/formats.ts';
import { layout } from './page/layout.ts';
import { attachment } from './attachment.ts';
import { Query } from './query.ts';
import { Refusal } from './refusal.ts';
import { assertHost, assertOwnOrigin, readForm, sameSecret } from './request-checks.ts';
import { uiRoutes, type UiRoute } from './routes.ts';
import { checkUiOptions, type CheckedUiOptions, type UiAccess, type UiHandlerOptions } from './ui-options.ts';
import { uiStore } from './ui-store.ts';

/** What an address has that asks for its page as a file. */
const exportWord = 'export';

/** Answers a request for a page; never rejects. */
export type UiHandler = (request: Request) => Promise<Response>;

/**
 * Pages over a store: runs, their comparison, curves and artifacts, models with their versions, features, pipelines, monitors, rollouts and A/B tests. One function from a web-standard `Request` to a `Response`, which `npx modelkeep ui` serves
 * on one's own machine, and which can be mounted in a tool of one's own.
 *
 * It changes nothing, unless `write` lets versions be promoted and rolled back. It answers requests that were sent to the host's own name only, sends no script but its own, keeps what is stored (names and artifacts among it) from running,
 * and shows of a failure an id by which the log has the rest. Pages work without script; with it they are brought up to date while they are open, and curves are loaded when they come into view.
 *
 * Throws `ValidationError` for options that are not what they must be.
 *
 * @param storage - The store; it stays the caller's to close.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { createUiHandler } from 'modelkeep/ui';
 *
 * const storage = new MemoryStorage();
 * await new Tracker({ storage }).withRun({ experiment: 'flight-delay', name: 'baseline' }, (run) => run.logMetrics({ auc: 0.83 }));
 *
 * const handler = createUiHandler(storage, {
 *   basePath: '/mlops',
 *   hosts: ['tools.example.test'],
 *   authorize: (request) => (request.headers.get('authorization') === 'Bearer s3cret' ? { actor: 'ada' } : null),
 * });
 * const request = new Request('https://tools.example.test/mlops/runs', { headers: { authorization: 'Bearer s3cret' } });
 * const response = await handler(request);
 * console.log(response.status, (await response.text()).includes('baseline')); // 200 true
 * ```
 */
export function createUiHandler(storage: StorageAdapter, options: UiHandlerOptions = {}): UiHandler {
  const server = new UiServer(check(storageOption, storage, 'storage'), checkUiOptions(options));
  return (request) => server.answer(request);
}

class UiServer {
  readonly #options: CheckedUiOptions;
  readonly #store: UiStore;
  readonly #links: Links;
  readonly #formats: Formats;
  readonly #secrets: readonly string[];
  readonly #streams: LiveStreams;
  /** Of this handler; what a form must send is made of it and of who is to send it. */
  readonly #secret: string = toHex(crypto.getRandomValues(new Uint8Array(32)));

  constructor(storage: StorageAdapter, options: CheckedUiOptions) {
    const { basePath, timeZone, limits } = options;
    this.#options = options;
    this.#store = uiStore(storage, options);
    this.#links = new Links(basePath);
    this.#formats = formatsFor(timeZone);
    this.#secrets = placesOf(storage.name);
    this.#streams = new LiveStreams(this.#store, limits.liveStreams);
  }

  async answer(request: Request): Promise<Response> {
    try {
      const response = await this.#route(request);
      return request.method === 'HEAD' ? withoutBody(response) : response;
    } catch (error) {
      // Who left is told nothing, and that reading ended then is no failure.
      if (request.signal.aborted && isModelkeepError(error, 'aborted')) return new Response(null, { status: 503, headers: safeHeaders("default-src 'none'") });
      const { status, headers, page } = errorPage(error, this.#options, this.#secrets);
      const response = this.#document(page, { status, headers });
      return request.method === 'HEAD' ? withoutBody(response) : response;
    }
  }

  async #route(request: Request): Promise<Response> {
    const { hosts, limits, basePath } = this.#options;
    assertHost(request, hosts);
    if (request.url.length > limits.urlLength) throw new Refusal(414, `The address is too long: at most ${limits.urlLength} characters are taken.`);
    const url = new URL(request.url);
    if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) throw notFound();
    const name = url.pathname.slice(basePath.length + 1);
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (name === '' && reads) return this.#redirect(this.#links.to('runs'));
    const route = Object.hasOwn(uiRoutes, name) ? uiRoutes[name] : undefined;
    if (route === undefined) throw notFound();
    if (route.kind === 'change' ? request.method !== 'POST' : !reads) {
      throw new Refusal(405, `${request.method} is not for this page.`, { headers: { allow: route.kind === 'change' ? 'POST' : 'GET, HEAD' } });
    }
    return this.#serve(request, route, url);
  }

  async #serve(request: Request, route: UiRoute, url: URL): Promise<Response> {
    if (route.kind === 'change') return this.#change(request, route);
    const actor = await this.#assertLeave(request, { action: 'read' });
    const call = this.#call(request, new Query(url.searchParams), actor);
    switch (route.kind) {
      case 'page':
        if (call.query.text(exportWord) !== undefined) return this.#file(await exportedPage(route.page, call));
        return this.#document(await route.page(call), { current: route.part, exportHref: this.#exportHref(url) });
      case 'fragment':
        return new Response((await route.fragment(call)).toString(), { headers: { ...safeHeaders("default-src 'none'; sandbox"), 'content-type': 'text/html; charset=utf-8' } });
      case 'file':
        return route.file(call, (type, headers) => ({ ...safeHeaders("default-src 'none'; sandbox"), 'content-type': type, ...headers }));
      case 'live':
        return this.#streams.open(call.query, { signal: request.signal, headers: { ...safeHeaders("default-src 'none'"), 'content-type': 'text/event-stream; charset=utf-8' } });
    }
  }

  async #change(request: Request, route: Extract<UiRoute, { kind: 'change' }>): Promise<Response> {
    if (!this.#options.write) throw new Refusal(403, 'These pages only show the store.', { advice: 'Start them with --write to promote and roll back.' });
    assertOwnOrigin(request);
    const form = await readForm(request);
    const actor = await this.#assertLeave(request, { action: route.action, model: form.get('model') ?? '' });
    if (!sameSecret(form.get('token') ?? '', this.#tokenOf(actor))) {
      throw new Refusal(403, 'The form is not one of this server, or from before it was started anew.', { advice: 'Go back, load the page anew, and send the form again.' });
    }
    const next = await route.change(this.#call(request, new Query(form), actor), actor);
    return this.#redirect(next);
  }

  #call(request: Request, query: Query, actor: string): UiCall {
    const { write, limits } = this.#options;
    return { store: this.#store, query, links: this.#links, formats: this.#formats, limits, signal: request.signal, ...(write && { writeToken: this.#tokenOf(actor) }) };
  }

  /** Asks whether a request may do something; says who makes it. */
  async #assertLeave(request: Request, access: UiAccess): Promise<string> {
    const { authorize, actor } = this.#options;
    const verdict = authorize === undefined ? { actor } : await authorize(request, access);
    if (verdict === 'forbidden') throw new Refusal(403, access.action === 'read' ? 'You may not look at this.' : `You may not ${access.action} this model.`, { advice: 'Ask whoever runs this server.' });
    if (verdict === null || typeof verdict?.actor !== 'string' || verdict.actor === '') throw new Refusal(401, 'This server wants to know who looks at it.', { advice: 'Sign in first.' });
    return verdict.actor;
  }

  #tokenOf(actor: string): string {
    return digestOf(`${this.#secret} ${actor}`).slice('sha256:'.length);
  }

  #exportHref({ pathname, searchParams }: URL): string {
    const search = new URLSearchParams(searchParams);
    search.set(exportWord, '1');
    return `${pathname}?${search.toString()}`;
  }

  /** A page as a file to be kept. */
  #file({ title, text }: ExportedPage): Response {
    const name = [...title.replace(/[^\p{L}\p{N}._@-]+/gu, '-')].slice(0, 80).join('');
    return new Response(text, { headers: { ...safeHeaders("default-src 'none'; sandbox"), 'content-type': 'text/html; charset=utf-8', 'content-disposition': attachment(`modelkeep-${name}.html`) } });
  }

  #document(page: UiPage, { status = 200, headers = {}, ...around }: { status?: number; headers?: Readonly<Record<string, string>>; current?: string | undefined; exportHref?: string | undefined } = {}): Response {
    const nonce = toBase64(crypto.getRandomValues(new Uint8Array(18)));
    const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
    const text = layout({ page, links: this.#links, nonce, timeZone: this.#options.timeZone, ...around });
    return new Response(text, { status, headers: { ...safeHeaders(policy), 'content-type': 'text/html; charset=utf-8', ...headers } });
  }

  #redirect(location: string): Response {
    return new Response(null, { status: 303, headers: { ...safeHeaders("default-src 'none'"), location } });
  }
}

/** Headers of every answer: nothing of it is kept, guessed at, framed, or read by other pages. */
function safeHeaders(policy: string): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
  };
}

function notFound(): Refusal {
  return new Refusal(404, 'There is no such page.', { advice: 'Begin with one of the links above.' });
}

/** The answer to HEAD: all but the body. */
function withoutBody(response: Response): Response {
  void response.body?.cancel();
  return new Response(null, { status: response.status, headers: response.headers });
}
