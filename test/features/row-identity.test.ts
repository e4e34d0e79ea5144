import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView } from 'modelkeep';
import { simulatedClock } from './simulated-clock.ts';
import { events, minute, probes, start, type Event } from './world.ts';

const features = {
  x: 'float64',
  kind: 'string',
  count: aggregate.count({ window: '13h' }),
  sum: aggregate.sum('x', { window: '2h', hop: 0 }),
  highest: aggregate.max('x', { window: '6h' }),
  spread: aggregate.std('x', { window: 'lifetime' }),
  oldest: aggregate.first('big', { window: '6h', type: 'int64' }),
  newest: aggregate.lastK('kind', 2, { window: '6h' }),
  frequent: aggregate.topK('kind', 1, { window: '90m' }),
  median: aggregate.quantile('x', 0.5, { window: '6h' }),
  full_hour: aggregate.sum('x', { window: '1h', tumbling: true }),
  by_kind: aggregate.mean('x', { window: '6h', by: 'kind' }),
} as const;

function viewOf(created: boolean, rowId: readonly string[] | undefined): FeatureView {
  return featureView({ name: 'world', entity: ['a', 'b'], timestamp: 'at', createdTimestamp: created ? 'created' : undefined, rowId, columns: { id: 'int64' }, features });
}

type Version = Event & { readonly id: number };

/** Few moments and ids, so that rows are corrected often. */
const versions: fc.Arbitrary<Version[]> = events.chain((list) =>
  fc.array(fc.record({ id: fc.nat(1), place: fc.nat(4) }), { minLength: list.length, maxLength: list.length }).map((more) =>
    list.map((event, i): Version => {
      const at = start + (more[i]!.place * 7 + 1) * 30 * minute;
      return { ...event, a: 'ATL', b: (event.b === 12 ? 12 : 2), at, created: at + Math.max(0, event.created - event.at), id: more[i]!.id };
    }),
  ),
);
const inBatches = fc.array(versions, { minLength: 1, maxLength: 3 });
const keys = [{ a: 'ATL', b: 12 }, { a: 'ATL', b: 2 }];
const moments = probes.map((list) => [...list.map(({ at }) => at), ...[0, 1, 2, 3, 4].map((place) => start + (place * 7 + 1) * 30 * minute), start + 100 * 60 * minute]);

async function storeWith(view: FeatureView, batches: readonly (readonly Version[])[], at = start) {
  const clock = simulatedClock(at);
  const store = new FeatureStore({ storage: new MemoryStorage(), clock });
  await store.apply([view]);
  for (const [i, batch] of batches.entries()) {
    clock.set(at + i);
    await store.ingest('world', batch, { batchId: `batch ${i}` });
  }
  return { store, clock };
}

/** The last version of each row that `known` lets count, in the order of ingestion. */
function finalRows(batches: readonly (readonly Version[])[], byCreated: boolean, known: (version: Version) => boolean): Version[] {
  const found = new Map<string, Version>();
  for (const version of batches.flat()) {
    if (!known(version)) continue;
    const id = [version.a, version.b, version.at, version.id].join();
    const last = found.get(id);
    if (last && byCreated && last.created > version.created) continue;
    found.delete(id);
    found.set(id, version);
  }
  return [...found.values()];
}

