import type { Page } from '../../core/page.ts';
import { orderKey, placeComparator, placeOfKey, placeReader, type OrderKey, type Place } from './compare-runs.ts';
import { compileFilter } from './match-run.ts';
import type { CheckedOrder } from './run-order.ts';
import { decodeCursor, encodeCursor, type SearchQuestion } from './search-cursor.ts';
import type { SearchableRun } from './searchable-run.ts';

interface Placed<R> {
  readonly run: R;
  readonly place: Place;
}

/** Which part of the runs found is wanted. */
export interface SelectOptions extends SearchQuestion {
  /** At most so many; a whole number of at least 1. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/**
 * The runs that match, in order, from behind the cursor on. A cursor holds where its run stood, not how many came before: whatever starts, ends or goes between two pages, no other run is skipped or comes twice. Costs one look at every
 * run, and n log(limit) comparisons of those that match.
 */
export function selectRuns<R extends SearchableRun>(runs: Iterable<R>, { limit, after, ...question }: SelectOptions): Page<R> {
  const { filter, orders } = question;
  const matches = compileFilter(filter);
  const [placeOf, compare] = [placeReader(orders), placeComparator(orders)];
  const from = after === undefined ? undefined : placeOfKey(orders, decodeCursor(question, after));
  const found: Placed<R>[] = [];
  for (const run of runs) {
    if (!matches(run)) continue;
    const place = placeOf(run);
    if (from === undefined || compare(place, from) > 0) found.push({ run, place });
  }
  const best = firstOf(found, limit + 1, compare);
  const items = best.slice(0, limit).map(({ run }) => run);
  return best.length > limit ? { items, next: encodeCursor(question, keyOf(orders, items)) } : { items };
}

function keyOf(orders: readonly CheckedOrder[], items: readonly SearchableRun[]): OrderKey {
  return orderKey(orders, items[items.length - 1]!);
}

/** The first `count` in order. Those that cannot be among them are dropped whenever twice as many have been gathered. */
function firstOf<R>(all: Placed<R>[], count: number, compare: (a: Place, b: Place) => number): Placed<R>[] {
  const sort = (some: Placed<R>[]): Placed<R>[] => some.sort((a, b) => compare(a.place, b.place)).slice(0, count);
  if (all.length <= 4 * count) return sort(all);
  let best: Placed<R>[] = [];
  let worst: Place | undefined;
  for (const each of all) {
    if (worst !== undefined && compare(each.place, worst) > 0) continue;
    best.push(each);
    if (best.length < 2 * count) continue;
    best = sort(best);
    worst = best[count - 1]!.place;
  }
  return sort(best);
}
