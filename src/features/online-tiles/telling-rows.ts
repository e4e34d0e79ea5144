import { isPresent, valueAt, type Column } from '../../core/column.ts';
import { countedRows } from '../aggregates/counted-rows.ts';
import { windowStart } from '../aggregates/window.ts';
import type { EventIndex } from '../event-index.ts';
import { tileStart, type TileSpec } from './tile-spec.ts';

/** The tile and category of each row of an index, as a text; `undefined` where a row is of none that a window at `now` or later sees. */
export function groupsOf(index: EventIndex, spec: TileSpec, now: number): (place: number) => { start: number; category: string | null } | undefined {
  const { by } = spec.definition;
  const column = by === undefined ? undefined : index.column(by);
  const oldest = windowStart(now, spec);
  return (place) => {
    const time = index.times[place]!;
    if (time < oldest) return undefined;
    if (by === undefined) return { start: tileStart(time, spec), category: null };
    return column && isPresent(column, place) ? { start: tileStart(time, spec), category: String(valueAt(column, place)) } : undefined;
  };
}

/**
 * Of the rows of an index, in each tile those from which the aggregate's answer can come, whatever other rows a window sees beside them: the smallest, the first `k`, one of each value. A subset of a
 * tile's rows that has these gives what all of them give, to the bit, since the answer is picked and not computed.
 */
export function tellingRows(index: EventIndex, spec: TileSpec, now: number): number[] {
  const { definition } = spec;
  const column = index.column(definition.column!);
  if (column === undefined && definition.function !== 'distinctCount') return [];
  const counted = countedRows(index, [definition.column!], definition.where);
  const groupOf = groupsOf(index, spec, now);
  const groups = new Map<string, { readonly all: number; readonly counted: number[] }>();
  for (let place = 0; place < index.times.length; place++) {
    const group = groupOf(place);
    if (group === undefined) continue;
    const key = `${group.start} ${group.category ?? ''}`;
    let found = groups.get(key);
    if (found === undefined) groups.set(key, (found = { all: place, counted: [] }));
    if (counted.has(place)) found.counted.push(place);
  }
  const telling: number[] = [];
  for (const group of groups.values()) {
    // That a window sees anything at all makes a count of 0 of what is otherwise missing.
    if (definition.function === 'distinctCount') telling.push(group.all);
    if (group.counted.length > 0) for (const place of picked(spec, column!, group.counted)) telling.push(place);
  }
  return telling;
}

function picked({ definition }: TileSpec, column: Column, places: readonly number[]): number[] {
  switch (definition.function) {
    case 'min':
    case 'max':
      return [extreme(column.values as ArrayLike<number | bigint>, places, definition.function === 'max')];
    case 'first':
    case 'firstK':
      return places.slice(0, definition.k ?? 1);
    case 'last':
    case 'lastK':
      return places.slice(-(definition.k ?? 1));
    default:
      break;
  }
  const first = new Map<unknown, number>();
  for (const place of places) {
    const value = valueAt(column, place);
    const key = value instanceof Date ? value.getTime() : value;
    if (!first.has(key)) first.set(key, place);
  }
  return [...first.values()];
}

/** The first of the rows with the smallest or largest value, or the first that is NaN. */
function extreme(values: ArrayLike<number | bigint>, places: readonly number[], largest: boolean): number {
  let best = places[0]!;
  for (const place of places) {
    const present = values[best]!;
    const other = values[place]!;
    if (present !== present) break;
    if (other !== other || (largest ? other > present : other < present)) best = place;
  }
  return best;
}
