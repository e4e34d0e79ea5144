import { concatBytes, utf8 } from '../../core/bytes.ts';
import { digestOf, isDigest } from '../../core/digest.ts';
import { StorageError, isModelkeepError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { StoredRecord, WriteOperation, WriteResult } from '../contract.ts';
import { encodeFrame } from '../http-frames.ts';
import { framesType, headerNames, versionOf, type EndFrame, type RecordFrame, type WriteFrame } from '../http-protocol.ts';
import { CallFailure } from './call-failure.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpTransport } from './http-transport.ts';

/** Ends every body of frames. */
export const endFrame: Uint8Array = /* @__PURE__ */ encodeFrame({ end: true } satisfies EndFrame);

/** An operation id as it travels: one that a header cannot hold, or a server would not take, goes by its hash. */
export function wireId(operationId: string): string {
  return /^[\x21-\x2b\x2d-\x7e]{1,200}$/.test(operationId) ? operationId : digestOf(operationId);
}

/** The writes as frames. Every write has a name, so that it can be sent again whenever its answer is lost. */
export function encodeWrites(operations: readonly WriteOperation[]): Uint8Array<ArrayBuffer>[] {
  const id = newId();
  return operations.map((operation, i) => {
    const { kind, key, condition, operationId } = operation;
    const header: WriteFrame = { kind, key, condition, operationId: operationId === undefined ? `${id}.${i}` : wireId(operationId) };
    if (operation.kind === 'delete') return encodeFrame(header);
    return encodeFrame(operation.blobs?.length ? { ...header, blobs: operation.blobs } : header, [operation.bytes]);
  });
}

/** Sends writes, which are frames already, in one request. */
export async function sendWrites(transport: HttpTransport, frames: readonly Uint8Array[], signal: AbortSignal | undefined): Promise<WriteResult[]> {
  const call = { method: 'POST', path: 'batch/write', headers: { 'content-type': framesType }, body: concatBytes([...frames, endFrame]), signal } as const;
  const { results } = await transport.call(call, (answer) => answer.json<{ results: WriteResult[] }>((body) => Array.isArray(body.results) && body.results.length === frames.length));
  return results.map(resultOf);
}

/** Reads records, in the order of their keys, in one request: a single one by its own address, which costs a third of a batch. */
export async function readRecords(transport: HttpTransport, keys: readonly Key[], signal: AbortSignal | undefined): Promise<(StoredRecord | undefined)[]> {
  if (keys.length !== 1) return readBatch(transport, keys, signal);
  const key = keys[0]!;
  try {
    const record = await transport.call({ method: 'GET', path: `records/${key}`, signal }, recordOf);
    return record === 'too many digests' ? await readBatch(transport, keys, signal) : [record];
  } catch (error) {
    if (saysAbsent(error, key)) return [undefined];
    throw error;
  }
}

/** Whether a server said that there is no such record or blob: a server that has nothing at all at this address says something else. */
export function saysAbsent(error: unknown, key: string): boolean {
  return isModelkeepError(error, 'not-found') && error.details['key'] === key;
}

/** The record of an answer, unless its digests do not fit into a header. */
async function recordOf(answer: HttpAnswer): Promise<StoredRecord | 'too many digests'> {
  const version = versionOf(answer.header('etag') ?? '');
  if (version === undefined) throw answer.foreign();
  const blobs = answer.header(headerNames.blobs);
  if (blobs === '*') return 'too many digests';
  return { bytes: await answer.bytes(), version, blobs: blobs === null ? [] : blobs.split(',').filter(isDigest) };
}

function readBatch(transport: HttpTransport, keys: readonly Key[], signal: AbortSignal | undefined): Promise<(StoredRecord | undefined)[]> {
  const call = { method: 'POST', path: 'batch/read', headers: { 'content-type': 'application/json' }, body: utf8(JSON.stringify({ keys })), signal } as const;
  return transport.call(call, (answer) => recordsOf(answer, keys));
}

async function recordsOf(answer: HttpAnswer, keys: readonly Key[]): Promise<(StoredRecord | undefined)[]> {
  const records: (StoredRecord | undefined)[] = [];
  for await (const { header, body } of answer.frames()) {
    const { key, version, blobs = [] } = header as RecordFrame;
    if (key !== keys[records.length]) throw otherThanAsked(answer);
    // A frame is a view of the answer, in which other records lie too.
    records.push(version === undefined ? undefined : { bytes: new Uint8Array(body), version, blobs: blobs.filter(isDigest) });
  }
  if (records.length !== keys.length) throw otherThanAsked(answer);
  return records;
}

function resultOf({ ok, version }: WriteResult): WriteResult {
  return ok ? { ok, version } : { ok: false, reason: 'conflict', version };
}

function otherThanAsked({ place }: HttpAnswer): CallFailure {
  return new CallFailure(new StorageError('unavailable', `${place} was answered with other records than were asked for: check the base URL and what stands before the server.`), { passing: false });
}
