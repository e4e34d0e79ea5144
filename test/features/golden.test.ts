import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type AggregateDefinition, type FeatureType } from 'modelkeep';
import golden from '../fixtures/features/conformance.json' with { type: 'json' };
import { simulatedClock } from './simulated-clock.ts';

interface ViewCase {
  name: string;
  joinKeys: string[];
  features: string[];
  ttlSeconds: number | null;
  timestampField: string;
  createdTimestampField: string | null;
  rows: Record<string, unknown>[];
}

interface JoinCase {
  id: string;
  title: string;
  given: { featureViews: ViewCase[]; entityRows: Record<string, unknown>[]; options: { filterByCreatedTimestamp?: boolean } };
  expect: Record<string, unknown>[];
}

interface WindowCase {
  id: string;
  given: { window: string; agg: 'sum' | 'count'; events: { ts: string; v: number }[]; queries: string[] };
  expect: number[];
}

const cases = golden.cases as unknown as { id: string }[];
const joinCases = cases.filter(({ id }) => id.startsWith('PIT-')) as JoinCase[];
const caseOf = <T>(id: string): T => cases.find((each) => each.id === id) as T;

/** Fields whose texts are moments come out as epoch milliseconds. */
function asEpoch(row: Record<string, unknown>, timestamp: string): Record<string, unknown> {
  return typeof row[timestamp] === 'string' ? { ...row, [timestamp]: Date.parse(row[timestamp]) } : row;
}

describe('point-in-time join, cases executed against Feast', () => {
  it.each(joinCases.map((each) => [each.id, each.title, each] as const))('%s: %s', async (_, __, { given, expect: wanted }) => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    const views = given.featureViews;
    for (const view of views) {
      const features = Object.fromEntries(view.features.map((name): [string, FeatureType] => [name, 'float64']));
      const defined = featureView({
        name: view.name,
        entity: view.joinKeys,
        timestamp: view.timestampField,
        createdTimestamp: view.createdTimestampField ?? undefined,
        ttl: view.ttlSeconds ? view.ttlSeconds * 1000 : undefined,
        features,
      });
      await store.apply([defined]);
      await store.ingest(defined, view.rows);
    }
    const result = await store.getHistoricalFeatures({
      entities: given.entityRows,
      timestamp: 'event_timestamp',
      features: views.flatMap((view) => view.features.map((name) => `${view.name}:${name}`)),
      asOf: given.options.filterByCreatedTimestamp ? 'knowledge' : 'event',
    });
    expect(result.rowCount).toBe(given.entityRows.length);
    const rows = wanted.map((row, i) => Object.fromEntries(Object.keys(row).map((name) => [name, result.columns[name]![i]])));
    expect(rows).toEqual(wanted.map((row) => asEpoch(row, 'event_timestamp')));
  });

  it('covers every join case of the fixture', () => {
    expect(joinCases.length).toBeGreaterThanOrEqual(12);
  });
});

/** Features of the entity 1 at some moments, by name. */
async function valuesOf(features: Record<string, AggregateDefinition>, rows: readonly Record<string, unknown>[], moments: readonly (string | number)[]): Promise<Record<string, unknown[]>> {
  const store = new FeatureStore({ storage: new MemoryStorage() });
  await store.apply([featureView({ name: 'events', entity: ['key'], timestamp: 'ts', features })]);
  await store.ingest('events', rows);
  const { columns } = await store.getHistoricalFeatures({ entities: moments.map((at) => ({ key: 1, at })), timestamp: 'at', features: ['events:*'] });
  return Object.fromEntries(Object.keys(features).map((name) => [name, Array.from(columns[name]!)]));
}

