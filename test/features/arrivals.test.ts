import { describe, expect, it } from 'vitest';
import { FeatureStore, featureView, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { crashingStorage } from './failing-storage.ts';
import { simulatedClock } from './simulated-clock.ts';

const T = Date.UTC(2024, 4, 1);
const view = featureView({ name: 'visits', entity: ['who'], timestamp: 'at', features: { x: 'float64' } });
const batch = (i: number, rows: number) => Array.from({ length: rows }, (_, k) => ({ who: 'a', at: T + i * 100 + k, x: i }));

async function make(storage: StorageAdapter = new MemoryStorage()) {
  const clock = simulatedClock(T + 10_000);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  return { store, clock, storage };
}

describe('arrivals', () => {
  it('tell each batch once, in order, from where the cursor is', async () => {
    const { store, clock } = await make();
    const source = store.arrivals(view);
    expect(source.id).toBe('features/arrivals/visits');
    expect(await source.poll(undefined)).toEqual({ events: [], next: undefined });
    for (let i = 0; i < 5; i++) {
      clock.set(T + 10_000 + i);
      await store.ingest(view, batch(i, i + 1), { batchId: `b${i}` });
      await store.ingest(view, batch(i, i + 1), { batchId: `b${i}` });
    }
    const first = await source.poll(undefined, { limit: 2 });
    expect(first.events).toEqual([0, 1].map((i) => ({ id: `visits/b${i}`, at: T + 10_000 + i, ref: { kind: 'feature-view', id: 'visits' }, data: { view: 'visits', rows: i + 1, batches: 1, from: T + i * 100, to: T + i * 100 + i, ingestedAt: T + 10_000 + i } })));
    const rest = await source.poll(first.next);
    expect(rest.events.map(({ id }) => id)).toEqual(['visits/b2', 'visits/b3', 'visits/b4']);
    expect(await source.poll(rest.next)).toEqual({ events: [], next: rest.next });
    expect((await store.arrivals('visits').poll(undefined)).events.slice(0, 2)).toEqual(first.events);
  });

  it('can wait for many rows', async () => {
    const { store } = await make();
    const source = store.arrivals(view, { rows: 5 });
    let cursor: string | undefined;
    const told: unknown[] = [];
    for (let i = 0; i < 7; i++) {
      await store.ingest(view, batch(i, 2));
      const { events, next } = await source.poll(cursor);
      cursor = next;
      told.push(...events.map(({ data }) => [i, data.rows, data.batches, data.from - T, data.to - T]));
    }
    expect(told).toEqual([[2, 6, 3, 0, 201], [5, 6, 3, 300, 501]]);
    expect(() => store.arrivals(view, { rows: 0 })).toThrow('options.rows');
  });

  it('leave no batch out wherever ingestion is cut off, and say nothing of rows that are set aside, nor forget with an entity', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        const { store } = await make(storage);
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: simulatedClock(T) });
        const died = await doomed.ingest(view, batch(1, 3), { batchId: 'b' }).then(() => false, () => true);
        await store.ingest(view, batch(1, 3), { batchId: 'b' });
        await store.ingest(view, [{ who: 'b', at: T, x: 'bad' }] as never, { onInvalid: 'quarantine' });
        const { events, next } = await store.arrivals(view).poll(undefined);
        expect(new Set(events.map(({ id }) => id))).toEqual(new Set(['visits/b']));
        await store.forget(view, [{ who: 'a' }]);
        expect(await store.arrivals(view).poll(next)).toEqual({ events: [], next });
        if (!died) break;
      }
    }
  });
});
