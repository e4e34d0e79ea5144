import type { NumberColumn } from '../../core/column.ts';
import type { EventIndex } from '../event-index.ts';
import { exactTotal } from '../exact-sum.ts';
import { firstFrom } from '../probe-sweep.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { includedRows } from './counted-rows.ts';
import { totalOf } from './exact-totals.ts';
import { windowEnd, windowStart } from './window.ts';

/** So many rows are added up anew for each answer: what would be kept to find their totals faster weighs more than they do, and answers are kept themselves. */
const fewRows = 64;

/** Whether an index is of so few rows that nothing need be kept to add them up. */
export function hasFewRows({ times }: EventIndex): boolean {
  return times.length <= fewRows;
}

/** A count or sum over the few rows of one entity, of which those count that were known at `t`, as `totalsOf` finds it by running totals; `null` when it is missing. */
export function totalOfFew(index: EventIndex, definition: AggregateDefinition, t: number): number | null {
  const { times } = index;
  const low = firstFrom(times, 0, times.length, windowStart(t, definition), false);
  const high = firstFrom(times, low, times.length, windowEnd(t, definition), false);
  if (low === high) return null;
  const { column, over, where } = definition;
  // Most aggregates are of one column whose rows all count.
  if (over === undefined && where === undefined && index.created === undefined && index.supersededAt === undefined) {
    if (column === undefined) return totalOf(definition, high - low, high - low, t, noSums) ?? null;
    if (index.readNumbers(column, low, high, sum.values)) return totalOf(definition, (sum.size = high - low), high - low, t, sums) ?? null;
  }
  const columns = [column, over].flatMap((name) => (name === undefined ? [] : [index.glance(name)]));
  const included = includedRows(index, columns, where);
  const counting: number[] = [];
  let seen = 0;
  for (let place = low; place < high; place++) {
    if (!existsAt(index, place, t)) continue;
    seen++;
    if (included === undefined || included[place] === 1) counting.push(place);
  }
  if (seen === 0) return null;
  return totalOf(definition, counting.length, seen, t, columns.flatMap((each) => (each?.type === 'float64' ? [new FewValues(counting.length).take(each, counting)] : []))) ?? null;
}

/** The values of few rows, to be added up. */
class FewValues {
  readonly values: Float64Array;
  size = 0;

  /** @param room - For so many. */
  constructor(room: number) {
    this.values = new Float64Array(room);
  }

  take({ values }: NumberColumn, places: readonly number[]): this {
    this.size = places.length;
    for (let i = 0; i < places.length; i++) this.values[i] = values[places[i]!]!;
    return this;
  }

  total(divisor: number): number {
    return exactTotal(this.values, divisor, this.size);
  }
}

/** Of one column, filled and added up before anyone else comes: were it made for each aggregate of each entity, it would be most of what a first answer leaves to the collector of garbage. */
const sum: FewValues = /* @__PURE__ */ new FewValues(fewRows);
const sums: readonly FewValues[] = [sum];
const noSums: readonly FewValues[] = [];

/** Whether the row at a place was known at `t`, and no other had taken its place. */
function existsAt({ created, supersededAt }: EventIndex, place: number, t: number): boolean {
  return !(created !== undefined && created[place]! > t) && !(supersededAt !== undefined && supersededAt[place]! <= t);
}
