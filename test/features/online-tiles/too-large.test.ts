import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { checkWrite } from '../../../src/storage/write-check.ts';
import { simulatedClock } from '../simulated-clock.ts';

const hour = 3_600_000;
const minute = 60_000;
const start = Date.UTC(2026, 0, 1);
const options = { name: 'spend', entity: ['who'], timestamp: 'at' } as const;
const tiled = featureView({ ...options, features: { amount: 'float64', spent: aggregate.sum('amount', { window: 'lifetime' }), most: aggregate.max('amount', { window: 'lifetime' }) } });
const whole = featureView({ ...options, features: { amount: 'float64', median: aggregate.quantile('amount', 0.5, { window: 'lifetime' }) } });
const everyone = [{ who: 'hot' }, { who: 'cold' }];

/** A store whose records are as small as a contract allows. */
function narrow(): StorageAdapter {
  const storage = new MemoryStorage();
  const supports = { ...storage.supports, maxRecordBytes: 65_536 };
  return new Proxy<StorageAdapter>(storage, {
    get(target, name) {
      if (name === 'supports') return supports;
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'write') {
        return async (...[operations, how]: Parameters<StorageAdapter['write']>) => {
          for (const each of operations) checkWrite(each, supports);
          return target.write(operations, how);
        };
      }
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** So many rows of one entity and one of another, a second apart, from minute `from` on. */
const rows = (from: number, size: number) =>
  Array.from({ length: size + 1 }, (_, i) => ({ who: i === size ? 'cold' : 'hot', at: start + from * minute + i * 1000, amount: ((i * 7919) % 1000) / 7 + from }));

async function make(view: FeatureView, now = start + 100 * hour) {
  const storage = narrow();
  const clock = simulatedClock(now);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  return { storage, clock, store };
}

async function agree(store: FeatureStore, t: number, entities: readonly { who: string }[] = everyone): Promise<void> {
  const online = await store.getOnlineFeatures({ entities, features: ['spend:*'] });
  const offline = await store.getHistoricalFeatures({ entities: entities.map((each) => ({ ...each, t })), timestamp: 't', features: ['spend:*'] });
  for (const name of Object.keys(online.statuses)) expect([name, online.columns[name]]).toEqual([name, Array.from(offline.columns[name]!)]);
}

describe('an online record that grows larger than the storage takes', () => {
  it('is told of with its entity, its size and what helps; it stays what it was, and others go on', async () => {
    const { store, clock } = await make(whole);
    await store.ingest('spend', rows(0, 100));
    await store.materialize('spend');
    const before = (await store.getOnlineFeatures({ entities: everyone, features: ['spend:*'] })).columns;
    await store.ingest('spend', rows(100, 3000));
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(store.materialize('spend')).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/^features\/online\/spend\/.*hot would have \d+ bytes for 3100 rows, and the storage takes 65536\. The rows are in the log of 'spend'; .* Shorten windows/),
        details: { rows: 3100, limit: 65_536 },
      });
      await agree(store, clock.now(), [{ who: 'cold' }]);
      expect((await store.getOnlineFeatures({ entities: everyone, features: ['spend:*'] })).columns['median']![0]).toBe(before['median']![0]);
    }
    // Pushed rows are in the log, and told of too.
    await expect(store.ingest('spend', rows(200, 10), { online: true })).resolves.toMatchObject({ rows: 11 });
    await expect(store.ingest('spend', rows(300, 3000), { online: true })).rejects.toMatchObject({ code: 'unsupported' });
    await store.forget('spend', [{ who: 'hot' }]);
    await store.materialize('spend');
    await agree(store, clock.now());
  });

  it('is brought in parts where its rows can be folded in between', async () => {
    const { store, clock } = await make(tiled);
    for (let batch = 0; batch < 12; batch++) await store.ingest('spend', rows(batch * 60, 1000));
    // Within a minute nothing is folded.
    await expect(store.materialize('spend')).rejects.toThrow('try again then');
    clock.set(clock.now() + 2 * minute);
    await store.materialize('spend');
    await agree(store, clock.now());
    expect(await store.materialize('spend')).toEqual({ rows: 0, entities: 0 });
  });

  it('is folded anew with all others where rows come late that may be in it, from the log or pushed', async () => {
    for (const online of [false, true]) {
      const { storage, store, clock } = await make(tiled);
      // It was stamped before the others, and comes after they were folded.
      const slow = new FeatureStore({ storage, clock: simulatedClock(clock.now() - hour) });
      for (let batch = 0; batch < 12; batch++) await store.ingest('spend', rows(batch * 60, 1000));
      clock.set(clock.now() + 2 * minute);
      await store.materialize('spend');
      const coming = slow.ingest('spend', [{ who: 'hot', at: start + 5 * minute, amount: 5000 }], { online });
      // By its clock the others' rows have only just come.
      if (online) await expect(coming).rejects.toThrow('try again then');
      else await coming;
      clock.set(clock.now() + 2 * minute);
      await store.materialize('spend');
      await agree(store, clock.now());
    }
  });
});
