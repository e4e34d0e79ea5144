import type { StoredRecord } from '../contract.ts';

/** The most recently used small records, keyed by their place in an index, within a bound of bytes. */
export class RecordCache {
  readonly #records = new Map<object, StoredRecord>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(slot: object): StoredRecord | undefined {
    const record = this.#records.get(slot);
    if (record === undefined) return undefined;
    this.#records.delete(slot);
    this.#records.set(slot, record);
    return record;
  }

  set(slot: object, record: StoredRecord): void {
    const size = costOf(record);
    if (size > this.#maxBytes / 256) return;
    this.delete(slot);
    this.#records.set(slot, record);
    this.#bytes += size;
    for (const oldest of this.#records.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.delete(oldest);
    }
  }

  delete(slot: object): void {
    const record = this.#records.get(slot);
    if (record === undefined) return;
    this.#records.delete(slot);
    this.#bytes -= costOf(record);
  }
}

// Beside its bytes a record costs some objects.
function costOf(record: StoredRecord): number {
  return record.bytes.length + record.blobs.length * 120 + 200;
}
