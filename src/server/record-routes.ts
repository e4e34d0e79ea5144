import { assertDigest, type Digest } from '../core/digest.ts';
import type { WriteResult } from '../storage/contract.ts';
import { etagOf, headerNames, maxBlobsHeader } from '../storage/http-protocol.ts';
import { bytesAnswer, emptyAnswer, jsonAnswer, type Answer } from './answer.ts';
import type { Call } from './call.ts';
import { isKnown, matchCondition, writeCondition } from './conditions.ts';
import { Refusal } from './refusal.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';

const bytesType = 'application/octet-stream';
const version = 'The version of the record, for conditions.';
const conflict = { description: 'The condition does not hold; nothing was written. The ETag is that of what is there instead.', schema: schemas.wireError, headers: { etag: version } };

export const recordRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/records',
    id: 'listRecords',
    summary: 'One page of the keys of records, ascending by bytes.',
    query: schemas.listQuery,
    answers: { 200: { description: 'The page.', schema: schemas.listPage } },
    async handle(call) {
      const prefix = call.prefix();
      await call.permit('list', 'record', prefix);
      return jsonAnswer(await call.storage.list({ kind: 'record', prefix, after: call.query['after'], limit: call.pageLimit() }, call.options));
    },
  },
  {
    method: 'GET',
    path: '/records/{key}',
    id: 'readRecord',
    summary: 'The bytes of a record.',
    headers: { 'if-none-match': 'Entity tags that the client has already.' },
    answers: {
      200: { description: 'The record.', type: bytesType, headers: { etag: version, [headerNames.blobs]: 'Digests that the record refers to, separated by commas; * where they are too many for a header, and a batch tells them.' } },
      304: { description: 'The client has it already.' },
      404: { description: 'There is none.', schema: schemas.wireError },
    },
    handle: readRecord,
  },
  {
    method: 'PUT',
    path: '/records/{key}',
    id: 'writeRecord',
    summary: 'Writes a record.',
    headers: {
      'if-match': 'The entity tag that the record must have.',
      'if-none-match': '* where there must be no record.',
      [headerNames.operationId]: 'Names the write: repeated, it is recognised and gives its first result.',
      [headerNames.blobs]: 'Digests that the record refers to, separated by commas.',
    },
    body: { description: 'The bytes of the record.', type: bytesType },
    answers: { 200: { description: 'Written.', schema: schemas.writeDone, headers: { etag: version } }, 412: conflict },
    async handle(call) {
      const key = call.key();
      await call.permit('write', 'record', key);
      const [condition, operationId, blobs] = [writeCondition(call.request), call.operationId(), blobsOf(call)];
      const bytes = await call.body.bytes(call.service.limits.recordBytes, 'The record');
      return written(key, await call.storage.write([{ kind: 'put', key, bytes, blobs, condition, operationId }]));
    },
  },
  {
    method: 'DELETE',
    path: '/records/{key}',
    id: 'deleteRecord',
    summary: 'Deletes a record; harmless when there is none, unless a version was asked for.',
    headers: { 'if-match': 'The entity tag that the record must have.', [headerNames.operationId]: 'Names the delete: repeated, it is recognised.' },
    answers: { 200: { description: 'Deleted.', schema: schemas.writeDone }, 412: conflict },
    async handle(call) {
      const key = call.key();
      await call.permit('delete', 'record', key);
      if (call.request.header('if-none-match') !== undefined) throw new Refusal(400, 'validation', 'A delete takes no If-None-Match.');
      return written(key, await call.storage.write([{ kind: 'delete', key, condition: matchCondition(call.request), operationId: call.operationId() }]));
    },
  },
];

async function readRecord(call: Call): Promise<Answer> {
  const key = call.key();
  await call.permit('read', 'record', key);
  // One record is read and written to the end, whoever leaves: that is over sooner than it could be stopped.
  const [record] = await call.storage.read([key]);
  if (record === undefined) throw new Refusal(404, 'not-found', `There is no record ${key}.`, { details: { key } });
  const headers: Record<string, string> = { etag: etagOf(record.version), 'cache-control': 'private, no-cache' };
  const blobs = record.blobs.join(',');
  if (blobs !== '') headers[headerNames.blobs] = blobs.length > maxBlobsHeader ? '*' : blobs;
  return isKnown(call.request, record.version) ? emptyAnswer(304, headers) : bytesAnswer(200, bytesType, record.bytes, headers);
}

function written(key: string, [result]: readonly WriteResult[]): Answer {
  const headers = result?.version === undefined ? undefined : { etag: etagOf(result.version) };
  if (result?.ok) return jsonAnswer({ ok: true, version: result.version }, { headers });
  throw new Refusal(412, 'conflict', `The record ${key} is not what the condition asks for; nothing was written.`, { headers, details: { key } });
}

function blobsOf(call: Call): Digest[] | undefined {
  const text = call.request.header(headerNames.blobs);
  return text === undefined || text.trim() === '' ? undefined : text.split(',').map((digest) => assertDigest(digest.trim()));
}
