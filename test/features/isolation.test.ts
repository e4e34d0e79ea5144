import { describe, expect, it } from 'vitest';
import { aggregate, FeatureStore, featureView, MemoryStorage } from 'modelkeep';
import { simulatedClock } from './simulated-clock.ts';

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

describe('rows of one event time', () => {
  it('gives the row that was ingested last, also within one millisecond and when the clock is set back', async () => {
    const clock = simulatedClock(1_000_000);
    for (let i = 0; i < 20; i++) {
      const store = new FeatureStore({ storage: new MemoryStorage(), clock });
      await store.apply([view]);
      for (const x of [i, i + 0.25, i + 0.5]) {
        await store.ingest('v', [{ id: 'a', t: 10, x }], { online: x === i });
        clock.set(1_000_000 - x);
      }
      const historical = await store.getHistoricalFeatures({ entities: [{ id: 'a', t: 20 }], timestamp: 't', features: ['v:x'] });
      expect(historical.columns['x']![0]).toBe(i + 0.5);
      await store.materialize('v');
      const online = await store.getOnlineFeatures({ entities: [{ id: 'a' }], features: ['v:x'] });
      expect(online.columns['x']).toEqual([i + 0.5]);
    }
  });
});

describe('what is handed out', () => {
  const plain = featureView({ name: 'p', entity: ['id'], timestamp: 't', features: { meta: 'json' } });
  const query = { entities: { id: ['a'], t: new Float64Array([20]), label: new Float64Array([1]) }, timestamp: 't', features: ['p:meta'] };

  it('holds vectors and bytes alone, not those of other rows', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    const vectors = featureView({ name: 'vectors', entity: ['id'], timestamp: 't', features: { v: 'embedding(2)', b: 'bytes' } });
    await store.apply([vectors]);
    await store.ingest('vectors', Array.from({ length: 100 }, (_, i) => ({ id: `e${i}`, t: 10, v: [i, 1], b: new Uint8Array([i]) })), { online: true });
    const historical = await store.getHistoricalFeatures({ entities: [{ id: 'e3', t: 20 }], timestamp: 't', features: ['vectors:*'] });
    const online = await store.getOnlineFeatures({ entities: [{ id: 'e3' }], features: ['vectors:*'] });
    for (const { columns } of [historical, online]) {
      expect([columns['v']![0], columns['b']![0]]).toEqual([new Float32Array([3, 1]), new Uint8Array([3])]);
      expect([(columns['v']![0] as Float32Array).buffer.byteLength, (columns['b']![0] as Uint8Array).buffer.byteLength]).toEqual([8, 1]);
    }
  });

  it('may be changed without a trace in later answers and in what was given', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([plain]);
    await store.ingest('p', [{ id: 'a', t: 10, meta: { deep: [1] } }], { online: true });
    const online = async () => (await store.getOnlineFeatures({ entities: [{ id: 'a' }], features: ['p:meta'] })).columns['meta']![0] as { deep: number[] };
    const historical = await store.getHistoricalFeatures(query);
    (historical.columns['meta']![0] as { deep: number[] }).deep.push(2);
    (historical.columns['label'] as Float64Array)[0] = 77;
    (historical.columns['t'] as Float64Array)[0] = 0;
    (await online()).deep.push(3);
    expect((await store.getHistoricalFeatures(query)).columns['meta']).toEqual([{ deep: [1] }]);
    expect(await online()).toEqual({ deep: [1] });
    expect(query.entities.label[0]).toBe(1);
    expect(query.entities.t[0]).toBe(20);
  });
});

