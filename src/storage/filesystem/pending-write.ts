import type { WriteOperation, WriteResult } from '../contract.ts';
import { encodeWriteMeta, frameKinds, frameSize, noBytes, parseVersion, versionText, type FrameDraft } from './record-frame.ts';
import { sameVersion } from './record-state.ts';
import type { Slot } from './slot-table.ts';

/** A write on its way into a file of records. */
export interface PendingWrite {
  readonly operation: WriteOperation;
  readonly draft: FrameDraft;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
  attempts: number;
  /** Whether it is in the queue. */
  waiting: boolean;
  counter: number;
  /** Where its frame ended. */
  end: number;
  /** What the replay made of it. */
  result?: WriteResult | undefined;
}

/** The frame that tells of a write. */
export function draftOf(operation: WriteOperation): FrameDraft {
  const { key, condition, operationId } = operation;
  const stored = typeof condition === 'object' ? (parseVersion(condition.match) ?? noVersion) : (condition ?? 'none');
  if (operation.kind === 'delete') return { kind: frameKinds.delete, key, rest: encodeWriteMeta({ condition: stored, operationId, blobs: [] }), value: noBytes };
  const rest = encodeWriteMeta({ condition: stored, operationId, blobs: operation.blobs ?? [] });
  return { kind: frameKinds.put, key, rest, value: operation.bytes };
}

// What no record ever has.
const noVersion = { generation: 0, offset: 0, nonce: 0 };

/** The result of a write that needs no writing, or `undefined`. */
export function decide(kind: WriteOperation['kind'], condition: WriteOperation['condition'], slot: Slot | undefined): WriteResult | undefined {
  const refused: WriteResult = { ok: false, reason: 'conflict', version: slot && versionText(slot) };
  if (condition === 'absent') return slot && refused;
  if (condition === undefined) return kind === 'delete' && slot === undefined ? { ok: true, version: undefined } : undefined;
  const asked = parseVersion(condition.match);
  return slot !== undefined && asked !== undefined && sameVersion(slot, asked) ? undefined : refused;
}

/** Whether a write came to nothing because of an earlier one: it was refused, or repeats a named one. */
export function restsOnAnother(generation: number): (write: PendingWrite) => boolean {
  return ({ operation, draft, end, result }) => {
    if (result === undefined || !result.ok) return true;
    if (operation.operationId === undefined) return false;
    const version = result.version === undefined ? undefined : parseVersion(result.version);
    return version?.generation !== generation || version.offset !== end - frameSize(draft);
  };
}
