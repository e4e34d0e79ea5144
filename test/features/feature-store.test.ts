import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView } from 'modelkeep';
import { crashingStorage } from './failing-storage.ts';
import { simulatedClock } from './simulated-clock.ts';

const hour = 3_600_000;
const T = Date.UTC(2024, 4, 1, 12);
const view = featureView({
  name: 'airports',
  entity: ['origin'],
  timestamp: 'at',
  features: { delay: 'float64', mean: aggregate.mean('delay', { window: '6h' }), count: aggregate.count({ window: '6h' }) },
});
const rows = Array.from({ length: 40 }, (_, i) => ({ origin: ['ATL', 'JFK', 'SFO'][i % 3]!, at: T - i * 7 * 60_000, delay: i }));
const features = ['airports:*'];
const entities = ['ATL', 'JFK', 'SFO', 'ZZZ'].map((origin) => ({ origin }));

async function make(storage = new MemoryStorage(), views: readonly FeatureView[] = [view]) {
  const clock = simulatedClock(T + 1);
  const store = new FeatureStore({ storage, clock });
  await store.apply(views);
  return { store, clock, storage };
}

async function everything(store: FeatureStore) {
  const historical = await store.getHistoricalFeatures({ entities: entities.map((key) => ({ ...key, at_: T + 1 })), timestamp: 'at_', features });
  return { historical: ['delay', 'mean', 'count'].map((name) => Array.from(historical.columns[name]!)), online: await store.getOnlineFeatures({ entities, features }) };
}

