import { describe, expect, expectTypeOf, it } from 'vitest';
import { aggregate, embedding, entity, featureService, FeatureStore, featureView, MemoryStorage, onDemandView, type Definition, type FeatureRequest, type StorageAdapter } from 'modelkeep';
import { readLineage } from '../../src/storage/lineage.ts';
import { simulatedClock } from './simulated-clock.ts';

const hour = 3_600_000;
const T = Date.UTC(2024, 5, 1);

const delays = featureView({
  name: 'airport_delays',
  entity: ['airport'],
  timestamp: 'landed',
  ttl: '7d',
  features: { delay: { type: 'float64', default: -1, description: 'Minutes.' }, mean_6h: aggregate.mean('delay', { window: '6h' }), carrier: 'string' },
});
const request = onDemandView({
  name: 'request',
  version: '1',
  inputs: { mean: delays.feature('mean_6h') },
  request: { distance: 'float64' },
  features: { log_distance: 'float64', busy: 'bool' },
  compute: ({ distance, mean }) => ({ log_distance: distance === null ? null : Math.log1p(distance), busy: mean === null ? null : mean > 20 }),
});
const service = featureService({ name: 'delay_v1', features: ['airport_delays:mean_6h', 'airport_delays:delay', 'request:*'], owner: 'punctuality' });

const rows = [
  { airport: 'ATL', landed: T - 5 * hour, delay: 10, carrier: 'DL' },
  { airport: 'ATL', landed: T - 2 * hour, delay: 50, carrier: 'UA' },
  { airport: 'ORD', landed: T - hour, delay: 5, carrier: null },
];
const entities = [
  { airport: 'ATL', distance: 500 },
  { airport: 'ORD', distance: null },
  { airport: 'ZZZ', distance: 0 },
];

interface World {
  store: FeatureStore;
  storage: StorageAdapter;
  clock: ReturnType<typeof simulatedClock>;
}

async function world(definitions: readonly Definition[] = [delays, request, service]): Promise<World> {
  const storage = new MemoryStorage();
  const clock = simulatedClock(T);
  const store = new FeatureStore({ storage, clock });
  await store.apply(definitions);
  return { store, storage, clock };
}

async function filled(definitions?: readonly Definition[]): Promise<World> {
  const made = await world(definitions);
  await made.store.ingest('airport_delays', rows);
  await made.store.materialize('airport_delays');
  return made;
}

/** What training and serving say of the same moment, without what only one of them tells. */
async function both(store: FeatureStore, features: FeatureRequest, at = T): Promise<{ training: Record<string, unknown>; serving: Record<string, unknown> }> {
  const { columns } = await store.getHistoricalFeatures({ entities: entities.map((row) => ({ ...row, at })), timestamp: 'at', features });
  const online = await store.getOnlineFeatures({ entities, features });
  const training = Object.fromEntries(Object.entries(columns).flatMap(([name, values]) => (name === 'at' ? [] : [[name, Array.from(values)]])));
  return { training, serving: { ...online.columns } };
}

