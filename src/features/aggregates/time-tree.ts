import type { CountedRows } from './counted-rows.ts';

const none: readonly number[] = [];

/** How partial states are made and put together. States are never changed once they are made. */
export interface PartialStates<S> {
  /** Up to so many rows are folded one after the other and not split any further. */
  readonly blockRows: number;
  /** The state of the rows from `from` to `to` (excluded), in their order, but for those at the numbers `hidden`, ascending; there is at least one. */
  fold(from: number, to: number, hidden: readonly number[]): S;
  /** The state of the rows of both, those of `earlier` first. */
  merge(earlier: S, later: S): S;
}

/**
 * Partial states over time, merged in the shape of a radix tree over the milliseconds of the rows: a range of rows is split where the highest bit changes that its timestamps do not share, until no more than
 * `blockRows` are left. So the state of a window depends on nothing but the rows that it sees (not on what else is in the index, nor on what was asked before): an online record gives the same bits as the whole
 * history. States of whole branches are kept, so that a window takes O(log n) merges; nothing is ever subtracted.
 */
export class TimeTree<S> {
  readonly #rows: CountedRows;
  readonly #times: Float64Array;
  readonly #states: PartialStates<S>;
  /** States of whole branches by the row at which they are split. */
  readonly #kept = new Map<number, S>();
  readonly #stateBytes: number;
  #keyStart = 0;
  #keyEnd = 0;
  #hidden: readonly number[] = [];

  /** @param times - Timestamps by place of the index. @param stateBytes - Size of one state, roughly. */
  constructor(rows: CountedRows, times: Float64Array, states: PartialStates<S>, stateBytes: number) {
    this.#rows = rows;
    this.#times = times;
    this.#states = states;
    this.#stateBytes = stateBytes;
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    return this.#kept.size * (this.#stateBytes + 64);
  }

  /**
   * The state of the rows from `from` to `to` (excluded), but for those at the numbers `hidden`, ascending; `undefined` when none is left. All are of one key, whose rows are those from `keyStart` to
   * `keyEnd`.
   */
  stateOf(from: number, to: number, keyStart: number, keyEnd: number, hidden: readonly number[]): S | undefined {
    this.#keyStart = keyStart;
    this.#keyEnd = keyEnd;
    this.#hidden = hidden;
    return this.#state(from, to, 0, hidden.length);
  }

  #state(from: number, to: number, firstHidden: number, endHidden: number): S | undefined {
    const count = to - from - (endHidden - firstHidden);
    if (count <= 0) return undefined;
    const first = this.#timeOf(from);
    const last = this.#timeOf(to - 1);
    if (count <= this.#states.blockRows || first === last) {
      return this.#states.fold(from, to, firstHidden === endHidden ? none : this.#hidden.slice(firstHidden, endHidden));
    }
    const half = halfOf(first, last);
    const bound = half === Infinity ? 0 : Math.floor(last / half) * half;
    const split = this.#firstFrom(from + 1, to - 1, bound);
    const whole =
      firstHidden === endHidden && (from === this.#keyStart || this.#timeOf(from - 1) < bound - half) && (to === this.#keyEnd || this.#timeOf(to) >= bound + half);
    if (whole) {
      const kept = this.#kept.get(split);
      if (kept !== undefined) return kept;
    }
    let middleHidden = firstHidden;
    while (middleHidden < endHidden && this.#hidden[middleHidden]! < split) middleHidden++;
    const earlier = this.#state(from, split, firstHidden, middleHidden);
    const later = this.#state(split, to, middleHidden, endHidden);
    if (earlier === undefined || later === undefined) return earlier ?? later;
    const state = this.#states.merge(earlier, later);
    if (whole) this.#kept.set(split, state);
    return state;
  }

  #timeOf(row: number): number {
    return Math.floor(this.#times[this.#rows.placeOf(row)]!);
  }

  /** The first row from `low` to `high` (which is one) whose time is at least `bound`. */
  #firstFrom(low: number, high: number, bound: number): number {
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#timeOf(middle) < bound) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** Looked up, since a power takes as long as all else that a split does. */
const powersOfTwo: Float64Array = /* @__PURE__ */ Float64Array.from({ length: 64 }, (_, exponent) => 2 ** exponent);

/** Half the length of the smallest branch of the tree that holds two different whole numbers; infinite where they differ by their sign, and the branch is split at 0. */
function halfOf(first: number, last: number): number {
  if (first < 0 && last >= 0) return Infinity;
  const firstHigh = Math.floor(first / 2 ** 32);
  const lastHigh = Math.floor(last / 2 ** 32);
  const differs = firstHigh === lastHigh ? (first - firstHigh * 2 ** 32) ^ (last - lastHigh * 2 ** 32) : firstHigh ^ lastHigh;
  return powersOfTwo[31 - Math.clz32(differs) + (firstHigh === lastHigh ? 0 : 32)]!;
}
