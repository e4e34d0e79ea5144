import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, FeatureStore, featureView, MemoryStorage, type IngestOptions, type QuarantinedRow, type StorageAdapter } from 'modelkeep';
import { crashingStorage } from './failing-storage.ts';
import { simulatedClock } from './simulated-clock.ts';

const T = Date.UTC(2024, 4, 1, 12);
const view = featureView({ name: 'airports', entity: ['origin'], timestamp: 'at', features: { delay: 'float64', flights: 'int64', kind: 'string' } });
const good = { origin: 'ATL', at: T - 1000, delay: 1, flights: 10n, kind: 'late' };

async function make(storage: StorageAdapter = new MemoryStorage()) {
  const clock = simulatedClock(T);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  return { store, storage, clock };
}

async function all(store: FeatureStore, limit = 3): Promise<QuarantinedRow[]> {
  const rows: QuarantinedRow[] = [];
  let after: string | undefined;
  do {
    const page = await store.quarantined(view, { after, limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    rows.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

async function delaysOf(store: FeatureStore, origins: readonly string[]): Promise<unknown[]> {
  const found = await store.getHistoricalFeatures({ entities: origins.map((origin) => ({ origin, t: T * 2 })), timestamp: 't', features: ['airports:delay'], asOf: 'event' });
  return Array.from(found.columns['delay']!);
}

describe('checks of rows', () => {
  it.each([
    [{ columns: { delay: { min: 0, max: 5 } } }, { delay: 6 }, 'max', /rows\[1\]\.delay is 6, more than the 5 that it is at most/],
    [{ columns: { delay: { min: 0 } } }, { delay: NaN }, 'min', /rows\[1\]\.delay is NaN, less than the 0/],
    [{ columns: { flights: { min: 5 } } }, { flights: 4n }, 'min', /rows\[1\]\.flights is 4, less than the 5/],
    [{ columns: { kind: { in: ['late', 'early'] } } }, { kind: 'never' }, 'in', /rows\[1\]\.kind is "never", which is none of \["late","early"\]/],
    [{ columns: { flights: { in: [10] } } }, { flights: 11n }, 'in', /rows\[1\]\.flights is 11, which is none of \[10\]/],
    [{ columns: { delay: { notNull: true } } }, { delay: null }, 'notNull', /rows\[1\]\.delay is missing/],
    [{ columns: { at: { min: '2024-05-01T00:00:00Z' } } }, { at: '2023-05-01T00:00:00Z' }, 'min', /less than the 2024-05-01T00:00:00\.000Z/],
    [{ maxFuture: '1m' }, { at: T + 60_001 }, 'maxFuture', /is 2024-05-01T12:01:00\.001Z, which is later than 2024-05-01T12:01:00\.000Z/],
    [undefined, { at: '2024-02-31' }, 'type', /rows\.at\[1\] is "2024-02-31", which is not a timestamp/],
    [undefined, { origin: null }, 'missing', /rows\[1\]\.origin is missing; every row needs its entity key/],
  ] as const)('refuse what is wrong (%#)', async (validate, change, check, message) => {
    const { store, storage } = await make();
    // Of rows that are refused nothing is there but what the checks came to.
    const stored = async () => (await storage.list()).entries.filter(({ key }) => !key.startsWith('features/checked/'));
    const before = await stored();
    const rows = [good, { ...good, ...change }, good];
    await expect(store.ingest(view, rows, { validate })).rejects.toMatchObject({ code: 'validation', message: expect.stringMatching(message), details: { invalid: 1, rows: [{ row: 1 }] } });
    expect(await stored()).toEqual(before);
    expect(await store.ingest(view, rows, { validate, onInvalid: 'quarantine' })).toMatchObject({ rows: 2, known: 0, quarantined: 1, batches: 1 });
    expect(await all(store)).toMatchObject([{ place: 1, at: T, reasons: [{ check, message: expect.stringMatching(message) }], values: { ...good, ...change } }]);
  });

  it('refuse a table where too many values are missing, or set all of it aside', async () => {
    const { store } = await make();
    const rows = [good, { ...good, delay: null }, { ...good, delay: null }];
    const validate = { columns: { delay: { maxNullShare: 0.5 } } };
    await expect(store.ingest(view, rows, { validate })).rejects.toThrow('3 of 3 rows are invalid: rows.delay is missing in 2 of 3 rows, more than a share of 0.5.');
    expect(await store.ingest(view, rows, { validate, onInvalid: 'quarantine' })).toMatchObject({ rows: 0, known: 0, quarantined: 3, batches: 1 });
    expect(await store.ingest(view, [good, { ...good, delay: null }], { validate })).toMatchObject({ rows: 2 });
  });

  it('refuse times of no zone among times of one, in one table and along a stream', async () => {
    const { store } = await make();
    const [zoned, naive] = ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00'];
    await expect(store.ingest(view, [{ ...good, at: zoned }, { ...good, at: naive }])).rejects.toThrow(`rows.at[1] is "${naive}", which names no zone where the times before it name one`);
    async function* stream() {
      yield [{ ...good, at: naive }];
      yield [{ ...good, at: zoned }, { ...good, at: naive, delay: 2 }];
    }
    await expect(store.ingest(view, stream())).rejects.toThrow(/^After 1 rows of the stream, which are ingested: rows\.at\[0\].*names a zone/);
    expect(await store.ingest(view, stream(), { onInvalid: 'quarantine' })).toEqual({ rows: 1, known: 1, quarantined: 1, batches: 2 });
    expect(await all(store)).toMatchObject([{ place: 1, reasons: [{ check: 'zone' }] }]);
  });

  it('are refused themselves when they make no sense', async () => {
    const { store } = await make();
    for (const [validate, message] of [
      [{ columns: { nothing: { min: 1 } } }, 'options.validate.columns.nothing is no column that the view uses'],
      [{ columns: { kind: { min: 1 } } }, 'options.validate.columns.kind.min is 1, which string values have no order with'],
      [{ columns: { delay: { least: 1 } } }, 'options.validate.columns.delay'],
      [{ maxFuture: 'soon' }, 'options.validate.maxFuture'],
    ] as const) {
      await expect(store.ingest(view, [good], { validate } as IngestOptions)).rejects.toThrow(message);
    }
  });
});

describe('quarantine', () => {
  const broken = [
    'no row',
    { ...good, origin: 'A', delay: 'ten' },
    { origin: 'B', delay: 1 },
    { ...good, origin: 'C', delay: 99 },
    { ...good, origin: 'D', flights: 1.5, kind: Symbol('odd') },
    { ...good, origin: 7 },
  ];
  const rows = [good, ...broken.slice(0, 3), { ...good, origin: 'JFK', delay: 2 }, ...broken.slice(3)] as never;
  const options = { onInvalid: 'quarantine', validate: { columns: { delay: { max: 50 } } } } as const;

  it('holds what is invalid, once, with its place and reasons, and the rest goes in', async () => {
    const { store } = await make();
    expect(await store.ingest(view, rows, { ...options, batchId: 'monday' })).toMatchObject({ rows: 2, known: 0, quarantined: 6, batches: 1 });
    expect(await store.ingest(view, rows, { ...options, batchId: 'monday' })).toMatchObject({ rows: 0, known: 8, quarantined: 0, batches: 1 });
    const held = await all(store);
    expect(held.map(({ place }) => place).sort()).toEqual([1, 2, 3, 5, 6, 7]);
    expect(held.every(({ batchId, at }) => batchId === 'monday' && at === T)).toBe(true);
    expect(held.find(({ place }) => place === 6)).toMatchObject({ values: { origin: 'D', flights: 1.5, kind: 'Symbol(odd)' }, reasons: [{ column: 'flights', check: 'type' }, { column: 'kind', check: 'type' }] });
    expect(new Set(held.map(({ id }) => id)).size).toBe(6);
    expect(await delaysOf(store, ['ATL', 'JFK', 'C'])).toEqual([1, 2, null]);
  });

  it('keeps to what was decided when a batch first came', async () => {
    const { store, clock } = await make();
    const ahead = [good, { ...good, origin: 'JFK', at: T + 10 * 60_000 }];
    const settings = { onInvalid: 'quarantine', validate: { maxFuture: '1m' } } as const;
    expect(await store.ingest(view, ahead, settings)).toMatchObject({ rows: 1, quarantined: 1 });
    clock.set(T + 20 * 60_000);
    expect(await store.ingest(view, ahead, settings)).toMatchObject({ rows: 0, known: 2, quarantined: 0, batches: 1 });
    expect(await store.ingest(view, ahead)).toMatchObject({ known: 2 });
    expect(await delaysOf(store, ['JFK'])).toEqual([null]);
    const [held] = await all(store);
    expect(await store.releaseQuarantined(view, [held!.id])).toBe(1);
    expect(await delaysOf(store, ['JFK'])).toEqual([1]);
    expect(await all(store)).toEqual([]);
  });

  it('releases corrected rows, online too, and refuses those that are still wrong', async () => {
    const { store } = await make();
    await store.ingest(view, rows, options);
    const held = await all(store);
    const idOf = (place: number): string => held.find((row) => row.place === place)!.id;
    await expect(store.releaseQuarantined(view, [{ id: idOf(2), values: { delay: 10 } }, idOf(3)])).rejects.toThrow('rows[1].at is missing');
    await expect(store.releaseQuarantined(view, [idOf(5)], { validate: options.validate })).rejects.toThrow('more than the 50');
    await expect(store.releaseQuarantined(view, ['nonsense'])).rejects.toThrow('rows[0] is "nonsense"; give the id of a row in quarantine');
    expect(await all(store)).toEqual(held);
    expect(await store.releaseQuarantined(view, [{ id: idOf(2), values: { delay: 10 } }, { id: idOf(3), values: { at: T - 5, flights: null, kind: null } }], { online: true })).toBe(2);
    expect(await delaysOf(store, ['A', 'B'])).toEqual([10, 1]);
    const online = await store.getOnlineFeatures({ entities: [{ origin: 'A' }, { origin: 'B' }], features: ['airports:delay'] });
    expect(online.columns['delay']).toEqual([10, 1]);
    await expect(store.releaseQuarantined(view, [idOf(2)])).rejects.toMatchObject({ code: 'not-found' });
    expect(await store.rejectQuarantined(view, held.map(({ id }) => id))).toBe(4);
    expect(await all(store)).toEqual([]);
    // The same batch does not bring them back.
    expect(await store.ingest(view, rows, options)).toMatchObject({ quarantined: 0, known: 8 });
    expect(await all(store)).toEqual([]);
  });

  it('loses and doubles nothing wherever ingestion or release is cut off', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let failAt = 1; ; failAt++) {
        const storage = new MemoryStorage();
        await make(storage);
        const life = async (store: FeatureStore): Promise<void> => {
          await store.ingest(view, rows, options);
          const wanted = (await all(store)).filter(({ place }) => place === 5 || place === 2);
          if (wanted.length > 0) await store.releaseQuarantined(view, wanted.map(({ id }) => ({ id, values: { delay: 33 } })), { online: true });
        };
        const doomed = new FeatureStore({ storage: crashingStorage(storage, failAt, moment), clock: simulatedClock(T + 1) });
        const died = await life(doomed).then(() => false, () => true);
        const { store } = await make(storage);
        await life(store);
        expect((await all(store)).map(({ place }) => place).sort()).toEqual([1, 3, 6, 7]);
        expect(await delaysOf(store, ['ATL', 'JFK', 'A', 'C'])).toEqual([1, 2, 33, 33]);
        const online = await store.getOnlineFeatures({ entities: [{ origin: 'A' }, { origin: 'C' }], features: ['airports:delay'] });
        expect(online.columns['delay']).toEqual([33, 33]);
        if (!died) {
          expect(failAt).toBeGreaterThan(10);
          break;
        }
      }
    }
  });

  it('releases a row once when many try at once', async () => {
    const storage = new MemoryStorage();
    const { store } = await make(storage);
    const counted = featureView({ name: 'visits', entity: ['who'], timestamp: 'at', features: { x: 'float64', rows: aggregate.count({ window: '1h' }) } });
    await store.apply([counted]);
    await store.ingest(counted, Array.from({ length: 10 }, (_, i) => ({ who: 'a', at: T - i, x: 'bad' })) as never, { onInvalid: 'quarantine' });
    const { items } = await store.quarantined(counted);
    const stores = [store, ...Array.from({ length: 3 }, () => new FeatureStore({ storage, clock: simulatedClock(T) }))];
    const results = await Promise.allSettled(stores.map((each, s) => each.releaseQuarantined(counted, items.map(({ id }) => ({ id, values: { x: s } })))));
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect((await store.quarantined(counted)).items).toEqual([]);
    const found = await store.getHistoricalFeatures({ entities: [{ who: 'a', t: T + 1 }], timestamp: 't', features: ['visits:*'] });
    expect([0, 1, 2, 3]).toContain(found.columns['x']![0]);
    expect(found.columns['rows']![0]).toBe(10);
  });

  const isTable = (item: unknown): boolean => {
    const values = typeof item === 'object' && item !== null ? Object.values(item) : [];
    return Array.isArray(item) || (values.length > 0 && values.every((value) => Array.isArray(value)));
  };

  it('sorts any rows into those that are in and those that are aside', async () => {
    const value = fc.constantFrom<unknown>(null, undefined, 1, -3, 1e9, 'x', '2024-05-01', true, 5n, {}, [], NaN);
    const row = fc.oneof({ weight: 9, arbitrary: fc.record({ origin: value, at: value, delay: value, flights: value, kind: value }, { requiredKeys: [] }) }, { weight: 1, arbitrary: value });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 12 }), fc.boolean(), async (given, streamed) => {
        const { store } = await make();
        // In a stream, an array is a table of its own, and so is what has nothing but arrays.
        const items = streamed ? given.filter((item) => !isTable(item)) : given;
        async function* stream() {
          yield* items as never[];
        }
        const source = streamed ? stream() : (items as never);
        const result = await store.ingest(view, source, options);
        expect(result.rows + result.quarantined + result.known).toBe(items.length);
        expect((await all(store, 5)).length).toBe(result.quarantined);
        expect(new Set((await all(store)).map(({ place }) => place)).size).toBe(result.quarantined);
      }),
      { numRuns: 150 },
    );
  });
});
