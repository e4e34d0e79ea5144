import { numberReader, textReader, type ReadNumber, type ReadText } from './subject-value.ts';
import type { CheckedOrder } from './run-order.ts';
import type { SearchableRun } from './searchable-run.ts';

/** Where a run stands in an order: its value of each key, with `null` for what it lacks and texts for the numbers that JSON lacks, and what decides between equals. */
export interface OrderKey {
  readonly values: readonly (number | string | null)[];
  readonly startedAt: number;
  readonly id: string;
}

type Value = number | string | undefined;

/** Where a run stands, in memory. */
export interface Place {
  readonly values: readonly Value[];
  readonly startedAt: number;
  readonly id: string;
}

/** Reads where runs stand. */
export function placeReader(orders: readonly CheckedOrder[]): (run: SearchableRun) => Place {
  const readers: readonly (ReadNumber | ReadText)[] = orders.map(
    ({ subject, name }) => numberReader(subject, name) ?? textReader(subject as 'param' | 'tag' | 'attribute', name),
  );
  return (run) => ({ values: readers.map((read) => read(run)), startedAt: run.startedAt, id: run.id });
}

/** Compares places: by the keys, then the later start first, then by id. It is a total order, as ids are unique. */
export function placeComparator(orders: readonly CheckedOrder[]): (a: Place, b: Place) => number {
  const signs = orders.map(({ direction }) => (direction === 'desc' ? -1 : 1));
  return (a, b) => {
    for (let i = 0; i < signs.length; i++) {
      const order = compareValues(a.values[i], b.values[i], signs[i]!);
      if (order !== 0) return order;
    }
    if (a.startedAt !== b.startedAt) return b.startedAt - a.startedAt;
    return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
  };
}

/** Numbers or texts, then NaN, then what is missing; only the first are turned around by a negative `sign`. */
function compareValues(a: Value, b: Value, sign: number): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  if (a < b) return -sign;
  if (a > b) return sign;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Where a run stands, as plain JSON. */
export function orderKey(orders: readonly CheckedOrder[], run: SearchableRun): OrderKey {
  const { values, startedAt, id } = placeReader(orders)(run);
  return { values: values.map((value) => (value === undefined ? null : typeof value === 'string' || Number.isFinite(value) ? value : String(value))), startedAt, id };
}

/** The place that a key stands for. A text in the place of a number is one that JSON lacks. */
export function placeOfKey(orders: readonly CheckedOrder[], { values, startedAt, id }: OrderKey): Place {
  return {
    values: values.map((value, i) => {
      if (value === null) return undefined;
      return numberReader(orders[i]!.subject, orders[i]!.name) === undefined ? value : Number(value);
    }),
    startedAt,
    id,
  };
}
