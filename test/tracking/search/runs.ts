import fc from 'fast-check';
import { placeComparator, placeOfKey, placeReader, type OrderKey } from '../../../src/tracking/search/compare-runs.ts';
import type { CheckedOrder } from '../../../src/tracking/search/run-order.ts';
import { checkFilter } from '../../../src/tracking/search/check-filter.ts';
import type { RunFilter } from '../../../src/tracking/search/run-filter.ts';
import type { SearchableRun } from '../../../src/tracking/search/searchable-run.ts';

/** A run with the given metrics by name, and other fields. */
export function runWith({ metrics = {}, ...fields }: Omit<Partial<SearchableRun>, 'metrics'> & { metrics?: Record<string, number> } = {}): SearchableRun {
  return {
    id: '018f0000-0000-7000-8000-000000000000',
    experiment: 'e',
    status: 'finished',
    startedAt: 1000,
    params: {},
    tags: {},
    droppedPoints: 0,
    datasets: [],
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, { step: 0, timestamp: 0, value }])),
    ...fields,
  };
}

const names = fc.constantFrom('a', 'b', 'val/auc', 'a b', '__proto__', 'constructor', 'q`"\'', 'and');
const numbers = fc.oneof(fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1, 2, -1.5, 1e-7, 1e21), fc.double());
const texts = fc.oneof(fc.constantFrom('', 'x', 'xy', 'X', '10', '9', "it's", 'a%b', '_', '日本', '😀'), fc.string({ unit: 'binary', maxLength: 5 }));
const patterns = fc.oneof(texts, fc.string({ unit: fc.constantFrom('%', '_', 'x', 'y', '.', '*', '\\', '😀'), maxLength: 6 }));

function equality<T>(value: fc.Arbitrary<T>): fc.Arbitrary<object>[] {
  return [
    fc.record({ eq: value }),
    fc.record({ ne: value }),
    fc.record({ in: fc.array(value, { minLength: 1, maxLength: 3 }) }),
    fc.record({ notIn: fc.array(value, { minLength: 1, maxLength: 3 }) }),
    fc.record({ exists: fc.boolean() }),
  ];
}

function order<T>(value: fc.Arbitrary<T>): fc.Arbitrary<object>[] {
  return [fc.record({ gt: value }), fc.record({ gte: value }), fc.record({ lt: value }), fc.record({ lte: value }), fc.record({ between: fc.tuple(value, value) })];
}

const byPattern = [fc.record({ like: patterns }), fc.record({ notLike: patterns }), fc.record({ ilike: patterns }), fc.record({ notIlike: patterns })];
const numberTests = fc.oneof(...equality(numbers), ...order(numbers));
const textTests = fc.oneof(...equality(texts), ...order(texts), ...byPattern);
const statusTests = fc.oneof(...equality(fc.constantFrom('running', 'FINISHED', 'failed')), ...byPattern);

const conditions = fc
  .oneof(
    fc.tuple(fc.record({ metric: names }), numberTests),
    fc.tuple(fc.oneof(fc.record({ param: names }), fc.record({ tag: names })), textTests),
    fc.tuple(fc.record({ attribute: fc.constantFrom('id', 'name', 'group', 'parent') }), textTests),
    fc.tuple(fc.record({ attribute: fc.constantFrom('startedAt', 'endedAt', 'duration') }), numberTests),
    fc.tuple(fc.record({ attribute: fc.constant('status') }), statusTests),
    fc.tuple(fc.record({ dataset: fc.constantFrom('name', 'digest', 'role') }), textTests),
  )
  .map(([subject, test]) => ({ ...subject, ...test }));

/** Filters of every form, as `checkFilter` gives them. */
export const filters: fc.Arbitrary<RunFilter> = fc
  .letrec<{ filter: object }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      conditions,
      fc.record({ and: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ not: tie('filter') }),
    ),
  }))
  .filter.map((filter) => checkFilter(filter));

const byName = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.array(fc.tuple(names, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));

/** Runs with few different values, so that they tie often; their ids are those of `ids`. */
export function runsOf(ids: fc.Arbitrary<string>): fc.Arbitrary<SearchableRun> {
  return fc
    .record(
      {
        id: ids,
        startedAt: fc.integer({ min: 0, max: 3 }),
        endedAt: fc.integer({ min: 0, max: 5 }),
        name: texts,
        group: texts,
        status: fc.constantFrom('running' as const, 'finished' as const, 'failed' as const),
        params: byName(fc.oneof(texts, numbers, fc.boolean(), fc.constant(null), fc.constant([64, 32]))),
        tags: byName(texts),
        metrics: byName(numbers),
        datasets: fc.array(fc.record({ name: texts, digest: texts, role: texts }), { maxLength: 2 }),
      },
      { requiredKeys: ['id', 'startedAt', 'status', 'params', 'tags', 'metrics', 'datasets'] },
    )
    .map(runWith);
}

/** Keys to sort by, of every kind. */
export const orderLists: fc.Arbitrary<CheckedOrder[]> = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom('metric' as const, 'param' as const, 'tag' as const, 'attribute' as const),
      names,
      fc.constantFrom('name', 'group', 'endedAt', 'duration', 'startedAt', 'status'),
      fc.constantFrom('asc' as const, 'desc' as const),
    )
    .map(([subject, name, attribute, direction]) => ({ subject, name: subject === 'attribute' ? attribute : name, direction })),
  { maxLength: 3, selector: ({ subject, name }) => `${subject}.${name}` },
);

/** Compares two runs as a search does. */
export function runComparator(orders: readonly CheckedOrder[]): (a: SearchableRun, b: SearchableRun) => number {
  const [placeOf, compare] = [placeReader(orders), placeComparator(orders)];
  return (a, b) => compare(placeOf(a), placeOf(b));
}

/** Compares a run with the run of a key as a search does. */
export function keyComparator(orders: readonly CheckedOrder[], key: OrderKey): (run: SearchableRun) => number {
  const [placeOf, compare, place] = [placeReader(orders), placeComparator(orders), placeOfKey(orders, key)];
  return (run) => compare(placeOf(run), place);
}

/** All runs in the order of a search. */
export function sortRuns(runs: readonly SearchableRun[], orders: readonly CheckedOrder[]): SearchableRun[] {
  return [...runs].sort(runComparator(orders));
}
