import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage } from 'modelkeep';
import { simulatedClock } from '../simulated-clock.ts';
import { events, minute, probes, start } from '../world.ts';

const view = featureView({
  name: 'world',
  entity: ['a', 'b'],
  timestamp: 'at',
  createdTimestamp: 'created',
  features: {
    kind: 'string',
    big: 'int64',
    rate: aggregate.rate({ window: '90m', per: '1m' }),
    late: aggregate.share({ window: '13h', where: { kind: { eq: 'late' } } }),
    full_hour: aggregate.sum('x', { window: '1h', tumbling: true }),
    ever: aggregate.count({ window: 'lifetime', where: { x: { gt: 0 } } }),
    highest: aggregate.max('big', { window: '6h' }),
    lowest: aggregate.min('x', { window: '2h', hop: 0 }),
    spread: aggregate.std('x', { window: '6h' }),
    skew: aggregate.skew('x', { window: 'lifetime' }),
    newest: aggregate.lastK('kind', 2, { window: '6h' }),
    oldest: aggregate.first('big', { window: '6h' }),
    frequent: aggregate.topK('kind', 1, { window: '6h' }),
    kinds: aggregate.distinctCount('kind', { window: '6h', approximate: true }),
    p90: aggregate.quantile('x', 0.9, { window: '6h' }),
    median: aggregate.quantile('x', 0.5, { window: '6h', approximate: true }),
    by_kind: aggregate.mean('x', { window: '6h', by: 'kind' }),
  },
});
const features = ['world:*'];

describe('aggregates online', () => {
  it('equal getHistoricalFeatures to the last bit under a clock that runs on, as rows come late and old ones are let go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 2, maxLength: 4 }), probes, async (batches, spine) => {
        const clock = simulatedClock(start);
        const store = new FeatureStore({ storage: new MemoryStorage(), clock });
        await store.apply([view]);
        const entities = spine.slice(0, 8).map(({ a, b }) => ({ a, b }));
        for (const [i, batch] of batches.entries()) {
          const at = start + (i + 1) * 7 * 60 * minute + (i % 2);
          clock.set(at);
          await store.ingest('world', batch, { batchId: `batch ${i}`, online: i % 2 === 1 });
          await store.materialize('world', { end: at + 1_000 * 60 * minute });
          for (const moment of [at, at + 59 * minute, at + 60 * minute]) {
            clock.set(moment);
            const online = await store.getOnlineFeatures({ entities, features });
            const offline = await store.getHistoricalFeatures({ entities: entities.map((key) => ({ ...key, at: moment })), timestamp: 'at', features });
            for (const name of Object.keys(view.features)) expect([name, online.columns[name]]).toEqual([name, Array.from(offline.columns[name]!)]);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('ask for a new materialization when a lifetime joins a view whose old rows were let go', async () => {
    const clock = simulatedClock(start + 48 * 60 * minute);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    const short = { recent: aggregate.count({ window: '1h' }) };
    const options = { name: 'v', entity: ['id'], timestamp: 'at' } as const;
    await store.apply([featureView({ ...options, features: short })]);
    await store.ingest('v', [0, 1, 2, 47].map((hour) => ({ id: 1, at: start + hour * 60 * minute + 1 })));
    await store.materialize('v');
    await store.apply([featureView({ ...options, features: { ...short, ever: aggregate.count({ window: 'lifetime' }) } })]);
    const ask = () => store.getOnlineFeatures({ entities: [{ id: 1 }], features: ['v:*'] });
    await expect(ask()).rejects.toThrow('it was materialized before the view looked a lifetime back');
    await store.materialize('v');
    expect((await ask()).columns).toEqual({ id: [1], recent: [1], ever: [4] });
  });
});
