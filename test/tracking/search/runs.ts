import fc from 'fast-check';
import type { Page } from '../../../src/core/page.ts';
import { checkFilter as check } from '../../../src/core/search/check-filter.ts';
import { compileFilter as compile } from '../../../src/core/search/compile-filter.ts';
import { orderKey as keyOf, placeComparator, placeOfKey, placeReader, type OrderKey } from '../../../src/core/search/item-place.ts';
import { ItemSelection, type SelectOptions } from '../../../src/core/search/item-selection.ts';
import { decodeCursor as decode, encodeCursor, type SearchQuestion } from '../../../src/core/search/search-cursor.ts';
import type { AnyFilter } from '../../../src/core/search/search-filter.ts';
import { parseOrder as parse, type CheckedOrder } from '../../../src/core/search/search-order.ts';
import type { RunFilter } from '../../../src/tracking/search/run-filter.ts';
import type { RunOrder } from '../../../src/tracking/search/run-order.ts';
import { runVocabulary } from '../../../src/tracking/search/run-vocabulary.ts';
import type { SearchableRun } from '../../../src/tracking/search/searchable-run.ts';

export { encodeCursor };

/** The machine of searches, for runs. */
export const checkFilter = (filter: unknown, path?: string): RunFilter => check(runVocabulary, filter, path) as RunFilter;
export const compileFilter = (filter: RunFilter): ((run: SearchableRun) => boolean) => compile(runVocabulary, filter as AnyFilter);
export const parseOrder = (orders: readonly (string | RunOrder)[], path?: string): CheckedOrder[] => parse(runVocabulary, orders, path);
export const orderKey = (orders: readonly CheckedOrder[], run: SearchableRun): OrderKey => keyOf(runVocabulary, orders, run);
export const decodeCursor = (question: SearchQuestion, text: string): OrderKey => decode(runVocabulary, question, text);
export function selectRuns(runs: Iterable<SearchableRun>, options: SelectOptions): Page<SearchableRun> {
  const selection = new ItemSelection(runVocabulary, options);
  for (const run of runs) selection.offer(run);
  return selection.page();
}

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
  const [placeOf, compare] = [placeReader(runVocabulary, orders), placeComparator(runVocabulary, orders)];
  return (a, b) => compare(placeOf(a), placeOf(b));
}

/** Compares a run with the run of a key as a search does. */
export function keyComparator(orders: readonly CheckedOrder[], key: OrderKey): (run: SearchableRun) => number {
  const [placeOf, compare, place] = [placeReader(runVocabulary, orders), placeComparator(runVocabulary, orders), placeOfKey(runVocabulary, orders, key)];
  return (run) => compare(placeOf(run), place);
}

/** All runs in the order of a search. */
export function sortRuns(runs: readonly SearchableRun[], orders: readonly CheckedOrder[]): SearchableRun[] {
  return [...runs].sort(runComparator(orders));
}
