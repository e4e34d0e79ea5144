import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type AggregateDefinition, type AggregateOptions } from 'modelkeep';
import { simulatedClock } from '../simulated-clock.ts';
import { eventAt, historyOf, kinds, near, passes, rounded, types, where, type KeyedEvent } from './any-aggregate.ts';
import { longWay } from './long-way.ts';

// Another one at each run, so that every run tries something new; a failure names the seed to set here.
const seed = Number(process.env['AGGREGATE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** How many entities are looked at, each at one moment: CI looks at ten thousand once, every other run of the tests at fewer. */
const cases = Number(process.env['AGGREGATE_CASES'] ?? 400);

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2024, 0, 10);
const keys = [0, 1, 2, 3];
const momentsOfWorld = 10;
const perWorld = keys.length * momentsOfWorld;

const windows: readonly AggregateOptions[] = [
  { window: '1h' },
  { window: '90m', hop: '1h' },
  { window: '40m', hop: 0 },
  { window: '1h', tumbling: true },
  { window: '12h', hop: '30m', tumbling: true },
  { window: '2d' },
  { window: '2d', hop: '6h', where },
  { window: '10d', hop: '1d' },
  { window: '3h', by: 'kind' },
  { window: '2d', by: 'flag', where },
  { window: 'lifetime' },
  { window: 'lifetime', by: 'kind' },
];

const any = (names: readonly string[], over: readonly AggregateOptions[]): fc.Arbitrary<AggregateDefinition[]> =>
  fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...over)).map(([name, options]) => kinds[name]!(options)), { minLength: 5, maxLength: 5 });

/** Aggregates of which none needs all rows of a long window, so that old ones are folded, or any. */
const foldable = any(['count', 'share', 'sum', 'mean', 'ratio', 'min', 'largest', 'first', 'lastK', 'distinctCount'], windows.filter(({ window, hop, by }) => (window === 'lifetime' || hop === '6h' || hop === '1d') && by === undefined));
const time = fc.oneof(fc.integer({ min: 0, max: 48 }).map((n) => start + n * 30 * minute), fc.integer({ min: 0, max: 24 * hour }).map((n) => start + n));
const few = fc.array(eventAt(time, 3), { maxLength: 30 });
/** So many of one entity that tiles take less room. */
const many = fc.array(eventAt(time, 1), { minLength: 250, maxLength: 350 });

interface World {
  readonly definitions: readonly AggregateDefinition[];
  readonly batches: readonly (readonly KeyedEvent[])[];
  /** When the last of them came: by then some events have happened, and some windows have ends. */
  readonly now: number;
  readonly steps: readonly number[];
}

const now = fc.oneof(time, fc.integer({ min: 24, max: 80 }).map((n) => start + n * hour));
// To the next edge of a window, past it, or anywhere.
const step = fc.oneof(fc.constantFrom(1, minute, 30 * minute - 1, 30 * minute, hour), fc.integer({ min: 1, max: 30 * hour }));
const steps = fc.array(step, { minLength: momentsOfWorld, maxLength: momentsOfWorld });
const anyWorld: fc.Arbitrary<World> = fc.record({ definitions: fc.oneof(foldable, any(Object.keys(kinds), windows)), batches: fc.array(fc.oneof({ weight: 7, arbitrary: few }, { weight: 1, arbitrary: many }), { minLength: 1, maxLength: 3 }), now, steps });
/** One whose old rows are folded. */
const foldedWorld: fc.Arbitrary<World> = fc.record({ definitions: foldable, batches: fc.tuple(many, few), now: fc.integer({ min: 30, max: 80 }).map((n) => start + n * hour), steps });
const world = fc.oneof({ weight: 5, arbitrary: anyWorld }, { weight: 1, arbitrary: foldedWorld });
const examples: [World][] = fc.sample(foldedWorld, { seed: 7, numRuns: 1 }).map((each) => [each]);

const offlineOf = (store: FeatureStore, at: number) => store.getHistoricalFeatures({ entities: keys.map((key) => ({ key, moment: at })), timestamp: 'moment', features: ['world:*'] });

/** Compares all aggregates of a world three ways, for each entity at each moment; returns how many records had tiles. */
async function compareWorld({ definitions, batches, now, steps }: World): Promise<number> {
  const clock = simulatedClock(now);
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage, clock });
  const features = Object.fromEntries(definitions.map((definition, i) => [`f${i}`, definition]));
  await store.apply([featureView({ name: 'world', entity: ['key'], timestamp: 'at', createdTimestamp: 'created', columns: types, features: { ...features, events: aggregate.count({ window: 'lifetime' }) } })]);
  for (const [i, batch] of batches.entries()) {
    clock.set(now - (batches.length - i) * 2 * minute);
    await store.ingest('world', batch, { batchId: `batch ${i}` });
    if (i % 2 === 0) await store.materialize('world', { end: now + 1_000 * hour });
  }
  clock.set(now);
  await store.materialize('world', { end: now + 1_000 * hour });
  const all = batches.flat();
  let at = now;
  for (const step of steps) {
    clock.set(at);
    const [online, offline] = [await store.getOnlineFeatures({ entities: keys.map((key) => ({ key })), features: ['world:*'] }), await offlineOf(store, at)];
    for (const [i, definition] of definitions.entries()) {
      const joined = Array.from(offline.columns[`f${i}`]!);
      expect([at, definition, online.columns[`f${i}`]]).toEqual([at, definition, joined]);
      const wanted = keys.map((key) => longWay(definition, historyOf(all, key), at, passes));
      expect([at, definition, joined]).toEqual([at, definition, rounded.has(definition.function) ? wanted.map(near) : wanted]);
    }
    at += step;
  }
  return tiledRecords(storage);
}

async function tiledRecords(storage: MemoryStorage): Promise<number> {
  const { entries } = await storage.list({ prefix: 'features/online/' });
  const records = await storage.read(entries.map(({ key }) => key));
  return records.filter((record) => new TextDecoder('latin1').decode(record!.bytes).includes('tilesAt')).length;
}

describe(`aggregates (seed ${seed})`, () => {
  it(`are the same the long way, in training and in serving, from rows and from tiles: ${cases} entities at a moment`, { timeout: 120_000 }, async () => {
    let tiled = 0;
    const numRuns = Math.ceil(cases / perWorld);
    await fc.assert(
      fc.asyncProperty(world, async (each) => {
        tiled += await compareWorld(each);
      }),
      { numRuns, seed, examples },
    );
    // Without tiles, nothing would be said of them.
    expect(tiled).toBeGreaterThan(0);
  });
});
