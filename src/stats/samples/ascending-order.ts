import { littleEndian } from './double-words.ts';

const digitBits = 11;
const digits = 1 << digitBits;

/** Up to here a sort by comparison is quicker than filling the tables of the other. */
const fewValues = 1024;

/** The longest run that is sorted by insertion. */
const shortRun = 24;

/**
 * The indices of the values in ascending order, equal ones in the order they came. There must be no NaN, which has no place in it; -0 equals 0.
 *
 * A radix sort of the upper halves of the doubles' bits that moves indices only; the few values that they do not tell apart are then compared. O(n), and O(n
 * log n) at worst.
 */
export function ascendingOrder(values: Float64Array): Uint32Array {
  const n = values.length;
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  if (n <= fewValues) return sortByComparison(order, values);
  const keys = upperKeys(values);
  let next = new Uint32Array(n);
  const places = new Uint32Array(digits);
  for (let shift = 0; shift < 32; shift += digitBits) {
    places.fill(0);
    for (let i = 0; i < n; i++) places[(keys[i]! >>> shift) & (digits - 1)]!++;
    if (places[(keys[0]! >>> shift) & (digits - 1)] === n) continue;
    let start = 0;
    for (let digit = 0; digit < digits; digit++) {
      const count = places[digit]!;
      places[digit] = start;
      start += count;
    }
    for (let i = 0; i < n; i++) {
      const index = order[i]!;
      next[places[(keys[index]! >>> shift) & (digits - 1)]!++] = index;
    }
    [order, next] = [next, order];
  }
  for (let start = 0; start < n; ) {
    const key = keys[order[start]!]!;
    let end = start + 1;
    while (end < n && keys[order[end]!] === key) end++;
    if (end - start > 1) sortRun(order, values, start, end);
    start = end;
  }
  return order;
}

/** The upper halves of the doubles as whole numbers that sort as the doubles do: the sign bit flipped, and all others too where it was set. */
function upperKeys(values: Float64Array): Uint32Array {
  const n = values.length;
  const positive = new Float64Array(n);
  for (let i = 0; i < n; i++) positive[i] = values[i]! + 0;
  const words = new Uint32Array(positive.buffer);
  const upper = littleEndian() ? 1 : 0;
  const keys = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const word = words[2 * i + upper]!;
    keys[i] = word >>> 31 === 1 ? ~word : word | 0x80000000;
  }
  return keys;
}

function sortRun(order: Uint32Array, values: Float64Array, start: number, end: number): void {
  let sorted = true;
  for (let i = start + 1; i < end && sorted; i++) sorted = values[order[i - 1]!]! <= values[order[i]!]!;
  if (sorted) return;
  if (end - start > shortRun) {
    sortByComparison(order.subarray(start, end), values);
    return;
  }
  for (let i = start + 1; i < end; i++) {
    const index = order[i]!;
    const value = values[index]!;
    let at = i;
    for (; at > start && values[order[at - 1]!]! > value; at--) order[at] = order[at - 1]!;
    order[at] = index;
  }
}

function sortByComparison(order: Uint32Array, values: Float64Array): Uint32Array {
  return order.sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : a - b));
}