describe('rows with an identity', () => {
  it.each([
    ['knowledge', true],
    ['event', true],
    ['knowledge', false],
  ] as const)('count as those would that are in force at the moment, and nothing else: as of %s, with a created time: %s', async (asOf, created) => {
    await fc.assert(
      fc.asyncProperty(inBatches, moments, async (batches, times) => {
        const { store } = await storeWith(viewOf(created, ['id']), batches);
        const spine = times.flatMap((at) => keys.map((key) => ({ ...key, at })));
        const asked = await store.getHistoricalFeatures({ entities: spine, timestamp: 'at', features: ['world:*'], asOf });
        for (const [i, at] of times.entries()) {
          const rows = finalRows(batches, created, (version) => !created || asOf === 'event' || version.created <= at);
          // What is left has one version for each row; without a created column the order of ingestion decides between rows of one time.
          const { store: plain } = await storeWith(viewOf(created, undefined), [rows]);
          const wanted = await plain.getHistoricalFeatures({ entities: keys.map((key) => ({ ...key, at })), timestamp: 'at', features: ['world:*'], asOf });
          for (const name of Object.keys(features)) {
            expect([at, name, ...keys.map((_, k) => asked.columns[name]![i * keys.length + k])]).toEqual([at, name, ...keys.map((_, k) => wanted.columns[name]![k])]);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it.each([true, false])('are served as they are trained on, as corrections come late and rows are let go: with a created time: %s', async (created) => {
    await fc.assert(
      fc.asyncProperty(fc.array(versions, { minLength: 2, maxLength: 4 }), async (batches) => {
        const { store, clock } = await storeWith(viewOf(created, ['id']), []);
        for (const [i, batch] of batches.entries()) {
          const at = start + (i + 1) * 5 * 60 * minute;
          clock.set(at);
          await store.ingest('world', batch, { batchId: `batch ${i}`, online: i % 2 === 1 });
          await store.materialize('world', { end: at + 1_000 * 60 * minute });
          expect(await store.materialize('world', { end: at + 1_000 * 60 * minute })).toMatchObject({ entities: 0 });
          for (const moment of [at, at + 31 * minute, at + 200 * minute]) {
            clock.set(moment);
            const online = await store.getOnlineFeatures({ entities: keys, features: ['world:*'] });
            const offline = await store.getHistoricalFeatures({ entities: keys.map((key) => ({ ...key, at: moment })), timestamp: 'at', features: ['world:*'] });
            for (const name of Object.keys(features)) expect([moment, name, online.columns[name]]).toEqual([moment, name, Array.from(offline.columns[name]!)]);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  it('counts a row once that is delivered twice, in whatever batches', async () => {
    const view = featureView({ name: 'payments', entity: ['user'], timestamp: 'at', rowId: ['payment'], features: { paid: aggregate.sum('amount', { window: '1d' }), payments: aggregate.count({ window: '1d' }) } });
    const storage = new MemoryStorage();
    const store = new FeatureStore({ storage, clock: simulatedClock(start + 60 * minute) });
    await store.apply([view]);
    const rows = ['p1', 'p2', 'p3'].map((payment, i) => ({ user: 1, at: start, payment, amount: 10 ** i }));
    await store.ingest(view, rows, { online: true });
    await store.ingest(view, [rows[2]!, rows[0]!, { user: 1, at: start + 1, payment: 'p3', amount: 1000 }], { online: true });
    const wanted = { paid: [1111], payments: [4] };
    expect((await store.getOnlineFeatures({ entities: [{ user: 1 }], features: ['payments:*'] })).columns).toMatchObject(wanted);
    const historical = await store.getHistoricalFeatures({ entities: [{ user: 1, at: start + 60 * minute }], timestamp: 'at', features: ['payments:*'] });
    expect({ paid: Array.from(historical.columns['paid']!), payments: Array.from(historical.columns['payments']!) }).toEqual(wanted);
  });

  it('lets an entity have one row at a time with an empty list', async () => {
    const view = featureView({ name: 'stock', entity: ['shop'], timestamp: 'at', rowId: [], features: { counted: aggregate.count({ window: '1d' }), sum: aggregate.sum('n', { window: '1d' }) } });
    const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(start) });
    await store.apply([view]);
    await store.ingest(view, [{ shop: 1, at: start, n: 1 }, { shop: 2, at: start, n: 10 }]);
    await store.ingest(view, [{ shop: 1, at: start, n: 5 }, { shop: 1, at: start + 1, n: 6 }]);
    const { columns } = await store.getHistoricalFeatures({ entities: [1, 2].map((shop) => ({ shop, at: start + minute })), timestamp: 'at', features: ['stock:*'] });
    expect([Array.from(columns['counted']!), Array.from(columns['sum']!)]).toEqual([[2, 1], [11, 10]]);
  });

  it('refuses rows without their identity, naming them, and sets them aside by option', async () => {
    const view = featureView({ name: 'payments', entity: ['user'], timestamp: 'at', rowId: ['payment'], columns: { payment: 'int64' }, features: { paid: aggregate.sum('amount', { window: '1d' }) } });
    const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(start) });
    await store.apply([view]);
    const rows = [{ user: 1, at: start, payment: 1, amount: 1 }, { user: 1, at: start, payment: null, amount: 2 }];
    await expect(store.ingest(view, rows)).rejects.toThrow("rows[1].payment is missing; every row needs what tells it from others (rowId).");
    expect(await store.ingest(view, rows, { onInvalid: 'quarantine' })).toMatchObject({ rows: 1, quarantined: 1 });
    await expect(store.ingest(view, [{ user: 1, at: start, payment: 1.5, amount: 1 }])).rejects.toThrow('rows.payment[0] is 1.5');
  });

  it.each([
    [['origin'], "rowId names 'origin', which is a key or timestamp column: the entity and the timestamp are part of a row's identity anyway"],
    [['flight', 'flight'], "rowId names 'flight', twice"],
    [['delay'], "rowId names 'delay', which is a float64 column"],
  ])('refuses %j', (rowId, message) => {
    expect(() => featureView({ name: 'v', entity: ['origin'], timestamp: 'at', rowId, features: { delay: 'float64' } })).toThrow(message);
  });

  it('begins without rows when what tells them apart is changed, and says so before', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage(), clock: simulatedClock(start + minute) });
    const of = (rowId: readonly string[] | undefined) => featureView({ name: 'v', entity: ['id'], timestamp: 'at', rowId, features: { n: aggregate.count({ window: '1d' }) } });
    await store.apply([of(undefined)]);
    await store.ingest('v', [{ id: 1, at: start }, { id: 1, at: start }]);
    await expect(store.apply([of([])])).rejects.toThrow('rowId was absent and would be []');
    await store.apply([of([])], { force: true });
    await store.ingest('v', [{ id: 1, at: start }, { id: 1, at: start }]);
    const ask = async (ref: string) => (await store.getHistoricalFeatures({ entities: [{ id: 1, at: start + 1 }], timestamp: 'at', features: [ref] })).columns['n']![0];
    expect([await ask('v:n'), await ask('v@1:n')]).toEqual([1, 2]);
  });
});