describe('a service', () => {
  it('gives training and serving the same values by one name, whatever the order of the definitions', async () => {
    const { store } = await filled([service, request, delays]);
    const { training, serving } = await both(store, 'delay_v1');
    expect(serving).toEqual(training);
    expect(training).toEqual({
      airport: ['ATL', 'ORD', 'ZZZ'],
      distance: [500, null, 0],
      mean_6h: [30, 5, null],
      delay: [50, 5, -1],
      log_distance: [Math.log1p(500), null, 0],
      busy: [true, false, null],
    });
    expect((await both(store, service)).training).toEqual(training);
    const { statuses, timestamps } = await store.getOnlineFeatures({ entities, features: service });
    expect(statuses).toMatchObject({ delay: ['PRESENT', 'PRESENT', 'NOT_FOUND'], busy: ['PRESENT', 'PRESENT', 'NULL_VALUE'], log_distance: ['PRESENT', 'NULL_VALUE', 'PRESENT'] });
    expect(timestamps).toMatchObject({ busy: [T - 2 * hour, T - hour, null] });
  });

  it('follows what others define, however often it was asked before', async () => {
    const { store, storage, clock } = await filled();
    const reader = new FeatureStore({ storage, clock, onDemand: [request] });
    const ask = async () => (await reader.getOnlineFeatures({ entities, features: ['airport_delays:delay'] })).columns['delay'];
    for (let i = 0; i < 4; i++) expect(await ask()).toEqual([50, 5, -1]);
    await store.apply([featureView({ ...options(), features: { ...options().features, delay: { type: 'float64', default: -7 } } })], { force: true });
    for (let i = 0; i < 4; i++) expect(await ask()).toEqual([50, 5, -7]);
    for (let i = 0; i < 4; i++) expect((await reader.getOnlineFeatures({ entities, features: 'delay_v1' })).columns['delay']).toEqual([50, 5, -1]);
  });

  it('goes on to give what it gave, on other instances too, when its view is changed by force', async () => {
    const { store, storage, clock } = await filled();
    const before = await both(store, 'delay_v1');
    const changed = featureView({ name: 'airport_delays', entity: ['airport'], timestamp: 'landed', ttl: '1h', features: { delay: 'float64', mean_6h: aggregate.mean('delay', { window: '1h' }) } });
    await expect(store.apply([changed])).rejects.toMatchObject({ code: 'conflict', details: { differences: expect.arrayContaining(["feature 'carrier' would be gone"]) as unknown } });
    expect(await store.apply([changed], { force: true })).toMatchObject([{ kind: 'feature-view', version: 2, change: 'forced' }]);
    await store.materialize('airport_delays');
    const other = new FeatureStore({ storage, clock, onDemand: [request] });
    for (const each of [store, other]) {
      for (const name of ['delay_v1', 'delay_v1@1', 'delay_v1@latest']) expect(await both(each, name)).toEqual(before);
      const newest = await both(each, ['airport_delays:mean_6h', 'airport_delays:delay']);
      expect(newest.training).toMatchObject({ mean_6h: [null, 5, null], delay: [null, 5, null] });
      expect(newest.serving).toEqual(newest.training);
      const pinned = await both(each, ['airport_delays@1:mean_6h', 'airport_delays@1:carrier']);
      expect(pinned.training).toMatchObject({ mean_6h: [30, 5, null], carrier: ['UA', null, null] });
      expect(pinned.serving).toEqual(pinned.training);
    }
    await expect(store.apply([service])).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining("feature 'airport_delays__mean_6h' would be another") as unknown });
    expect(await store.apply([service], { force: true })).toMatchObject([{ kind: 'feature-service', version: 2, change: 'forced' }]);
    expect((await both(store, 'delay_v1')).training).toMatchObject({ mean_6h: [null, 5, null], busy: [null, false, null] });
    expect(await both(store, 'delay_v1@1')).toEqual(before);
    await expect(store.getOnlineFeatures({ entities, features: 'delay_v1@3' })).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('it has 1, 2') as unknown });
  });

  it('gets the columns that only it still uses, as long as rows have them and they fit', async () => {
    const { store } = await filled([delays, featureService({ name: 'carriers', features: ['airport_delays:carrier'] })]);
    await store.apply([featureView({ name: 'airport_delays', entity: ['airport'], timestamp: 'landed', ttl: '7d', features: { delay: options().features.delay, mean_6h: options().features.mean_6h } })], { force: true });
    const later = { airport: 'ATL', landed: T - hour, delay: 1 };
    await store.ingest('airport_delays', [{ ...later, carrier: 'AA' }], { online: true });
    for (const { columns } of [await store.getOnlineFeatures({ entities, features: 'carriers' })]) expect(columns['carrier']).toEqual(['AA', null, null]);
    expect((await both(store, 'carriers')).training['carrier']).toEqual(['AA', null, null]);
    await store.ingest('airport_delays', { airport: ['ATL', 'ORD'], landed: [T - 9, T - 9], delay: [1, 2], carrier: [{}, 5] }, { online: true });
    await store.ingest('airport_delays', { airport: ['ORD'], landed: [T - 8], delay: [1] }, { online: true });
    expect(await both(store, 'carriers')).toMatchObject({ training: { carrier: [null, null, null] }, serving: { carrier: [null, null, null] } });
    expect((await both(store, ['airport_delays:delay'])).serving['delay']).toEqual([1, 1, -1]);
  });

  it('of a view that begins anew goes on to read the rows that it had', async () => {
    const { store } = await filled();
    const before = await both(store, 'delay_v1');
    const other = featureView({ name: 'airport_delays', entity: ['airport', 'carrier'], timestamp: 'landed', features: { delay: 'float64', mean_6h: aggregate.mean('delay', { window: '6h' }) } });
    await store.apply([other], { force: true });
    expect(await both(store, 'delay_v1')).toEqual(before);
    await store.ingest('airport_delays@1', [{ airport: 'ZZZ', landed: T - 1, delay: 3, carrier: 'DL' }], { online: true });
    expect((await both(store, 'delay_v1')).serving['delay']).toEqual([50, 5, 3]);
    expect((await both(store, 'delay_v1')).training['delay']).toEqual([50, 5, 3]);
  });

  it('grows with what is added to its views when it is applied again', async () => {
    const { store } = await filled([delays, featureService({ name: 'all', features: ['airport_delays:*'] })]);
    const wider = featureView({ ...options(), features: { ...options().features, count_1d: aggregate.count({ window: '1d' }) } });
    await store.apply([wider]);
    expect(Object.keys((await both(store, 'all')).serving)).not.toContain('count_1d');
    expect(await store.apply([featureService({ name: 'all', features: ['airport_delays:*'] })])).toMatchObject([{ version: 2, change: 'extended' }]);
    await store.materialize('airport_delays');
    expect((await both(store, 'all')).serving['count_1d']).toEqual([2, 1, null]);
    expect(await store.apply([featureService({ name: 'all', features: ['airport_delays:*'] })])).toMatchObject([{ version: 2, change: 'unchanged' }]);
  });

  it('leads to its views and to those that go into them', async () => {
    const { store, storage } = await world();
    const edges = await readLineage(storage, 'from', { kind: 'feature-service', id: 'delay_v1', version: 1 });
    expect(edges.map(({ relation, to }) => [relation, to.kind, to.id, to.version]).sort()).toEqual([['used', 'feature-view', 'airport_delays', 1], ['used', 'feature-view', 'request', '1']]);
    const inputs = await readLineage(storage, 'from', { kind: 'feature-view', id: 'request', version: '1' });
    expect(inputs.map(({ to }) => to.id)).toEqual(['airport_delays']);
    let writes = 0;
    const write = storage.write.bind(storage);
    storage.write = (...given) => ((writes++), write(...given));
    expect((await store.apply([delays, request, service])).map(({ change }) => change)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(writes).toBe(0);
  });
});

