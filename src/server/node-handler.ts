import { jsonAnswer, type Answer } from './answer.ts';
import type { IncomingRequest } from './incoming-request.ts';
import { lazyRequests } from './lazy-request.ts';
import type { NodeRequest } from './node-body.ts';
import { NodeIncoming } from './node-incoming.ts';
import { answerDirectly, type DirectHandler } from './storage-handler.ts';
import { StreamedBody } from './streamed-body.ts';

/** What is used of Node's `http.ServerResponse`. */
export interface NodeResponse {
  /** Whether it is too late for another status. */
  readonly headersSent: boolean;
  /** Whether all of the answer was handed to the system. */
  readonly writableFinished: boolean;
  /** Whether the connection is gone. */
  readonly destroyed: boolean;
  /** Sends the status and the headers. */
  writeHead(status: number, headers: Record<string, string | string[]>): unknown;
  /** Sends a piece of the body; false when the client takes no more for now. */
  write(chunk: Uint8Array): boolean;
  /** Ends the answer. */
  end(chunk?: Uint8Array | string): unknown;
  /** Cuts the connection. */
  destroy(error?: Error): unknown;
  /** Listens for one event. */
  once(event: 'close' | 'drain', listener: () => void): unknown;
  /** Listens no longer. */
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/** A listener for `http.createServer`, and a middleware for Express that answers every request. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

/**
 * Serves a web-standard handler with `node:http`, `node:https` or Express. What `createStorageHandler` made is asked without a `Request` and a `Response` being built for each request; any other
 * function from a `Request` to a `Response` works, too.
 *
 * Bodies are streamed both ways at the pace of the slower side. A client that leaves aborts the request's signal. An answer that fails when its headers are sent is cut off, so that nobody
 * takes it for whole.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { MemoryStorage } from 'modelkeep';
 * import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
 *
 * const server = createServer(toNodeHandler(createStorageHandler(new MemoryStorage(), { authorize: 'public' })));
 * await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
 * const { port } = server.address() as { port: number };
 * console.log(await (await fetch(`http://127.0.0.1:${port}/v1/health`)).json());
 * server.close();
 * ```
 */
export function toNodeHandler(handler: (request: Request) => Response | Promise<Response>): NodeHandler {
  const direct = (handler as Partial<DirectHandler>)[answerDirectly];
  const answerOf = direct ?? ((request: IncomingRequest) => answerOfWeb(handler, request as NodeIncoming));
  const makeRequest = lazyRequests();
  return (request, response) => {
    const incoming = new NodeIncoming(request, response, makeRequest);
    // Refused before anything reads one of them and a proxy another.
    const problem = incoming.problem();
    const answering = problem === undefined ? answerOf(incoming) : Promise.resolve(jsonAnswer({ error: { code: 'validation', message: problem } }, { status: 400 }));
    void respond(answering, incoming, response);
  };
}

/** Never rejects: a connection that cannot be answered ends. */
async function respond(answering: Promise<Answer>, request: NodeIncoming, response: NodeResponse): Promise<void> {
  let answer: Answer;
  try {
    answer = await answering;
  } catch {
    answer = failed();
  }
  try {
    const sending = send(answer, request, response);
    if (sending !== undefined) await sending;
  } catch (error) {
    response.destroy(error as Error);
  }
}

function failed(): Answer {
  return jsonAnswer({ error: { code: 'storage', message: 'The server failed to answer.' } }, { status: 500 });
}

async function answerOfWeb(handler: (request: Request) => Response | Promise<Response>, request: NodeIncoming): Promise<Answer> {
  let whole: Request;
  try {
    whole = request.toWholeRequest();
  } catch {
    // Such as the method TRACE, or a host whose port is none.
    return jsonAnswer({ error: { code: 'validation', message: 'The request is none that the Fetch standard knows: its method or its host is refused.' } }, { status: 400 });
  }
  const response = await handler(whole);
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  const reader = response.body?.getReader();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const { done, value } = await reader!.read();
    return done ? { done, value: undefined } : { done, value };
  };
  const leave = async (): Promise<IteratorResult<Uint8Array>> => {
    await reader!.cancel();
    return { done: true, value: undefined };
  };
  return { status: response.status, headers: headers as Record<string, string>, body: reader && request.method !== 'HEAD' ? new StreamedBody({ next, return: leave }) : undefined };
}

function send({ status, headers, body }: Answer, request: NodeIncoming, response: NodeResponse): Promise<void> | undefined {
  if (response.destroyed) {
    if (body instanceof StreamedBody) body.cancel();
    return undefined;
  }
  // What is left of a refused body may never end; the connection does.
  if (status >= 400 && !request.complete && request.httpVersion === 1) headers['connection'] = 'close';
  response.writeHead(status, headers);
  if (body instanceof StreamedBody) return pipe(body, response);
  if (body === undefined) response.end();
  else response.end(body);
  return undefined;
}

async function pipe(body: StreamedBody, response: NodeResponse): Promise<void> {
  body.onCut((error) => response.destroy(error));
  const leave = (): void => body.cancel();
  response.once('close', leave);
  try {
    for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await drained(response);
    }
    response.end();
  } finally {
    response.off('close', leave);
    body.cancel();
  }
}

/** Waits until the client has taken what was written, or has left. */
function drained(response: NodeResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
