import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type StorageAdapter } from 'modelkeep';
import { crashingStorage } from '../failing-storage.ts';
import { simulatedClock } from '../simulated-clock.ts';

const hour = 3_600_000;
const start = Date.UTC(2024, 0, 1);
const view = featureView({
  name: 'spend',
  entity: ['who'],
  timestamp: 'at',
  features: { amount: 'float64', spent: aggregate.sum('amount', { window: 'lifetime' }), most: aggregate.max('amount', { window: 'lifetime' }), month: aggregate.mean('amount', { window: '30d' }) },
});
const who = [{ who: 'anna' }, { who: 'bert' }];

/** Rows of both, a minute apart, from hour `from` on. */
const rows = (from: number, size: number, scale: number) => Array.from({ length: size }, (_, i) => ({ who: i % 2 === 0 ? 'anna' : 'bert', at: start + from * hour + i * 60_000, amount: (((i * 7919) % 1000) / 7) * scale }));

/** A view of a store where something happens just before rows are appended for the first time, and something just after. */
function stalling(storage: MemoryStorage, before: () => Promise<void>, after: () => Promise<void>): MemoryStorage {
  let left = 1;
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'append') return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      return async (...args: Parameters<StorageAdapter['append']>) => {
        const isFirst = args[0].startsWith('features/rows/') && left-- > 0;
        if (isFirst) await before();
        const result = await target.append(...args);
        if (isFirst) await after();
        return result;
      };
    },
  });
}

async function agree(store: FeatureStore, t: number, because: unknown): Promise<unknown[]> {
  const features = ['spend:*'];
  const online = await store.getOnlineFeatures({ entities: who, features });
  const offline = await store.getHistoricalFeatures({ entities: who.map((each) => ({ ...each, t })), timestamp: 't', features });
  for (const name of Object.keys(online.statuses)) expect([because, name, online.columns[name]]).toEqual([because, name, Array.from(offline.columns[name]!)]);
  return Array.from(offline.columns['spent']!);
}

/** A batch of a process that is so slow that the entity is forgotten before its rows are stored, and so late taken out that they are folded with what came since. */
async function late(failAt: number, moment: 'before' | 'after') {
  const storage = new MemoryStorage();
  const clock = simulatedClock(start + 100 * hour);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  const forgetting = async (): Promise<void> => {
    clock.set(start + 101 * hour);
    await store.forget(view, [who[0]!]);
    await store.ingest(view, rows(50, 1000, 1));
  };
  const folding = async (): Promise<void> => {
    clock.set(start + 102 * hour);
    await store.materialize(view);
  };
  const slow = crashingStorage(stalling(storage, forgetting, folding), failAt, moment);
  const died = await new FeatureStore({ storage: slow, clock: simulatedClock(start + 100 * hour) }).ingest(view, rows(0, 1000, 3)).then(() => false, () => true);
  return { storage, store, clock, died };
}

describe('rows that are forgotten after they were folded with later ones', () => {
  it('are out of the tiles at once, and the later ones stay', async () => {
    const { store, clock, died } = await late(Infinity, 'before');
    expect(died).toBe(false);
    const kept = rows(50, 1000, 1).filter((row) => row.who === 'anna').reduce((sum, { amount }) => sum + amount, 0);
    expect((await agree(store, start + 102 * hour, 'at once'))[0]).toBeCloseTo(kept, 6);
    clock.set(start + 104 * hour);
    await store.ingest(view, rows(103, 30, 1));
    await store.materialize(view);
    await agree(store, start + 104 * hour, 'later');
  });

  it('are out after the next materialization when who took them out died at any point', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const { store, clock, died } = await late(failAt, moment);
        clock.set(start + 103 * hour);
        await store.materialize(view);
        await agree(store, start + 103 * hour, [moment, failAt]);
        if (died) continue;
        expect(failAt).toBeGreaterThan(4);
        break;
      }
    }
  });
});
