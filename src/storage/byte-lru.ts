/** What one entry weighs besides its value: its key, two of the cache's own objects, and the node of the map. */
const entryOverheadBytes = 256;

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
}

/** Values by key, of which the longest unused are dropped so that all together never weigh more than a bound, in bytes. */
export class ByteLru<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What all entries weigh, overhead included. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, which is the last to be dropped now. */
  /** What a value of `size` bytes weighs under a key: characters take two bytes at most. */
  static weightOf(key: string, size: number): number {
    return size + 2 * key.length + entryOverheadBytes;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value of `size` bytes, dropping others for it; one that alone is too heavy is not kept. */
  set(key: string, value: V, size: number): void {
    this.delete(key);
    const weight = ByteLru.weightOf(key, size);
    if (weight > this.#maxBytes) return;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes + weight <= this.#maxBytes) break;
      this.delete(oldest);
    }
    this.#entries.set(key, { value, weight });
    this.#bytes += weight;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.weight;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
