import type { Column } from '../../core/column.ts';
import type { EventIndex } from '../event-index.ts';
import { ExactSums } from '../exact-sum.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { countedRows, nameOf, type CountedRows } from './counted-rows.ts';
import { Float64Results } from './float64-results.ts';
import { windowEnd, windowStart } from './window.ts';
import type { WindowRows } from './window-rows.ts';

/** Counts and sums over windows: differences of running totals that are exact, less the rows that are not known yet. */
export function totalsOf(windows: WindowRows, definition: AggregateDefinition): Column {
  const { index, low, high } = windows;
  const { rows, sums } = index.planFor(definition, () => planOf(index, definition));
  const results = new Float64Results(low.length);
  // In the order of the rows: running totals that lie far apart are no longer in a cache.
  for (const probe of windows.order) {
    const from = low[probe]!;
    const to = high[probe]!;
    let seen = to - from;
    if (seen <= 0) continue;
    let count = rows.before(to) - rows.before(from);
    if (count > 0) for (const each of sums) each.start(from, to);
    for (const place of windows.hidden(probe)) {
      seen--;
      if (!rows.has(place)) continue;
      count--;
      for (const each of sums) each.leaveOut(place);
    }
    if (seen > 0) results.set(probe, totalOf(definition, count, seen, windows.times[probe]!, sums));
  }
  return results.column();
}

/** The aggregate at `t` of `seen` rows, at least one, of which `count` count; the sums are of its columns over these. */
export function totalOf(definition: AggregateDefinition, count: number, seen: number, t: number, [sum, divisor]: readonly Pick<ExactSums, 'total'>[]): number | undefined {
  switch (definition.function) {
    case 'count':
      return count;
    case 'share':
      return count / seen;
    case 'rate':
      return (count / (windowEnd(t, definition) - windowStart(t, definition))) * definition.per!;
    default:
      break;
  }
  if (count === 0 || sum === undefined) return undefined;
  if (definition.function === 'sum') return sum.total(1);
  if (definition.function === 'mean') return sum.total(count);
  const total = divisor?.total(1) ?? 0;
  return total === 0 ? undefined : sum.total(1) / total;
}

/** The rows that count, and running totals of the columns over them; no row counts where a column is missing. */
function planOf(index: EventIndex, { column, over, where }: AggregateDefinition): { rows: CountedRows; sums: readonly ExactSums[] } {
  const columns = [column, over].filter((name) => name !== undefined);
  const rows = countedRows(index, columns, where);
  const sums = columns.flatMap((name) => {
    const found = index.column(name);
    return found?.type === 'float64' ? [index.derived(nameOf(`sums ${name}`, columns, where), () => new ExactSums(found.values, rows.included))] : [];
  });
  return { rows, sums };
}
