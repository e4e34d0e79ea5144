import * as z from 'zod/mini';
import { isModelkeepError } from '../core/errors.ts';
import { having } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { LoadedModel } from './loaded-model.ts';
import { parseReference } from './model-name.ts';

/** What is asked for: an address, or a `Request`. */
export type CacheRequest = string | URL | RequestLike;

/** What is used of a `Request`. */
export interface RequestLike {
  /** Its address. */
  readonly url: string;
  /** Its method; nothing but GET is answered. */
  readonly method?: string;
}

/** What is used of a Web `Cache`. */
export interface WebCache {
  /** The answer to a request, or `undefined` when there is none. */
  match(request: string): Promise<Response | undefined>;
  /** Keeps an answer. */
  put(request: string, response: Response): Promise<void>;
}

/** Files of registered versions in the shape of a Web `Cache`. */
export interface ModelCache {
  /**
   * The file that an address points at, or `undefined` when it is none of a registered version. The body is a stream that is checked against the file's digest while it is read: where bytes differ, it
   * ends with an `IntegrityError`. `content-length`, `content-type` and, as `etag`, the digest are told.
   */
  match(request: CacheRequest): Promise<Response | undefined>;
  /** Hands an answer on to the `fallback`; without one nothing is kept, since a version is changed by no cache: files are registered with `registerVersion`. */
  put(request: CacheRequest, response: Response): Promise<void>;
}

/** Which addresses are files of the registry. */
export interface CacheStorageOptions {
  /** Where `<model>/resolve/<revision>/<path>` lies. @default 'https://huggingface.co/' */
  readonly remoteHost?: string | undefined;
  /** What the revision `main`, which is asked for when none is told, stands for: a number, `production`, `staging`, `latest` or an alias. @default 'production' */
  readonly main?: string | undefined;
  /** What answers for, and keeps, everything else, such as `await caches.open('transformers-cache')`. @default nothing */
  readonly fallback?: WebCache | undefined;
}

const optionsSchema = z.strictObject({
  remoteHost: z.optional(z.string().check(z.minLength(1))),
  main: z.optional(z.string().check(z.minLength(1))),
  fallback: z.optional(having<WebCache>('match', 'must be a Cache')),
});
const mediaTypes: Readonly<Record<string, string>> = { json: 'application/json', txt: 'text/plain; charset=utf-8', md: 'text/markdown; charset=utf-8', wasm: 'application/wasm', html: 'text/html; charset=utf-8', js: 'text/javascript' };

/** The files that `load` opens, by address. */
export function modelCache(load: (ref: string) => Promise<LoadedModel>, options: CacheStorageOptions): ModelCache {
  const { remoteHost = 'https://huggingface.co/', main = 'production', fallback } = check(optionsSchema, options, 'options');
  parseReference(`model@${main}`, 'options.main');
  const host = remoteHost.endsWith('/') ? remoteHost : `${remoteHost}/`;
  const pinned = new Map<string, Promise<LoadedModel>>();
  // Two files of one model must not come from two versions, one before and one after a promotion.
  const pin = (ref: string): Promise<LoadedModel> => {
    const present = pinned.get(ref);
    if (present) return present;
    const loading = load(ref);
    pinned.set(ref, loading);
    loading.catch(() => pinned.delete(ref));
    return loading;
  };
  return {
    async match(request) {
      const { url, method = 'GET' } = typeof request === 'string' || request instanceof URL ? { url: String(request) } : request;
      const target = method === 'GET' ? targetOf(url, host, main) : undefined;
      return (target && (await answer(pin, target))) ?? fallback?.match(url);
    },
    async put(request, response) {
      await fallback?.put(typeof request === 'string' || request instanceof URL ? String(request) : request.url, response);
    },
  };
}

interface Target {
  readonly ref: string;
  readonly path: string;
}

function targetOf(url: string, host: string, main: string): Target | undefined {
  const own = /^modelkeep:\/\/([^@]+)@([^/@]+)\/([^?#]+)/.exec(url);
  const remote = own === null && url.startsWith(host) ? /^(.+?)\/resolve\/([^/]+)\/([^?#]+)/.exec(url.slice(host.length)) : null;
  const [, name, revision, path] = own ?? remote ?? [];
  if (name === undefined || revision === undefined || path === undefined) return undefined;
  try {
    const selector = decodeURIComponent(revision);
    const ref = `${decodeURIComponent(name)}@${remote && selector === 'main' ? main : selector}`;
    parseReference(ref);
    return { ref, path: decodeURIComponent(path) };
  } catch {
    // A branch such as `refs/pr/1`, or a '%' that encodes nothing: no version has such a name.
    return undefined;
  }
}

async function answer(pin: (ref: string) => Promise<LoadedModel>, { ref, path }: Target): Promise<Response | undefined> {
  const loaded = await pin(ref).catch((error: unknown) => {
    if (isModelkeepError(error, 'not-found')) return undefined;
    throw error;
  });
  const file = loaded?.files().find((each) => each.path === path);
  if (!loaded || !file) return undefined;
  return new Response(bodyOf(loaded, path), {
    headers: {
      'content-length': String(file.size),
      'content-type': mediaTypes[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream',
      etag: `"${file.digest}"`,
    },
  });
}

function bodyOf(loaded: LoadedModel, path: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const abort = new AbortController();
  const chunks = loaded.stream(path, { signal: abort.signal });
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
      },
      async cancel(reason) {
        abort.abort(reason);
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
