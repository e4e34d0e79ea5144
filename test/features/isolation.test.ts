import { describe, expect, it } from 'vitest';
import { aggregate, FeatureStore, featureView, MemoryStorage } from 'modelkeep';

const view = featureView({ name: 'v', entity: ['id'], timestamp: 't', features: { x: 'float64', n: aggregate.count({ window: '30d' }) } });

describe('what goes on at the same time', () => {
  it('brings every row online that is read from the log while others are being materialized', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([view]);
    const now = Date.now();
    const entities = Array.from({ length: 600 }, (_, i) => ({ id: `e${i}`, t: now }));
    const round = (k: number) => entities.map(({ id }, i) => ({ id, t: now - 100_000 + k * 1_000 + i, x: k }));
    await store.ingest('v', round(0));
    const under = store.materialize('v', { end: now });
    for (let k = 1; k <= 5; k++) {
      await store.ingest('v', round(k));
      await store.getHistoricalFeatures({ entities: [{ id: 'e1', t: now }], timestamp: 't', features: ['v:x'] });
    }
    await under;
    await store.materialize('v', { end: now });
    const online = await store.getOnlineFeatures({ entities: entities.map(({ id }) => ({ id })), features: ['v:*'] });
    expect(new Set(online.columns['n'])).toEqual(new Set([6]));
    expect(new Set(online.columns['x'])).toEqual(new Set([5]));
  });
});
