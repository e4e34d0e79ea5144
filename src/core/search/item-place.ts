import { fieldOf, type SearchVocabulary, type SingleField } from './search-vocabulary.ts';
import type { CheckedOrder } from './search-order.ts';

/** Where an item stands in an order, as plain JSON: its value of each key and then of what decides between equals, with `null` for what it lacks and texts for the numbers that JSON lacks. */
export type OrderKey = readonly (number | string | null)[];

/** Where an item stands, in memory. */
export type Place = readonly (number | string | undefined)[];

/** Reads where items stand. */
export function placeReader<T>(vocabulary: SearchVocabulary<T>, orders: readonly CheckedOrder[]): (item: T) => Place {
  const readers = keysOf(vocabulary, orders).map(({ read }) => read);
  return (item) => readers.map((read) => read(item));
}

/** Compares places: by the keys, then by the ties of the vocabulary, of which the last makes it a total order. */
export function placeComparator<T>({ ties }: SearchVocabulary<T>, orders: readonly CheckedOrder[]): (a: Place, b: Place) => number {
  const signs = [...orders, ...ties].map(({ direction }) => (direction === 'desc' ? -1 : 1));
  return (a, b) => {
    for (let i = 0; i < signs.length; i++) {
      const order = compareValues(a[i], b[i], signs[i]!);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/** Numbers or texts, then NaN, then what is missing; only the first are turned around by a negative `sign`. */
function compareValues(a: number | string | undefined, b: number | string | undefined, sign: number): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  if (a < b) return -sign;
  if (a > b) return sign;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Where an item stands, as plain JSON. */
export function orderKey<T>(vocabulary: SearchVocabulary<T>, orders: readonly CheckedOrder[], item: T): OrderKey {
  return placeReader(vocabulary, orders)(item).map((value) => (value === undefined ? null : typeof value === 'string' || Number.isFinite(value) ? value : String(value)));
}

/** The place that a key stands for. A text in the place of a number is one that JSON lacks. */
export function placeOfKey<T>(vocabulary: SearchVocabulary<T>, orders: readonly CheckedOrder[], key: OrderKey): Place {
  const numbers = orders.map(({ subject, name }) => fieldOf(vocabulary, subject, name).operand.kind === 'number');
  return key.map((value, i) => (value === null ? undefined : numbers[i] === true ? Number(value) : value));
}

function keysOf<T>(vocabulary: SearchVocabulary<T>, orders: readonly CheckedOrder[]): readonly { readonly read: (item: T) => number | string | undefined }[] {
  return [...orders.map(({ subject, name }) => fieldOf(vocabulary, subject, name) as SingleField<T>), ...vocabulary.ties];
}
