import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../../src/tracking/search/parse-filter.ts';
import type { SearchableRun } from '../../../src/tracking/search/searchable-run.ts';
import { compilePattern } from '../../../src/core/search/text-pattern.ts';
import { checkFilter, compileFilter, filters, runWith, runsOf } from './runs.ts';

function matching(runs: readonly SearchableRun[], text: string): number[] {
  const matches = compileFilter(parseFilter(text));
  return runs.flatMap((run, i) => (matches(run) ? [i] : []));
}

const some = [
  runWith({ id: 'r0', status: 'failed', metrics: { auc: 121 }, params: { kind: 'A' }, datasets: [{ name: 'jan', digest: 'd1', role: 'train' }] }),
  runWith({ id: 'r1', status: 'finished', metrics: { auc: 123 }, params: { kind: 'A' }, tags: { team: 'C' }, datasets: [{ name: 'jan', digest: 'd1', role: 'test' }, { name: 'feb', digest: 'd2', role: 'train' }] }),
  runWith({ id: 'r2', status: 'failed', metrics: { auc: 125 }, params: { kind: 'B' }, tags: { team: 'D' }, datasets: [{ name: 'feb', digest: 'd2', role: 'test' }] }),
  runWith({ id: 'r3', status: 'running' }),
];

describe('runs that match', () => {
  it.each([
    ['', [0, 1, 2, 3]],
    ['TRUE', [0, 1, 2, 3]],
    ['FALSE', []],
    ["attributes.status = 'FAILED'", [0, 2]],
    ["status IN ('failed', 'running')", [0, 2, 3]],
    ["status LIKE 'F%'", [0, 1, 2]],
    ["status NOT LIKE 'FA%'", [1, 3]],
    ['metrics.auc = 123', [1]],
    ['metrics.auc != 123', [0, 2]],
    ['metrics.auc >= 123', [1, 2]],
    ['metrics.auc IN (121, 125)', [0, 2]],
    ['metrics.auc NOT IN (121)', [1, 2]],
    ['metrics.auc BETWEEN 121 AND 123', [0, 1]],
    ['metrics.auc BETWEEN 123 AND 121', []],
    ['metrics.auc IS NULL', [3]],
    ["params.kind = 'A'", [0, 1]],
    ["params.kind > 'A'", [2]],
    ["tags.team = 'D'", [2]],
    ["tags.team != 'D'", [1]],
    ["NOT tags.team = 'D'", [0, 1, 3]],
    ["tags.team NOT IN ('D')", [1]],
    ["NOT tags.team IN ('D')", [0, 1, 3]],
    ["tags.team NOT LIKE 'D'", [1]],
    ["tags.team ILIKE 'd'", [2]],
    ["tags.team LIKE 'd'", []],
    ["params.kind = 'A' AND attributes.status = 'failed'", [0]],
    ["params.kind = 'B' OR tags.team IS NULL", [0, 2, 3]],
    ["datasets.name = 'jan'", [0, 1]],
    ["datasets.name IN ('jan', 'feb')", [0, 1, 2]],
    ["datasets.name != 'jan'", [1, 2]],
    ["NOT datasets.name = 'jan'", [2, 3]],
    ["datasets.name = 'jan' AND datasets.digest = 'd2'", [1]],
    ["datasets.context = 'train'", [0, 1]],
    ['datasets.name IS NULL', [3]],
    ['datasets.role IS NOT NULL', [0, 1, 2]],
    ["id = 'r3' OR run_id LIKE '%0'", [0, 3]],
  ])('%s', (text, indices) => {
    expect(matching(some, text)).toEqual(indices);
  });

  it('have metrics that compare as IEEE 754 has it', () => {
    const runs = [NaN, Infinity, -Infinity, 0, -0, 5].map((a) => runWith({ metrics: { a } })).concat(runWith());
    const all: Record<string, number[]> = {
      'metrics.a < 5': [2, 3, 4],
      'metrics.a <= 5': [2, 3, 4, 5],
      'metrics.a >= 5': [1, 5],
      'metrics.a = 0': [3, 4],
      'metrics.a = nan': [],
      'metrics.a != nan': [0, 1, 2, 3, 4, 5],
      'metrics.a != 5': [0, 1, 2, 3, 4],
      'metrics.a IN (nan, 5)': [5],
      'metrics.a NOT IN (nan, 5)': [0, 1, 2, 3, 4],
      'metrics.a = inf': [1],
      'metrics.a BETWEEN -inf AND 0': [2, 3, 4],
      'metrics.a BETWEEN nan AND 5': [],
      'metrics.a IS NOT NULL': [0, 1, 2, 3, 4, 5],
      'NOT metrics.a < 5': [0, 1, 5, 6],
    };
    for (const [text, indices] of Object.entries(all)) expect(matching(runs, text), text).toEqual(indices);
  });

  it('have params that compare as text', () => {
    const values = ['0.01', 0.01, 1e21, 10, 9, true, null, 5n, [64, 32], { b: 1, a: 'x' }, new Date(0), NaN, -0];
    const runs = values.map((p) => runWith({ params: { p } }));
    const texts = ['0.01', '0.01', '1e+21', '10', '9', 'true', 'null', '5', '[64,32]', '{"a":"x","b":1}', '1970-01-01T00:00:00.000Z', 'NaN', '0'];
    for (const text of texts) expect(matching(runs, `params.p = '${text}'`), text).toEqual(texts.flatMap((each, i) => (each === text ? [i] : [])));
    expect(matching(runs.slice(3, 5), "params.p < '9'")).toEqual([0]);
    expect(matching(runs, 'params.p IS NULL')).toEqual([]);
  });

  it('have their own keys only', () => {
    const bare = runWith();
    for (const key of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      for (const what of ['metrics', 'params', 'tags']) expect(matching([bare], `${what}.${key} IS NULL`), `${what}.${key}`).toEqual([0]);
    }
  });

  it('have attributes that may be missing', () => {
    const runs = [runWith({ startedAt: 100 }), runWith({ startedAt: 100, endedAt: 350, name: 'x', parent: 'p', group: 'g', notes: 'n', deletedAt: 9, code: { commit: 'c0ffee', branch: 'main' } })];
    const all: Record<string, number[]> = {
      'duration = 250': [1],
      'duration IS NULL': [0],
      'end_time > 0': [1],
      'start_time = 100': [0, 1],
      "name != 'y'": [1],
      "parent = 'p' AND group = 'g' AND notes = 'n'": [1],
      'parent IS NULL': [0],
      "lifecycle = 'deleted'": [1],
      "lifecycle != 'deleted'": [0],
      'deletedAt IS NOT NULL': [1],
      "commit LIKE 'c0%' AND branch = 'main'": [1],
      "experiment = 'e'": [0, 1],
      'droppedPoints = 0': [0, 1],
    };
    for (const [text, indices] of Object.entries(all)) expect(matching(runs, text), text).toEqual(indices);
  });
});

