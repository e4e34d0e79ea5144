import { demandWhole } from './arguments.ts';

/** Where a seeded generator (xoshiro128**) stands: four whole numbers of 32 bits. */
export type GeneratorState = readonly [number, number, number, number];

/**
 * Random numbers that are the same on every machine for one seed, with a state that can be stored: xoshiro128** of Blackman and Vigna (2018), whose period is
 * 2^128 - 1. For samples and simulations, not for secrets.
 */
export class SeededGenerator {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** From a seed of 0 to 2^32 - 1, or from where another one stood. */
  constructor(from: number | GeneratorState) {
    if (!(Array.isArray(from) && from.length === 4)) {
      demandWhole('seed', from as number, 0, 2 ** 32 - 1);
      const next = splitMix(from as number);
      [this.#a, this.#b, this.#c, this.#d] = [next(), next(), next(), next()];
    } else {
      [this.#a, this.#b, this.#c, this.#d] = (from as GeneratorState).map((word) => word | 0) as [number, number, number, number];
    }
  }

  get state(): GeneratorState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** A whole number of 32 bits. */
  bits(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number in [0, 1) of 53 bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 67_108_864 + (this.bits() >>> 6)) / 9_007_199_254_740_992;
  }

  /** A whole number from 0 to `size` - 1, each as likely; `size` is at most 2^32. */
  below(size: number): number {
    const limit = 4_294_967_296 - (4_294_967_296 % size);
    for (;;) {
      const bits = this.bits();
      if (bits < limit) return bits % size;
    }
  }
}

/** The finalizer of MurmurHash3 over a Weyl sequence (Steele, Lea & Flood 2014, in 32 bits): spreads a small seed over the whole state. */
function splitMix(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) | 0;
  };
}