function options() {
  return {
    name: 'airport_delays', entity: ['airport'], timestamp: 'landed', ttl: '7d',
    features: { delay: { type: 'float64', default: -1, description: 'Minutes.' }, mean_6h: aggregate.mean('delay', { window: '6h' }), carrier: 'string' },
  } as const;
}

describe('an on-demand view', () => {
  it('knows the types of what goes in and comes out', () => {
    expectTypeOf(delays.feature('carrier').type).toEqualTypeOf<'string'>();
    expectTypeOf(delays.feature('mean_6h').type).toEqualTypeOf<'float64'>();
    const picked = featureView({
      name: 'picked', entity: ['id'], timestamp: 'at',
      features: {
        least: aggregate.min('n', { window: '1h', type: 'int64' }), gate: { from: aggregate.last('gate', { window: '1h', type: 'string' }), default: 'none' },
        counts: aggregate.count({ window: '1h', by: 'kind' }), gates: aggregate.lastK('gate', 3, { window: '1h' }),
      },
    });
    expectTypeOf(picked.feature('least').type).toEqualTypeOf<'int64'>();
    expectTypeOf(picked.feature('gate').type).toEqualTypeOf<'string'>();
    expectTypeOf(picked.feature('counts').type).toEqualTypeOf<'json'>();
    expect((['least', 'gate', 'counts', 'gates'] as const).map((name) => picked.feature(name).type)).toEqual(['int64', 'string', 'json', 'json']);
    expectTypeOf(request.feature('busy').type).toEqualTypeOf<'bool'>();
    onDemandView({
      name: 'typed', version: '1', inputs: { carrier: delays.feature('carrier'), busy: request.feature('busy') }, request: { at: 'timestamp', id: 'int64', v: embedding(2) }, features: { x: 'string' },
      compute: (row) => {
        expectTypeOf(row.carrier).toEqualTypeOf<string | null>();
        expectTypeOf(row.busy).toEqualTypeOf<boolean | null>();
        expectTypeOf(row.at).toEqualTypeOf<number | null>();
        expectTypeOf(row.id).toEqualTypeOf<bigint | null>();
        expectTypeOf(row.v).toEqualTypeOf<Float32Array | null>();
        return { x: row.carrier };
      },
    });
    // @ts-expect-error a number is no text
    onDemandView({ name: 'typed', version: '1', request: { a: 'float64' }, features: { x: 'string' }, compute: ({ a }) => ({ x: a }) });
    // @ts-expect-error the view has no such feature
    expect(() => delays.feature('speed')).toThrow(/has no feature 'speed'; it has delay, mean_6h, carrier/);
  });

  it('may take from others, and is asked for by itself', async () => {
    const twice = onDemandView({
      name: 'twice', version: 'a', inputs: { log: request.feature('log_distance'), delay: delays.feature('delay') }, features: { sum: 'float64' },
      compute: ({ log, delay }) => ({ sum: log === null || delay === null ? null : 2 * (log + delay) }),
    });
    const { store } = await filled([twice, request, delays]);
    const { training, serving } = await both(store, [twice.feature('sum')]);
    expect(training['sum']).toEqual([2 * (Math.log1p(500) + 50), null, -2]);
    expect(serving).toEqual(training);
    expect(Object.keys(training)).toEqual(['airport', 'distance', 'sum']);
  });

  it('that fails for a row says for which, and may leave it out', async () => {
    const strict = onDemandView({
      name: 'strict', version: '1', inputs: { delay: delays.feature('delay') }, request: { distance: 'float64' }, features: { speed: 'float64' },
      compute: ({ delay, distance }) => {
        if (distance === null) throw new RangeError('no distance');
        return { speed: distance / (delay ?? NaN) };
      },
    });
    const { store } = await filled([delays, strict]);
    const historical = { entities: entities.map((row) => ({ ...row, at: T })), timestamp: 'at', features: ['strict:*'] };
    const message = "The on-demand view 'strict' failed for row 1 (airport \"ORD\", distance null): no distance";
    await expect(store.getHistoricalFeatures(historical)).rejects.toMatchObject({ code: 'validation', message, details: { path: 'entities[1]' } });
    await expect(store.getOnlineFeatures({ entities, features: ['strict:*'] })).rejects.toMatchObject({ code: 'validation', message });
    const failures = [{ view: 'strict', row: 1, message }];
    const gone = await store.getHistoricalFeatures({ ...historical, onTransformError: 'null' });
    expect([Array.from(gone.columns['speed']!), gone.failures]).toEqual([[10, null, 0 / -1], failures]);
    const online = await store.getOnlineFeatures({ entities, features: ['strict:*'], onTransformError: 'null' });
    expect([online.columns['speed'], online.failures]).toEqual([[10, null, 0 / -1], failures]);
  });

  it.each([
    ['nothing', () => undefined, 'it gave undefined, and must give an object with y'],
    ['a promise', () => Promise.resolve({ y: 1 }), 'must not be asynchronous'],
    ['too little', () => ({}), 'it gave no y; give null where there is no value'],
    ['too much', () => ({ y: 1, z: 2 }), 'it gave z, which is none of its features y'],
    ['another type', () => ({ y: 'x' }), 'y[0] is "x", which is not a float64'],
  ])('that gives %s is told so', async (_, compute, message) => {
    const odd = onDemandView({ name: 'odd', version: '1', request: { x: 'float64' }, features: { y: 'float64' }, compute: compute as never });
    const { store } = await world([odd]);
    await expect(store.getOnlineFeatures({ entities: [{ x: 1 }], features: ['odd:y'] })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(message) as unknown });
  });

  it('needs what it takes from the request, in its type', async () => {
    const { store } = await filled();
    const ask = (row: Record<string, unknown>) => store.getOnlineFeatures({ entities: [row], features: ['request:*'] });
    await expect(ask({ airport: 'ATL' })).rejects.toMatchObject({ message: expect.stringContaining("entities[0].distance is missing; the on-demand view 'request' takes it") as unknown });
    await expect(ask({ airport: 'ATL', distance: 'far' })).rejects.toMatchObject({ code: 'validation', details: { path: 'entities.distance[0]' } });
    const past = (row: Record<string, unknown>) => store.getHistoricalFeatures({ entities: [{ at: T, airport: 'ATL', ...row }], timestamp: 'at', features: ['request:*'] });
    await expect(past({})).rejects.toMatchObject({ message: expect.stringContaining("entities has no column 'distance'") as unknown });
    await expect(past({ distance: 'far' })).rejects.toMatchObject({ code: 'validation', details: { path: 'entities.distance[0]' } });
  });

  it('is one function per version: what is stored is not changed, and who lacks the function is told', async () => {
    const { store, storage, clock } = await filled();
    const other = onDemandView({ name: 'request', version: '1', request: { distance: 'float64' }, features: { log_distance: 'float64' }, compute: () => ({ log_distance: 1 }) });
    await expect(store.apply([other], { force: true })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('Give the new one another version') as unknown });
    const reader = new FeatureStore({ storage, clock });
    await expect(reader.getOnlineFeatures({ entities, features: 'delay_v1' })).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('its function is not in this program') as unknown });
    const next = onDemandView({ name: 'request', version: '2', request: { distance: 'float64' }, features: { log_distance: 'float64' }, compute: () => ({ log_distance: 7 }) });
    expect(await store.apply([next])).toMatchObject([{ kind: 'on-demand-view', version: '2', change: 'extended' }]);
    expect((await both(store, ['request:log_distance'])).serving['log_distance']).toEqual([7, 7, 7]);
    expect((await both(store, ['request@1:log_distance'])).serving['log_distance']).toEqual([Math.log1p(500), null, 0]);
    expect((await both(store, 'delay_v1')).serving['log_distance']).toEqual([Math.log1p(500), null, 0]);
  });
});

