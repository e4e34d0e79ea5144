import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import { check } from '../core/schema.ts';
import type { StoredRecord, Version, WriteOperation } from '../storage/contract.ts';
import { encodeFrame, type Frame } from '../storage/http-frames.ts';
import { framesType, maxHeldVersion, type ReadBatch, type RecordFrame, type WriteFrame } from '../storage/http-protocol.ts';
import { jsonAnswer, streamAnswer, type Answer } from './answer.ts';
import type { Call } from './call.ts';
import { endFrame, isEnd } from './frames.ts';
import { Refusal } from './refusal.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';

// How much of the store is in memory at once, about; records may be of any size below the limit.
const targetBytes = 4 * 1024 * 1024;
const firstSlice = 4;

export const batchRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/batch/read',
    id: 'readRecords',
    summary: 'Many records, in the order of their keys in the request.',
    body: { description: 'The keys, and of each the version that the client has, or null.', type: 'application/json', schema: schemas.readBatch },
    answers: { 200: { description: 'A frame for each key, without a version where there is no record, and without bytes where it says that the client has them; then an end frame, or an error frame.', type: framesType } },
    handle: readRecords,
  },
  {
    method: 'POST',
    path: '/batch/write',
    id: 'writeRecords',
    summary: 'Many writes in order, each with a condition and a result of its own, with one flush for all.',
    body: { description: 'A frame for each write, its body what is put; then an end frame.', type: framesType, schema: schemas.writeFrame },
    answers: { 200: { description: 'What became of each, in order.', schema: schemas.writeResults } },
    handle: writeRecords,
  },
];

async function readRecords(call: Call): Promise<Answer> {
  const { batch, keyLength } = call.service.limits;
  const body = check(schemas.readBatch, await call.body.json(batch * (keyLength + maxHeldVersion + 16) + 1024), 'body');
  const { keys } = body;
  if (keys.length > batch) throw tooMany('reads', batch);
  const held = heldVersions(body);
  keys.forEach((key) => call.checkKey(key));
  await call.permitAll('read', 'record', keys);
  // Read before the answer begins, so that what fails at once is answered with a status of its own.
  const head = keys.slice(0, firstSlice);
  const read = (some: readonly Key[]): Promise<(StoredRecord | undefined)[]> => call.storage.read(some, { ...call.options, holds: (key) => held.get(key) });
  const first = head.length === 0 ? [] : await read(head);
  return streamAnswer(200, framesType, call.stream(recordFrames(call, { keys, held, first, read })));
}

/** The versions that the client has, by key; not of one that it asks for twice and wants to be sent once. */
function heldVersions({ keys, held }: ReadBatch): Map<Key, Version> {
  const versions = new Map<Key, Version>();
  if (held === undefined) return versions;
  if (held.length !== keys.length) throw new Refusal(400, 'validation', `held has ${held.length} entries for ${keys.length} keys; give one for each, null where nothing is held.`, { details: { path: 'held' } });
  for (const [i, key] of keys.entries()) if (typeof held[i] === 'string') versions.set(key, held[i]);
  for (const [i, key] of keys.entries()) if (held[i] !== versions.get(key)) versions.delete(key);
  return versions;
}

/** A batch of reads that has begun. */
interface BegunBatch {
  readonly keys: readonly Key[];
  readonly held: ReadonlyMap<Key, Version>;
  /** Of the first keys. */
  readonly first: readonly (StoredRecord | undefined)[];
  readonly read: (keys: readonly Key[]) => Promise<(StoredRecord | undefined)[]>;
}

function frameOf(key: Key, record: StoredRecord | undefined, held: Version | undefined): Uint8Array {
  if (record === undefined) return encodeFrame({ key } satisfies RecordFrame);
  const { version, blobs, bytes } = record;
  return version === held ? encodeFrame({ key, version, held: true } satisfies RecordFrame) : encodeFrame({ key, version, blobs } satisfies RecordFrame, [bytes]);
}

async function* recordFrames(call: Call, { keys, held, first, read }: BegunBatch): AsyncGenerator<Uint8Array> {
  try {
    let [at, bytes] = [0, 0];
    // However small those before were, the next may all be of the largest size.
    const most = Math.max(firstSlice, Math.floor(call.service.limits.bytesInFlight / call.service.limits.recordBytes));
    for (let records = first; records.length > 0; ) {
      for (const record of records) {
        yield frameOf(keys[at]!, record, held.get(keys[at]!));
        at++;
        bytes += record?.bytes.length ?? 0;
      }
      const fit = Math.max(1, Math.floor(targetBytes / (bytes / at + 64)));
      const slice = keys.slice(at, at + Math.min(fit, most));
      records = slice.length === 0 ? [] : await read(slice);
    }
    yield endFrame();
  } catch (error) {
    yield encodeFrame(call.service.errorFrame(error, call.subject));
  }
}

async function writeRecords(call: Call): Promise<Answer> {
  const { batch, requestBytes, recordBytes } = call.service.limits;
  const operations: WriteOperation[] = [];
  let ended = false;
  for await (const frame of call.body.frames(requestBytes, recordBytes)) {
    if (ended) throw new Refusal(400, 'validation', 'A frame comes behind the end frame.');
    ended = isEnd(frame);
    if (ended) continue;
    if (operations.length === batch) throw tooMany('writes', batch);
    const operation = operationOf(call, frame);
    // Asked at once: who may not write is told so before the rest of the body is read.
    await call.permit(operation.kind === 'put' ? 'write' : 'delete', 'record', operation.key);
    operations.push(operation);
  }
  if (!ended) throw new Refusal(400, 'validation', 'The body has no end frame: it was cut off.');
  const results = operations.length === 0 ? [] : await call.storage.write(operations, call.options);
  return jsonAnswer({ results });
}

function operationOf(call: Call, { header, body }: Frame): WriteOperation {
  const { kind, key, condition, operationId, blobs } = check(schemas.writeFrame, header, 'frame') as WriteFrame;
  call.checkKey(key);
  if (kind === 'put') return { kind, key, bytes: body, condition, operationId, blobs: blobs as readonly Digest[] | undefined };
  if (body.length > 0) throw new Refusal(400, 'validation', 'A frame that deletes has no body.');
  return { kind, key, condition: condition as Exclude<typeof condition, 'absent'>, operationId };
}

function tooMany(what: string, limit: number): Refusal {
  return new Refusal(413, 'validation', `A batch has at most ${limit} ${what}; send the rest in another.`, { details: { limit } });
}
