import { utf8 } from '../core/bytes.ts';
import { StreamedBody } from './streamed-body.ts';

/** An answer before it becomes a `Response`, or is written to a socket without becoming one. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** A text has ASCII characters only. */
  readonly body: Uint8Array | string | StreamedBody | undefined;
}

/** Media type of every answer that is JSON. */
export const jsonType = 'application/json';

/** An answer of bytes that are there already. */
export function bytesAnswer(status: number, type: string, body: Uint8Array | string, headers?: Readonly<Record<string, string>>): Answer {
  return {
    status,
    headers: { 'content-type': type, 'content-length': String(body.length), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers },
    body,
  };
}

/** An answer of JSON. */
export function jsonAnswer(value: unknown, { status = 200, headers }: { status?: number; headers?: Readonly<Record<string, string>> | undefined } = {}): Answer {
  return jsonTextAnswer(JSON.stringify(value), { status, headers });
}

/** An answer of a text that is JSON already. */
export function jsonTextAnswer(text: string, { status = 200, headers }: { status?: number; headers?: Readonly<Record<string, string>> | undefined } = {}): Answer {
  // Node sends a short text in one piece with the headers.
  return bytesAnswer(status, jsonType, text.length < 4096 && isAscii(text) ? text : utf8(text), headers);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false;
  return true;
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
  const content = body instanceof StreamedBody ? body.toReadableStream() : body;
  return new Response(content as ConstructorParameters<typeof Response>[0], { status, headers });
}