describe('a view under another name', () => {
  it('finds its entities by other columns, beside the same view under its own', async () => {
    const route = { view: 'airport_delays', as: 'destination', keys: { airport: 'to' }, features: ['mean_6h', 'delay'] };
    const { store } = await filled([delays, featureService({ name: 'route', features: ['airport_delays:mean_6h', route] })]);
    const flights = [{ airport: 'ATL', to: 'ORD' }, { airport: 'ORD', to: 'ATL' }, { airport: 'ATL', to: 'YYY' }];
    const online = await store.getOnlineFeatures({ entities: flights, features: 'route' });
    expect(online.columns).toMatchObject({ mean_6h: [30, 5, 30], destination__mean_6h: [5, 30, null], destination__delay: [5, 50, -1] });
    const past = await store.getHistoricalFeatures({ entities: flights.map((row) => ({ ...row, at: T })), timestamp: 'at', features: 'route' });
    expect(Object.fromEntries(Object.entries(online.columns).map(([name]) => [name, Array.from(past.columns[name]!)]))).toEqual(online.columns);
    expect(past.report).toMatchObject({ airport_delays: { matched: 3 }, destination: { matched: 2, missing: 1 } });
  });

  it('takes what goes into an on-demand view along', async () => {
    const { store } = await filled([delays, request]);
    const { columns } = await store.getOnlineFeatures({ entities: [{ to: 'ATL', miles: 10 }], features: [{ view: 'request', as: 'there', keys: { airport: 'to', distance: 'miles' } }] });
    expect(columns).toMatchObject({ there__busy: [true], there__log_distance: [Math.log1p(10)] });
  });

  it('must name keys that there are', async () => {
    const { store } = await filled([delays]);
    await expect(store.getOnlineFeatures({ entities, features: [{ view: 'airport_delays', as: 'x', keys: { origin: 'airport' } }] })).rejects.toMatchObject({
      code: 'validation', message: "keys names 'origin', by which the view 'airport_delays' finds nothing; it has airport.",
    });
  });
});

