const initialCapacity = 1_024;

/**
 * Numbers things by their 64-bit hashes, in the order in which they come, in 16 to 32 bytes for each. Two different things with one hash would be one; among a million that happens once in 40 million times.
 */
export class HashIndex {
  /** How many there are. */
  size = 0;
  /** The upper halves of the hashes, by number. */
  high: Int32Array<ArrayBuffer> = new Int32Array(initialCapacity);
  /** The lower halves. */
  low: Int32Array<ArrayBuffer> = new Int32Array(initialCapacity);
  /** Numbers from 1, at the place of their hash or behind it; 0 where there is none. Twice as many as there is room for. */
  #slots = new Uint32Array(2 * initialCapacity);

  /** The number of a hash: that which it has, or the next one. */
  add(high: number, low: number): number {
    if (this.size === this.high.length) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = low & mask;
    for (let number = slots[at]!; number !== 0; number = slots[at]!) {
      if (this.low[number - 1] === low && this.high[number - 1] === high) return number - 1;
      at = (at + 1) & mask;
    }
    this.high[this.size] = high;
    this.low[this.size] = low;
    slots[at] = ++this.size;
    return this.size - 1;
  }

  #grow(): void {
    const capacity = 2 * this.high.length;
    this.high = extended(this.high, new Int32Array(capacity));
    this.low = extended(this.low, new Int32Array(capacity));
    const slots = new Uint32Array(2 * capacity);
    const mask = slots.length - 1;
    for (let i = 0; i < this.size; i++) {
      let at = this.low[i]! & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = i + 1;
    }
    this.#slots = slots;
  }
}

/** A longer array that begins with what a shorter one has. */
export function extended<A extends Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array>(from: A, into: A): A {
  into.set(from);
  return into;
}
