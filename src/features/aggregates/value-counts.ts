/**
 * How often each of some ranked values is among the rows that a window sees, kept up as the window moves on. Counts are whole numbers, from which a row can be taken exactly, and orders of values come from a
 * Fenwick tree over the ranks (Fenwick 1994). Cost: O(log of the number of ranks) for each row that comes or goes with `ordered`, otherwise O(1).
 */
export class ValueCounts {
  readonly #counts: Int32Array;
  /** The ranks with a count above 0, in any order, and where each stands among them. */
  readonly #present: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #sums: Int32Array | undefined;
  readonly #highestStep: number;
  #distinct = 0;
  #total = 0;

  constructor(ranks: number, ordered: boolean) {
    this.#counts = new Int32Array(ranks);
    this.#present = new Int32Array(ranks);
    this.#placeOf = new Int32Array(ranks);
    this.#sums = ordered ? new Int32Array(ranks + 1) : undefined;
    this.#highestStep = ranks === 0 ? 0 : 2 ** (31 - Math.clz32(ranks));
  }

  /** How many rows there are. */
  get total(): number {
    return this.#total;
  }

  /** How many different values they have. */
  get distinct(): number {
    return this.#distinct;
  }

  /** How many rows have the value. */
  countOf(rank: number): number {
    return this.#counts[rank]!;
  }

  add(rank: number): void {
    this.#total++;
    if (this.#counts[rank]!++ === 0) {
      this.#placeOf[rank] = this.#distinct;
      this.#present[this.#distinct++] = rank;
    }
    if (this.#sums) for (let i = rank + 1; i < this.#sums.length; i += i & -i) this.#sums[i]! += 1;
  }

  /** Takes out a row that was added. */
  remove(rank: number): void {
    this.#total--;
    if (--this.#counts[rank]! === 0) {
      const last = this.#present[--this.#distinct]!;
      this.#present[this.#placeOf[rank]!] = last;
      this.#placeOf[last] = this.#placeOf[rank]!;
    }
    if (this.#sums) for (let i = rank + 1; i < this.#sums.length; i += i & -i) this.#sums[i]! -= 1;
  }

  /** The rank of the row at a place, counted from 0, among all in the order of their ranks. Only when `ordered`. */
  rankAt(place: number): number {
    const sums = this.#sums!;
    let rank = 0;
    let left = place;
    for (let step = this.#highestStep; step > 0; step >>>= 1) {
      if (rank + step < sums.length && sums[rank + step]! <= left) {
        rank += step;
        left -= sums[rank]!;
      }
    }
    return rank;
  }

  /** The `k` ranks that occur most often, equal ones in their order. */
  mostFrequent(k: number): number[] {
    const ranks = [...this.#present.subarray(0, this.#distinct)];
    return ranks.sort((a, b) => this.#counts[b]! - this.#counts[a]! || a - b).slice(0, k);
  }
}