describe('windows, cases evaluated with a port of Chronon', () => {
  it.each(['WIN-01', 'WIN-03', 'WIN-05'])('%s', async (id) => {
    const { given, expect: wanted } = caseOf<WindowCase>(id);
    const window = given.window as '1h';
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([
      featureView({
        name: 'events',
        entity: ['key'],
        timestamp: 'ts',
        features: { value: given.agg === 'sum' ? aggregate.sum('v', { window }) : aggregate.count({ window }) },
      }),
    ]);
    await store.ingest('events', given.events.map((event) => ({ key: 'k', ...event })));
    const entities = given.queries.map((at) => ({ key: 'k', at }));
    const { columns } = await store.getHistoricalFeatures({ entities, timestamp: 'at', features: ['events:value'] });
    expect([...Array.from(columns['value']!)]).toEqual(wanted);
  });

  it('WIN-07: counts add up over hours, and the last value is of the last', async () => {
    const { given, expect: wanted } = caseOf<{ given: { tiles: { start: string; count: number; last: string }[] }; expect: { count: number; last: string } }>('WIN-07');
    const window = '3h';
    const rows = given.tiles.flatMap(({ start, count, last }) =>
      Array.from({ length: count }, (_, i) => ({ key: 1, ts: Date.parse(`2024-01-01T${start}:00Z`) + i, v: i === count - 1 ? last : 'other' })),
    );
    expect(await valuesOf({ count: aggregate.count({ window }), last: aggregate.last('v', { window, type: 'string' }) }, rows, ['2024-01-01T03:00:00Z'])).toEqual({ count: [wanted.count], last: [wanted.last] });
  });

  it('WIN-09: sum, count, mean, extremes and deviation of a ten-minute window that moves in five-minute steps', async () => {
    const { given, expect: wanted } = caseOf<{ given: { events: { ts: string; v: number }[]; windowEnds: string[] }; expect: Record<string, (number | null)[]> }>('WIN-09');
    const options = { window: '10m', hop: '5m' } as const;
    const rows = given.events.map((event) => ({ key: 1, ...event }));
    const features = {
      sum: aggregate.sum('v', options),
      count: aggregate.count(options),
      avg: aggregate.mean('v', options),
      max: aggregate.max('v', options),
      min: aggregate.min('v', options),
      std_sample: aggregate.std('v', options),
    };
    const std = wanted['std_sample']!.map((each): unknown => (each === null ? null : expect.closeTo(each, 14)));
    expect(await valuesOf(features, rows, given.windowEnds.map((end) => `2024-01-01T${end}:00Z`))).toEqual({ ...wanted, std_sample: std });
  });

  it('WIN-11: moments; what Chronon calls NaN, of too few values or equal ones, is missing', async () => {
    const { given, expect: wanted } = caseOf<{ given: { values: number[] }; expect: Record<string, number | string> }>('WIN-11');
    const window = '1h';
    const start = Date.parse('2024-01-01');
    const rows = given.values.map((v, i) => ({ key: 1, ts: start + i, v, same: 7 }));
    const features = {
      variance: aggregate.variance('v', { window, ddof: 0 }),
      skew: aggregate.skew('v', { window }),
      kurtosis: aggregate.kurtosis('v', { window }),
      flat: aggregate.skew('same', { window }),
    };
    const found = await valuesOf(features, rows, [start + 2, start + 3, start + 5]);
    expect(found['variance']![2]).toBeCloseTo(wanted['variance_population'] as number, 12);
    expect(found['skew']).toEqual([null, expect.closeTo(0, 12), expect.closeTo(wanted['skew'] as number, 12)]);
    expect(found['kurtosis']).toEqual([null, null, expect.closeTo(wanted['excess_kurtosis'] as number, 12)]);
    expect(found['flat']).toEqual([null, null, null]);
  });

  it('WIN-12: a lifetime sees all before the moment', async () => {
    const { given, expect: wanted } = caseOf<WindowCase>('WIN-12');
    const rows = given.events.map((event) => ({ key: 1, ...event }));
    expect(await valuesOf({ sum: aggregate.sum('v', { window: 'lifetime' }) }, rows, given.queries)).toEqual({ sum: wanted });
  });

  it('WIN-10: a window without events gives null, for counts too', async () => {
    const window = '3d' as const;
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([
      featureView({
        name: 'events',
        entity: ['key'],
        timestamp: 'ts',
        features: { sum: aggregate.sum('v', { window }), count: aggregate.count({ window }), average: aggregate.mean('v', { window }) },
      }),
    ]);
    await store.ingest('events', [{ key: 'other', ts: '2024-01-01', v: 1 }, { key: 'k', ts: '2023-01-01', v: 1 }]);
    const { columns } = await store.getHistoricalFeatures({ entities: [{ key: 'k', at: '2024-01-02' }], timestamp: 'at', features: ['events:*'] });
    const { expect: wanted } = caseOf<{ expect: Record<string, null> }>('WIN-10');
    expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, columns[name]![0]]))).toEqual(wanted);
  });
});

