import type { Column } from '../core/column.ts';
import type { Table } from '../core/table.ts';
import { sliceTable } from './batch.ts';
import type { EventIndex } from './event-index.ts';
import type { RowSnapshot } from './loaded-rows.ts';
import type { OnlineLayout } from './online-record.ts';

/** Rows of many entities as online records hold them. */
export class RecordRows {
  readonly #index: EventIndex;
  readonly #table: Table;

  constructor(rows: RowSnapshot, layout: OnlineLayout) {
    const { index } = rows;
    const { batches, batchOf, placeOf } = rows.origins();
    const columns: Record<string, Column> = {
      t: { type: 'timestamp', values: index.times },
      b: { type: 'string', values: batchOf, dictionary: batches },
      r: { type: 'float64', values: placeOf },
    };
    if (index.created) columns['c'] = { type: 'timestamp', values: index.created };
    for (const name of Object.keys(layout.columns)) {
      const column = index.column(name);
      if (column) columns[`f:${name}`] = column;
    }
    this.#index = index;
    this.#table = { rowCount: index.order.length, columns };
  }

  /** The rows of one entity up to event time `end`, in their total order and sharing memory with the others; `undefined` when there are none. */
  of(code: number, end: number): Table | undefined {
    const { starts, times } = this.#index;
    const from = starts[code]!;
    let to = starts[code + 1]!;
    while (to > from && times[to - 1]! > end) to--;
    return to === from ? undefined : sliceTable(this.#table, from, to);
  }
}
