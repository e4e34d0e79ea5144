import fc from 'fast-check';
import { aggregate, embedding, FeatureStore, featureView, isModelkeepError, MemoryStorage, type StorageAdapter, type ViewStatistics } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';

const T = Date.UTC(2024, 4, 1);
const day = 86_400_000;
const view = featureView({
  name: 'landings', entity: ['origin'], timestamp: 'at', columns: { delay: 'float64' },
  features: { n: 'int64', carrier: 'string', ok: 'bool', data: 'json', e: embedding(2), mean: aggregate.mean('delay', { window: '1d' }) },
});

type Landing = { origin: string; at: number; delay: number | null; n: bigint | null; carrier: string | null; ok: boolean; data: unknown; e: number[] };
const landing: fc.Arbitrary<Landing> = fc.record({
  origin: fc.constantFrom('ATL', 'JFK', 'LAX'), at: fc.integer({ min: -2 * day, max: 40 * day }).map((offset) => T + offset), delay: fc.oneof(fc.constantFrom(null, NaN), fc.integer({ min: -50, max: 50 })),
  n: fc.constantFrom(null, 1n, 2n, 9007199254740993n), carrier: fc.constantFrom(null, 'AA', 'DL'), ok: fc.boolean(), data: fc.constantFrom({ a: 1 }, [2]), e: fc.constantFrom([1, 2]),
});

/** A store whose writes of statistics are counted. */
async function make() {
  const memory = new MemoryStorage();
  const written: string[] = [];
  const storage = new Proxy(memory, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'write') return typeof value === 'function' ? value.bind(target) : value;
      return (...given: Parameters<StorageAdapter['write']>) => {
        written.push(...given[0].flatMap(({ kind, key }) => (kind === 'put' && key.startsWith('features/statistics/') ? [key.split('/').at(-1)!] : [])));
        return target.write(...given);
      };
    },
  });
  const clock = simulatedClock(T + 50 * day);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  const ingest = async (rows: readonly Landing[], batchId: string) => { clock.set(clock.now() + 10); if (rows.length > 0) await store.ingest(view, rows as never, { batchId }); };
  return { store, storage: memory, clock, ingest, written };
}

async function all(store: FeatureStore, query: object = {}): Promise<ViewStatistics[]> {
  const items: ViewStatistics[] = [];
  let after: string | undefined;
  do {
    const page = await store.statistics(view, { ...query, after, limit: 7 });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function expected(rows: readonly Landing[], key: (at: number) => string) {
  const groups = grouped(rows, ({ at }) => key(at));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => {
    const delays = each.flatMap(({ delay }) => (delay === null || Number.isNaN(delay) ? [] : [delay]));
    const mean = delays.length === 0 ? null : delays.reduce((a, b) => a + b, 0) / delays.length;
    const carriers = grouped(each.flatMap(({ carrier }) => carrier ?? []), (carrier) => carrier);
    return {
      rows: each.length,
      count: each.filter(({ delay }) => delay !== null).length,
      nan: each.filter(({ delay }) => Number.isNaN(delay)).length,
      mean: mean && expect.closeTo(mean, 9) as number,
      min: delays.length === 0 ? null : Math.min(...delays),
      max: delays.length === 0 ? null : Math.max(...delays),
      std: delays.length < 2 ? null : expect.closeTo(Math.sqrt(delays.reduce((sum, x) => sum + (x - mean!) ** 2, 0) / (delays.length - 1)), 9) as number,
      top: [...carriers].map(([value, list]) => ({ value, count: list.length })).sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)),
      distinct: new Set(each.flatMap(({ n }) => n ?? [])).size,
    };
  });
}

function told(items: readonly ViewStatistics[]) {
  return items.map(({ rows, columns }) => {
    const { count, nan, mean, min, max, std } = columns['delay']!;
    return { rows, count, nan, mean, min, max, std, top: columns['carrier']!.top, distinct: columns['n']!.distinct };
  });
}

const utcDay = (at: number): string => new Date(at).toISOString().slice(0, 10);
const utcMonth = (at: number): string => new Date(at).toISOString().slice(0, 7);
const utcWeek = (at: number): string => utcDay(at - ((new Date(at).getUTCDay() + 6) % 7) * day);

