import { checkSuite, FeatureStore, featureView, MemoryStorage, StorageError, type CheckResult } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { eachItem } from '../../../src/core/page.ts';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { simulatedClock } from '../simulated-clock.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1);
const view = featureView({ name: 'v', entity: ['k'], timestamp: 'at', features: { x: 'float64', code: 'string' } });
const suite = checkSuite({ name: 'rows', errors: { columns: { x: { max: 10 } } }, warnings: { columns: { code: { in: ['A'] } } } });
const row = (x: number, code: string, i = 0) => ({ k: `secret ${x} ${i}`, at: T + i, x, code });

async function make(storage = new MemoryStorage()) {
  const clock = simulatedClock(T + 1000);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view, suite]);
  return { storage, clock, store };
}

const facts = ({ at, suite: name, batchId, status, refused, rows, ingested, quarantined }: CheckResult) => [at - T, name, batchId, status, refused, rows, ingested, quarantined];

describe('what the checks of ingestions came to', () => {
  it('is kept with its suite, batch, moment and counts, whatever became of the rows, and outlives the process', async () => {
    const path = directory();
    const first = new FilesystemStorage(path);
    const { store, clock } = await make(first as never);
    await store.ingest(view, [row(1, 'A'), row(2, 'A')], { validate: 'rows', batchId: 'one' });
    clock.set(T + 2000);
    await store.ingest(view, [row(3, 'B'), row(4, 'A')], { validate: 'rows@1' });
    clock.set(T + 3000);
    await expect(store.ingest(view, [row(50, 'A'), row(51, 'B')], { validate: 'rows', batchId: 'bad' })).rejects.toThrow('more than the 10');
    clock.set(T + 4000);
    await store.ingest(view, [row(5, 'A'), row(60, 'A')], { validate: { columns: { x: { max: 10 } } }, onInvalid: 'quarantine' });
    await store.ingest(view, [row(6, 'A')]);
    await first.close();

    await using storage = new FilesystemStorage(path);
    const reader = new FeatureStore({ storage });
    const { items, next } = await reader.checkResults('v');
    expect(next).toBeUndefined();
    expect(items.map(facts)).toEqual([
      [4000, undefined, undefined, 'failed', false, 2, 1, 1],
      [3000, 'rows@1', 'bad', 'failed', true, 2, 0, 0],
      [2000, 'rows@1', undefined, 'warned', false, 2, 2, 0],
      [1000, 'rows@1', 'one', 'passed', false, 2, 2, 0],
    ]);
    expect(items[1]!.outcomes).toEqual([
      { column: 'x', check: 'max', severity: 'error', status: 'failed', rows: 2 },
      { column: 'code', check: 'in', severity: 'warning', status: 'failed', rows: 1 },
    ]);
    expect(items.every(({ viewVersion }) => viewVersion === 1)).toBe(true);
  });

  it('is found by suite and version, batch, status and time, page by page', async () => {
    const { store, clock } = await make();
    await store.apply([checkSuite({ name: 'rows', errors: { columns: { x: { max: 5 } } } }), checkSuite({ name: 'rows_too' })]);
    for (let i = 0; i < 150; i++) {
      clock.set(T + 1000 * i);
      await store.ingest(view, [row(i % 8, 'A', i)], { validate: ['rows', 'rows@1', 'rows_too'][i % 3]!, batchId: `b${i}`, onInvalid: 'quarantine' });
    }
    const found = async (query: Parameters<typeof store.checkResults>[1]) => {
      const times: number[] = [];
      for await (const { at } of eachItem((after) => store.checkResults(view, { ...query, after, limit: 7 }))) times.push((at - T) / 1000);
      return times;
    };
    const all = Array.from({ length: 150 }, (_, i) => 149 - i);
    expect(await found({})).toEqual(all);
    expect(await found({ suite: 'rows' })).toEqual(all.filter((i) => i % 3 < 2));
    expect(await found({ suite: 'rows@2' })).toEqual(all.filter((i) => i % 3 === 0));
    expect(await found({ status: 'failed' })).toEqual(all.filter((i) => i % 3 === 0 && i % 8 > 5));
    expect(await found({ batchId: 'b77' })).toEqual([77]);
    expect(await found({ from: T + 20_000, to: new Date(T + 40_000), suite: 'rows_too' })).toEqual(all.filter((i) => i >= 20 && i <= 40 && i % 3 === 2));
    await expect(store.checkResults(view, { status: 'bad' as never })).rejects.toMatchObject({ code: 'validation' });
    await expect(store.checkResults('nothing')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('shows no value, and hides no error of the rows', async () => {
    const { storage, store } = await make();
    await expect(store.ingest(view, [row(50, 'of someone')], { validate: 'rows' })).rejects.toThrow('rows[0].x');
    const [result] = (await storage.list({ prefix: 'features/checked/' })).entries;
    const text = new TextDecoder('latin1').decode((await storage.read([result!.key]))[0]!.bytes);
    expect(text).not.toMatch(/secret|of someone|50/);
    storage.write = () => Promise.reject(new StorageError('storage', 'The disk is gone.'));
    await expect(store.ingest(view, [row(50, 'of someone')], { validate: 'rows' })).rejects.toThrow('rows[0].x');
  });
});
