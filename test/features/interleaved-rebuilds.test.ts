import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage } from 'modelkeep';
import { interleavedStorage } from '../storage/interleaved-storage.ts';
import { simulatedClock } from './simulated-clock.ts';

const minute = 60_000;
const T = Date.UTC(2026, 0, 1);
const options = { name: 'v', entity: ['id'], timestamp: 'at' } as const;
const narrow = { x: 'float64', hour: aggregate.sum('x', { window: '1h' }) } as const;
const lasting = { ...narrow, ever: aggregate.sum('x', { window: 'lifetime' }) } as const;
const wide = { ...lasting, y: 'float64', least: aggregate.min('y', { window: 'lifetime' }) } as const;
const views = [narrow, lasting, wide].map((features) => featureView({ ...options, features }));
const ids = ['a', 'b', 'c'];
const entities = ids.map((id) => ({ id }));

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), id: fc.constantFrom(...ids) }) },
  { weight: 3, arbitrary: fc.constant({ do: 'materialize' } as const) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ingest' as const), from: fc.integer({ min: -300, max: 0 }), size: fc.constantFrom(3, 240), online: fc.boolean() }) },
);
const program = fc.array(step, { minLength: 1, maxLength: 4 });

/** Rows of all entities, a minute apart, from a minute of the day on. */
const rows = (from: number, size: number) => Array.from({ length: size }, (_, i) => ({ id: ids[i % 3]!, at: T + (from + i) * minute, x: (((i + from) * 7919) % 1000 + 1000) / 7, y: i }));

describe('processes that work on one view', () => {
  it('leave what one undisturbed materialization makes equal to the past, however their calls come in between each other', async () => {
    let tiled = 0;
    const property = fc.asyncProperty(fc.scheduler(), fc.integer({ min: 0, max: 1 }), fc.array(program, { minLength: 2, maxLength: 3 }), async (scheduler, first, programs) => {
      const storage = new MemoryStorage();
      const clock = simulatedClock(T + 400 * minute);
      const store = new FeatureStore({ storage, clock });
      await store.apply([views[first]!]);
      await store.ingest('v', rows(-600, 600));
      clock.set(clock.now() + 2 * minute);
      await store.materialize('v');
      const work = programs.map(async (steps, p) => {
        const mine = new FeatureStore({ storage: interleavedStorage(storage, scheduler, { name: `p${p}` }), clock });
        // The first changes the view, the others learn of it.
        if (p === 0) await mine.apply([views[first + 1]!]);
        for (const each of steps) {
          clock.set(clock.now() + 2 * minute);
          if (each.do === 'materialize') await mine.materialize('v');
          else if (each.do === 'forget') await mine.forget('v', [{ id: each.id }]);
          else await mine.ingest('v', rows(each.from, each.size), { online: each.online });
        }
      });
      await scheduler.waitFor(Promise.all(work));
      clock.set(clock.now() + 2 * minute);
      await store.materialize('v');
      const online = await store.getOnlineFeatures({ entities, features: ['v:*'] });
      const offline = await store.getHistoricalFeatures({ entities: entities.map((each) => ({ ...each, t: clock.now() })), timestamp: 't', features: ['v:*'] });
      for (const name of Object.keys(online.statuses)) expect([name, online.columns[name]]).toEqual([name, Array.from(offline.columns[name]!)]);
      for (const { key } of (await storage.list({ prefix: 'features/online/' })).entries) if (new TextDecoder('latin1').decode((await storage.read([key]))[0]!.bytes).includes('tilesAt')) tiled++;
    });
    await fc.assert(property, { numRuns: 60 });
    expect(tiled).toBeGreaterThan(0);
  });
});