describe('an entity', () => {
  const route = entity({ name: 'route', keys: { from: 'int64', to: 'int64' }, description: 'From one airport to another.' });
  const view = featureView({ name: 'routes', entity: route, timestamp: 'at', features: { x: 'float64' } });

  it('keeps the components of a key apart and takes them for what they are', async () => {
    const { store } = await world([view, route]);
    await store.ingest(view, [{ from: 1, to: 12, at: T - 2, x: 5 }, { from: 11n, to: 2, at: T - 1, x: 7 }], { online: true });
    const online = await store.getOnlineFeatures({ entities: [{ from: 1, to: 12n }, { from: 11, to: 2 }, { from: 1, to: 2 }, { from: null, to: 2 }], features: ['routes:x'] });
    expect(online.columns['x']).toEqual([5, 7, null, null]);
    const past = await store.getHistoricalFeatures({ entities: [{ from: 1, to: 12, at: T }, { from: 11, to: 2, at: T }], timestamp: 'at', features: ['routes:x'] });
    expect(Array.from(past.columns['x']!)).toEqual([5, 7]);
    await expect(store.getOnlineFeatures({ entities: [{ from: '1', to: 12 }], features: ['routes:x'] })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('entities.from[0] is "1", which is not an int64') as unknown });
    await expect(store.getHistoricalFeatures({ entities: [{ from: 1.5, to: 12, at: T }], timestamp: 'at', features: ['routes:x'] })).rejects.toMatchObject({ code: 'validation' });
    await expect(store.ingest(view, [{ from: 'one', to: 12, at: T, x: 5 }])).rejects.toMatchObject({ code: 'validation', details: { path: 'rows[0].from' } });
  });

  it('must be there, with the key that its views have', async () => {
    await expect(world([view])).rejects.toMatchObject({ code: 'not-found', message: "The feature view 'routes' is of the entity 'route', which is not defined; apply both together." });
    const { store } = await world([route, view]);
    const other = entity({ name: 'route', keys: { from: 'string', to: 'string' } });
    await expect(store.apply([other])).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/keys were .*int64.* and would be .*string/) as unknown });
    expect(await store.apply([other], { force: true })).toMatchObject([{ kind: 'entity', version: 2 }]);
    await expect(store.apply([featureView({ name: 'more', entity: route, timestamp: 'at', features: { x: 'float64' } })])).rejects.toMatchObject({
      code: 'validation', message: expect.stringMatching(/'more' has the key .*int64.*, and the entity 'route' that it is of has .*string/) as unknown,
    });
  });
});

