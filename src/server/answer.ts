import { utf8 } from '../core/bytes.ts';
import type { StreamedBody } from './streamed-body.ts';

/** An answer before it becomes a `Response`, or is written to a socket without becoming one. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | StreamedBody | undefined;
}

/** Media type of every answer that is JSON. */
export const jsonType = 'application/json';

/** An answer of bytes that are there already. */
export function bytesAnswer(status: number, type: string, body: Uint8Array, headers?: Readonly<Record<string, string>>): Answer {
  return {
    status,
    headers: { 'content-type': type, 'content-length': String(body.length), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
    body,
  };
}

/** An answer of JSON. */
export function jsonAnswer(value: unknown, { status = 200, headers }: { status?: number; headers?: Readonly<Record<string, string>> | undefined } = {}): Answer {
  return bytesAnswer(status, jsonType, utf8(JSON.stringify(value)), headers);
}

/** An answer that has no body and says so by its status: 204, 304. */
export function emptyAnswer(status: 204 | 304, headers?: Readonly<Record<string, string>>): Answer {
  return { status, headers: { ...headers }, body: undefined };
}

/** An answer whose body comes piece by piece. */
export function streamAnswer(status: number, type: string, body: StreamedBody | undefined, headers?: Readonly<Record<string, string>>): Answer {
  return { status, headers: { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }, body };
}

/** The `Response` of an answer. */
export function toResponse({ status, headers, body }: Answer): Response {
  const content = body === undefined || body instanceof Uint8Array ? body : body.toReadableStream();
  return new Response(content as ConstructorParameters<typeof Response>[0], { status, headers });
}
