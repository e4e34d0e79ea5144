import { FeatureStore, featureView, isModelkeepError, MemoryStorage, type ColumnChecks, type TableChecks } from 'modelkeep';
import { describe, expect, it } from 'vitest';

const T = Date.UTC(2024, 4, 1);
const view = featureView({
  name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64', y: 'float64', n: 'int64', code: 'string', until: 'timestamp', data: 'json', ok: 'bool' },
});
const row = { k: 'a', at: T, x: 1, y: 2, n: 1n, code: 'AA1', until: T + 1, data: { a: 1 }, ok: true };

async function reasons(rows: readonly object[], validate: TableChecks) {
  const store = new FeatureStore({ storage: new MemoryStorage() });
  await store.apply([view]);
  await store.ingest(view, rows.map((each, i) => ({ ...row, at: T + i, until: T + i + 1, ...each })) as never, { onInvalid: 'quarantine', validate });
  return (await store.quarantined(view)).items.flatMap(({ place, reasons: found }) => found.map(({ check, message }) => `${place} ${check} ${message}`));
}

const on = (column: string, checks: ColumnChecks): TableChecks => ({ columns: { [column]: checks } });

describe('checks of rows', () => {
  it('find values that are there twice, of any type', async () => {
    expect(await reasons([{ n: 1 }, { n: null }, { n: 1n }, { n: null }, { n: 2 }], on('n', { unique: true }))).toEqual(['2 unique rows[2].n is 1, as rows[0].n is, and each value is there once at most.']);
    expect((await reasons([{ data: { a: 1, b: 2 } }, { data: { b: 2, a: 1 } }, { data: [1] }], on('data', { unique: true }))).map((text) => text.slice(0, 8))).toEqual(['1 unique']);
    expect((await reasons([{}, {}], on('k', { unique: true }))).length).toBe(1);
    expect(await reasons([{}, {}], on('n', { unique: false }))).toEqual([]);
    expect((await reasons([{ x: NaN }, { x: NaN }, { x: 0 }, { x: -0 }], on('x', { unique: true }))).length).toBe(2);
  });

  it('find texts that are not like a pattern', async () => {
    expect(await reasons([{}, { code: 'xAA1' }, { code: null }, { code: '' }], on('code', { pattern: '^[A-Z]{2}\\d$' }))).toEqual([
      '1 pattern rows[1].code is "xAA1", which is not like ^[A-Z]{2}\\d$.', '3 pattern rows[3].code is "", which is not like ^[A-Z]{2}\\d$.',
    ]);
  });

  it('compare columns with each other', async () => {
    expect(await reasons([{}, { x: 2 }, { x: 3 }, { x: null }, { y: null }, { x: NaN }], on('x', { lessThan: 'y' }))).toEqual([
      '1 lessThan rows[1].x is 2, and it is less than y, which is 2.', '2 lessThan rows[2].x is 3, and it is less than y, which is 2.', '5 lessThan rows[5].x is NaN, and it is less than y, which is 2.',
    ]);
    expect((await reasons([{ x: 2 }, { x: 3 }], on('x', { atMost: 'y' }))).length).toBe(1);
    expect(await reasons([{}, { n: 2n ** 53n + 1n, x: 2 ** 53 }], on('n', { atMost: 'x' }))).toEqual(['1 atMost rows[1].n is 9007199254740993, and it is at most x, which is 9007199254740992.']);
    expect(await reasons([{ until: T - 1 }], on('at', { lessThan: 'until' }))).toEqual(['0 lessThan rows[0].at is 2024-05-01T00:00:00.000Z, and it is less than until, which is 2024-04-30T23:59:59.999Z.']);
  });

  it('look at a table as a whole', async () => {
    expect(await reasons([{ x: 1 }, { x: 6 }, { x: null }, { x: NaN }], on('x', { mean: [3, 4] }))).toEqual([]);
    expect((await reasons([{ x: 1 }, { x: 2 }], on('x', { mean: [3, 4] })))[1]).toBe('1 mean rows.x has a mean of 1.5, which is not between 3 and 4.');
    expect((await reasons([{ n: 1 }, { n: 4 }], on('n', { mean: [2.5, 2.5] }))).length).toBe(0);
    expect((await reasons([{ x: null }], on('x', { mean: [3, 4] }))).length).toBe(1);
    expect(await reasons([{}, {}], { minRows: 2 })).toEqual([]);
    expect(await reasons([{}, {}], { minRows: 3 })).toEqual(['0 minRows rows has 2 rows, fewer than the 3 that there are at least.', '1 minRows rows has 2 rows, fewer than the 3 that there are at least.']);
  });

  it('are refused where they are none, or of no use for the column', async () => {
    const bad: [TableChecks, string][] = [
      [on('code', { pattern: '(' }), 'must be a regular expression'], [on('x', { pattern: 'a' }), 'is about texts'], [on('x', { lessThan: 'z' }), 'columns.x.lessThan'], [on('code', { lessThan: 'x' }), 'numbers or times'],
      [on('x', { atMost: 'until' }), 'times with times'], [on('code', { mean: [1, 2] }), 'is about numbers'], [on('x', { mean: [1] as never }), 'mean'], [{ minRows: -1 }, 'minRows'], [on('x', { unique: 1 as never }), 'unique'],
    ];
    for (const [validate, text] of bad) await expect(reasons([{}], validate), text).rejects.toSatisfy((error) => isModelkeepError(error, 'validation') && error.message.includes(text), text);
  });
});
