import { estimateOf } from '../../stats/sketches/register-estimate.ts';

/**
 * How often each register of a HyperLogLog was given each rank by the rows that a window sees, kept up as the window moves on. From whole numbers a row can be taken exactly, so the registers are those of a sketch that
 * never saw it. Cost: O(1) for a row that comes, and at most the number of ranks for one that goes.
 */
export class RegisterCounts {
  readonly #precision: number;
  /** By register times 64 and rank. */
  readonly #counts: Uint32Array;
  readonly #registers: Uint8Array;
  /** How many registers are at each rank. */
  readonly #histogram: Uint32Array;

  constructor(precision: number) {
    this.#precision = precision;
    this.#counts = new Uint32Array(64 * 2 ** precision);
    this.#registers = new Uint8Array(2 ** precision);
    this.#histogram = new Uint32Array(66 - precision);
    this.#histogram[0] = 2 ** precision;
  }

  /** Takes in a row, by its register times 64 and its rank. */
  add(place: number): void {
    this.#counts[place]!++;
    if ((place & 63) > this.#registers[place >>> 6]!) this.#move(place >>> 6, place & 63);
  }

  /** Takes out a row that was taken in. */
  remove(place: number): void {
    const register = place >>> 6;
    if (--this.#counts[place]! > 0 || this.#registers[register] !== (place & 63)) return;
    let rank = (place & 63) - 1;
    while (rank > 0 && this.#counts[register * 64 + rank] === 0) rank--;
    this.#move(register, rank);
  }

  /** About how many different values the rows have. */
  estimate(): number {
    return estimateOf(this.#histogram, this.#precision);
  }

  #move(register: number, rank: number): void {
    this.#histogram[this.#registers[register]!]!--;
    this.#histogram[rank]!++;
    this.#registers[register] = rank;
  }
}