describe('ingest', () => {
  it('takes rows, columns and streams alike', async () => {
    const columns = { origin: rows.map((row) => row.origin), at: Float64Array.from(rows, (row) => row.at), delay: rows.map((row) => row.delay), spare: rows.map(() => 'not used') };
    async function* stream() {
      yield* rows.slice(0, 10);
      yield rows.slice(10, 25);
      yield { origin: columns.origin.slice(25), at: columns.at.slice(25), delay: columns.delay.slice(25) };
    }
    const results = [];
    for (const source of [rows, columns, stream()]) {
      const { store } = await make();
      expect((await store.ingest('airports', source)).rows).toBe(40);
      await store.materialize('airports');
      results.push(await everything(store));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('counts a batch once, and batches with ids of their own as often as they have', async () => {
    const { store } = await make();
    expect(await store.ingest(view, rows)).toEqual({ rows: 40, known: 0, quarantined: 0, batches: 1 });
    expect(await store.ingest(view, rows)).toEqual({ rows: 0, known: 40, quarantined: 0, batches: 1 });
    const [row] = rows;
    await store.ingest(view, [row!], { batchId: 'a' });
    await store.ingest(view, [row!], { batchId: 'b' });
    expect(await store.ingest(view, [row!], { batchId: 'b' })).toMatchObject({ rows: 0, known: 1 });
    const at = await store.getHistoricalFeatures({ entities: [{ origin: 'ATL', t: T + 1 }], timestamp: 't', features: ['airports:count'] });
    expect(at.columns['count']![0]).toBe(14 + 2);
    await expect(store.ingest(view, rows, { batchId: 'b' })).rejects.toThrow("The batch 'b' of 'airports' was ingested before with other rows");
  });

  it('comes to the same end wherever it was cut off and done again', async () => {
    const whole = await make();
    const batches = [rows.slice(0, 15), rows.slice(15, 30), rows.slice(30)];
    async function* stream() {
      yield* batches;
    }
    await whole.store.ingest(view, stream(), { online: true });
    await whole.store.materialize(view);
    const wanted = await everything(whole.store);
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const { storage } = await make();
        const crashing = crashingStorage(storage, failAt, moment);
        const doomed = new FeatureStore({ storage: crashing, clock: simulatedClock(T + 1) });
        const life = async () => {
          await doomed.ingest(view, stream(), { online: true });
          await doomed.materialize(view);
        };
        const died = await life().then(() => false, () => true);
        const next = new FeatureStore({ storage, clock: simulatedClock(T + 2) });
        await next.ingest(view, stream());
        await next.materialize(view);
        const { store } = await make(storage);
        expect(await everything(store)).toEqual(wanted);
        if (!died) {
          expect(failAt).toBeGreaterThan(10);
          break;
        }
      }
    }
  });

  it('writes nothing of a table that has one bad row', async () => {
    const { store, storage } = await make();
    const good = { origin: 'ATL', at: T, delay: 1 };
    const before = await storage.list();
    for (const [bad, message] of [
      [{ origin: 'ATL', delay: 1 }, /rows\[1\]\.at is missing; every row needs its timestamp/],
      [{ origin: 'ATL', at: NaN, delay: 1 }, /rows\.at\[1\] is NaN/],
      [{ origin: 'ATL', at: 'yesterday', delay: 1 }, /rows\.at\[1\] is "yesterday", which is not a timestamp/],
      [{ origin: null, at: T, delay: 1 }, /rows\[1\]\.origin is missing; every row needs its entity key/],
      [{ origin: 'ATL', at: T, delay: 'late' }, /rows\.delay\[1\] is "late", which is not a float64/],
      [{ origin: 7, at: T, delay: 1 }, /rows\.origin holds values of several types/],
      ['ATL', /rows\[1\] is not a row/],
    ] as const) {
      await expect(store.ingest(view, [good, bad as never, good])).rejects.toMatchObject({ code: 'validation', message: expect.stringMatching(message) });
    }
    await expect(store.ingest(view, { origin: ['ATL'], at: [T] })).rejects.toThrow("rows has no column 'delay'");
    await expect(store.ingest(view, { origin: ['ATL'], at: [T], delay: [1, 2] })).rejects.toThrow('rows.delay has 2 rows');
    await expect(store.ingest(view, null as never)).rejects.toMatchObject({ code: 'validation' });
    await expect(store.ingest('nowhere', [good])).rejects.toMatchObject({ code: 'not-found' });
    expect(await storage.list()).toEqual(before);
    expect((await storage.list({ kind: 'log', prefix: 'features/rows' })).entries).toEqual([]);
  });

  it('says how many rows of a broken stream are in, and reports progress', async () => {
    const { store } = await make();
    const done: number[] = [];
    async function* stream() {
      yield rows.slice(0, 30);
      yield [...rows.slice(30), { origin: 'ATL', at: T, delay: 'x' }];
    }
    await expect(store.ingest(view, stream(), { onProgress: (progress) => done.push(progress.done) })).rejects.toThrow('After 30 rows of the stream, which are ingested: rows.delay[10]');
    expect(done).toEqual([30]);
  });

  it('materializes a long log piece by piece, some of it not yet due', async () => {
    const { store, clock } = await make();
    for (let i = 0; i < 300; i++) await store.ingest(view, [{ origin: 'ATL', at: T + i * 60_000, delay: i }]);
    clock.set(T + 10 * hour);
    const counts = [];
    for (const end of [100, 100, 250, 1000]) {
      const { rows: read } = await store.materialize(view, { end: T + end * 60_000 });
      clock.set(T + 5 * hour);
      counts.push([read, (await store.getOnlineFeatures({ entities: [{ origin: 'ATL' }], features: ['airports:count'] })).columns['count']![0]]);
    }
    expect(counts.map(([, count]) => count)).toEqual([101, 101, 251, 300]);
    expect(counts[3]![0]).toBeLessThan(120);
    expect((await store.materialize(view)).rows).toBe(0);
  });

  it('can be aborted', async () => {
    const { store } = await make();
    await expect(store.ingest(view, rows, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    await expect(store.getHistoricalFeatures({ entities: [{ origin: 'ATL', t: T }], timestamp: 't', features, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is seen by every store at once, and two that ingest the same at once count it once', async () => {
    const { store, storage } = await make();
    const other = new FeatureStore({ storage, clock: simulatedClock(T + 1) });
    await store.ingest(view, rows.slice(0, 5));
    await everything(other);
    await Promise.all([store, other, store, other].map((each, i) => each.ingest(view, i < 2 ? rows : [{ origin: 'ATL', at: T - i, delay: 1 }], { online: true })));
    await Promise.all([store.materialize(view), other.materialize(view)]);
    expect(await everything(other)).toEqual(await everything(store));
    const { columns } = await other.getHistoricalFeatures({ entities: [{ origin: 'JFK', t: T + 1 }, { origin: 'ATL', t: T + 1 }], timestamp: 't', features: ['airports:count'] });
    // 13 JFK rows of which two came in both batches; 14 ATL rows of which two did, and two more.
    expect(Array.from(columns['count']!)).toEqual([13 + 2, 14 + 2 + 2]);
    expect((await everything(store)).online.columns['count']!.slice(0, 2)).toEqual([18, 15]);
  });
});

describe('apply', () => {
  const changed = (features: Parameters<typeof featureView>[0]['features'], rest = {}) => featureView({ name: 'airports', entity: ['origin'], timestamp: 'at', features, ...rest });

  it('keeps versions, lets new features in, and refuses what would break others', async () => {
    const { store } = await make();
    expect((await store.apply([view]))[0]).toMatchObject({ version: 1, change: 'unchanged' });
    const more = changed({ ...base(), late: aggregate.count({ window: '1h', where: { delay: { gt: 15 } } }) });
    expect((await store.apply([more]))[0]).toMatchObject({ version: 2, change: 'extended' });
    // A program that knows only what was before is at home in what was added since.
    expect((await store.apply([view]))[0]).toMatchObject({ version: 1, change: 'unchanged' });
    const less = changed({ delay: 'float64' });
    await expect(store.apply([less])).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining("feature 'late' would be gone") });
    await expect(store.apply([changed({ ...base(), late: 'float64' })])).rejects.toThrow(/feature 'late' was .* and would be/);
    await expect(store.apply([changed(base(), { ttl: '1h' })])).rejects.toThrow('ttl was absent and would be 3600000');
    expect((await store.apply([less], { force: true }))[0]).toMatchObject({ version: 3, change: 'forced' });
  });

  it('keeps rows through changes that they fit, and begins without rows after others', async () => {
    const { store } = await make();
    await store.ingest(view, rows);
    const count = async (): Promise<unknown> =>
      (await store.getHistoricalFeatures({ entities: [{ origin: 'ATL', t: T + 1 }], timestamp: 't', features: ['airports:count'] })).columns['count']![0];
    await store.apply([changed({ ...base(), sum: aggregate.sum('delay', { window: '1h' }) })]);
    expect(await count()).toBe(14);
    await store.apply([changed({ delay: 'string', count: aggregate.count({ window: '6h' }) })], { force: true });
    expect(await count()).toBeNull();
    await store.ingest(view.name, [{ origin: 'ATL', at: T, delay: 'late' }]);
    expect(await count()).toBe(1);
  });

  it('makes online values anew when a new feature needs more than was kept', async () => {
    const { store, clock, storage } = await make();
    await store.ingest(view, rows.map((row) => ({ ...row, at: row.at - 20 * hour })));
    await store.ingest(view, rows);
    await store.materialize(view);
    const reader = new FeatureStore({ storage, clock });
    const older = await reader.getOnlineFeatures({ entities, features });
    await store.apply([changed({ ...base(), day: aggregate.count({ window: '2d' }) })]);
    await expect(reader.getOnlineFeatures({ entities, features: ['airports:day'] })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining("Call materialize('airports')") });
    expect(await reader.getOnlineFeatures({ entities, features: ['airports:delay', 'airports:mean', 'airports:count'] })).toEqual(older);
    await store.ingest(view.name, [{ origin: 'ATL', at: T - 1, delay: 0 }], { online: true });
    const online = await reader.getOnlineFeatures({ entities, features: ['airports:day', 'airports:count'] });
    expect(online.columns['day']).toEqual([14 + 14 + 1, 26, 26, null]);
    expect(online.columns['count']).toEqual([15, 13, 13, null]);
  });

  it.each([
    [{ name: '1st' }, 'cannot name a view'],
    [{ name: 'a__b' }, 'leave out __'],
    [{ features: {} }, 'needs at least one feature'],
    [{ features: { origin: 'string' } }, 'has the name of a key or timestamp column'],
    [{ entity: ['at'] }, "uses the column 'at' twice"],
    [{ ttl: '-1h' }, 'ttl is "-1h"'],
    [{ ttl: 0 }, 'ttl is 0'],
    [{ features: { x: 'float32' } }, 'featureView.features.x'],
    [{ features: { x: 'string', m: { kind: 'aggregate', function: 'mean', column: 'x', window: hour, hop: 0 } } }, 'a mean goes over float64 columns'],
    [{ features: { m: { kind: 'aggregate', function: 'count', window: hour, hop: 0, where: { x: { gt: 1, lt: 'b' } } } } }, 'compares one column with values of several types'],
    [{ features: { m: { kind: 'aggregate', function: 'count', window: hour, hop: 0, where: { at: { gt: 1 } } } } }, "'at', which is a key or timestamp column"],
    [{ features: { m: { kind: 'aggregate', function: 'mean', window: hour, hop: 0 } } }, 'm.column is missing; a mean goes over a column'],
    [{ tll: '1h' }, 'unknown options: tll'],
  ])('refuses a definition that cannot be: %j', (change, message) => {
    const options = { name: 'v', entity: ['origin'], timestamp: 'at', features: { x: 'float64' }, ...change };
    expect(() => featureView(options as never)).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(message) }));
  });

  it('checks what it is given even when it did not come from featureView', async () => {
    const { store } = await make();
    await expect(store.apply([JSON.parse('{"kind":"feature-view","name":"v"}') as FeatureView])).rejects.toMatchObject({ code: 'validation', details: { path: 'definitions[0].entity' } });
    const parsed = JSON.parse(JSON.stringify({ ...view, name: 'copy' })) as FeatureView;
    expect((await store.apply([parsed]))[0]).toMatchObject({ name: 'copy', change: 'created' });
  });

  it.each([
    [() => aggregate.mean('', { window: '1h' }), 'needs the name of a column'],
    [() => aggregate.count({ window: 0 }), 'window is 0'],
    [() => aggregate.count({ window: 'soon' as never }), 'window is "soon"'],
    [() => aggregate.count({ window: 1.5 }), 'not a whole number of milliseconds'],
    [() => aggregate.count({ window: '1h', where: { x: { above: 1 } } as never }), 'unknown options: above'],
  ])('refuses an aggregate that cannot be: %s', (make_, message) => {
    expect(make_).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(message) }));
  });

  function base() {
    return { delay: 'float64', mean: aggregate.mean('delay', { window: '6h' }), count: aggregate.count({ window: '6h' }) } as const;
  }
});

