import { sortRange } from '../samples/sort-range.ts';

/** Sorted numbers with the sums of their weights: what a quantile sketch answers from. */
export class WeightedRanks {
  /** The weight of all. */
  readonly total: number;
  readonly #values: Float64Array;
  /** The weight of each number and all before it. */
  readonly #sums: Float64Array;

  /** A number of list h weighs 2^h. The lists are in ascending order but for the first, which may be in any. */
  constructor(lists: readonly Float64Array[]) {
    let values: Float64Array = lists[0]!.slice();
    sortRange(values, values.length);
    let weights: Float64Array = new Float64Array(values.length).fill(1);
    for (let h = 1; h < lists.length; h++) if (lists[h]!.length > 0) [values, weights] = merged(values, weights, lists[h]!, 2 ** h);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) weights[i] = sum += weights[i]!;
    this.#values = values;
    this.#sums = weights;
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

/** Sorted numbers with their weights, and a sorted list of others that weigh `weight` each, as one. */
function merged(values: Float64Array, weights: Float64Array, others: Float64Array, weight: number): [Float64Array, Float64Array] {
  const size = values.length + others.length;
  const all = new Float64Array(size);
  const allWeights = new Float64Array(size);
  for (let at = 0, i = 0, j = 0; at < size; at++) {
    if (j === others.length || (i < values.length && values[i]! <= others[j]!)) {
      all[at] = values[i]!;
      allWeights[at] = weights[i++]!;
    } else {
      all[at] = others[j++]!;
      allWeights[at] = weight;
    }
  }
  return [all, allWeights];
}
