import type { EventIndex } from '../event-index.ts';
import type { RowSnapshot } from '../loaded-rows.ts';

/** The rows of a view, each known from its ingestion on, and not before it was created where that is later: what serving could know at a moment. Rows of the very millisecond of the moment count when `inclusive`. */
export function ingestedIndex(snapshot: RowSnapshot, inclusive: boolean): EventIndex {
  // A batch's place in the order of ingestion begins with its moment.
  return snapshot.indexKnownFrom((order) => Number(order.slice(0, 16)) + (inclusive ? 0 : 1));
}
