import type { Digest } from '../core/digest.ts';
import { IntegrityError, isModelkeepError } from '../core/errors.ts';
import { etagOf, maxPartBytes } from '../storage/http-protocol.ts';
import { emptyAnswer, jsonAnswer, streamAnswer, type Answer } from './answer.ts';
import type { Call } from './call.ts';
import { isKnown, matchCondition, rangeOf } from './conditions.ts';
import { Refusal } from './refusal.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';
import { endIterator, type StreamedBody } from './streamed-body.ts';

const bytesType = 'application/octet-stream';

export const blobRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/blobs',
    id: 'listBlobs',
    summary: 'One page of the digests of blobs, ascending by bytes.',
    query: schemas.blobListQuery,
    answers: { 200: { description: 'The page.', schema: schemas.listPage } },
    async handle(call) {
      const { after } = call.query;
      await call.permit('list', 'blob', '');
      return jsonAnswer(await call.storage.list({ kind: 'blob', after, limit: call.pageLimit() }, call.options));
    },
  },
  {
    method: 'GET',
    path: '/blobs/{digest}',
    id: 'readBlob',
    summary: 'The bytes of a blob, or one part of them.',
    headers: { range: 'The part, such as bytes=0-1023.', 'if-range': 'The entity tag for which the range was meant.', 'if-none-match': 'Entity tags that the client has already.' },
    answers: {
      200: { description: 'The blob. Its bytes are compared with the digest on the way; when they differ, the answer is cut off before its end.', type: bytesType, headers: { etag: 'The digest.' } },
      206: { description: 'The part.', type: bytesType, headers: { 'content-range': 'Which bytes of how many.' } },
      304: { description: 'The client has it already.' },
      404: { description: 'There is none.', schema: schemas.wireError },
      416: { description: 'The blob has no such part.', schema: schemas.wireError, headers: { 'content-range': 'How many bytes there are.' } },
    },
    handle: readBlob,
  },
  {
    method: 'PUT',
    path: '/blobs/{digest}',
    id: 'writeBlob',
    summary: `Stores a blob in one request. Clients that cannot stream a body send what is larger than ${maxPartBytes} bytes as an upload.`,
    body: { description: 'The bytes; others than those of the digest are refused.', type: bytesType },
    answers: { 200: { description: 'Stored.', schema: schemas.blobRef }, 422: { description: 'The bytes are not those of the digest; nothing was kept.', schema: schemas.wireError } },
    async handle(call) {
      const digest = call.digest();
      await call.permit('write', 'blob', digest);
      const source = call.body.chunks(call.service.limits.blobBytes, 'The blob');
      const ref = await refusingOthers(() => call.storage.writeBlob(source, { digest, ...call.options }), call, digest);
      call.service.sizes.remember(call.workspace, ref.digest, ref.size);
      return jsonAnswer(ref);
    },
  },
  {
    method: 'DELETE',
    path: '/blobs/{digest}',
    id: 'deleteBlob',
    summary: 'Deletes a blob; harmless when there is none.',
    headers: { 'if-match': 'Deletes it only while it is at this version, as the list gives it, written as an entity tag.' },
    answers: { 200: { description: 'Deleted.', schema: schemas.writeDone }, 412: { description: 'It was written anew meanwhile, and stays.', schema: schemas.wireError } },
    async handle(call) {
      const digest = call.digest();
      await call.permit('delete', 'blob', digest);
      const match = matchCondition(call.request)?.match;
      try {
        await call.storage.deleteBlob(digest, { match, ...call.options });
      } catch (error) {
        if (isModelkeepError(error, 'conflict')) throw new Refusal(412, 'conflict', error.message, { details: { key: digest } });
        throw error;
      }
      return jsonAnswer({ ok: true });
    },
  },
];

/** Bytes that are not those of the digest are the client's fault here, and not damage. */
export async function refusingOthers<T>(write: () => Promise<T>, call: Call, digest: Digest): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    // An adapter may have wrapped what the body failed with.
    if (call.body.failure !== undefined) throw call.body.failure;
    if (!isModelkeepError(cause, 'integrity')) throw cause;
    const found = cause.details['found'];
    throw new Refusal(422, 'integrity', `The bytes are not those of ${digest}; nothing was kept.`, { cause, details: { key: digest, ...(typeof found === 'string' && { found }) } });
  }
}

async function readBlob(call: Call): Promise<Answer> {
  const digest = call.digest();
  await call.permit('read', 'blob', digest);
  const { storage, request, options } = call;
  const size = await call.service.sizes.of(call.workspace, storage, digest, options);
  const range = size === undefined ? undefined : rangeOf(request, size, digest);
  const known = isKnown(request, digest);
  // Nobody would end a reading that nobody begins.
  const nothing = range === 'none' || known || request.method === 'HEAD';
  const blob = size === undefined ? undefined : await storage.readBlob(digest, { range: nothing ? { start: 0, end: 0 } : range, ...options });
  if (size === undefined || blob === undefined) throw new Refusal(404, 'not-found', `There is no blob ${digest}.`, { details: { key: digest } });
  if (range === 'none') {
    throw new Refusal(416, 'validation', `The blob ${digest} has ${size} bytes, and no such part.`, { headers: { 'content-range': `bytes */${size}` }, details: { size } });
  }
  const headers: Record<string, string> = { etag: etagOf(digest), 'cache-control': 'private, max-age=31536000, immutable', 'accept-ranges': 'bytes' };
  if (known) return emptyAnswer(304, headers);
  const length = range ? range.end - range.start : size;
  headers['content-length'] = String(length);
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${size}`;
  const body = request.method === 'HEAD' ? undefined : await wholeOrCut(call, blob, length);
  return streamAnswer(range ? 206 : 200, bytesType, body, headers);
}

/**
 * A body of the chunks of a blob, each given out only when the next has come or the end: a blob that turns out to be damaged at its end is never whole in the eyes of the client. Waits
 * for the first, so that what fails at once is answered with a status of its own.
 */
async function wholeOrCut(call: Call, blob: AsyncIterable<Uint8Array>, length: number): Promise<StreamedBody> {
  const chunks = blob[Symbol.asyncIterator]();
  const first = await chunks.next();
  const body = call.stream(heldBack(chunks, first, length));
  body.onEnd(() => endIterator(chunks));
  return body;
}

async function* heldBack(chunks: AsyncIterator<Uint8Array>, first: IteratorResult<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for (let held = first; !held.done; ) {
    const chunk = held.value;
    left -= chunk.length;
    held = await chunks.next();
    // Anything but what was announced would make one answer run into the next.
    if (left < 0 || (held.done && left !== 0)) break;
    yield chunk;
  }
  if (left !== 0) throw new IntegrityError(`The blob has ${length - left} bytes where ${length} were to come.`);
}
