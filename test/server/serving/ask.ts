import { createServingHandler, type ServingHandlerOptions } from 'modelkeep/server';
import { parseTolerant } from '../../../src/core/lossless-json.ts';
import type { ServedDeployment } from '../../../src/server/serving/served-deployment.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, where it is. */
  readonly body: unknown;
}

export type Ask = (line: string, body?: object | string | Uint8Array, headers?: Readonly<Record<string, string>>) => Promise<Answered>;

/** Asks a handler by lines such as `POST /v1/models/half:predict`. */
export function askOf(deployments: readonly ServedDeployment[], options: Partial<ServingHandlerOptions> = {}): Ask {
  const handler = createServingHandler(deployments, { authorize: 'public', ...options });
  return async (line, body, headers = {}) => {
    const [method = '', path = ''] = line.split(/ (.*)/s);
    const isText = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const isJson = body !== undefined && !(body instanceof Uint8Array);
    const init = { method, headers: { ...(isJson && { 'content-type': 'application/json' }), ...headers }, body: isText ? body : JSON.stringify(body) };
    const response = await handler(new Request(`http://models.test${path}`, init as RequestInit));
    const text = await response.clone().text();
    return { status: response.status, headers: response.headers, text, body: response.headers.get('content-type') === 'application/json' && text !== '' ? parsed(text) : new Uint8Array(await response.arrayBuffer()) };
  };
}

function parsed(text: string): unknown {
  try {
    return parseTolerant(text);
  } catch {
    return undefined;
  }
}