describe('types', () => {
  it('of vectors and bytes come out as they went in, in training and serving', async () => {
    const view = featureView({ name: 'docs', entity: ['id'], timestamp: 'at', features: { vector: { type: embedding(3), default: [0, 0, 0] }, raw: 'bytes', meta: 'json', seen: 'timestamp', big: 'int64' } });
    const { store } = await world([view]);
    const row = { id: 'a', at: T - 1, vector: [0.5, -1, 2], raw: Uint8Array.of(1, 0, 255), meta: { tags: ['x'] }, seen: new Date(T), big: 9007199254740993n };
    await store.ingest(view, [row, { id: 'b', at: T - 1, vector: null, raw: null, meta: null, seen: null, big: null }], { online: true });
    const ids = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
    const online = await store.getOnlineFeatures({ entities: ids, features: ['docs:*'] });
    const none = Float32Array.of(0, 0, 0);
    const expected = { vector: [Float32Array.of(0.5, -1, 2), none, none], raw: [row.raw, null, null], meta: [row.meta, null, null], seen: [T, null, null], big: [row.big, null, null] };
    expect(online.columns).toEqual({ id: ['a', 'b', 'c'], ...expected });
    const past = await store.getHistoricalFeatures({ entities: ids.map((each) => ({ ...each, at: T })), timestamp: 'at', features: ['docs:*'] });
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, Array.from(past.columns[name]!)]))).toEqual(expected);
    (online.columns['vector']![0] as Float32Array).fill(9);
    expect((await store.getOnlineFeatures({ entities: ids, features: ['docs:*'] })).columns['vector']).toEqual(expected.vector);
    await expect(store.ingest(view, [{ ...row, vector: [1, 2] }])).rejects.toMatchObject({ code: 'validation', details: { path: 'rows[0].vector' } });
  });

  it('of defaults are those of their features', () => {
    const define = (source: unknown) => () => featureView({ name: 'v', entity: ['id'], timestamp: 'at', features: { x: source as 'float64' } });
    expect(define({ type: 'float64', default: 'none' })).toThrow(/features\.x\.default does not fit its type float64/);
    expect(define({ type: 'embedding(2)', default: [1] })).toThrow(/default does not fit its type embedding\(2\)/);
    expect(define({ type: 'embedding(0)' })).toThrow(/must be one of the types/);
    expect(define({ from: aggregate.count({ window: '1h' }), default: 0 })).not.toThrow();
    expect(() => embedding(0)).toThrow(/whole number from 1/);
  });
});

