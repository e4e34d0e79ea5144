/** Rows grouped by key and sorted in time. */
export interface RowOrder {
  /** Row numbers: those of the first key in order, then those of the second, and so on. */
  readonly order: Int32Array;
  /** Where the rows of each key begin, with the end of the last as one more. */
  readonly starts: Int32Array;
}

const digitBits = 11;
const buckets = 2 ** digitBits;
const digits = 6;
/** Fewer rows than this are compared with each other instead. */
const fewRows = 512;

/**
 * Groups rows by key code and sorts each group by the given numbers, the first of them deciding first; rows that are equal in all keep their order. Rows
 * with code -1 are left out. Linear time: counting sorts, skipped where nothing is out of order.
 */
export function orderRows(codes: Int32Array, keyCount: number, sortedBy: readonly Float64Array[]): RowOrder {
  let order: Int32Array<ArrayBufferLike> = new Int32Array(codes.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  if (order.length < fewRows) order.sort((a, b) => compareRows(a, b, sortedBy));
  else for (let i = sortedBy.length - 1; i >= 0; i--) order = stableSort(order, sortedBy[i]!);
  return groupByCode(order, codes, keyCount);
}

function groupByCode(order: Int32Array, codes: Int32Array, keyCount: number): RowOrder {
  const starts = new Int32Array(keyCount + 1);
  for (let i = 0; i < codes.length; i++) if (codes[i]! >= 0) starts[codes[i]! + 1]! += 1;
  for (let key = 0; key < keyCount; key++) starts[key + 1]! += starts[key]!;
  const next = starts.slice(0, keyCount);
  const grouped = new Int32Array(starts[keyCount]!);
  for (let i = 0; i < order.length; i++) {
    const code = codes[order[i]!]!;
    if (code >= 0) grouped[next[code]!++] = order[i]!;
  }
  return { order: grouped, starts };
}

function stableSort(order: Int32Array, values: Float64Array): Int32Array {
  let sorted = true;
  for (let i = 1; i < order.length && sorted; i++) sorted = values[order[i - 1]!]! <= values[order[i]!]!;
  if (sorted) return order;
  return radixSort(order, values);
}

function compareRows(a: number, b: number, sortedBy: readonly Float64Array[]): number {
  for (const values of sortedBy) if (values[a] !== values[b]) return values[a]! < values[b]! ? -1 : 1;
  return a - b;
}

/** Least significant digit first; a digit that all values share costs nothing. */
function radixSort(order: Int32Array, values: Float64Array): Int32Array {
  const { low, high } = sortableWords(values);
  const counts = new Int32Array(digits * buckets);
  for (let i = 0; i < values.length; i++) {
    for (let d = 0; d < digits; d++) counts[d * buckets + digitOf(low[i]!, high[i]!, d)]! += 1;
  }
  let from = order;
  let to: Int32Array = new Int32Array(order.length);
  for (let d = 0; d < digits; d++) {
    const count = counts.subarray(d * buckets, (d + 1) * buckets);
    if (count.includes(values.length)) continue;
    for (let bucket = 0, at = 0; bucket < buckets; bucket++) {
      const size = count[bucket]!;
      count[bucket] = at;
      at += size;
    }
    for (let i = 0; i < from.length; i++) {
      const row = from[i]!;
      to[count[digitOf(low[row]!, high[row]!, d)]!++] = row;
    }
    [from, to] = [to, from];
  }
  return from;
}

function digitOf(low: number, high: number, d: number): number {
  if (d === 0) return low & 2047;
  if (d === 1) return (low >>> 11) & 2047;
  if (d === 2) return (low >>> 22) | ((high & 1) << 10);
  if (d === 3) return (high >>> 1) & 2047;
  if (d === 4) return (high >>> 12) & 2047;
  return high >>> 23;
}

/** The bits of doubles, turned so that they order as unsigned words as the numbers do. */
function sortableWords(values: Float64Array): { low: Uint32Array; high: Uint32Array } {
  const low = new Uint32Array(values.length);
  const high = new Uint32Array(values.length);
  const double = new Float64Array(1);
  const words = new Uint32Array(double.buffer);
  const lowFirst = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
  for (let i = 0; i < values.length; i++) {
    // Adding 0 makes -0 the same as 0.
    double[0] = values[i]! + 0;
    const upper = words[lowFirst ? 1 : 0]!;
    const lower = words[lowFirst ? 0 : 1]!;
    const negative = upper >>> 31 === 1;
    high[i] = negative ? ~upper : upper | 0x80000000;
    low[i] = negative ? ~lower : lower;
  }
  return { low, high };
}
