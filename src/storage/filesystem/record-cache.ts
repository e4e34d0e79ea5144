import type { Key } from '../../core/key.ts';
import type { StoredRecord } from '../contract.ts';
import type { VersionId } from './record-frame.ts';
import { sameVersion } from './record-state.ts';

interface Cached {
  readonly version: VersionId;
  readonly record: StoredRecord;
}

/** The small records that were used lately, within a bound of bytes. It keeps two halves and drops the older one whole, which costs nothing per record. */
export class RecordCache {
  readonly #halfBytes: number;
  #young: Map<Key, Cached> = new Map();
  #old: Map<Key, Cached> = new Map();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2;
  }

  /** The record at `key`, if that is its version. */
  get(key: Key, version: VersionId): StoredRecord | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return sameVersion(young.version, version) ? young.record : undefined;
    const old = this.#old.get(key);
    if (old === undefined || !sameVersion(old.version, version)) return undefined;
    this.set(key, version, old.record);
    return old.record;
  }

  set(key: Key, version: VersionId, record: StoredRecord): void {
    // Beside its bytes a record costs some objects.
    const size = record.bytes.length + record.blobs.length * 120 + key.length + 300;
    if (size > this.#halfBytes / 128) return;
    if (this.#youngBytes + size > this.#halfBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, { version: { generation: version.generation, offset: version.offset, nonce: version.nonce }, record });
    this.#youngBytes += size;
  }
}
