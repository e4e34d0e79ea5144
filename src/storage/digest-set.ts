import type { Digest } from '../core/digest.ts';

const wordsPerDigest = 4;

/**
 * A set of digests in 16 to 32 bytes for each, for as many as a store may have. It keeps the first 128 bits of them, which no two digests of one store share.
 */
export class DigestSet {
  #words = new Uint32Array(1024 * wordsPerDigest);
  #size = 0;

  /** How many digests it holds. */
  get size(): number {
    return this.#size;
  }

  /** Takes a digest in; false when it was there. */
  add(digest: Digest): boolean {
    if (this.#size * 2 * wordsPerDigest >= this.#words.length) this.#grow();
    const words = wordsOf(digest);
    const at = placeOf(this.#words, words);
    if (!isEmpty(this.#words, at)) return false;
    this.#words.set(words, at);
    this.#size++;
    return true;
  }

  /** Whether a digest is in it. */
  has(digest: Digest): boolean {
    return !isEmpty(this.#words, placeOf(this.#words, wordsOf(digest)));
  }

  #grow(): void {
    const grown = new Uint32Array(this.#words.length * 2);
    for (let at = 0; at < this.#words.length; at += wordsPerDigest) {
      if (isEmpty(this.#words, at)) continue;
      const words = this.#words.subarray(at, at + wordsPerDigest);
      grown.set(words, placeOf(grown, words));
    }
    this.#words = grown;
  }
}

function wordsOf(digest: Digest): Uint32Array {
  const words = new Uint32Array(wordsPerDigest);
  const start = 'sha256:'.length;
  for (let i = 0; i < wordsPerDigest; i++) words[i] = parseInt(digest.slice(start + i * 8, start + i * 8 + 8), 16);
  // A place of zeros is an empty one.
  if (isEmpty(words, 0)) words[0] = 1;
  return words;
}

/** Where in a table (of a power of two) the words stand, or the empty place where they belong. */
function placeOf(table: Uint32Array, words: Uint32Array): number {
  const mask = table.length / wordsPerDigest - 1;
  for (let slot = words[0]! & mask; ; slot = (slot + 1) & mask) {
    const at = slot * wordsPerDigest;
    if (isEmpty(table, at) || words.every((word, i) => table[at + i] === word)) return at;
  }
}

function isEmpty(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0;
}