describe('queries', () => {
  it('keeps types: int64 as bigint, NaN apart from null, keys by value and not by type of number', async () => {
    const typed = featureView({ name: 'typed', entity: ['id'], timestamp: 'at', features: { big: 'int64', real: 'float64', flag: 'bool', text: 'string', when: 'timestamp', data: 'json' } });
    const { store } = await make(undefined, [typed]);
    await store.ingest(typed, [
      { id: 1, at: T, big: 9007199254740993n, real: NaN, flag: false, text: '', when: new Date(T), data: { a: [1, null] } },
      { id: 2, at: T, big: null, real: null, flag: null, text: null, when: null, data: null },
    ], { online: true });
    const names = Object.keys(typed.features);
    const keys = [1n, 2n];
    const historical = await store.getHistoricalFeatures({ entities: { id: keys, t: [T, T] }, timestamp: 't', features: ['typed:*'] });
    const online = await store.getOnlineFeatures({ entities: keys.map((id) => ({ id })), features: ['typed:*'] });
    for (const { columns } of [historical, online]) {
      expect(names.map((name) => columns[name]![0])).toEqual([9007199254740993n, NaN, false, '', T, { a: [1, null] }]);
      expect(names.map((name) => columns[name]![1])).toEqual(names.map(() => null));
    }
    expect(names.map((name) => online.statuses[name])).toEqual(names.map(() => ['PRESENT', 'NULL_VALUE']));
    const texts = await store.getOnlineFeatures({ entities: [{ id: '1' }, { id: null }], features: ['typed:big'] });
    expect(texts.statuses['big']).toEqual(['NOT_FOUND', 'NOT_FOUND']);
    await expect(store.getOnlineFeatures({ entities: [{ id: {} }], features: ['typed:big'] })).rejects.toThrow('entities[0].id is {}, which is no entity key');
  });

  it('finds entities by date and by several parts that never run together', async () => {
    const parts = featureView({ name: 'parts', entity: ['day', 'n'], timestamp: 'at', features: { x: 'float64' } });
    const { store } = await make(undefined, [parts]);
    const days = [new Date(T), new Date(T + 1)];
    await store.ingest(parts, [{ day: days[0], n: 12, at: T, x: 1 }, { day: days[1], n: 2, at: T, x: 2 }], { online: true });
    const keys = [{ day: days[0], n: 12 }, { day: T + 1, n: 2n }, { day: days[0], n: 2 }];
    expect((await store.getOnlineFeatures({ entities: keys, features: ['parts:x'] })).columns['x']).toEqual([1, 2, null]);
    const historical = await store.getHistoricalFeatures({ entities: { day: [T, T + 1, T], n: [12, 2, 2], t: [T, T, T] }, timestamp: 't', features: ['parts:x'] });
    expect(Array.from(historical.columns['x']!)).toEqual([1, 2, null]);
  });

  it('refuses names that collide, unless they are told apart', async () => {
    const twin = featureView({ name: 'twin', entity: ['origin'], timestamp: 'at', features: { delay: 'float64' } });
    const { store } = await make(undefined, [view, twin]);
    const both = { entities: [{ origin: 'ATL', t: T }], timestamp: 't', features: ['airports:delay', 'twin:delay'] };
    await expect(store.getHistoricalFeatures(both)).rejects.toThrow("Two columns of the result would be named 'delay': airports:delay and twin:delay");
    expect(Object.keys((await store.getHistoricalFeatures({ ...both, fullFeatureNames: true })).columns)).toEqual(['origin', 't', 'airports__delay', 'twin__delay']);
    await expect(store.getHistoricalFeatures({ entities: [{ origin: 'ATL', t: T, delay: 1 }], timestamp: 't', features: ['twin:delay'] })).rejects.toThrow('a column of entities and twin:delay');
  });

  it('says what is wrong with a query', async () => {
    const { store } = await make();
    const ask = (change: object) => store.getHistoricalFeatures({ entities: [{ origin: 'ATL', t: T }], timestamp: 't', features, ...change });
    for (const [change, message] of [
      [{ features: ['airports.delay'] }, /features\[0\] is "airports.delay"; name a feature as 'view:feature'/],
      [{ features: [] }, /at least one entry/],
      [{ features: ['airports:typo'] }, /has no feature 'typo'; it has count, delay, mean/],
      [{ features: ['nowhere:x'] }, /There is no feature view 'nowhere'/],
      [{ timestamp: 'when' }, /entities has no column 'when'/],
      [{ entities: [{ t: T }] }, /entities has no column 'origin', by which the view 'airports'/],
      [{ entities: [{ origin: 'ATL', t: null }] }, /entities\[0\]\.t is missing/],
      [{ asOf: 'now' }, /query\.asOf must be one of "knowledge", "event"/],
    ] as const) {
      await expect(ask(change)).rejects.toThrow(message);
    }
    await expect(store.getOnlineFeatures({ entities: [{ dest: 'ATL' }], features })).rejects.toThrow("entities[0].origin is missing; the view 'airports'");
    await expect(store.materialize(view, { end: 'never' })).rejects.toThrow('options.end is "never"');
  });

  it('reports what each view had', async () => {
    const expiring = featureView({ name: 'v', entity: ['id'], timestamp: 'at', createdTimestamp: 'seen', ttl: '1h', features: { x: 'float64' } });
    const { store } = await make(undefined, [expiring]);
    await store.ingest(expiring, [{ id: 1, at: T, seen: T, x: 1 }, { id: 2, at: T, seen: T + hour, x: 2 }]);
    const moments = [[1, T], [1, T + 2 * hour], [1, T - 1], [2, T + 1], [3, T], [null, T]] as const;
    const { report, columns } = await store.getHistoricalFeatures({ entities: moments.map(([id, t]) => ({ id, t })), timestamp: 't', features: ['v:x'] });
    expect(report['v']).toEqual({ matched: 1, expired: 1, future: 1, tooNew: 1, missing: 2 });
    expect(Array.from(columns['x']!)).toEqual([1, null, null, null, null, null]);
  });

  it('refuses to answer for a past of which it has let go', async () => {
    const { store, clock } = await make();
    await store.ingest(view, rows.map((row) => ({ ...row, at: row.at - 48 * hour })));
    await store.ingest(view, rows);
    await store.materialize(view);
    clock.set(T - 10 * hour);
    await expect(store.getOnlineFeatures({ entities, features })).rejects.toThrow(/are kept for requests from 2024-05-01T11:00:00\.001Z on/);
    clock.set(T);
    expect((await store.getOnlineFeatures({ entities, features })).columns['count']).toEqual([13, 13, 13, null]);
  });

  it('keeps no more in memory than it is told to', async () => {
    const storage = new MemoryStorage();
    const { store } = await make(storage);
    await store.ingest(view, rows, { online: true });
    const lean = new FeatureStore({ storage, clock: simulatedClock(T + 1), cacheBytes: 0 });
    expect(await everything(lean)).toEqual(await everything(store));
    expect(await everything(lean)).toEqual(await everything(store));
  });
});