describe('materialization and online reads', () => {
  const hour = 3_600_000;
  const T = Date.parse('2024-05-01T12:00:00Z');
  const trips = featureView({
    name: 'driver_stats',
    entity: ['driver_id'],
    timestamp: 'event_timestamp',
    createdTimestamp: 'created',
    features: { trips: 'float64', rate: 'float64' },
  });
  const row = (age: number, createdAge: number, value: number) => ({ driver_id: 1001, event_timestamp: T - age, created: T - createdAge, trips: value, rate: value / 100 });
  const read = async (store: FeatureStore, driver_id = 1001) => {
    const { columns, timestamps } = await store.getOnlineFeatures({ entities: [{ driver_id }], features: ['driver_stats:*'] });
    return { trips: columns['trips']![0], rate: columns['rate']![0], at: timestamps['trips']![0] };
  };
  const make = async () => {
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    await store.apply([trips]);
    return { clock, store };
  };

  it('MAT-01: the end is inclusive', async () => {
    const { store } = await make();
    await store.ingest(trips, [row(3 * hour, 3 * hour, 10), row(hour, hour, 20)]);
    await store.materialize(trips, { end: T - 3 * hour });
    expect(await read(store)).toEqual({ trips: 10, rate: 0.1, at: T - 3 * hour });
  });

  it('MAT-02 and MAT-04: the newest event wins, then the newest created, however often it is materialized', async () => {
    const { store } = await make();
    await store.ingest(trips, [row(3 * hour, 3 * hour, 10), row(hour, hour, 20), row(hour, hour / 2, 21)]);
    for (const entities of [1, 0, 0]) {
      expect((await store.materialize(trips, { end: T })).entities).toBe(entities);
      expect(await read(store)).toEqual({ trips: 21, rate: 0.21, at: T - hour });
    }
  });

  it('MAT-03: materializing an older range leaves the newer value', async () => {
    const { store } = await make();
    await store.ingest(trips, [row(3 * hour, 3 * hour, 10), row(hour, hour, 20)]);
    await store.materialize(trips, { end: T });
    await store.materialize(trips, { end: T - 2 * hour });
    expect(await read(store)).toMatchObject({ trips: 20, at: T - hour });
  });

  it('MAT-06: an end in the future hides nothing that comes after', async () => {
    const { store, clock } = await make();
    await store.ingest(trips, [row(hour, hour, 1)]);
    await store.materialize(trips, { end: '2030-01-02' });
    await store.ingest(trips, [row(0, 0, 2)]);
    clock.set(T + hour);
    await store.materialize(trips, { end: T + 2 * hour });
    expect(await read(store)).toMatchObject({ trips: 2, at: T });
  });

  it('MAT-07: a late row, older than what was materialized, becomes visible', async () => {
    const { store, clock } = await make();
    await store.materialize(trips, { end: '2024-01-10' });
    await store.ingest(trips, [{ driver_id: 7, event_timestamp: '2024-01-09', created: '2024-01-11', trips: 3, rate: null }]);
    clock.set(Date.parse('2024-01-12'));
    await store.materialize(trips, { end: '2024-01-12' });
    expect(await read(store, 7)).toMatchObject({ trips: 3, rate: null });
  });

  it('PUSH-01: in time, not in arrival, the last value wins', async () => {
    const clock = simulatedClock(T + 2000);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    const view = featureView({ name: 'texts', entity: ['id'], timestamp: 'at', features: { string_col: 'string' } });
    await store.apply([view]);
    const push = (rows: [number, string, number][]) => store.ingest(view, rows.map(([id, string_col, at]) => ({ id, string_col, at })), { online: true });
    const values = async () => (await store.getOnlineFeatures({ entities: [{ id: 123 }, { id: 567 }, { id: 890 }], features: ['texts:string_col'] })).columns['string_col'];
    await push([[123, 'hi_123', T]]);
    await push([[123, 'bye_321', T - hour], [567, 'hello_123', T - hour], [890, 'greetings_321', T - hour]]);
    expect(await values()).toEqual(['hi_123', 'hello_123', 'greetings_321']);
    await push([[123, 'LATEST_VALUE', T + 1000]]);
    expect(await values()).toEqual(['LATEST_VALUE', 'hello_123', 'greetings_321']);
    await store.ingest(view, [[123, 'OLD_FEATURE', T - hour], [567, 'LATEST_VALUE2', T], [890, 'LATEST_VALUE3', T]].map(([id, string_col, at]) => ({ id, string_col, at })));
    await store.materialize(view, { end: T });
    expect(await values()).toEqual(['LATEST_VALUE', 'LATEST_VALUE2', 'LATEST_VALUE3']);
  });

  it('ONL-02: found, null, too old, unknown', async () => {
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    const view = featureView({ name: 'v', entity: ['driver_id'], timestamp: 'at', ttl: '2h', features: { trips: 'float64' } });
    await store.apply([view]);
    await store.ingest(view, [
      { driver_id: 1001, at: T - hour, trips: 21 },
      { driver_id: 1002, at: T - hour, trips: null },
      { driver_id: 1003, at: T - 120 * hour, trips: 7 },
    ]);
    await store.materialize(view);
    const entities = [1001, 1002, 1003, 9999].map((driver_id) => ({ driver_id }));
    const { columns, statuses } = await store.getOnlineFeatures({ entities, features: ['v:trips'] });
    const { expect: wanted } = caseOf<{ expect: { values: unknown[]; statuses: string[] } }>('ONL-02');
    expect(columns['trips']).toEqual(wanted.values);
    expect(statuses['trips']).toEqual(wanted.statuses);
  });

  it('ONL-03: a value is too old only when older than the ttl', async () => {
    const clock = simulatedClock(T);
    const store = new FeatureStore({ storage: new MemoryStorage(), clock });
    const view = featureView({ name: 'v', entity: [], timestamp: 'at', ttl: '60s', features: { x: 'float64' } });
    await store.apply([view]);
    await store.ingest(view, [{ at: T, x: 1 }], { online: true });
    const { given, expect: wanted } = caseOf<{ given: { ages: number[] }; expect: string[] }>('ONL-03');
    const statuses = [];
    for (const age of given.ages) {
      clock.set(T + age * 1000);
      statuses.push((await store.getOnlineFeatures({ entities: [{}], features: ['v:x'] })).statuses['x']![0]);
    }
    expect(statuses).toEqual(wanted);
  });
});
