/** Rows grouped by key and sorted in time. */
export interface RowOrder {
  /** Row numbers: those of the first key in order, then those of the second, and so on. */
  readonly order: Int32Array;
  /** Where the rows of each key begin, with the end of the last as one more. */
  readonly starts: Int32Array;
  /** What each row was sorted by first, in that order. */
  readonly times: Float64Array;
}

/**
 * Groups rows by key code and sorts each group by the given numbers, none of them NaN, the first of them deciding first; rows that are equal in all keep their order. Rows with code -1 are
 * left out; without codes all rows are of the only key. What is given and what comes out may be the same memory. A group is sorted where it lies, with its numbers beside it, so that no step reads far away; what is in order already is only looked at.
 */
export function orderRows(given: Int32Array | undefined, keyCount: number, sortedBy: readonly [Float64Array, ...Float64Array[]]): RowOrder {
  if (keyCount === 1 && isInOrder(given, sortedBy)) return { ...givenOrder(sortedBy[0].length), times: sortedBy[0] };
  const [primary, ...ties] = sortedBy;
  const codes = given ?? new Int32Array(primary.length);
  const starts = startsOf(codes, keyCount);
  const next = starts.slice(0, keyCount);
  const order = new Int32Array(starts[keyCount]!);
  const times = new Float64Array(order.length);
  for (let row = 0; row < codes.length; row++) {
    const code = codes[row]!;
    if (code < 0) continue;
    const place = next[code]!++;
    order[place] = row;
    times[place] = primary[row]!;
  }
  const sorter = new GroupSorter(order, times, ties);
  for (let key = 0; key < keyCount; key++) sorter.sort(starts[key]!, starts[key + 1]!);
  return { order, starts, times };
}

/** Whether all rows have the only key, and each belongs behind the one ahead of it. */
function isInOrder(codes: Int32Array | undefined, sortedBy: readonly [Float64Array, ...Float64Array[]]): boolean {
  for (let i = 0; i < sortedBy[0].length; i++) if ((codes !== undefined && codes[i]! < 0) || (i > 0 && isBefore(sortedBy, i, i - 1))) return false;
  return true;
}

function isBefore(sortedBy: readonly Float64Array[], row: number, other: number): boolean {
  for (let i = 0; i < sortedBy.length; i++) {
    const values = sortedBy[i]!;
    if (values[row] !== values[other]) return values[row]! < values[other]!;
  }
  return false;
}

type GivenOrder = Pick<RowOrder, 'order' | 'starts'>;

/** Where there are few rows, as nearly always where they are an entity's, all share what says that they are in order. */
const fewInOrder: readonly GivenOrder[] = /* @__PURE__ */ Array.from({ length: 65 }, (_, size) => inOrder(size));

function givenOrder(size: number): GivenOrder {
  return fewInOrder[size] ?? inOrder(size);
}

function inOrder(size: number): GivenOrder {
  return { order: Int32Array.from({ length: size }, (_, i) => i), starts: Int32Array.of(0, size) };
}

function startsOf(codes: Int32Array, keyCount: number): Int32Array {
  const starts = new Int32Array(keyCount + 1);
  for (let i = 0; i < codes.length; i++) if (codes[i]! >= 0) starts[codes[i]! + 1]! += 1;
  for (let key = 0; key < keyCount; key++) starts[key + 1]! += starts[key]!;
  return starts;
}

const noRows = new Int32Array(0);
const noTimes = new Float64Array(0);

/** So many rows are sorted by insertion before they are merged. */
const blockSize = 16;

/** Sorts ranges of rows, by merging and stably. */
class GroupSorter {
  readonly #order: Int32Array;
  readonly #times: Float64Array;
  readonly #ties: readonly Float64Array[];
  /** Room for the largest group so far. */
  #spareOrder: Int32Array = noRows;
  #spareTimes: Float64Array = noTimes;

  constructor(order: Int32Array, times: Float64Array, ties: readonly Float64Array[]) {
    this.#order = order;
    this.#times = times;
    this.#ties = ties;
  }

  sort(start: number, end: number): void {
    const unordered = this.#firstUnordered(start, end);
    if (unordered === end) return;
    for (let from = start; from < end; from += blockSize) this.#insertAll(from, Math.min(end, from + blockSize));
    if (end - start > blockSize) this.#mergeBlocks(start, end);
  }

  /** The first row that belongs before the one ahead of it; `end` when all are in order. */
  #firstUnordered(start: number, end: number): number {
    const times = this.#times;
    for (let i = start + 1; i < end; i++) {
      if (times[i]! < times[i - 1]! || (times[i] === times[i - 1] && this.#ties.length > 0 && this.#isTieBefore(this.#order[i]!, this.#order[i - 1]!))) return i;
    }
    return end;
  }

  #insertAll(from: number, end: number): void {
    const order = this.#order;
    const times = this.#times;
    for (let i = from + 1; i < end; i++) {
      const row = order[i]!;
      const time = times[i]!;
      let at = i;
      while (at > from && (time < times[at - 1]! || (time === times[at - 1] && this.#ties.length > 0 && this.#isTieBefore(row, order[at - 1]!)))) {
        order[at] = order[at - 1]!;
        times[at] = times[at - 1]!;
        at--;
      }
      order[at] = row;
      times[at] = time;
    }
  }

  #mergeBlocks(start: number, end: number): void {
    const size = end - start;
    if (this.#spareOrder.length < size) {
      this.#spareOrder = new Int32Array(size);
      this.#spareTimes = new Float64Array(size);
    }
    let [order, times] = [this.#order.subarray(start, end), this.#times.subarray(start, end)];
    let [spareOrder, spareTimes] = [this.#spareOrder.subarray(0, size), this.#spareTimes.subarray(0, size)];
    for (let width = blockSize; width < size; width *= 2) {
      for (let from = 0; from < size; from += 2 * width) this.#merge(order, times, from, Math.min(size, from + width), Math.min(size, from + 2 * width), spareOrder, spareTimes);
      [order, times, spareOrder, spareTimes] = [spareOrder, spareTimes, order, times];
    }
    if (order.buffer === this.#order.buffer) return;
    this.#order.set(order, start);
    this.#times.set(times, start);
  }

  #merge(order: Int32Array, times: Float64Array, from: number, middle: number, end: number, toOrder: Int32Array, toTimes: Float64Array): void {
    const tied = this.#ties.length > 0;
    if (middle === end || times[middle - 1]! < times[middle]!) {
      toOrder.set(order.subarray(from, end), from);
      toTimes.set(times.subarray(from, end), from);
      return;
    }
    let left = from;
    let right = middle;
    for (let at = from; at < end; at++) {
      const takesRight =
        left === middle ||
        (right < end && (times[right]! < times[left]! || (tied && times[right] === times[left] && this.#isTieBefore(order[right]!, order[left]!))));
      const taken = takesRight ? right++ : left++;
      toOrder[at] = order[taken]!;
      toTimes[at] = times[taken]!;
    }
  }

  /** Whether a row belongs before another of the same time. */
  #isTieBefore(row: number, other: number): boolean {
    return isBefore(this.#ties, row, other);
  }
}
