import { valueAt } from '../core/column.ts';
import type { IndexColumns } from './event-index.ts';
import type { RowOrder } from './row-order.ts';

/** Rows in the order in which they were ingested. */
interface VersionedRows {
  readonly times: Float64Array;
  /** When each row became known; absent when that is when it happened. */
  readonly known: Float64Array | undefined;
  readonly columns: IndexColumns;
}

/**
 * For each place of rows that are in total order, when another row took its place: when the first of the later rows of the same key, time and `rowId` became known. `Infinity` where no row did, `-Infinity`
 * where it is not told when rows became known, since the last one counts from the beginning then. `undefined` when every row is one of its own.
 */
export function supersessions({ order, starts }: RowOrder, { times, known, columns: given }: VersionedRows, rowId: readonly string[]): Float64Array | undefined {
  const columns = rowId.map((name) => given.column(name));
  const idOf = (row: number): string => JSON.stringify(columns.map((each) => (each === undefined ? null : String(valueAt(each, row)))));
  let supersededAt: Float64Array | undefined;
  for (let key = 0; key < starts.length - 1; key++) {
    for (let from = starts[key]!, to = from; from < starts[key + 1]!; from = to) {
      const time = times[order[from]!]!;
      for (to = from + 1; to < starts[key + 1]! && times[order[to]!]! === time; to++);
      if (to === from + 1) continue;
      const replacedFrom = new Map<string, number>();
      for (let place = to - 1; place >= from; place--) {
        const row = order[place]!;
        const id = idOf(row);
        const at = replacedFrom.get(id);
        if (at !== undefined) (supersededAt ??= new Float64Array(order.length).fill(Infinity))[place] = at;
        // What is last in order need not have been the last to be known.
        replacedFrom.set(id, Math.min(at ?? Infinity, known?.[row] ?? -Infinity));
      }
    }
  }
  return supersededAt;
}
