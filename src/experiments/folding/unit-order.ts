import { crossed, unexposed, type UnitExposures } from './unit-exposures.ts';

const digits = 0x1_0000;

/** The units that were exposed to one variant, in the order of their hashes, so that any order of events gives the same. */
export function orderUnits({ index, variants }: UnitExposures): Uint32Array {
  const { size, high, low } = index;
  let count = 0;
  for (let i = 0; i < size; i++) if (isCounted(variants[i]!)) count++;
  const units = new Uint32Array(count);
  for (let i = 0, at = 0; i < size; i++) if (isCounted(variants[i]!)) units[at++] = i;
  const spare = new Uint32Array(count);
  // By their digits, the lowest first: each pass keeps the order of the one before.
  sortByDigit(units, spare, low, 0);
  sortByDigit(spare, units, low, 16);
  sortByDigit(units, spare, high, 0);
  sortByDigit(spare, units, high, 16);
  return units;
}

function isCounted(variant: number): boolean {
  return variant !== unexposed && variant !== crossed;
}

function sortByDigit(from: Uint32Array, into: Uint32Array, keys: Int32Array, shift: number): void {
  const starts = new Uint32Array(digits + 1);
  for (let i = 0; i < from.length; i++) starts[((keys[from[i]!]! >>> shift) & 0xffff) + 1]!++;
  for (let d = 1; d <= digits; d++) starts[d]! += starts[d - 1]!;
  for (let i = 0; i < from.length; i++) into[starts[(keys[from[i]!]! >>> shift) & 0xffff]!++] = from[i]!;
}

/** The values of units, by unit. */
export interface OrderedValues {
  /** Where the values of each unit begin in `places`; one more than there are units. */
  readonly starts: Uint32Array;
  /** Places of values, those of one unit from the earliest to the latest. */
  readonly places: Uint32Array;
}

/** The values of these units in an order that does not depend on how they came, so that their sums are the same to the last bit. */
export function orderValues(ordered: Uint32Array, unitCount: number, values: { readonly size: number; readonly units: Uint32Array; readonly times: Float64Array; readonly values: Float64Array }): OrderedValues {
  const rows = new Int32Array(unitCount).fill(-1);
  for (let row = 0; row < ordered.length; row++) rows[ordered[row]!] = row;
  const starts = new Uint32Array(ordered.length + 1);
  for (let i = 0; i < values.size; i++) {
    const row = rows[values.units[i]!]!;
    if (row >= 0) starts[row + 1]!++;
  }
  for (let row = 0; row < ordered.length; row++) starts[row + 1]! += starts[row]!;
  const places = new Uint32Array(starts[ordered.length]!);
  const next = starts.slice();
  for (let i = 0; i < values.size; i++) {
    const row = rows[values.units[i]!]!;
    if (row >= 0) places[next[row]!++] = i;
  }
  for (let row = 0; row < ordered.length; row++) sortPlaces(places, starts[row]!, starts[row + 1]!, values);
  return { starts, places };
}

/** Most units have a few values, which are in order already as a rule. */
function sortPlaces(places: Uint32Array, from: number, to: number, { times, values }: { readonly times: Float64Array; readonly values: Float64Array }): void {
  const compare = (a: number, b: number): number => times[a]! - times[b]! || values[a]! - values[b]!;
  if (to - from > 32) {
    places.subarray(from, to).sort(compare);
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const place = places[i]!;
    let at = i;
    for (; at > from && compare(places[at - 1]!, place) > 0; at--) places[at] = places[at - 1]!;
    places[at] = place;
  }
}