describe('what does not fit together', () => {
  it.each<[string, () => readonly Definition[], string]>([
    ['a view and an on-demand view of one name', () => [delays, onDemandView({ name: 'airport_delays', version: '1', request: { a: 'float64' }, features: { b: 'float64' }, compute: () => ({ b: 1 }) })], "Two definitions are called 'airport_delays': a feature view and an on demand view"],
    ['views that go into each other', () => circle(), 'On-demand views go into each other: left ← right ← left'],
    ['an input of a view that is not there', () => [request], "onDemandView(request).inputs.mean is of the view 'airport_delays', which is not defined"],
    ['an input that its view lacks', () => [featureView({ name: 'airport_delays', entity: [], timestamp: 'landed', features: { other: 'float64' } }), request], "is 'airport_delays:mean_6h', and the view 'airport_delays' has only other"],
    ['an input of another type', () => [featureView({ name: 'airport_delays', entity: [], timestamp: 'landed', features: { mean_6h: 'string' } }), request], 'for float64, and the view \'airport_delays\' has it as string'],
    ['a service of a view that is not there', () => [service], "The feature service 'delay_v1' is made of the view 'airport_delays', which is not defined"],
    ['a service of a feature that is not there', () => [delays, featureService({ name: 's', features: ['airport_delays:speed'] })], "The feature view 'airport_delays' has no feature 'speed'"],
    ['something else', () => [{ kind: 'model' } as never], 'definitions[1] is {"kind":"model"}; give what entity(), featureView(), onDemandView(), featureService() or checkSuite() made'],
  ])('is refused, both sides named, and nothing is stored: %s', async (_, definitions, message) => {
    const storage = new MemoryStorage();
    const store = new FeatureStore({ storage });
    await expect(store.apply([featureView({ name: 'good', entity: [], timestamp: 'at', features: { x: 'float64' } }), ...definitions()])).rejects.toMatchObject({ message: expect.stringContaining(message) as unknown });
    expect((await storage.list({ prefix: '', limit: 10 })).entries).toEqual([]);
  });

  it('is refused across applications, too', async () => {
    const { store } = await world();
    await expect(store.apply([featureView({ name: 'request', entity: [], timestamp: 'at', features: { x: 'float64' } })])).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining("'request' is an on-demand view already") as unknown });
    await expect(store.apply([onDemandView({ name: 'airport_delays', version: '9', request: { a: 'float64' }, features: { b: 'float64' }, compute: () => ({ b: 1 }) })])).rejects.toMatchObject({ message: expect.stringContaining("'airport_delays' is a feature view already") as unknown });
    await expect(store.ingest('request', [{ x: 1 }])).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('it is computed when it is asked for') as unknown });
    await expect(store.getOnlineFeatures({ entities, features: 'none' })).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining("There is no feature service 'none'") as unknown });
    await expect(store.getOnlineFeatures({ entities, features: ['request:busy', { view: 'request', features: ['busy'] }] })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('Ask for it once') as unknown });
  });
});

function circle(): Definition[] {
  const make = (name: string, of: string) =>
    onDemandView({ name, version: '1', inputs: { other: { kind: 'feature', view: of, feature: 'x', type: 'float64' } }, features: { x: 'float64' }, compute: ({ other }) => ({ x: other }) });
  return [make('left', 'right'), make('right', 'left')];
}
