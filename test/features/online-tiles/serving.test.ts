import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aggregate, expression, featureView, FeatureStore, MemoryStorage, type FeatureView } from 'modelkeep';
import { crashingStorage } from '../failing-storage.ts';
import { simulatedClock } from '../simulated-clock.ts';

const runs = 2;

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2024, 0, 10);
const late = { kind: { eq: 'late' } } as const;
const double = expression<'float64'>('x * 2');

const ofTiles = {
  events: aggregate.count({ window: 'lifetime' }),
  events_2d: aggregate.count({ window: '2d', where: late }),
  rate: aggregate.rate({ window: '2d', per: '1m' }),
  share: aggregate.share({ window: 'lifetime', where: late }),
  sum: aggregate.sum('x', { window: 'lifetime' }),
  sum_1d: aggregate.sum('x', { window: '1d' }),
  full_days: aggregate.sum('x', { window: '1d', hop: '6h', tumbling: true }),
  mean_2d: aggregate.mean(double, { window: '2d', where: { x: { lt: 1e10 } } }),
  ratio: aggregate.ratio('x', 'y', { window: 'lifetime' }),
  lowest: aggregate.min('x', { window: 'lifetime' }),
  highest: aggregate.max('big', { window: '2d', type: 'int64' }),
  oldest: aggregate.first('kind', { window: '2d', type: 'string' }),
  newest: aggregate.last('y', { window: 'lifetime' }),
  first_three: aggregate.firstK('x', 3, { window: '1d' }),
  last_three: aggregate.lastK('kind', 3, { window: 'lifetime', where: { y: { gt: 2 } } }),
  kinds: aggregate.distinctCount('kind', { window: '2d', where: { y: { gt: 7 } } }),
  sum_by: aggregate.sum('x', { window: 'lifetime', by: 'kind' }),
  mean_by: aggregate.mean('y', { window: '1d', by: 'kind' }),
  least_by: aggregate.min('x', { window: '2d', by: 'kind' }),
} as const;

const ofRows = {
  x: 'float64',
  exactly: aggregate.mean('x', { window: '90m', hop: 0 }),
  spread: aggregate.std('y', { window: '6h' }),
  median: aggregate.quantile('y', 0.5, { window: '3h' }),
  frequent: aggregate.topK('kind', 2, { window: '6h' }),
  about: aggregate.distinctCount('kind', { window: '6h', approximate: true }),
} as const;

const viewOf = (created: boolean, features: Parameters<typeof featureView>[0]['features']): FeatureView =>
  featureView({ name: 'world', entity: ['id'], timestamp: 'at', createdTimestamp: created ? 'created' : undefined, columns: { kind: 'string', y: 'float64', big: 'int64' }, features });

/** Uniform whole numbers below a bound, the same for a seed in every run. */
function numbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => Math.floor((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32 * bound);
}

type Draw = ReturnType<typeof numbers>;
const odd = [NaN, 1e300, -1e300, 0.1, -0, 1e16, null];

/** Events of up to a day before `now`, few of which are older or known only later. */
const eventsUntil = (draw: Draw, now: number, size: number) =>
  Array.from({ length: size }, () => {
    const at = draw(12) === 0 ? now - draw(72 * 60) * minute : Math.floor((now - draw(24 * 60) * minute * 0.5) / (1 + draw(2) * minute));
    const time = Math.floor(at > start / 2 ? at : at * minute);
    return { id: draw(3), at: time, created: draw(8) === 0 ? time + draw(300) * minute : time, x: draw(9) === 0 ? odd[draw(draw(6) === 0 ? 7 : 6) || 1]! : (draw(4000) - 2000) / 7, y: draw(5) === 0 ? null : draw(10), kind: [null, 'late', 'early', 'on time'][draw(4)]!, big: draw(6) === 0 ? null : BigInt(draw(1000)) * 2n ** 50n };
  });

const keys = [0, 1, 2].map((id) => ({ id }));

async function agrees(store: FeatureStore, names: readonly string[], now: number, step: unknown): Promise<void> {
  const features = names.map((name) => `world:${name}`);
  const online = await store.getOnlineFeatures({ entities: keys, features });
  const offline = await store.getHistoricalFeatures({ entities: keys.map((key) => ({ ...key, now })), timestamp: 'now', features });
  for (const name of names) expect([step, name, online.columns[name]]).toEqual([step, name, Array.from(offline.columns[name]!)]);
}

/** The records that have tiles. */
async function tiled(storage: MemoryStorage): Promise<number> {
  let found = 0;
  for (const { key } of (await storage.list({ prefix: 'features/online/' })).entries) {
    if (new TextDecoder('latin1').decode((await storage.read([key]))[0]!.bytes).includes('tilesAt')) found++;
  }
  return found;
}

describe('records with tiles', () => {
  it.each([[true, ofTiles], [false, ofTiles], [true, { ...ofTiles, ...ofRows }], [false, { ...ofTiles, ...ofRows }]] as const)(
    'give what training sees to the last bit, as rows come late and twice, are forgotten, and writers die: with a created time: %s',
    async (created, features) => {
      const view = viewOf(created, features);
      const names = Object.keys(features);
      // After every round, for some of a world may be forgotten in its last.
      let folded = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
          const draw = numbers(seed);
          const storage = new MemoryStorage();
          const clock = simulatedClock(start);
          const stores = [new FeatureStore({ storage, clock }), new FeatureStore({ storage, clock })];
          await stores[0]!.apply([view]);
          const sent: { rows: ReturnType<typeof eventsUntil>; batchId: string }[] = [];
          for (let round = 0; round < 6; round++) {
            const now = (clock.now() > start ? clock.now() : start) + hour + draw(7) * hour + draw(2);
            clock.set(now);
            const store = stores[draw(2)]!;
            for (const part of [0, 1]) {
              const batch = { rows: eventsUntil(draw, now, 20 + draw(1200)), batchId: `${round} ${part}` };
              sent.push(batch);
              await store.ingest('world', batch.rows, { batchId: batch.batchId, online: draw(3) === 0 });
            }
            if (draw(3) === 0) {
              const again = sent[draw(sent.length)]!;
              await store.ingest('world', again.rows, { batchId: again.batchId, online: true });
            }
            clock.set(now + 2 * minute);
            const end = now + 100 * hour;
            if (draw(3) === 0) await new FeatureStore({ storage: crashingStorage(storage, 2 + draw(12), draw(2) === 0 ? 'before' : 'after'), clock }).materialize('world', { end }).catch(() => undefined);
            await Promise.all(stores.slice(0, 1 + draw(2)).map((each) => each.materialize('world', { end })));
            if (draw(6) === 0) await store.forget('world', [{ id: draw(3) }]);
            for (const moment of [now + 2 * minute, now + hour, now + 5 * hour - 1]) {
              clock.set(moment);
              await agrees(stores[draw(2)]!, names, moment, [seed, round, moment - now]);
            }
            folded += await tiled(storage);
          }
        }),
        { numRuns: runs },
      );
      expect(folded).toBeGreaterThan(runs);
    },
  );
});
