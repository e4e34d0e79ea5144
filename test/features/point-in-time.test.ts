import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureStore, MemoryStorage, type HistoricalQuery } from 'modelkeep';
import { simulatedClock } from './simulated-clock.ts';
import { events, expected, featureNames, minute, probes, start, worldView, type Event } from './world.ts';

const features = ['world:*'];

async function storeWith(created: 'created' | undefined, batches: readonly (readonly Event[])[]) {
  const clock = simulatedClock(start);
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage, clock });
  await store.apply([worldView(created)]);
  for (const [i, batch] of batches.entries()) {
    clock.set(start + i);
    await store.ingest('world', batch, { batchId: `batch ${i}` });
  }
  return { store, clock, storage };
}

function rowsOf(columns: Readonly<Record<string, ArrayLike<unknown>>>, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => Object.fromEntries(featureNames.map((name) => [name, columns[name]![i]])));
}

/** Cuts a list in up to three batches. */
const batched = events.chain((list) => fc.tuple(fc.nat(list.length), fc.nat(list.length)).map((cuts) => {
  const [first, second] = cuts.sort((a, b) => a - b);
  return [list.slice(0, first), list.slice(first, second), list.slice(second)];
}));

describe('getHistoricalFeatures', () => {
  it.each([
    [undefined, 'knowledge'],
    ['created', 'knowledge'],
    ['created', 'event'],
  ] as const)('equals the long way on anything: created %s, as of %s', async (created, asOf) => {
    await fc.assert(
      fc.asyncProperty(batched, probes, async (batches, spine) => {
        const { store } = await storeWith(created, batches);
        const entities = spine.map((probe, label) => ({ ...probe, label }));
        const { columns, rowCount, report } = await store.getHistoricalFeatures({ entities, timestamp: 'at', features, asOf });
        const list = batches.flat();
        const knowledge = created !== undefined && asOf === 'knowledge';
        // Without the created column nobody knows when rows were created; with it, ties go to the latest created under either rule.
        const ranked = created === undefined ? list.map((event) => ({ ...event, created: event.at })) : asOf === 'event' ? [...list].sort((a, b) => a.created - b.created) : list;
        expect(rowsOf(columns, rowCount)).toEqual(spine.map((probe) => expected(ranked, probe, knowledge)));
        expect(Array.from(columns['label']!)).toEqual(entities.map(({ label }) => label));
        expect(Object.values(report['world']!).reduce((sum, n) => sum + n, 0)).toBe(rowCount);
      }),
      { numRuns: 120 },
    );
  });

  it('learns nothing from the future: events at or after a moment change no aggregate, later ones no feature', async () => {
    await fc.assert(
      fc.asyncProperty(events, events, fc.integer({ min: 1, max: 10_000_000 }), async (list, more, shift) => {
        const at = start + 12 * 60 * minute;
        const spine: HistoricalQuery['entities'] = list.slice(0, 20).map(({ a, b }) => ({ a, b, at }));
        if (list.length === 0) return;
        const past = list.filter((event) => event.at <= at);
        const future = [...list, ...more].filter((event) => event.at > at).map((event) => ({ ...event, at: event.at + shift }));
        const plain = await (await storeWith(undefined, [past])).store.getHistoricalFeatures({ entities: spine, timestamp: 'at', features });
        const other = await (await storeWith(undefined, [future, past, future.slice(1)])).store.getHistoricalFeatures({ entities: spine, timestamp: 'at', features });
        expect(other.columns).toEqual(plain.columns);
      }),
      { numRuns: 60 },
    );
  });

  it('knows nothing of corrections before they were made', async () => {
    const event = { a: 'x', b: 1, at: start, kind: null, big: null };
    const { store } = await storeWith('created', [[
      { ...event, created: start, x: 10 },
      { ...event, created: start + 60 * minute, x: 30 },
    ]]);
    const entities = [30, 60, 61].map((after) => ({ a: 'x', b: 1, at: start + after * minute }));
    const knowledge = await store.getHistoricalFeatures({ entities, timestamp: 'at', features: ['world:x', 'world:mean', 'world:all'] });
    expect([knowledge.columns['x'], knowledge.columns['mean'], knowledge.columns['all']].map((column) => Array.from(column!))).toEqual([[10, 30, 30], [10, 20, 20], [1, 2, 2]]);
    const event_ = await store.getHistoricalFeatures({ entities, timestamp: 'at', features: ['world:x', 'world:mean'], asOf: 'event' });
    expect([event_.columns['x'], event_.columns['mean']].map((column) => Array.from(column!))).toEqual([[30, 30, 30], [20, 20, 20]]);
  });
});

describe('getOnlineFeatures', () => {
  it.each([undefined, 'created'] as const)('equals getHistoricalFeatures at every moment, to the last bit: created %s', async (created) => {
    await fc.assert(
      fc.asyncProperty(batched, probes, fc.nat(26 * 60), fc.boolean(), async (batches, spine, minutes, push) => {
        const { store, clock } = await storeWith(created, batches.slice(0, 2));
        const end = start + minutes * minute;
        clock.set(end);
        if (minutes % 3 > 0) await store.materialize('world', { end });
        await store.ingest('world', batches[2]!, { online: push, batchId: 'last' });
        // Rows later than the end stay offline until they are due; by then they are.
        await store.materialize('world', { end: start + 100 * 60 * minute });
        const entities = spine.map(({ a, b }) => ({ a, b }));
        const moments = [end, ...batches.flat().map(({ at }) => at), ...batches.flat().map(({ at }) => at + 120 * minute)].filter((at) => at >= end).slice(0, 12);
        for (const at of moments.sort((x, y) => x - y)) {
          clock.set(at);
          const online = await store.getOnlineFeatures({ entities, features });
          const offline = await store.getHistoricalFeatures({ entities: entities.map((key) => ({ ...key, at })), timestamp: 'at', features });
          expect(rowsOf(online.columns, entities.length)).toEqual(rowsOf(offline.columns, entities.length));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('equals it under a clock that runs on between materializations, as rows come late and old ones are let go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 2, maxLength: 5 }), probes, async (batches, spine) => {
        const { store, clock } = await storeWith('created', []);
        const entities = spine.map(({ a, b }) => ({ a, b }));
        for (const [i, batch] of batches.entries()) {
          const at = start + i * 11 * 60 * minute + 7;
          clock.set(at);
          await store.ingest('world', batch, { batchId: `batch ${i}`, online: i % 2 === 1 });
          await store.materialize('world', { end: at + 1_000 * 60 * minute });
          const online = await store.getOnlineFeatures({ entities, features });
          const offline = await store.getHistoricalFeatures({ entities: entities.map((key) => ({ ...key, at })), timestamp: 'at', features });
          expect(rowsOf(online.columns, entities.length)).toEqual(rowsOf(offline.columns, entities.length));
        }
      }),
      { numRuns: 60 },
    );
  });
});
