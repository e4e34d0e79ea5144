import { compareData, mergeProfiles, profileData, type ColumnDrift, type TableInput, type TextProfile } from 'modelkeep';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectBlocksToHold, expectFewAlarms } from './false-alarms.ts';

const seed = 20010408;
const alpha = 0.05;

/** Sentences of words whose frequencies fall off as those of a language do. */
function sentences(sampler: Sampler, n: number, { mean = 8, word = 'w', words = 2000 } = {}): string[] {
  return Array.from({ length: n }, () => {
    const length = 3 + Math.floor(-Math.log(1 - sampler.random()) * (mean - 3));
    return Array.from({ length }, () => `${word}${Math.floor(words ** sampler.random())}`).join(' ');
  });
}

function only(report: { readonly columns: readonly ColumnDrift[] }): ColumnDrift {
  const [column] = report.columns;
  if (column === undefined) throw new Error('The report has no column.');
  return column;
}

function textProfile(data: TableInput, options = {}): TextProfile {
  const [column] = profileData(data, options).columns;
  if (column?.kind !== 'text') throw new Error(`The column is a ${column?.kind}.`);
  return column;
}

describe('a column of free text', () => {
  it('is known by its sentences, and can be called otherwise', () => {
    const sampler = new Sampler(seed);
    const texts = sentences(sampler, 400);
    const kindOf = (x: readonly unknown[], options = {}): string => profileData({ x }, options).columns[0]!.kind;
    expect(kindOf(texts)).toBe('text');
    expect(kindOf([null, ...texts])).toBe('text');
    expect(kindOf(texts, { kinds: { x: 'category' } })).toBe('category');
    expect(kindOf(Array.from({ length: 400 }, (_, i) => `order-${i}`))).toBe('category');
    expect(kindOf(Array.from({ length: 400 }, (_, i) => `a status of ${i % 5}`))).toBe('category');
    expect(kindOf(['a', 'b'], { kinds: { x: 'text' } })).toBe('text');
    expect(kindOf(Array.from({ length: 40 }, (_, i) => `飛行機は遅れて出発しました${i}`))).toBe('text');
  });

  it('counts lengths, drawn words, what is missing and what is no text', () => {
    const x = ['two words', 'two words', 'gate', '?!', '', null, NaN, 7];
    const { rows, missing, nan, mistyped, lengths, groups, words, distinct } = textProfile({ x }, { kinds: { x: 'text' } });
    expect({ rows, missing, nan, mistyped, distinct }).toEqual({ rows: 8, missing: 1, nan: 1, mistyped: 1, distinct: 4 });
    expect([lengths.min, lengths.max, lengths.counts.reduce((sum, count) => sum + count, 0)]).toEqual([0, 9, 5]);
    expect(groups[0]).toBe(2);
    expect(groups.reduce((sum, count) => sum + count, 0)).toBe(5);
    // Rows of one text draw one word.
    expect([...words].sort()).toEqual([['gate', 1], [expect.stringMatching(/^(two|words)$/), 2]]);
  });

  it('is the same in parts, in any order, through JSON and row by row', () => {
    const sampler = new Sampler(seed + 1);
    const before = profileData({ x: sentences(sampler, 700) });
    const texts: unknown[] = [...sentences(sampler, 300), null, 5, 'half a pair \ud83d'];
    const whole = profileData({ x: texts.map((text) => (typeof text === 'string' ? text.replace('\ud83d', '') : text)) }, { bins: before });
    const part = (from: number, to: number): ReturnType<typeof profileData> => profileData({ x: texts.slice(from, to).map((text) => (typeof text === 'string' ? text.replace('\ud83d', '') : text)) }, { bins: JSON.parse(JSON.stringify(before)) });
    const parts = [part(0, 100), part(100, 101), part(101, 303)];
    expect(mergeProfiles(parts)).toEqual(whole);
    expect(mergeProfiles([...parts].reverse())).toEqual(whole);
    expect(mergeProfiles([parts[0]!, mergeProfiles(parts.slice(1))])).toEqual(whole);
    expect(before.format).toBe('modelkeep.profile/2');
    expect(() => mergeProfiles([before, profileData({ x: sentences(sampler, 700) })])).toThrow(/same bins/);
    expect(() => compareData({ ...before, columns: [{ ...before.columns[0]!, groups: [1] } as never] }, before)).toThrow(/columns\[0\] is not the profile/);
    expect(() => compareData({ ...before, columns: [{ ...before.columns[0]!, registers: 'A?' } as never] }, before)).toThrow(/columns\[0\] is not the profile/);
  });

  it('estimates how many are different', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `the ${i % 5000} th text`);
    expect(Math.abs(textProfile({ x: many }, { kinds: { x: 'text' } }).distinct / 5000 - 1)).toBeLessThan(0.1);
  });

  const changes: Record<string, [change: (sampler: Sampler, n: number) => unknown[], rule: string]> = {
    'other words': [(sampler, n) => sentences(sampler, n, { word: 'x' }), 'words'],
    'three quarters of the texts of other words': [(sampler, n) => sentences(sampler, n).map((text, i) => (i % 4 === 0 ? text : text.replaceAll('w', 'x'))), 'words'],
    'texts twice as long': [(sampler, n) => sentences(sampler, n, { mean: 16 }), 'length-deciles'],
    'a third missing': [(sampler, n) => sentences(sampler, n).map((text) => (sampler.random() < 1 / 3 ? null : text)), 'length-deciles|words'],
    'numbers in the place of texts': [(sampler, n) => Array.from(sampler.normals(n)), 'presence'],
  };
  test.each(Object.entries(changes))('has drifted with %s, from rows and from a profile', (_, [change, rule]) => {
    const sampler = new Sampler(seed + 2);
    const before = { x: sentences(sampler, 2000) };
    const after = { x: change(sampler, 600) };
    for (const report of [compareData(before, after), compareData(JSON.parse(JSON.stringify(profileData(before))), after)]) {
      expect(only(report)).toMatchObject({ kind: 'text', status: 'drifted', effect: { binRule: expect.stringMatching(rule) } });
      expect(only(report).effect!.low).toBeGreaterThan(0.1);
      expect(only(report).reason).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('says by which words it moved', () => {
    const sampler = new Sampler(seed + 3);
    const before = sentences(sampler, 1000, { word: 'gate' });
    const after = sentences(sampler, 1000, { word: 'gate' }).map((text, i) => (i % 2 === 0 ? 'crew crew crew' : text));
    const column = only(compareData({ x: [...before, ...Array.from({ length: 20 }, () => 'crew crew crew')] }, { x: after }));
    expect(column.moved[0]).toMatchObject({ bin: expect.stringMatching(/length|words such as .*'crew'/) });
    expect(column.tests.map(({ of, method }) => [of, method])).toEqual([['length', 'ks-binned'], ['words', expect.stringMatching(/^chi-square/)]]);
  });

  it('is compared by blocks of rows too', () => {
    const sampler = new Sampler(seed + 4);
    // Each user says the same thing twenty times, numbered: twenty rows of one user are one witness.
    const users = (n: number): { user: string; x: string }[] => sentences(sampler, n).flatMap((text) => Array.from({ length: 20 }, (_, i) => ({ user: text, x: `${text} ${i}` })));
    const draw = (): { single: ColumnDrift; blocks: ColumnDrift } => {
      const sides = [users(15), users(12)] as const;
      const text = (options: object): ColumnDrift => compareData(...sides, { kinds: { x: 'text' }, ...options }).columns[1]!;
      return { single: text({}), blocks: text({ blocks: { column: 'user', resamples: 99 } }) };
    };
    expectBlocksToHold(40, draw, { alpha, seed });
  });
});

describe('when nothing has changed', () => {
  test.each([
    [40, 40, 250],
    [60, 700, 100],
    [1000, 50, 60],
    [1000, 1000, 40],
    [4000, 300, 25],
  ])('texts are significant at most as often as alpha says: %i and %i rows', (n, m, trials) => {
    const sampler = new Sampler(seed + n);
    let drifted = 0;
    const draw = (): ColumnDrift => {
      const report = compareData({ x: sentences(sampler, n) }, { x: sentences(sampler, m) }, { kinds: { x: 'text' } });
      if (report.drifted) drifted++;
      return only(report);
    };
    const significant = expectFewAlarms(trials, draw, { alpha, seed });
    expect(drifted).toBeLessThanOrEqual(significant);
  });
});

it('texts that hardly differ, none at all, and one only, get a verdict', () => {
  const odd: unknown[][] = [Array(100).fill(''), Array(100).fill('a b c'), Array(100).fill(null), Array(100).fill(NaN), Array.from({ length: 100 }, (_, i) => i), ['a'], []];
  for (const before of odd) {
    for (const after of odd) {
      const report = compareData({ x: before }, { x: after }, { kinds: { x: 'text' } });
      const { status, reason } = only(report);
      expect(reason).not.toMatch(/NaN|undefined|Infinity/);
      if (before === after) expect(status).not.toBe('drifted');
      if (before.length < 30 || after.length < 30) expect(status).toBe('insufficient');
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    }
  }
});
