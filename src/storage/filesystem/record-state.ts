import type { Key } from '../../core/key.ts';
import type { WriteResult } from '../contract.ts';
import { OperationMemory } from '../operation-memory.ts';
import { decodeOperation, decodeRecordVersion, decodeWriteMeta, frameKinds, operationSize, versionText, type FrameHeader, type VersionId } from './record-frame.ts';
import { SlotTable } from './slot-table.ts';

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
  readonly slots: SlotTable = new SlotTable();
  readonly operations: OperationMemory<WriteResult> = new OperationMemory();
  /** Bytes of the frames of present values. */
  liveBytes = 0;
  /** Bytes that the remembered operations take in the next file. */
  operationBytes = 0;

  /** Applies the put or delete whose key begins at `keyAt`, and gives its result when that is wanted or remembered. */
  applyWrite(header: FrameHeader, bytes: Buffer, keyAt: number, at: VersionId, how: HowToApply): WriteResult | undefined {
    const keyEnd = keyAt + header.keyLength;
    const { condition, operationId } = decodeWriteMeta(bytes, keyEnd);
    const earlier = this.operations.get(operationId);
    if (earlier) return earlier;
    const { slots } = this;
    const row = slots.findIn(bytes, keyAt, keyEnd);
    const holds =
      condition === 'none' ||
      (condition === 'absent' ? row < 0 : (row >= 0 && slots.isAt(row, condition)) || how.excused(bytes.toString('latin1', keyAt, keyEnd), condition));
    const asked = operationId !== undefined || how.wanted;
    const refusal: WriteResult | undefined = holds || !asked ? undefined : { ok: false, reason: 'conflict', version: row < 0 ? undefined : versionText(slots.at(row)) };
    if (holds && header.kind === frameKinds.put) this.#place(row, bytes, keyAt, at, at.offset, header, how.damaged);
    else if (holds && row >= 0) this.#remove(row);
    if (!asked) return undefined;
    const result = refusal ?? { ok: true, version: header.kind === frameKinds.put ? versionText(at) : undefined };
    if (operationId !== undefined) this.#remember(operationId, result);
    return result;
  }

  /** Applies a record or named operation that a compaction carried over, whose key begins at `keyAt`. */
  applyCarried(header: FrameHeader, bytes: Buffer, keyAt: number, position: number, damaged: boolean): void {
    if (header.kind === frameKinds.operation) {
      const { operationId, result } = decodeOperation(bytes.subarray(keyAt, keyAt + header.metaLength));
      this.#remember(operationId, result);
      return;
    }
    const keyEnd = keyAt + header.keyLength;
    this.#place(this.slots.findIn(bytes, keyAt, keyEnd), bytes, keyAt, decodeRecordVersion(bytes, keyEnd), position, header, damaged);
  }

  #remember(operationId: string, result: WriteResult): void {
    if (this.operations.get(operationId) === undefined) this.operationBytes += operationSize(operationId);
    const forgotten = this.operations.remember(operationId, result);
    if (forgotten !== undefined) this.operationBytes -= operationSize(forgotten);
  }

  #remove(row: number): void {
    this.liveBytes -= this.slots.frameSize(row);
    this.slots.remove(row);
  }

  #place(present: number, bytes: Buffer, keyAt: number, version: VersionId, position: number, header: FrameHeader, damaged: boolean): void {
    if (present >= 0) this.liveBytes -= this.slots.frameSize(present);
    const row = present >= 0 ? present : this.slots.add(bytes, keyAt, keyAt + header.keyLength);
    this.slots.set(row, version, position, header.size, header.valueLength, damaged);
    this.liveBytes += header.size;
  }
}

/** Whether two versions are the same one. */
export function sameVersion(a: VersionId, b: VersionId): boolean {
  return a.offset === b.offset && a.generation === b.generation && a.nonce === b.nonce;
}
