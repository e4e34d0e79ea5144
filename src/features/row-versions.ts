import { valueAt, type Column } from '../core/column.ts';
import type { RowOrder } from './row-order.ts';

/** Rows in the order in which they were ingested. */
interface VersionedRows {
  readonly times: Float64Array;
  /** When each row became known; absent when that is when it happened. */
  readonly created: Float64Array | undefined;
  readonly column: (name: string) => Column | undefined;
}

/**
 * For each place of rows that are in total order, when another row took its place: the created time of the next row of the same key, time and `rowId`. `Infinity` where no row did, `-Infinity`
 * where rows have no created time, since the later one counts from the beginning then. `undefined` when every row is one of its own.
 */
export function supersessions({ order, starts }: RowOrder, { times, created, column }: VersionedRows, rowId: readonly string[]): Float64Array | undefined {
  const columns = rowId.map((name) => column(name));
  const idOf = (row: number): string => JSON.stringify(columns.map((each) => (each === undefined ? null : String(valueAt(each, row)))));
  let supersededAt: Float64Array | undefined;
  for (let key = 0; key < starts.length - 1; key++) {
    for (let from = starts[key]!, to = from; from < starts[key + 1]!; from = to) {
      const time = times[order[from]!]!;
      for (to = from + 1; to < starts[key + 1]! && times[order[to]!]! === time; to++);
      if (to === from + 1) continue;
      const next = new Map<string, number>();
      for (let place = to - 1; place >= from; place--) {
        const row = order[place]!;
        const id = idOf(row);
        const later = next.get(id);
        if (later !== undefined) (supersededAt ??= new Float64Array(order.length).fill(Infinity))[place] = created ? created[later]! : -Infinity;
        next.set(id, row);
      }
    }
  }
  return supersededAt;
}
