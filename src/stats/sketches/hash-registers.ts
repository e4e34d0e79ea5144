import { estimateOf, registerRank } from './register-estimate.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Registers as they are stored: all as a text, one character of A–Z a–z 0–9 + / for each (0 to 63); or, while few are above 0, the pairs register, value one after the other. */
export type StoredRegisters = string | readonly number[];

/** Is told what is wrong with stored registers: at which place, why, and what stands there, `null` for nothing worth telling. Throws. */
export type RefuseRegisters = (place: string, why: string, value: unknown) => never;

/** What a HyperLogLog keeps of the values that it saw: 2^precision registers, each with the longest run of zeros that a hash began with. */
export class HashRegisters {
  readonly precision: number;
  readonly #ranks: Uint8Array;

  constructor(precision: number) {
    this.precision = precision;
    this.#ranks = new Uint8Array(2 ** precision);
  }

  /** How many there are. */
  get length(): number {
    return this.#ranks.length;
  }

  /** Takes in a hash. */
  add(hash: { readonly high: number; readonly low: number }): void {
    const found = registerRank(hash, this.precision);
    const register = found >>> 6;
    const rank = found & 63;
    if (rank > this.#ranks[register]!) this.#ranks[register] = rank;
  }

  /** Takes in what others of the same precision have seen. */
  merge(other: HashRegisters): void {
    const theirs = other.#ranks;
    for (let i = 0; i < theirs.length; i++) if (theirs[i]! > this.#ranks[i]!) this.#ranks[i] = theirs[i]!;
  }

  /** About how many different hashes were seen. */
  estimate(): number {
    const histogram = new Float64Array(66 - this.precision);
    for (const rank of this.#ranks) histogram[rank]!++;
    return estimateOf(histogram, this.precision);
  }

  /** As they are stored. */
  stored(): StoredRegisters {
    const ranks = this.#ranks;
    const pairs: number[] = [];
    for (let i = 0; i < ranks.length && pairs.length * 3 < ranks.length; i++) if (ranks[i]! > 0) pairs.push(i, ranks[i]!);
    return pairs.length * 3 >= ranks.length ? Array.from(ranks, (rank) => alphabet.charAt(rank)).join('') : pairs;
  }

  /** Takes the place of stored ones, a text or whole numbers; gives how many of them are above 0. */
  restore(stored: string | ArrayLike<number>, refuse: RefuseRegisters): number {
    return typeof stored === 'string' ? this.#restoreText(stored, refuse) : this.#restorePairs(stored, refuse);
  }

  #restoreText(text: string, refuse: RefuseRegisters): number {
    const ranks = this.#ranks;
    const largest = 65 - this.precision;
    if (text.length !== ranks.length) refuse('registers', `has ${text.length} characters and must have ${ranks.length}`, null);
    let filled = 0;
    for (let i = 0; i < ranks.length; i++) {
      const rank = alphabet.indexOf(text.charAt(i));
      if (!(rank >= 0 && rank <= largest)) refuse(`registers[${i}]`, `must be one of the first ${largest + 1} of ${alphabet}`, text.charAt(i));
      ranks[i] = rank;
      if (rank > 0) filled++;
    }
    return filled;
  }

  #restorePairs(pairs: ArrayLike<number>, refuse: RefuseRegisters): number {
    const ranks = this.#ranks;
    const largest = 65 - this.precision;
    if (pairs.length % 2 !== 0) refuse('registers', 'must be pairs', null);
    let previous = -1;
    for (let i = 0; i < pairs.length; i += 2) {
      const register = pairs[i]!;
      const rank = pairs[i + 1]!;
      if (!(register > previous && register < ranks.length)) refuse(`registers[${i}]`, `must be above the register before and below ${ranks.length}`, register);
      if (!(rank >= 1 && rank <= largest)) refuse(`registers[${i + 1}]`, `must be from 1 to ${largest}`, rank);
      ranks[register] = rank;
      previous = register;
    }
    return pairs.length / 2;
  }
}
