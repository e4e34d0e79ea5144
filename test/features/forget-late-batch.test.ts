import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { interleavedStorage } from '../storage/interleaved-storage.ts';
import { runningClock } from './simulated-clock.ts';
import { stopping } from './stops.ts';

const T = Date.UTC(2026, 0, 1);
const view = featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: { x: 'float64', s: 'string', n: aggregate.count({ window: '1d' }) } });
const anna = [{ id: 'anna' }];
/** One that can go in, one that is invalid by a check, and one that is no row of the view at all. */
const late = [
  { id: 'anna', at: T - 50, x: 1, s: 'late-news' },
  { id: 'anna', at: T - 40, x: 99, s: 'late-news' },
  { id: 'anna', at: 'some time', x: 2, s: 'late-news' },
];
const how = { online: true, onInvalid: 'quarantine', validate: { columns: { x: { max: 10 } } } } as const;

async function begin() {
  const storage = new MemoryStorage();
  const clock = runningClock(T);
  const store = new FeatureStore({ storage, clock, servingLog: { sample: 1 } });
  await store.apply([view]);
  await store.ingest(view, [{ id: 'bert', at: T - 100, x: 5, s: 'news of bert' }], { online: true });
  return { storage, clock, store };
}

async function everyByte(storage: StorageAdapter): Promise<string> {
  const parts: string[] = [];
  for (const { key } of (await storage.list()).entries) parts.push(key, Buffer.from((await storage.read([key]))[0]!.bytes).toString('latin1'));
  for (const { key } of (await storage.list({ kind: 'log' })).entries) for await (const { bytes } of storage.readLog(key)) parts.push(key, Buffer.from(bytes).toString('latin1'));
  for (const { key } of (await storage.list({ kind: 'blob' })).entries) for await (const bytes of (await storage.readBlob(key as `sha256:${string}`))!) parts.push(Buffer.from(bytes).toString('latin1'));
  return parts.join('\n');
}

/** Makes all that is made of rows: serves them, keeps what was served, and counts them by day. */
async function use(store: FeatureStore): Promise<void> {
  await store.getOnlineFeatures({ entities: [...anna, { id: 'bert' }], features: ['v:*'] });
  await store.flush();
  await store.statistics(view);
}

async function callsOf(run: (store: FeatureStore) => Promise<unknown>): Promise<number> {
  const { storage, clock } = await begin();
  const turns = stopping([]);
  await run(new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'alone' }), clock }));
  return turns.calls;
}

describe('a batch that was on its way while its entity was forgotten', () => {
  it('leaves nothing behind, wherever it was held up, whatever was made of it meanwhile', async () => {
    const calls = await callsOf((store) => store.ingest(view, late, how));
    const found = { late: 0, used: 0 };
    // The first calls read the definition of the view, and which entities were forgotten before: who is later counts.
    for (let forgotten = 4; forgotten <= calls; forgotten += 3) {
      for (let used = forgotten + (forgotten % 8); used <= calls + 12; used += 8) {
        const { storage, clock, store } = await begin();
        const other = new FeatureStore({ storage, clock, servingLog: { sample: 1 } });
        const meanwhile = async (): Promise<void> => {
          await use(other);
          if ((await everyByte(storage)).match(/features\/served[^]*late-news/)) found.used++;
        };
        const stops = [{ at: forgotten, meanwhile: async () => void (await store.forget(view, anna)) }, { at: used, meanwhile }];
        await new FeatureStore({ storage: interleavedStorage(storage, stopping(stops), { name: 'slow' }), clock }).ingest(view, late, how);
        const text = await everyByte(storage);
        found.late++;
        expect([{ forgotten, used }, text.includes('late-news'), text.includes('news of bert')]).toEqual([{ forgotten, used }, false, true]);
        expect((await store.statistics(view)).items.map(({ rows }) => rows)).toEqual([1]);
      }
    }
    expect(found.late).toBeGreaterThan(15);
    expect(found.used).toBeGreaterThan(1);
  });

  it('keeps out of the statistics that are counted beside the forgetting, by whatever clocks', async () => {
    const calls = await callsOf((store) => store.statistics(view));
    for (let forgotten = 1; forgotten <= calls; forgotten++) {
      const { storage, clock, store } = await begin();
      await store.ingest(view, late.slice(0, 1));
      const ahead = { ...clock, now: () => clock.now() + 3_600_000 };
      const stops = [{ at: forgotten, meanwhile: async () => void (await store.forget(view, anna)) }];
      await new FeatureStore({ storage: interleavedStorage(storage, stopping(stops), { name: 'counting' }), clock: ahead }).statistics(view);
      expect([forgotten, (await everyByte(storage)).includes('late-news')]).toEqual([forgotten, false]);
    }
  });
});
