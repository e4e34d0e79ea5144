import fc from 'fast-check';
import { aggregate, entity, FeatureStore, featureService, featureView, isModelkeepError, MemoryStorage, onDemandView, type FeatureStoreOptions, type ServedAnswer, type ServingLogOptions, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { temporaryDirectories } from '../../storage/filesystem/temporary-directory.ts';
import { ManualClock } from '../../tracking/manual-clock.ts';

const directory = temporaryDirectories();
const T = Date.UTC(2024, 4, 1, 12);
const view = featureView({ name: 'spend', entity: ['customer'], timestamp: 'at', ttl: '1d', features: { amount: { type: 'float64', default: -1 }, shop: 'string', n: aggregate.count({ window: '1d' }) } });
const request = onDemandView({
  name: 'request', version: 'a', inputs: { n: view.feature('n') }, request: { basket: 'json' }, features: { items: 'float64' },
  compute: ({ basket, n }) => ({ items: ((basket as unknown[] | null)?.length ?? 0) + (n ?? 0) }),
});
const service = featureService({ name: 'basket_v1', features: ['spend:amount', 'spend:shop', 'request:*'] });

async function make(servingLog: ServingLogOptions | undefined, storage: StorageAdapter = new MemoryStorage(), clock = new ManualClock(T), more: Partial<FeatureStoreOptions> = {}) {
  const store = new FeatureStore({ storage, clock, servingLog, ...more });
  await store.apply([view, request, service]);
  await store.ingest(view, ['anna', 'bert'].map((customer, i) => ({ customer, at: T - 1000 - i, amount: i, shop: i === 0 ? 'x' : null })), { online: true });
  return { store, storage, clock };
}

async function all(rows: AsyncIterable<ServedAnswer>): Promise<ServedAnswer[]> {
  const found: ServedAnswer[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

const ask = (...customers: (string | null)[]) => ({ entities: customers.map((customer) => ({ customer, basket: [1, 2], note: 'not kept' })), features: 'basket_v1' });

describe('the serving log', () => {
  it('keeps what was served, with its keys, moment, statuses, times and versions', async () => {
    const { store } = await make({ sample: 1 });
    await store.getOnlineFeatures(ask('anna', 'bert', 'nobody', null));
    expect(store.servingLogCounts).toEqual({ served: 4, sampled: 4, written: 0, pending: 4, dropped: 0 });
    await store.flush();
    expect(store.servingLogCounts).toMatchObject({ written: 4, pending: 0 });
    const rows = await all(store.served('basket_v1'));
    expect(rows.length).toBe(4);
    const of = (customer: string | null) => rows.find(({ entity: found }) => found['customer'] === customer)!;
    expect(of('anna')).toEqual({
      at: T, serviceVersion: 1, versions: { spend: 1, request: 'a' }, entity: { customer: 'anna', basket: [1, 2] }, features: { amount: 0, shop: 'x', items: 3 },
      statuses: { amount: 'PRESENT', shop: 'PRESENT', items: 'PRESENT' }, timestamps: { amount: T - 1000, shop: T - 1000, items: T - 1000 },
    });
    expect(of('bert')).toMatchObject({ features: { amount: 1, shop: null }, statuses: { amount: 'PRESENT', shop: 'NULL_VALUE' } });
    expect(of('nobody')).toMatchObject({ features: { amount: -1, shop: null, items: 2 }, statuses: { amount: 'NOT_FOUND', shop: 'NOT_FOUND' }, timestamps: { amount: null, items: null } });
    expect(of(null)).toMatchObject({ features: { amount: -1 } });
  });

  it('keeps keys of any type apart, and what the caller changes afterwards does not show', async () => {
    const storage = new MemoryStorage();
    const { store } = await make({ sample: 1 }, storage);
    const wide = featureView({ name: 'wide', entity: ['k'], timestamp: 'at', features: { profile: 'json', big: 'int64' } });
    await store.apply([wide]);
    await store.ingest(wide, [{ k: 1, at: T - 5, profile: { a: [1] }, big: 2n ** 60n }], { online: true });
    const answer = await store.getOnlineFeatures({ entities: [{ k: 1 }, { k: 1n }, { k: '1' }, { k: true }], features: ['wide:profile', 'wide:big'] });
    (answer.columns['profile']![0] as { a: number[] }).a.push(2);
    await store.flush();
    const rows = await all(store.served(['wide:big', wide.feature('profile')]));
    expect(rows.map(({ entity: { k } }) => typeof k).sort()).toEqual(['bigint', 'boolean', 'number', 'string']);
    expect(rows.find(({ entity: { k } }) => k === 1)!.features).toEqual({ profile: { a: [1] }, big: 2n ** 60n });
    expect(await all(store.served(['wide:big']))).toEqual([]);
  });

  it('takes the same rows in each process, about as many as asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(0.1, 0.5), async (offset, sample) => {
        const found = [];
        for (let process = 0; process < 2; process++) {
          const { store } = await make({ sample }, new MemoryStorage(), new ManualClock(T + offset));
          await store.getOnlineFeatures({ entities: Array.from({ length: 400 }, (_, i) => ({ customer: `c${i}` })), features: ['spend:amount'] });
          await store.flush();
          found.push((await all(store.served(['spend:amount']))).map(({ entity: { customer } }) => customer));
          expect(store.servingLogCounts).toMatchObject({ served: 400, sampled: found.at(-1)!.length });
        }
        expect(found[0]).toEqual(found[1]);
        // Six standard deviations of a binomial count.
        expect(Math.abs(found[0]!.length - 400 * sample)).toBeLessThan(6 * Math.sqrt(400 * sample * (1 - sample)));
      }),
      { seed: 7, numRuns: 12 },
    );
  });

  it('is written in the background within its interval, and no timer waits while nothing does', async () => {
    const { store, clock } = await make({ sample: 1, flushInterval: '10s' });
    expect(clock.timers).toBe(0);
    await store.getOnlineFeatures(ask('anna'));
    expect(clock.timers).toBe(1);
    await clock.pass(9_000);
    expect(store.servingLogCounts.pending).toBe(1);
    await clock.pass(1_000);
    await store.flush();
    expect(store.servingLogCounts).toMatchObject({ pending: 0, written: 1 });
    expect(clock.timers).toBe(0);
  });

  it('drops and counts what comes while too much waits, never failing a request', async () => {
    const storage = new MemoryStorage();
    let full = false;
    const errors: unknown[] = [];
    const moody: StorageAdapter = Object.assign(Object.create(storage) as StorageAdapter, {
      write: (...given: Parameters<StorageAdapter['write']>) => (full ? Promise.reject(new Error('The disk is full.')) : storage.write(...given)),
      list: storage.list.bind(storage), read: storage.read.bind(storage), append: storage.append.bind(storage), readLog: storage.readLog.bind(storage),
    });
    const { store } = await make({ sample: 1, maxPendingBytes: 1_500, onError: (error) => errors.push(error) }, moody);
    full = true;
    for (let i = 0; i < 20; i++) await store.getOnlineFeatures(ask('anna'));
    const before = store.servingLogCounts;
    expect(before.pending).toBeGreaterThan(2);
    expect(before.dropped).toBe(20 - before.pending);
    await expect(store.flush()).rejects.toThrow('full');
    await store.getOnlineFeatures(ask('anna'));
    expect(store.servingLogCounts).toMatchObject({ pending: before.pending, dropped: before.dropped + 1, written: 0 });
    full = false;
    await store.flush();
    expect(store.servingLogCounts).toMatchObject({ pending: 0, written: before.pending });
    expect((await all(store.served('basket_v1'))).length).toBe(before.pending);
    await store.close();
    await store.getOnlineFeatures(ask('anna'));
    expect(store.servingLogCounts).toMatchObject({ pending: 0, dropped: before.dropped + 2 });
    expect(errors.length).toBeLessThan(3);
  });

  it('is cut off anywhere in a write without a row lost or doubled', async () => {
    const path = directory();
    const first = new FilesystemStorage(path);
    let calls = 0;
    const lossy: StorageAdapter = new Proxy(first, {
      get: (target, name) => {
        if (name !== 'write') { const value: unknown = Reflect.get(target, name); return typeof value === 'function' ? value.bind(target) : value; }
        return async (...given: Parameters<StorageAdapter['write']>) => {
          const results = await target.write(...given);
          // The answer is lost, not the write.
          if (given[0].some(({ key }) => key.startsWith('features/served/')) && calls++ < 2) throw new Error('The line is dead.');
          return results;
        };
      },
    });
    const { store } = await make({ sample: 1 }, lossy);
    await store.getOnlineFeatures(ask('anna', 'bert'));
    await expect(store.flush()).rejects.toThrow('dead');
    await store.getOnlineFeatures(ask('nobody'));
    await expect(store.flush()).rejects.toThrow('dead');
    await store.flush();
    await first.close();
    const again = new FilesystemStorage(path);
    const reader = new FeatureStore({ storage: again });
    expect((await all(reader.served('basket_v1'))).map(({ entity: { customer } }) => customer).sort()).toEqual(['anna', 'bert', 'nobody']);
    await again.close();
  });

  it('holds so many days, and gives those of a range', async () => {
    const { store, storage, clock } = await make({ sample: 1, retention: '2d', flushInterval: '1s' });
    for (let day = 0; day < 5; day++) {
      await store.getOnlineFeatures(ask('anna'));
      await store.flush();
      await clock.pass(86_400_000);
    }
    const other = (await make({ sample: 1, retention: '2d' }, storage, clock)).store;
    await other.getOnlineFeatures(ask('bert'));
    await other.flush();
    const days = (await all(store.served('basket_v1'))).map(({ at }) => (at - T) / 86_400_000);
    expect(days).toEqual([3, 4, 5]);
    expect((await all(store.served('basket_v1', { from: T + 4 * 86_400_000, to: new Date(T + 4.5 * 86_400_000) }))).length).toBe(1);
    expect((await all(store.served('basket_v1@2'))).length).toBe(0);
    await expect(all(store.served('basket_v1', { from: 'some day' }))).rejects.toThrow('query.from');
    await expect(all(store.served(null as never))).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
  });

  it('forgets an entity, also one that is still on its way into the log', async () => {
    const storage = new MemoryStorage();
    const { store, clock } = await make({ sample: 1 }, storage);
    const route = { features: ['spend:n', { view: 'spend', as: 'payer', keys: { customer: 'payer' }, features: ['amount'] }] } as const;
    await store.getOnlineFeatures(ask('anna', 'bert'));
    await store.getOnlineFeatures({ ...route, entities: [{ customer: 'bert', payer: 'anna' }, { customer: 'bert', payer: 'bert' }] });
    await store.flush();
    await store.getOnlineFeatures(ask('anna', 'bert'));
    await clock.pass(5);
    expect(await store.forget(view, [{ customer: 'anna' }])).toMatchObject({ rows: 1, online: 1, served: 2 });
    await store.flush();
    expect((await all(store.served('basket_v1'))).map(({ entity: { customer } }) => customer)).toEqual(['bert', 'bert']);
    expect((await all(store.served(route.features))).map(({ entity: found }) => found)).toEqual([{ customer: 'bert', payer: 'bert' }]);
    let bytes = '';
    for (const { key } of (await storage.list({ prefix: 'features/served/' })).entries) bytes += Buffer.from((await storage.read([key]))[0]!.bytes).toString('latin1');
    expect(bytes).not.toContain('anna');
    expect(bytes).toContain('bert');
    await clock.pass(5);
    await store.getOnlineFeatures(ask('anna'));
    await store.flush();
    expect((await all(store.served('basket_v1'))).filter(({ entity: { customer } }) => customer === 'anna').length).toBe(1);
  });

  it('refuses what is no option, and without the option nothing is kept', async () => {
    for (const servingLog of [{ sample: 0 }, { sample: 2 }, { sample: NaN }, { retention: 'ever' }, { what: 1 }, { onError: 7 }]) {
      expect(() => new FeatureStore({ storage: new MemoryStorage(), servingLog: servingLog as never })).toThrow(/servingLog/);
    }
    const { store, storage } = await make(undefined);
    await store.getOnlineFeatures(ask('anna'));
    await store.flush();
    await store.close();
    expect(store.servingLogCounts.served).toBe(0);
    expect((await storage.list({ prefix: 'features/served/' })).entries).toEqual([]);
  });

  it('keeps typed keys and the features of a view without entities', async () => {
    const place = entity({ name: 'place', keys: { city: 'string', zone: 'int64' } });
    const local = featureView({ name: 'local', entity: place, timestamp: 'at', features: { x: 'float64' } });
    const everywhere = featureView({ name: 'everywhere', entity: [], timestamp: 'at', features: { y: 'float64' } });
    const { store } = await make({ sample: 1 });
    await store.apply([place, local, everywhere]);
    await store.ingest(everywhere, [{ at: T - 1, y: 4 }], { online: true });
    await store.getOnlineFeatures({ entities: [{ city: 'Lyon', zone: 7 }], features: ['local:x', 'everywhere:y'] });
    await store.getOnlineFeatures({ entities: [{}], features: ['everywhere:y'] });
    await store.flush();
    expect((await all(store.served(['everywhere:y', 'local:x'])))[0]).toMatchObject({ entity: { city: 'Lyon', zone: 7n }, features: { x: null, y: 4 } });
    expect(await store.forget(everywhere, [{}])).toMatchObject({ served: 2 });
  });
});
