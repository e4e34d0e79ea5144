import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, ValidationError, type AggregateDefinition, type FeatureView } from 'modelkeep';

const viewOf = (features: Record<string, unknown>): FeatureView => featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: features as Record<string, AggregateDefinition> });

describe('aggregate definitions', () => {
  it('are plain data, and no field is there that says nothing', () => {
    expect(aggregate.count({ window: '1h' })).toStrictEqual({ kind: 'aggregate', function: 'count', window: 3_600_000, hop: 300_000 });
    expect(aggregate.max('x', { window: '20d', tumbling: true, by: 'kind', type: 'int64' })).toStrictEqual({
      kind: 'aggregate', function: 'max', column: 'x', type: 'int64', by: 'kind', window: 1_728_000_000, hop: 1_728_000_000, tumbling: true,
    });
    expect(aggregate.variance('x', { window: 'lifetime' })).toStrictEqual({ kind: 'aggregate', function: 'variance', column: 'x', window: 'lifetime', hop: 0, ddof: 1 });
    expect(aggregate.rate({ window: '1h' })).toMatchObject({ per: 1000 });
  });

  it.each<[string, () => unknown]>([
    ['aggregate.rate is a rate over a lifetime', () => aggregate.rate({ window: 'lifetime' })],
    ['aggregate.count.hop is 60000, but a lifetime', () => aggregate.count({ window: 'lifetime', hop: '1m' })],
    ['aggregate.count is tumbling', () => aggregate.count({ window: '1h', hop: 0, tumbling: true })],
    ['aggregate.share.where is missing', () => aggregate.share({ window: '1h' } as never)],
    ['aggregate.quantile', () => aggregate.quantile('x', 1.5, { window: '1h' })],
    ['aggregate.lastK', () => aggregate.lastK('x', 0, { window: '1h' })],
    ['aggregate.sum', () => aggregate.sum('x', { window: '1h', approximate: true } as never)],
    ['aggregate.sum needs the name of a column', () => aggregate.sum('', { window: '1h' })],
    ['aggregate.max.type', () => aggregate.max('x', { window: '1h', type: 'float' as never })],
    ["aggregates 'x', which is a string column", () => viewOf({ x: 'string', m: aggregate.max('x', { window: '1h' }) })],
    ['type is int64, but \'x\' is a float64 column', () => viewOf({ x: 'float64', m: aggregate.last('x', { window: '1h', type: 'int64' }) })],
    ["by is 'x', a float64 column", () => viewOf({ x: 'float64', m: aggregate.count({ window: '1h', by: 'x' }) })],
    ['features.m.k is missing', () => viewOf({ m: { kind: 'aggregate', function: 'topK', column: 'x', window: 1, hop: 0 } })],
    ['features.m.column is missing', () => viewOf({ m: { kind: 'aggregate', function: 'first', window: 1, hop: 0 } })],
    ["features.m.column is 'x', but a count", () => viewOf({ m: { kind: 'aggregate', function: 'count', column: 'x', window: 1, hop: 0 } })],
  ])('refuse what cannot be: %s', (message, make) => {
    expect(make).toThrow(ValidationError);
    expect(make).toThrow(message);
  });

  it('keep the type of a column, and say what is missing by null', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    const options = { window: '1h', hop: 0 } as const;
    await store.apply([viewOf({ last: aggregate.last('n', { ...options, type: 'int64' }), list: aggregate.firstK('n', 2, { ...options, type: 'int64' }), std: aggregate.std('x', options), by: aggregate.last('x', { ...options, by: 'n' }), n: 'int64' })]);
    await store.ingest('v', [{ id: 1, at: 1000, n: 2n ** 60n, x: 1 }, { id: 1, at: 2000, n: 5n, x: null }]);
    const { columns } = await store.getHistoricalFeatures({ entities: [1000, 2000, 3000].map((at) => ({ id: 1, at })), timestamp: 'at', features: ['v:last', 'v:list', 'v:std', 'v:by'] });
    expect(columns).toMatchObject({ last: [null, 2n ** 60n, 5n], list: [null, [2n ** 60n], [2n ** 60n, 5n]], std: [null, null, null], by: [null, { '1152921504606846976': 1 }, { '1152921504606846976': 1 }] });
  });
});
