import { concatBytes } from '../../core/bytes.ts';
import { digestOf } from '../../core/digest.ts';
import { newId } from '../../core/ids.ts';
import type { WriteOperation, WriteResult } from '../contract.ts';
import { encodeFrame } from '../http-frames.ts';
import { framesType, type EndFrame, type WriteFrame } from '../http-protocol.ts';
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

function resultOf({ ok, version }: WriteResult): WriteResult {
  return ok ? { ok, version } : { ok: false, reason: 'conflict', version };
}
