import { describe, expect, it } from 'vitest';
import { aggregate, FeatureStore, featureView, MemoryStorage } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler } from 'modelkeep/server';
import { simulatedClock } from './simulated-clock.ts';

const T = Date.UTC(2026, 0, 1);
const hour = 3_600_000;
const view = featureView({
  name: 'orders', entity: ['customer'], timestamp: 'at', ttl: '1h',
  features: { amount: { type: 'float64', default: -1 }, note: 'string', mean: aggregate.mean('amount', { window: '1d' }) },
});

/** A feature store whose storage is behind a server, with what it asks of that. */
function remote(storage: MemoryStorage, clock = simulatedClock(T)) {
  const handler = createStorageHandler(storage, { authorize: 'public' });
  const asked: string[] = [];
  const http = new HttpStorage('http://storage.test', {
    fetch: (request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return handler(request);
    },
  });
  return { store: new FeatureStore({ storage: http, clock }), asked, clock };
}

describe('a feature store behind a server', () => {
  it('reads a hundred entities in one round trip, with all statuses', async () => {
    const storage = new MemoryStorage();
    const writer = remote(storage);
    await writer.store.apply([view]);
    const isOld = (i: number): boolean => i % 4 === 0;
    const rows = Array.from({ length: 98 }, (_, i) => ({ customer: `c${i}`, at: T - (isOld(i) ? 2 * hour : 1), amount: i, note: i % 3 === 0 ? null : 'x' }));
    await writer.store.ingest(view, rows.slice(0, 40), { online: true });
    await writer.store.ingest(view, rows.slice(40));
    expect(await writer.store.materialize(view)).toMatchObject({ entities: 58 });

    const { store, asked, clock } = remote(storage);
    const query = { entities: Array.from({ length: 100 }, (_, i) => ({ customer: `c${i}` })), features: ['orders:*'] };
    await store.getOnlineFeatures(query);
    asked.length = 0;
    const { columns, statuses } = await store.getOnlineFeatures(query);
    expect(asked).toEqual(['POST /v1/batch/read']);
    const each = Array.from({ length: 100 }, (_, i) => i);
    expect(statuses['note']).toEqual(each.map((i) => (i >= 98 ? 'NOT_FOUND' : isOld(i) ? 'OUTSIDE_MAX_AGE' : i % 3 === 0 ? 'NULL_VALUE' : 'PRESENT')));
    expect(columns['amount']).toEqual(each.map((i) => (i >= 98 || isOld(i) ? -1 : i)));
    expect(columns['mean']).toEqual(each.map((i) => (i >= 98 ? null : i)));
    clock.set(T + hour);
    expect(new Set((await store.getOnlineFeatures(query)).statuses['amount'])).toEqual(new Set(['OUTSIDE_MAX_AGE', 'NOT_FOUND']));
    expect(asked).toHaveLength(2);
  });

  it('sees at once what others push, and a definition that others change', async () => {
    const storage = new MemoryStorage();
    const [reader, writer] = [remote(storage), remote(storage)];
    await writer.store.apply([view]);
    await writer.store.ingest(view, [{ customer: 'a', at: T - 5, amount: 1, note: 'x' }], { online: true });
    const amounts = async () => (await reader.store.getOnlineFeatures({ entities: [{ customer: 'a' }], features: ['orders:amount'] })).columns['amount'];
    expect(await amounts()).toEqual([1]);
    await writer.store.ingest(view, [{ customer: 'a', at: T - 4, amount: 2, note: 'x' }], { online: true });
    // What is older in time never replaces what is newer.
    await writer.store.ingest(view, [{ customer: 'a', at: T - 6, amount: 3, note: 'x' }], { online: true });
    expect(await amounts()).toEqual([2]);
    await writer.store.apply([featureView({ name: 'orders', entity: ['customer'], timestamp: 'at', ttl: 3, features: { amount: 'float64', note: 'string' } })], { force: true });
    expect(await amounts()).toEqual([null]);
  });
});
