import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/tracking/search/parse-filter.ts';
import type { SearchableRun } from '../../../src/tracking/search/searchable-run.ts';
import { decodeCursor, encodeCursor, filters, keyComparator, orderKey, orderLists, parseOrder, runComparator, runWith, runsOf, selectRuns, sortRuns } from './runs.ts';

const everything = parseFilter('');

function sorted(runs: readonly SearchableRun[], ...orders: Parameters<typeof parseOrder>[0]): string[] {
  return sortRuns(runs, parseOrder(orders)).map((run) => run.id);
}

describe('what runs are sorted by', () => {
  it.each([
    ['metrics.loss', 'metric', 'loss', 'asc'],
    ['metrics.loss ASC', 'metric', 'loss', 'asc'],
    ['  metric.loss   desc ', 'metric', 'loss', 'desc'],
    ['metrics.`val/auc` DESC', 'metric', 'val/auc', 'desc'],
    ['metrics."a b"', 'metric', 'a b', 'asc'],
    ['metrics.`a b desc`', 'metric', 'a b desc', 'asc'],
    ['metrics.desc desc', 'metric', 'desc', 'desc'],
    ['params.lr', 'param', 'lr', 'asc'],
    ['parameters.lr', 'param', 'lr', 'asc'],
    ['tags.team', 'tag', 'team', 'asc'],
    ['start_time DESC', 'attribute', 'startedAt', 'desc'],
    ['attribute.end_time', 'attribute', 'endedAt', 'asc'],
    ['run.status', 'attribute', 'status', 'asc'],
  ])('%s', (text, subject, name, direction) => {
    const orders = parseOrder([text]);
    expect(orders).toEqual([{ subject, name, direction }]);
  });

  it('may be objects, and both', () => {
    expect(parseOrder([{ metric: 'loss' }, 'tags.a desc', { attribute: 'start_time' as never, direction: 'desc' }])).toEqual([
      { subject: 'metric', name: 'loss', direction: 'asc' },
      { subject: 'tag', name: 'a', direction: 'desc' },
      { subject: 'attribute', name: 'startedAt', direction: 'desc' },
    ]);
  });

  it.each([
    ['', 'expected a name such as metrics.loss, found the end'],
    ['m.acc', 'there is no "m" to search'],
    ['acc', 'there is no attribute "acc"'],
    ['attri.x', 'did you mean attr?'],
    ['attribute.start', 'there is no attribute "start"'],
    ['`metrics.A', 'the quote ` is opened here'],
    ['param`.A', 'expected a . and the name of a param'],
    ["metrics.'a'", 'names are quoted with ` or "'],
    ['metrics.A != 1', 'expected ASC, DESC or the end, found "!"'],
    ['metrics.A ASCENDING', 'found "ASCENDING"'],
    ['metrics.A DESC ASC', 'expected the end, found "ASC"'],
    ['metrics.A, metrics.B', 'one key per text'],
    ['DESC', 'found DESC'],
    ['datasets.name', 'cannot be sorted by datasets'],
    [{ metric: 'a', tag: 'b' }, 'has metric, tag; give one of metric, param, tag, attribute'],
    [{}, 'has no key'],
    [{ metric: '' }, 'give a name'],
    [{ metric: 'a', direction: 'up' }, "is \"up\"; give 'asc' or 'desc'"],
    [{ dataset: 'name' }, 'cannot be sorted by datasets'],
    [{ attribute: 'statsu' }, 'did you mean status?'],
    [null, 'is null; give a text or an object'],
    [5, 'is 5'],
  ])('is refused: %j', (order, problem) => {
    const fault = (): unknown => parseOrder(['metrics.first', order as never]);
    expect(fault).toThrow(problem);
    expect(fault).toThrow(expect.objectContaining({ code: 'validation', details: expect.objectContaining({ path: expect.stringMatching(/^orderBy\[1\]/) }) }));
  });

  it('is refused when it comes twice, or in no array', () => {
    expect(() => parseOrder(['metrics.a', { metric: 'a', direction: 'desc' }])).toThrow(/^orderBy\[1\] is metrics.a, which is sorted by already/);
    expect(() => parseOrder('metrics.a' as never)).toThrow(/give an array/);
  });
});

