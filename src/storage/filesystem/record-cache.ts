import type { StoredRecord } from '../contract.ts';

type Records = Map<object, StoredRecord>;

/**
 * The small records that were used lately, keyed by their place in an index, within a bound of bytes. It keeps two halves and drops the older one whole, which costs
 * nothing per record.
 */
export class RecordCache {
  readonly #halfBytes: number;
  #young: Records = new Map();
  #old: Records = new Map();
  #youngBytes = 0;

  constructor(maxBytes: number) {
    this.#halfBytes = maxBytes / 2;
  }

  get(slot: object): StoredRecord | undefined {
    const young = this.#young.get(slot);
    if (young !== undefined) return young;
    const old = this.#old.get(slot);
    if (old !== undefined) this.set(slot, old);
    return old;
  }

  set(slot: object, record: StoredRecord): void {
    // Beside its bytes a record costs some objects.
    const size = record.bytes.length + record.blobs.length * 120 + 200;
    if (size > this.#halfBytes / 128) return;
    if (this.#youngBytes + size > this.#halfBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(slot, record);
    this.#youngBytes += size;
  }
}
