import { ascendingOrder } from '../samples/ascending-order.ts';

/** Sorted numbers with the sums of their weights: what a quantile sketch answers from. */
export class WeightedRanks {
  /** The weight of all. */
  readonly total: number;
  readonly #values: Float64Array;
  /** The weight of each number and all before it. */
  readonly #sums: Float64Array;

  /** A number of list h weighs 2^h. */
  constructor(lists: readonly Float64Array[]) {
    let size = 0;
    for (const list of lists) size += list.length;
    const values = new Float64Array(size);
    const weights = new Float64Array(size);
    let at = 0;
    for (const [h, list] of lists.entries()) {
      values.set(list, at);
      weights.fill(2 ** h, at, (at += list.length));
    }
    const order = ascendingOrder(values);
    this.#values = new Float64Array(size);
    this.#sums = new Float64Array(size);
    let sum = 0;
    for (let i = 0; i < size; i++) {
      this.#values[i] = values[order[i]!]!;
      this.#sums[i] = sum += weights[order[i]!]!;
    }
    this.total = sum;
  }

  /** The weight of all numbers that are at most `x`. */
  rank(x: number): number {
    const place = firstPlace(this.#values.length, (i) => this.#values[i]! > x);
    return place === 0 ? 0 : this.#sums[place - 1]!;
  }

  /** The smallest number whose rank is at least `rank`. */
  quantile(rank: number): number {
    return this.#values[Math.min(this.#values.length - 1, firstPlace(this.#values.length, (i) => this.#sums[i]! >= rank))]!;
  }
}

/** The first place where something holds that holds from there on. */
function firstPlace(length: number, holds: (place: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
