import type { Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpCall, HttpTransport } from './http-transport.ts';

/** The bytes of a blob from `start` to `end`, or `undefined` when it is not there. Where the connection is cut, the reading goes on at the byte where it was. */
export async function openBlob(transport: HttpTransport, digest: Digest, start: number, end: number, { signal }: OperationOptions): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const callFrom = (at: number): HttpCall => ({ method: 'GET', path: `blobs/${digest}`, headers: { range: at === 0 && end === Infinity ? undefined : rangeText(at, end) }, also: [404, 416], signal });
  if (end <= start) {
    const there = await transport.call({ method: 'HEAD', path: `blobs/${digest}`, also: [404], signal }, async ({ status }) => status !== 404);
    return there ? nothing() : undefined;
  }
  const first = await transport.open(callFrom(start));
  if (first.status === 404) {
    first.end();
    return undefined;
  }
  return readOn(transport, first, digest, start, end, callFrom);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* readOn(transport: HttpTransport, first: HttpAnswer, digest: Digest, start: number, end: number, callFrom: (at: number) => HttpCall): AsyncGenerator<Uint8Array> {
  let at = start;
  let failures = 0;
  for (let answer = first; ; answer = await transport.open(callFrom(at))) {
    try {
      if (answer.status === 404) throw new NotFoundError(`The blob ${digest} was deleted while it was read.`, { key: digest });
      // Nothing is left of it, or nothing was there to begin with.
      if (answer.status === 416) return;
      for await (const chunk of chunksFrom(answer, at, end)) {
        at += chunk.length;
        failures = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      await transport.pause(error, ++failures, callFrom(at));
    } finally {
      answer.end();
    }
  }
}

/** The bytes of an answer from `at` on: one that pays no heed to the range begins at the first. */
async function* chunksFrom(answer: HttpAnswer, at: number, end: number): AsyncGenerator<Uint8Array> {
  const whole = answer.status !== 206;
  let skip = whole ? at : 0;
  let left = end - at;
  for await (const chunk of answer.chunks()) {
    const part = chunk.subarray(Math.min(skip, chunk.length), Math.min(chunk.length, skip + left));
    skip -= Math.min(skip, chunk.length);
    left -= part.length;
    if (part.length > 0) yield part;
    if (left === 0) return;
  }
}

function rangeText(start: number, end: number): string {
  return `bytes=${start}-${end === Infinity ? '' : end - 1}`;
}
