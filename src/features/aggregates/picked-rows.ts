import { takeRows, valueAt, type Column } from '../../core/column.ts';
import { missingColumn } from '../missing-column.ts';
import { aggregateType, type AggregateDefinition } from './aggregate-definition.ts';
import { countedRows, type CountedRows } from './counted-rows.ts';
import type { WindowRows } from './window-rows.ts';

/** The first or last value that a window sees, in the total order of the rows. */
export function pickedOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const { index, low } = windows;
  const column = index.column(definition.column!);
  if (column === undefined) return missingColumn(aggregateType(definition, undefined), low.length);
  const rows = index.planFor(definition, () => countedRows(index, [definition.column!], definition.where));
  const picked = new Int32Array(low.length).fill(-1);
  for (const probe of windows.order) picked[probe] = visible(windows, rows, probe, 1, definition.function === 'last')[0] ?? -1;
  return takeRows(column, picked);
}

/** Lists of the first values that a window sees, or of the last in reverse. */
export function pickedListsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const { index, low } = windows;
  const column = index.column(definition.column!);
  if (column === undefined) return missingColumn('json', low.length);
  const rows = index.planFor(definition, () => countedRows(index, [definition.column!], definition.where));
  const valid = new Uint8Array(low.length);
  const values = new Array<unknown>(low.length).fill(null);
  for (const probe of windows.order) {
    const places = visible(windows, rows, probe, definition.k!, definition.function === 'lastK');
    if (places.length === 0) continue;
    valid[probe] = 1;
    values[probe] = places.map((place) => valueAt(column, place));
  }
  return { type: 'json', values, valid };
}

/** The places of at most `k` rows that count and are known, from the front of the window or (`fromEnd`) from behind. */
function visible(windows: WindowRows, rows: CountedRows, probe: number, k: number, fromEnd: boolean): number[] {
  const from = rows.before(windows.low[probe]!);
  const to = rows.before(windows.high[probe]!);
  if (to <= from) return [];
  const hidden = windows.hidden(probe);
  const found: number[] = [];
  let h = fromEnd ? hidden.length - 1 : 0;
  for (let i = fromEnd ? to - 1 : from; i >= from && i < to && found.length < k; i += fromEnd ? -1 : 1) {
    const place = rows.included === undefined ? i : rows.places[i]!;
    // Hidden rows that do not count are passed over.
    if (fromEnd) while (h >= 0 && hidden[h]! > place) h--;
    else while (h < hidden.length && hidden[h]! < place) h++;
    if (hidden[h] !== place) found.push(place);
  }
  return found;
}