describe('names that objects have by themselves', () => {
  it.each(['constructor', 'toString', 'valueOf'])('may name a column: %s', async (name) => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    const features = { mean: aggregate.mean(name, { window: '1h', where: { hasOwnProperty: { gte: 1 } } }), kept: 'float64' } as const;
    await store.apply([featureView({ name: 'w', entity: ['id'], timestamp: 't', features: { kept: 'float64' } })]);
    await store.ingest('w', [{ id: 'a', t: 5, kept: 1 }]);
    await store.apply([featureView({ name: 'w', entity: ['id'], timestamp: 't', features })]);
    const at = { entities: [{ id: 'a', t: 20 }], timestamp: 't', features: ['w:mean'] };
    expect((await store.getHistoricalFeatures(at)).columns['mean']).toEqual([null]);
    await store.ingest('w', [{ id: 'a', t: 10, kept: 1, [name]: 4, hasOwnProperty: 1 }]);
    expect(Array.from((await store.getHistoricalFeatures(at)).columns['mean']!)).toEqual([4]);
    await expect(store.getOnlineFeatures({ entities: [{}], features: ['w:mean'] })).rejects.toThrow(/entities\[0\]\.id is missing/);
  });

  it('is refused where no plain object can have it', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([view]);
    const row = JSON.parse('{"id":"a","t":20,"__proto__":5}') as Record<string, unknown>;
    await expect(store.getHistoricalFeatures({ entities: [row], timestamp: 't', features: ['v:x'] })).rejects.toMatchObject({ code: 'validation' });
    await expect(store.getOnlineFeatures({ entities: [row], features: ['v:x'] })).rejects.toMatchObject({ code: 'validation' });
    expect(() => featureView({ name: 'v', entity: ['__proto__'], timestamp: 't', features: { x: 'float64' } })).toThrow(/__proto__/);
    expect(() => featureView({ name: 'v', entity: ['id'], timestamp: 't', features: JSON.parse('{"x":"float64","__proto__":"float64"}') as { x: 'float64' } })).toThrow(/__proto__/);
  });
});

describe('rubbish', () => {
  const store = new FeatureStore({ storage: new MemoryStorage() });
  const loose = store as unknown as Record<'apply' | 'ingest' | 'materialize' | 'getHistoricalFeatures' | 'getOnlineFeatures', (...given: unknown[]) => Promise<unknown>>;

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a view instead of a list', () => loose.apply(view), /definitions must be a list/],
    ['a misspelt option of apply', () => loose.apply([], { forse: true }), /options has unknown options: forse/],
    ['a misspelt option of ingest', () => loose.ingest('v', [], { onlien: true }), /options has unknown options: onlien/],
    ['a batch id that is a number', () => loose.ingest('v', [], { batchId: 5 }), /options\.batchId must be a string/],
    ['a misspelt option of materialize', () => loose.materialize('v', { until: 5 }), /options has unknown options: until/],
    ['an end that is no time', () => loose.materialize('v', { end: 'soon' }), /options\.end is "soon"; give epoch milliseconds/],
    ['a query without entities', () => loose.getHistoricalFeatures({ timestamp: 't', features: ['v:x'] }), /query\.entities is missing; give the rows/],
    ['a function for a key', () => loose.getOnlineFeatures({ entities: [{ id: () => 1 }], features: ['v:x'] }), /entities\[0\]\.id is .*no entity key; give a text/],
  ])('is told what is wrong with it: %s', async (_, call, message) => {
    await store.apply([view]);
    await expect(call()).rejects.toMatchObject({ code: 'validation', message: expect.stringMatching(message) });
  });

  it('knows a storage and a type when it sees one', () => {
    expect(() => new FeatureStore({ storage: {} as never })).toThrow(/options\.storage must be a storage/);
    expect(() => featureView({ name: 'v', entity: ['id'], timestamp: 't', features: { x: 'float32' as 'float64' } })).toThrow(/features\.x must be one of the types float64, int64/);
  });

  it('answers a question for no rows with no rows', async () => {
    await store.apply([view]);
    const { columns, rowCount } = await store.getHistoricalFeatures({ entities: [], timestamp: 't', features: ['v:*'] });
    expect(rowCount).toBe(0);
    expect(Object.keys(columns)).toEqual(['id', 't', 'n', 'x']);
  });
});