describe('statistics of a view', () => {
  it('are those of its rows, however they came, late, twice, or gone again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(landing, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), fc.constantFrom(undefined, 'ATL', 'JFK'), async (batches, gone) => {
        const { store, clock, ingest } = await make();
        let rows: Landing[] = [];
        for (const [i, batch] of batches.entries()) {
          await ingest(batch, `${i}`);
          rows.push(...batch);
          expect(told(await all(store))).toEqual(expected(rows, utcDay));
        }
        if (gone !== undefined) {
          clock.set(clock.now() + 10);
          await store.forget(view, [{ origin: gone }]);
          rows = rows.filter(({ origin }) => origin !== gone);
          expect(told(await all(store))).toEqual(expected(rows, utcDay));
        }
        clock.set(clock.now() + 10);
        expect(told(await all(store, { by: 'week' }))).toEqual(expected(rows, utcWeek));
        expect(told(await all(store, { by: 'month' }))).toEqual(expected(rows, utcMonth));
        expect(told(await all(store, { by: 'all' }))).toEqual(expected(rows, () => ''));
      }),
      { seed: 3, numRuns: 25 },
    );
  });

  it('count only the days that rows came to since', async () => {
    const { store, storage, ingest, written } = await make();
    const on = (days: number, delay: number): Landing => ({ origin: 'ATL', at: T + days * day, delay, n: 1n, carrier: 'AA', ok: true, data: [1], e: [1, 2] });
    await ingest([on(0, 1), on(1, 2), on(2, 3)], 'a');
    const first = await all(store);
    expect(written).toEqual(['2024-05-01', '2024-05-02', '2024-05-03']);
    expect(await all(store)).toEqual(first);
    expect(await all(new FeatureStore({ storage }))).toEqual(first);
    expect(written.length).toBe(3);
    await ingest([on(1, 4), on(5, 0)], 'b');
    const [item] = (await store.statistics(view, { from: T + day, to: new Date(T + 1.5 * day) })).items;
    expect(item).toMatchObject({ from: '2024-05-02', to: '2024-05-02', rows: 2, columns: { delay: { mean: 3, min: 2, max: 4, quantiles: { p50: expect.any(Number) as number } } } });
    expect(written.slice(3)).toEqual(['2024-05-02']);
    await all(store);
    expect(written.slice(4)).toEqual(['2024-05-06']);
    expect((await store.statistics(view, { by: 'month' })).items[0]).toMatchObject({ from: '2024-05-01', to: '2024-05-06', rows: 5 });
    expect(written.length).toBe(5);
    expect(item!.columns['e']).toEqual({ type: 'embedding(2)', count: 2, nulls: 0, nan: 0 });
    expect(item!.columns['data']).toMatchObject({ type: 'json', distinct: 1 });
    expect(Object.keys(item!.columns).sort()).toEqual(['carrier', 'data', 'delay', 'e', 'n', 'ok']);
  });

  it('keep nothing of an entity that is forgotten', async () => {
    const { store, storage, clock, ingest } = await make();
    await ingest([{ origin: 'ATL', at: T, delay: 1, n: 1n, carrier: 'secret-carrier', ok: true, data: [1], e: [1, 2] }], 'a');
    await all(store);
    const bytes = async () => Promise.all((await storage.list({ prefix: 'features/statistics/' })).entries.map(async ({ key }) => Buffer.from((await storage.read([key]))[0]!.bytes).toString('latin1')));
    expect((await bytes()).join('')).toContain('secret-carrier');
    clock.set(clock.now() + 10);
    await store.forget(view, [{ origin: 'ATL' }]);
    expect(await bytes()).toEqual([]);
    expect(await all(store)).toEqual([]);
  });

  it('need sound options', async () => {
    const { store, ingest } = await make();
    for (const bad of [{ by: 'year' }, { limit: 0 }, { from: 'once' }, { to: NaN }, { what: 1 }]) await expect(store.statistics(view, bad as never)).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'), JSON.stringify(bad));
    await expect(store.statistics('nothing')).rejects.toSatisfy((error) => isModelkeepError(error, 'not-found'));
    await ingest([{ origin: 'ATL', at: T, delay: 1, n: 1n, carrier: 'AA', ok: true, data: [1], e: [1, 2] }], 'a');
    await expect(store.statistics(view, { signal: AbortSignal.abort() })).rejects.toSatisfy((error) => isModelkeepError(error, 'aborted'));
  });
});
