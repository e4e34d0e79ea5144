import type { Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { versionOf } from '../http-protocol.ts';
import { saysAbsent } from './call-failure.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpCall, HttpTransport } from './http-transport.ts';

/** The bytes of a blob from `start` to `end`, or `undefined` when it is not there. Where the connection is cut, the reading goes on at the byte where it was. */
export async function openBlob(transport: HttpTransport, digest: Digest, start: number, end: number, { signal }: OperationOptions): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const callFrom = (at: number): HttpCall => ({ method: 'GET', path: `blobs/${digest}`, headers: { range: rangeText(at, end) }, also: [416], signal });
  try {
    // Of an empty range nothing is read, but whether the blob is there is to be said.
    const first = await transport.open(end > start ? callFrom(start) : { ...callFrom(0), headers: { range: 'bytes=0-0' } });
    // A login page would pass for a part of any blob.
    if (first.status !== 416 && versionOf(first.header('etag') ?? '') !== digest) throw first.foreign().error;
    if (end > start && first.status !== 416) return readOn(transport, first, digest, start, end, callFrom);
    first.end();
    return nothing();
  } catch (error) {
    if (saysAbsent(error, digest)) return undefined;
    throw error;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* readOn(transport: HttpTransport, first: HttpAnswer, digest: Digest, start: number, end: number, callFrom: (at: number) => HttpCall): AsyncGenerator<Uint8Array> {
  let at = start;
  let failures = 0;
  for (let answer = first; ; answer = await openAgain(transport, callFrom(at), digest)) {
    try {
      // Nothing is left of it.
      if (answer.status === 416) return;
      if (versionOf(answer.header('etag') ?? '') !== digest) throw answer.foreign();
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

async function openAgain(transport: HttpTransport, call: HttpCall, digest: Digest): Promise<HttpAnswer> {
  try {
    return await transport.open(call);
  } catch (cause) {
    if (!saysAbsent(cause, digest)) throw cause;
    throw new NotFoundError(`The blob ${digest} was deleted while it was read.`, { key: digest, cause });
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

function rangeText(start: number, end: number): string | undefined {
  return start === 0 && end === Infinity ? undefined : `bytes=${start}-${end === Infinity ? '' : end - 1}`;
}
