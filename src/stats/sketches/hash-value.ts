import type { ScalarValue } from './scalar-value.ts';

/** What `ValueHasher` can hash. */
export type HashableValue = ScalarValue | Uint8Array;

/** Starting points, so that 1, '1', true, 1n and the byte 1 are different things. */
const seeds = { number: 0x2545f491, string: 0x6c8e9cf5, boolean: 0x1b873593, bigint: 0x7f4a7c15, bytes: 0x4cf5ad43 } as const;

/**
 * A hash of 64 bits, in two halves that are read after each call: the two-lane core of MurmurHash3 x86 (Appleby 2011) over words of 32 bits, finished with two rounds of its finalizer. The same on
 * every machine. Doubles never collide with each other, for every step can be undone. Not for secrets.
 */
export class ValueHasher {
  /** The upper 32 bits of the last hash. */
  high = 0;
  /** The lower 32 bits of the last hash. */
  low = 0;
  readonly #view = new DataView(new ArrayBuffer(8));

  /** Hashes a value; `false` when it is nothing that has a hash. */
  hash(value: HashableValue): boolean {
    switch (typeof value) {
      case 'number':
        this.hashNumber(value);
        return true;
      case 'string':
        this.#hashString(value, seeds.string);
        return true;
      case 'boolean':
        this.high = this.low = seeds.boolean;
        this.#mix(value ? 1 : 0, 0);
        this.#finish(1);
        return true;
      case 'bigint':
        this.#hashString(value.toString(16), seeds.bigint);
        return true;
      default:
        if (!(value instanceof Uint8Array)) return false;
        this.#hashBytes(value);
        return true;
    }
  }

  /** Hashes a number: all NaN are one, and -0 is 0. */
  hashNumber(value: number): void {
    this.#view.setFloat64(0, value === value ? value + 0 : NaN);
    this.high = this.low = seeds.number;
    this.#mix(this.#view.getInt32(0), this.#view.getInt32(4));
    this.#finish(8);
  }

  /** Two code units make a word; a lone surrogate is as good as any other. */
  #hashString(text: string, seed: number): void {
    this.high = this.low = seed;
    const { length } = text;
    let i = 0;
    for (; i + 3 < length; i += 4) {
      this.#mix(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16), text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16));
    }
    // Beyond the end charCodeAt gives NaN, of which bits make 0; the length tells such texts apart.
    if (i < length) this.#mix(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16), text.charCodeAt(i + 2));
    this.#finish(length);
  }

  #hashBytes(bytes: Uint8Array): void {
    this.high = this.low = seeds.bytes;
    const { length } = bytes;
    const word = (at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
    for (let i = 0; i < length; i += 8) this.#mix(word(i), word(i + 4));
    this.#finish(length);
  }

  #mix(first: number, second: number): void {
    let a = Math.imul(first, 0x239b961b);
    a = Math.imul((a << 15) | (a >>> 17), 0xab0e9789 | 0);
    let h1 = this.high ^ a;
    h1 = ((h1 << 19) | (h1 >>> 13)) + this.low;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    let b = Math.imul(second, 0x38b34ae5);
    b = Math.imul((b << 17) | (b >>> 15), 0xa1e38b93 | 0);
    let h2 = this.low ^ b;
    h2 = ((h2 << 17) | (h2 >>> 15)) + h1;
    this.low = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    this.high = h1;
  }

  #finish(length: number): void {
    let h1 = this.high ^ length;
    let h2 = this.low ^ length;
    h1 = (h1 + h2) | 0;
    h2 = (h2 + h1) | 0;
    h1 = finalize(h1);
    h2 = (finalize(h2) + h1) | 0;
    h1 = (h1 + h2) | 0;
    h1 = finalize(h1);
    h2 = (finalize(h2) + h1) | 0;
    this.high = (h1 + h2) | 0;
    this.low = h2;
  }
}

function finalize(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
