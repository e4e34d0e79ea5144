import type { Key } from '../../core/key.ts';
import type { WriteResult } from '../contract.ts';
import { OperationMemory } from '../operation-memory.ts';
import { decodeOperation, decodeRecordVersion, decodeWriteMeta, frameKinds, versionText, type FrameHeader, type VersionId } from './record-frame.ts';
import { SortedKeys } from './sorted-keys.ts';

/** Where the present value of a key lies, and its version. */
export interface Slot extends VersionId {
  /** Where its frame begins in the present file. */
  readonly position: number;
  /** Bytes of its frame. */
  readonly size: number;
  readonly valueLength: number;
  /** Whether its value was found damaged while the rest of its frame was whole. */
  readonly damaged: boolean;
}

/** How a write is applied. */
export interface HowToApply {
  /** Whether the result is asked for. */
  readonly wanted: boolean;
  /** Whether the value is known to be damaged. */
  readonly damaged: boolean;
  /** Whether a condition cannot be judged because what it names was damaged; it then held. */
  readonly excused: (key: Key, version: VersionId) => boolean;
}

/**
 * What the frames of a record file come to when they are applied in order: the same for everyone who reads the same bytes. Of two writes with the same
 * condition the first wins, and a repeated operation id gives the first result again.
 */
export class RecordState {
  readonly slots: Map<Key, Slot> = new Map();
  readonly keys: SortedKeys = new SortedKeys();
  readonly operations: OperationMemory<WriteResult> = new OperationMemory();
  /** Bytes of the frames that are still of use. */
  liveBytes = 0;

  /** Applies a put or delete, and gives its result when that is wanted or remembered. */
  applyWrite(header: FrameHeader, meta: Buffer, key: Key, at: VersionId, how: HowToApply): WriteResult | undefined {
    const { condition, operationId } = decodeWriteMeta(meta, header.keyLength);
    const earlier = this.operations.get(operationId);
    if (earlier) return earlier;
    const present = this.slots.get(key);
    const holds =
      condition === 'none' ||
      (condition === 'absent' ? present === undefined : (present !== undefined && sameVersion(present, condition)) || how.excused(key, condition));
    if (holds) this.#set(header, key, at, how.damaged);
    if (operationId === undefined && !how.wanted) return undefined;
    const result: WriteResult = holds
      ? { ok: true, version: header.kind === frameKinds.put ? versionText(at) : undefined }
      : { ok: false, reason: 'conflict', version: present && versionText(present) };
    this.operations.remember(operationId, result);
    return result;
  }

  /** Applies a record or named operation that a compaction carried over. */
  applyCarried(header: FrameHeader, meta: Buffer, key: Key, position: number, damaged: boolean): void {
    if (header.kind === frameKinds.operation) {
      const { operationId, result } = decodeOperation(meta);
      this.operations.remember(operationId, result);
    } else {
      this.#place(key, decodeRecordVersion(meta, header.keyLength), position, header, damaged);
    }
  }

  #set(header: FrameHeader, key: Key, at: VersionId, damaged: boolean): void {
    if (header.kind === frameKinds.put) {
      this.#place(key, at, at.offset, header, damaged);
      return;
    }
    const present = this.slots.get(key);
    if (present === undefined) return;
    this.liveBytes -= present.size;
    this.slots.delete(key);
    this.keys.remove(key);
  }

  #place(key: Key, version: VersionId, position: number, { size, valueLength }: FrameHeader, damaged: boolean): void {
    const present = this.slots.get(key);
    if (present === undefined) this.keys.add(key);
    else this.liveBytes -= present.size;
    this.slots.set(key, { generation: version.generation, offset: version.offset, nonce: version.nonce, position, size, valueLength, damaged });
    this.liveBytes += size;
  }
}

/** Whether two versions are the same one. */
export function sameVersion(a: VersionId, b: VersionId): boolean {
  return a.offset === b.offset && a.generation === b.generation && a.nonce === b.nonce;
}
