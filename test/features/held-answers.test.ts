import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView } from 'modelkeep';
import { simulatedClock } from './simulated-clock.ts';
import { events, minute, start, type Event } from './world.ts';

const hour = 60 * minute;
const ttl = 3 * hour;
const windows = { exact: 2 * hour, sawtooth: 90 * minute, hourly: 4 * hour } as const;

const features = {
  x: 'float64',
  kind: 'string',
  big: 'int64',
  mean: aggregate.mean('x', { window: windows.exact, hop: 0 }),
  sum: aggregate.sum('x', { window: windows.sawtooth }),
  highest: aggregate.max('big', { window: windows.hourly, hop: '1h' }),
  rate: aggregate.rate({ window: windows.sawtooth, per: '1m' }),
  exact_rate: aggregate.rate({ window: windows.exact, hop: 0, per: '1m' }),
  full_hour: aggregate.count({ window: '1h', tumbling: true }),
  full_rate: aggregate.rate({ window: '1h', tumbling: true, per: '1m' }),
  ever: aggregate.count({ window: 'lifetime' }),
  newest: aggregate.lastK('kind', 2, { window: windows.sawtooth }),
  by_kind: aggregate.mean('x', { window: windows.hourly, by: 'kind' }),
} as const;
const names = Object.keys(features) as (keyof typeof features)[];

const viewOf = (created: boolean, rowId: boolean, of: readonly (keyof typeof features)[] = names): FeatureView =>
  featureView({
    name: 'world',
    entity: ['a', 'b'],
    timestamp: 'at',
    createdTimestamp: created ? 'created' : undefined,
    rowId: rowId ? ['id'] : undefined,
    ttl,
    ...(rowId && { columns: { id: 'int64' } }),
    features: Object.fromEntries(of.map((name) => [name, features[name]])),
  });

/** Moments at which something can change, just before, and just after. */
function momentsAround(list: readonly Event[], from: number): number[] {
  const edges = list.flatMap(({ at, created }) => [
    ...[at, created, at + ttl, at + windows.exact],
    ...[5 * minute, hour].flatMap((hop) => [windows.sawtooth, windows.hourly, hour, 0].map((window) => Math.ceil((at + window + 1) / hop) * hop)),
  ]);
  return [...new Set(edges.flatMap((edge) => [edge - 1, edge - 0.25, edge, edge + 1]))].filter((moment) => moment >= from).sort((a, b) => a - b);
}

async function storeOf(view: FeatureView, list: readonly (Event & { readonly id?: number })[], at: number) {
  const clock = simulatedClock(at);
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  await store.ingest(view, list);
  await store.materialize(view, { end: start + 1_000 * hour });
  return { store, clock, storage };
}

type World = Awaited<ReturnType<typeof storeOf>>;

/** Asks one store at one moment after the other, in the given order, and compares with the point-in-time join of all of them at once. */
async function agreesAt({ store, clock }: World, asked: readonly string[], keys: readonly { a: string; b: number }[], moments: readonly number[]): Promise<void> {
  const refs = asked.map((name) => `world:${name}`);
  const spine = moments.flatMap((at) => keys.map((key) => ({ ...key, at })));
  const { columns } = await store.getHistoricalFeatures({ entities: spine, timestamp: 'at', features: refs });
  for (const [m, at] of moments.entries()) {
    clock.set(at);
    const online = await store.getOnlineFeatures({ entities: keys, features: refs });
    for (const name of asked) expect([at - start, name, online.columns[name]]).toEqual([at - start, name, Array.from(columns[name]!).slice(m * keys.length, (m + 1) * keys.length)]);
  }
}

const keys = [{ a: '1', b: 12 }, { a: 'ATL', b: 2 }];
/** Two entities, some of whose rows are of one moment and correct each other. */
const few = events.map((list) => list.slice(0, 12).map((event, i, all) => ({ ...event, ...keys[i % 2]!, at: all[i - (i % 3)]!.at, created: all[i - (i % 3)]!.at + event.created - event.at, id: 1 })));

describe('an answer that is kept for later requests', () => {
  it.each([[false, false], [true, false], [true, true]] as const)('ends where the point-in-time join says something else: with a created time: %s, with a row id: %s', async (created, rowId) => {
    await fc.assert(
      fc.asyncProperty(few, fc.subarray(names, { minLength: 1 }), fc.array(fc.nat(), { maxLength: 8 }), async (list, asked, jumps) => {
        const from = start + 26 * hour;
        const world = await storeOf(viewOf(created, rowId), list, from - 20 * hour);
        const around = momentsAround(list, from - 20 * hour);
        const sample = around.filter((_, i) => i % Math.ceil(around.length / 60) === 0 || i % 7 < 2).slice(0, 90);
        // A clock that is set back meets answers that were for later.
        const back = sample.length === 0 ? [] : jumps.map((jump) => sample[jump % sample.length]!);
        await agreesAt(world, asked, keys, [...sample, ...back]);
      }),
      { numRuns: 25 },
    );
  });

  it('ends so for records whose old rows are in tiles', async () => {
    const tiled = ['kind', 'big', 'sum', 'highest', 'rate', 'full_hour', 'full_rate', 'ever', 'by_kind'] as const;
    const end = start + 30 * hour;
    const list = Array.from({ length: 2_000 }, (_, i): Event => {
      const at = end - ((i * 7919) % 2_000) * 10_000 - (i % 3);
      return { ...keys[0]!, at, created: at + (i % 5 === 0 ? 20 * minute : 0), x: (i * 31) % 17, kind: ['late', 'early', null][i % 3]!, big: BigInt(i) };
    });
    const world = await storeOf(viewOf(true, false, tiled), list, end);
    // Rows are folded some time after they came.
    world.clock.set(end + 3 * hour);
    await world.store.ingest('world', [{ ...list[0]!, at: end + hour, created: end + hour }]);
    await world.store.materialize('world');
    const record = (await world.storage.read([(await world.storage.list({ prefix: 'features/online/' })).entries[0]!.key]))[0]!;
    expect(new TextDecoder('latin1').decode(record.bytes).includes('tilesAt')).toBe(true);
    const moments = Array.from({ length: 90 }, (_, i) => end + 3 * hour + Math.floor(i / 3) * 5 * minute + [0, 1, 5 * minute - 1][i % 3]!);
    await agreesAt(world, tiled, keys, moments);
  });

  it('is the caller\'s own where it is an object', async () => {
    const at = start + hour;
    const { store } = await storeOf(viewOf(false, false), [{ ...keys[0]!, at: start, created: start, x: 1, kind: 'late', big: null }], at);
    const ask = async () => (await store.getOnlineFeatures({ entities: [keys[0]!, keys[0]!], features: ['world:newest', 'world:by_kind'] })).columns as { newest: string[][]; by_kind: Record<string, number>[] };
    const first = await ask();
    first.newest[0]!.push('early');
    first.by_kind[0]!['late'] = 7;
    expect(first.newest[1]).toEqual(['late']);
    expect(await ask()).toMatchObject({ newest: [['late'], ['late']], by_kind: [{ late: 1 }, { late: 1 }] });
  });
});