describe('the order', () => {
  const values: Record<string, number> = { nan: NaN, inf: Infinity, minus: -Infinity, one: 1, two: 2 };
  const runs = [...Object.entries(values).map(([id, a]) => runWith({ id, metrics: { a } })), runWith({ id: 'none' })];

  it('has NaN behind the numbers and missing metrics last, both ways', () => {
    expect(sorted(runs, 'metrics.a')).toEqual(['minus', 'one', 'two', 'inf', 'nan', 'none']);
    expect(sorted(runs, 'metrics.a desc')).toEqual(['inf', 'two', 'one', 'minus', 'nan', 'none']);
  });

  it('takes params as text, and has missing ones last, both ways', () => {
    const some = [runWith({ id: '9', params: { p: 9 } }), runWith({ id: '10', params: { p: '10' } }), runWith({ id: '-' }), runWith({ id: 'e', params: { p: '' } })];
    expect(sorted(some, 'params.p')).toEqual(['e', '10', '9', '-']);
    expect(sorted(some, 'params.p desc')).toEqual(['9', '10', 'e', '-']);
  });

  it('is by start, the latest first, then by id, when nothing else decides', () => {
    const some = [runWith({ id: 'b', startedAt: 1 }), runWith({ id: 'a', startedAt: 1 }), runWith({ id: 'c', startedAt: 2 })];
    expect(sorted(some)).toEqual(['c', 'a', 'b']);
    expect(sorted(some, 'metrics.none desc')).toEqual(['c', 'a', 'b']);
    expect(sorted(some, 'start_time')).toEqual(['a', 'b', 'c']);
  });

  it('goes by the second key where the first ties', () => {
    const some = [['x', 1, 'b'], ['y', 1, 'a'], ['z', 0, 'c']].map(([id, a, t]) => runWith({ id: id as string, metrics: { a: a as number }, tags: { t: t as string } }));
    expect(sorted(some, 'metrics.a', 'tags.t')).toEqual(['z', 'y', 'x']);
    expect(sorted(some, 'metrics.a desc', 'tags.t desc')).toEqual(['x', 'y', 'z']);
  });

  it('is total: antisymmetric, transitive, and 0 for the same run alone', () => {
    const three = fc.uniqueArray(runsOf(fc.uuid()), { minLength: 3, maxLength: 3, selector: (run) => run.id });
    fc.assert(
      fc.property(orderLists, three, (orders, [a, b, c]) => {
        const compare = runComparator(orders);
        expect(Math.sign(compare(a!, b!))).toBe(-Math.sign(compare(b!, a!)));
        expect(compare(a!, b!)).not.toBe(0);
        expect(compare(a!, { ...a! })).toBe(0);
        if (compare(a!, b!) < 0 && compare(b!, c!) < 0) expect(compare(a!, c!)).toBeLessThan(0);
      }),
      { seed: 6, numRuns: 1000 },
    );
  });

  it('is that of the keys, also when they went through JSON', () => {
    fc.assert(
      fc.property(orderLists, runsOf(fc.uuid()), runsOf(fc.uuid()), (orders, a, b) => {
        const key = JSON.parse(JSON.stringify(orderKey(orders, b)));
        expect(Math.sign(keyComparator(orders, key)(a))).toBe(Math.sign(runComparator(orders)(a, b)));
        expect(keyComparator(orders, key)(b)).toBe(0);
      }),
      { seed: 7, numRuns: 1000 },
    );
  });
});

