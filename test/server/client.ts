import { collectBytes, utf8 } from '../../src/core/bytes.ts';
import { encodeFrame, readFrames, type Frame } from '../../src/storage/http-frames.ts';
import { framesType, type WireError } from '../../src/storage/http-protocol.ts';

/** What a handler is called with, in as few words as will do. */
export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | object;
  readonly signal?: AbortSignal;
}

export interface Client {
  (line: string, ask?: Ask): Promise<Response>;
  json<T = Record<string, unknown>>(line: string, ask?: Ask): Promise<T>;
}

/** Calls a handler by lines such as `PUT records/a`. Bodies that are plain objects go as JSON, lists of frames as frames. */
export function clientOf(handler: (request: Request) => Promise<Response>, base = 'http://store.test/v1/', common: Readonly<Record<string, string>> = {}): Client {
  const call = (line: string, { headers = {}, body, signal }: Ask = {}): Promise<Response> => {
    const [method = '', path = ''] = line.split(/ (.*)/s);
    const json = typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype;
    const init = { method, signal, body: json ? JSON.stringify(body) : (body as BodyInit), duplex: 'half', headers: { ...common, ...(json && { 'content-type': 'application/json' }), ...headers } };
    return handler(new Request(base + path, init as RequestInit));
  };
  return Object.assign(call, {
    async json<T>(line: string, ask?: Ask): Promise<T> {
      const response = await call(line, ask);
      if (!response.ok) throw new Error(`${line}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
  });
}

export const asFrames = { 'content-type': framesType };

/** A body of frames, ended as it should be. */
export function framesOf(...frames: readonly (readonly [header: object, ...parts: (string | Uint8Array)[]])[]): Blob {
  return new Blob([...frames, [{ end: true }] as const].map(([header, ...parts]) => encodeFrame(header, parts.map((part) => (typeof part === 'string' ? utf8(part) : part)))));
}

export async function framesIn(response: Response): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(response.body as unknown as AsyncIterable<Uint8Array>, { maxBodyBytes: 2 ** 31 })) frames.push({ ...frame, body: frame.body.slice() });
  return frames;
}

export async function errorOf(response: Response): Promise<WireError['error'] & { status: number }> {
  return { status: response.status, ...((await response.json()) as WireError).error };
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return collectBytes(response.body as unknown as AsyncIterable<Uint8Array>);
}