describe('a pattern', () => {
  it.each([
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['a.c', 'abc', false],
    ['a.c', 'a.c', true],
    ['(a+)+$', '(a+)+$', true],
    ['a\\_', 'a\\x', true],
    ['[a-c]', 'b', false],
    ['%', '', true],
    ['%', 'a\nb', true],
    ['_', '', false],
    ['_', 'a', true],
    ['_', 'ab', false],
    ['_', '😀', true],
    ['__', '😀', false],
    ['_%_', '😀', false],
    ['%_', 'x😀', true],
    ['a%', 'ba', false],
    ['%a', 'ba', true],
    ['a%a', 'a', false],
    ['a%a', 'aa', true],
    ['%ab%bc%', 'abc', false],
    ['%ab%bc%', 'abbc', true],
    ['%a%a%', 'a', false],
    ['a%b%c', 'a-b-b-c', true],
    ['a_c%', 'abcdef', true],
    ['%b_d%', 'abcdef', true],
    ['%b_d', 'abcdef', false],
    ['', '', true],
    ['', 'a', false],
    ['A%', 'abc', false],
  ])('%s against %j', (pattern, text, matches) => {
    expect(compilePattern(pattern)(text)).toBe(matches);
  });

  it('matches what its regular expression does', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n', '😀'), maxLength: 9 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '%', '_', '😀'), maxLength: 7 });
    fc.assert(
      fc.property(pattern, text, (like, given) => {
        const expression = new RegExp(`^${like.replaceAll('.', '\\.').replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`, 'u');
        expect(compilePattern(like)(given)).toBe(expression.test(given));
      }),
      { seed: 3, numRuns: 5000 },
    );
  });

  it('of many parts does not blow up', () => {
    const text = 'a'.repeat(8000);
    for (const like of [`${'%a'.repeat(2000)}%b`, `${'%a_'.repeat(1000)}%b%`, `${'_'.repeat(4000)}%b%`]) expect(compilePattern(like)(text)).toBe(false);
  });
});

describe('not, and, or', () => {
  const runs = fc.array(runsOf(fc.uuid()), { minLength: 1, maxLength: 5 });

  it('not matches exactly the other runs', () => {
    fc.assert(
      fc.property(filters, runs, (filter, given) => {
        const [matches, others] = [compileFilter(filter), compileFilter({ not: filter })];
        for (const run of given) expect(others(run)).toBe(!matches(run));
      }),
      { seed: 4 },
    );
  });

  it('obey De Morgan', () => {
    fc.assert(
      fc.property(filters, filters, runs, (a, b, given) => {
        const [left, right] = [compileFilter({ not: { and: [a, b] } }), compileFilter({ or: [{ not: a }, { not: b }] })];
        for (const run of given) expect(left(run)).toBe(right(run));
        expect(given.map(compileFilter({ not: { or: [a, b] } }))).toEqual(given.map(compileFilter({ and: [{ not: a }, { not: b }] })));
      }),
      { seed: 5 },
    );
  });

  it('and the negative tests match no run that lacks the key', () => {
    for (const test of [{ ne: 'x' }, { notIn: ['x'] }, { notLike: 'x' }, { notIlike: 'x' }, { eq: 'x' }, { exists: true }]) {
      for (const subject of [{ tag: 'a' }, { param: 'a' }, { attribute: 'name' }, { dataset: 'name' }]) expect(compileFilter(checkFilter({ ...subject, ...test }))(runWith())).toBe(false);
    }
    expect(compileFilter(checkFilter({ metric: 'a', ne: 5 }))(runWith())).toBe(false);
  });
});
