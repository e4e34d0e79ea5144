import { toNodeHandler } from 'modelkeep/server';
import { createUiHandler, type UiHandlerOptions } from 'modelkeep/ui';
import type { StorageAdapter } from 'modelkeep';
import { listen, type Listening } from '../server/listening.ts';

/** Pages over a store, on a port of their own. */
export interface UiServer extends AsyncDisposable {
  readonly url: string;
  readonly server: Listening;
  /** What the handler was told that pages do not show. */
  readonly failures: unknown[];
  /** Asks for a page as a browser does, without following where it leads. */
  readonly get: (path: string, headers?: Record<string, string>) => Promise<{ status: number; text: string; headers: Headers }>;
  /** Sends a form as a page of the server does; `headers` takes the place of what a browser says of itself. */
  readonly post: (path: string, form: Record<string, string>, headers?: Record<string, string>) => Promise<{ status: number; text: string; headers: Headers }>;
  /** What the forms of a page send along. */
  readonly token: (path: string) => Promise<string>;
}

export async function serveUi(storage: StorageAdapter, options: UiHandlerOptions = {}): Promise<UiServer> {
  const failures: unknown[] = [];
  const server = await listen(toNodeHandler(createUiHandler(storage, { onError: (error) => failures.push(error), ...options })));
  const answer = async (response: Response): Promise<{ status: number; text: string; headers: Headers }> => ({ status: response.status, text: await response.text(), headers: response.headers });
  const get: UiServer['get'] = async (path, headers = {}) => answer(await fetch(`${server.url}/${path}`, { headers, redirect: 'manual' }));
  return {
    url: server.url,
    server,
    failures,
    get,
    post: async (path, form, headers = { origin: server.url, 'sec-fetch-site': 'same-origin' }) => answer(await fetch(`${server.url}/${path}`, { method: 'POST', body: new URLSearchParams(form), headers, redirect: 'manual' })),
    token: async (path) => /name="token" value="([0-9a-f]{64})"/.exec((await get(path)).text)?.[1] ?? '',
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