describe('pages', () => {
  const question = { filter: everything, orders: parseOrder(['metrics.a desc', 'tags.t']) };

  it('make one list, whatever comes and goes between them', () => {
    const steps = fc.array(fc.record({ limit: fc.integer({ min: 1, max: 4 }), add: fc.array(runsOf(fc.uuid()), { maxLength: 3 }), drop: fc.nat() }), { minLength: 40, maxLength: 40 });
    const start = fc.uniqueArray(runsOf(fc.uuid()), { maxLength: 25, selector: (run) => run.id });
    fc.assert(
      fc.property(orderLists, filters, start, steps, (orders, filter, initial, moves) => {
        const stored = new Map(initial.map((run) => [run.id, run]));
        const stayed = new Set(stored.keys());
        const seen: SearchableRun[] = [];
        let after: string | undefined;
        for (const { limit, add, drop } of moves) {
          const page = selectRuns(stored.values(), { filter, orders, limit, after });
          seen.push(...page.items);
          expect(page.items.length).toBeLessThanOrEqual(limit);
          after = page.next;
          if (after === undefined) break;
          for (const run of add) stored.set(run.id, run);
          // Now and then the very run that the cursor stands at goes.
          const gone = drop % 2 === 0 ? page.items.at(-1)!.id : [...stored.keys()][drop % stored.size]!;
          stored.delete(gone);
          stayed.delete(gone);
        }
        const ids = seen.map((run) => run.id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(sortRuns(seen, orders).map((run) => run.id)).toEqual(ids);
        if (after !== undefined) return;
        const all = selectRuns(initial, { filter, orders, limit: 1000 }).items.map((run) => run.id);
        expect(ids.filter((id) => stayed.has(id))).toEqual(all.filter((id) => stayed.has(id)));
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  it('are those of one big sort', () => {
    const all = fc.uniqueArray(runsOf(fc.uuid()), { maxLength: 60, selector: (run) => run.id });
    fc.assert(
      fc.property(orderLists, all, fc.integer({ min: 1, max: 9 }), (orders, runs, limit) => {
        const ids: string[] = [];
        let after: string | undefined;
        do {
          const page = selectRuns(runs, { filter: everything, orders, limit, after });
          ids.push(...page.items.map((run) => run.id));
          after = page.next;
        } while (after !== undefined);
        expect(ids).toEqual([...runs].sort(runComparator(orders)).map((run) => run.id));
      }),
      { seed: 9, numRuns: 300 },
    );
  });

  it('end with a page that has no next, also when it is full', () => {
    const runs = [1, 2, 3].map((a) => runWith({ id: `r${a}`, metrics: { a } }));
    expect(selectRuns(runs, { ...question, limit: 3 })).toEqual({ items: [runs[2], runs[1], runs[0]] });
    expect(selectRuns([], { ...question, limit: 3 })).toEqual({ items: [] });
    const first = selectRuns(runs, { ...question, limit: 2 });
    expect(selectRuns(runs.slice(1), { ...question, limit: 2, after: first.next })).toEqual({ items: [] });
  });
});

describe('a cursor', () => {
  const question = { filter: parseFilter("tags.t = 'x'"), orders: parseOrder(['metrics.a desc', 'tags.t']), scope: { experiments: ['e'] } };
  const run = runWith({ id: 'r', metrics: { a: NaN }, tags: { t: '日本😀' } });
  const cursor = encodeCursor(question, orderKey(question.orders, run));

  it('keeps the key, and is fit for an address', () => {
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor(question, cursor)).toEqual(['NaN', '日本😀', 1000, 'r']);
    fc.assert(
      fc.property(filters, orderLists, runsOf(fc.uuid()), (filter, orders, any) => {
        const key = orderKey(orders, any);
        expect(keyComparator(orders, decodeCursor({ filter, orders }, encodeCursor({ filter, orders }, key)))(any)).toBe(0);
      }),
      { seed: 10 },
    );
  });

  it('is refused by every other search', () => {
    const others = [
      { ...question, filter: parseFilter("tags.t = 'y'") },
      { ...question, filter: everything },
      { ...question, orders: parseOrder(['metrics.a', 'tags.t']) },
      { ...question, orders: parseOrder(['metrics.a desc']) },
      { ...question, orders: parseOrder(['tags.t', 'metrics.a desc']) },
      { ...question, scope: { experiments: ['f'] } },
      { filter: question.filter, orders: question.orders },
    ];
    for (const other of others) expect(() => decodeCursor(other, cursor)).toThrow(/cursor of a search with another filter or order/);
  });

  it('is taken by the same search in other words', () => {
    const same = { ...question, filter: parseFilter("tag.`t` == \"x\" AND") };
    expect(decodeCursor(same, cursor)).toEqual(decodeCursor(question, cursor));
  });

  it.each(['', '{}', '"a"', 'e30', 'ImEi', 'W10', 'bnVsbA', '!!!!', 'a', '====', 'WzFd', cursor.slice(0, -5), `${cursor}AA`, `x${cursor}`, 5, null, {}, 'W'.repeat(200_000)])('%j is none', (text) => {
    expect(() => decodeCursor(question, text as string)).toThrow(expect.objectContaining({ code: 'validation', details: { path: 'after' }, message: expect.stringMatching(/^after is .*no cursor/) }));
  });

  it('whose values were changed is refused', () => {
    const fields = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    for (const changed of [[...fields.slice(0, 4), 'x', 'y'], [...fields.slice(0, 4), 1, 2], fields.slice(0, 5), [...fields, 1], [...fields.slice(0, 4), {}, 'y']]) {
      expect(() => decodeCursor(question, Buffer.from(JSON.stringify(changed)).toString('base64url'))).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });
});
