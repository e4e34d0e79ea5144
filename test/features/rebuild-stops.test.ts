import { describe, expect, it } from 'vitest';
import { FeatureStore, MemoryStorage, type FeatureView } from 'modelkeep';
import { interleavedStorage, type Actor } from '../storage/interleaved-storage.ts';
import { ever, longer, longest, plain, wider } from './changing-view.ts';
import { simulatedClock } from './simulated-clock.ts';
import { StoppedWork, stopping, type Stop } from './stops.ts';

const minute = 60_000;
const T = Date.UTC(2026, 0, 1);
const ids = ['a', 'b'];

interface Change {
  readonly what: string;
  readonly views: readonly [FeatureView, FeatureView, FeatureView];
  readonly minutes: number;
}

const changes: Change[] = [
  { what: 'records of rows', views: [plain, longer, longest], minutes: 12 },
  { what: 'records that get tiles', views: [plain, ever, wider], minutes: 300 },
];

/** Rows of both, a minute apart, from a minute of the day on. */
const rows = (from: number, size: number) => Array.from({ length: size }, (_, i) => ({ id: ids[i % 2]!, at: T + (from + i) * minute, x: ((((from + i) * 7919) % 1000) + 1000) / 7, y: i }));

/** A store whose records are of the first layout, with rows in the log that are not online. */
async function begin({ views, minutes }: Change) {
  const storage = new MemoryStorage();
  const clock = simulatedClock(T - minutes * minute);
  const store = new FeatureStore({ storage, clock });
  await store.apply([views[0]]);
  await store.ingest('v', rows(-2 * minutes, minutes));
  await store.materialize('v');
  await store.ingest('v', rows(-minutes, minutes));
  clock.set(T + 3 * minute);
  const process = (stops: readonly Stop[], actor: Partial<Actor> = {}): FeatureStore => new FeatureStore({ storage: interleavedStorage(storage, stopping(stops), { name: 'process', ...actor }), clock });
  return { storage, clock, store, process };
}

/** Online equals the past, for features of a version where one is named. */
async function agree(store: FeatureStore, t: number, features: readonly string[], because: unknown): Promise<void> {
  const online = await store.getOnlineFeatures({ entities: ids.map((id) => ({ id })), features });
  const offline = await store.getHistoricalFeatures({ entities: ids.map((id) => ({ id, t })), timestamp: 't', features });
  for (const name of Object.keys(online.statuses)) expect([because, name, online.columns[name]]).toEqual([because, name, Array.from(offline.columns[name]!)]);
}

async function callsOf(change: Change, run: (store: FeatureStore) => Promise<unknown>, prepare: (store: FeatureStore) => Promise<unknown>): Promise<number> {
  const { storage, clock, store } = await begin(change);
  await prepare(store);
  const turns = stopping([]);
  await run(new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'alone' }), clock }));
  return turns.calls;
}

const materialize = (store: FeatureStore): Promise<unknown> => store.materialize('v');
const push = (store: FeatureStore): Promise<unknown> => store.ingest('v', rows(-3, 5), { online: true });

describe('records that are made anew', () => {
  it.each(changes)('come to the same when who makes them dies at any call, and are what they were until then: $what', async (change) => {
    const calls = await callsOf(change, materialize, (store) => store.apply([change.views[1]]));
    for (let failsAt = 1; failsAt <= calls; failsAt++) {
      const { clock, store, process } = await begin(change);
      await store.materialize('v');
      await store.apply([change.views[1]]);
      await expect(process([], { failsAt, takesEffect: failsAt % 2 === 0 }).materialize('v')).rejects.toThrow('failed for the test');
      await agree(store, clock.now(), ['v@1:x', 'v@1:hour'], { failsAt });
      await push(store);
      await agree(store, clock.now(), ['v:*'], { failsAt });
      clock.set(clock.now() + 2 * minute);
      await store.ingest('v', rows(2, 2));
      await store.materialize('v');
      await agree(store, clock.now(), ['v:*'], { failsAt });
    }
  });

  it.each(changes)('are of the last layout when two are made at once, wherever each is held up: $what', async (change) => {
    const apply = (store: FeatureStore): Promise<unknown> => store.apply([change.views[1]]);
    const firsts = await callsOf(change, materialize, apply);
    const seconds = await callsOf(change, materialize, async (store) => [await apply(store), await store.apply([change.views[2]])]);
    for (let stop = 2; stop <= firsts; stop += 2) {
      for (let from = 1 + ((stop * 7) % 32); from <= seconds + 8; from += 32) {
        const { clock, store, process } = await begin(change);
        await apply(store);
        // Who makes the first layout is held up; the second begins, and is held up while the first goes on to its end.
        const first = new StoppedWork();
        const second = new StoppedWork();
        await first.start(() => process([{ at: stop, meanwhile: first.meanwhile }]).materialize('v'));
        await store.apply([change.views[2]]);
        await second.start(() => process([{ at: from, meanwhile: second.meanwhile }]).materialize('v'));
        await first.finish();
        await second.finish();
        const because = { stop, from };
        await agree(store, clock.now(), ['v:*'], because);
        clock.set(clock.now() + 2 * minute);
        await store.ingest('v', rows(2, 2), { online: true });
        await agree(store, clock.now(), ['v:*'], because);
      }
    }
  });

  it.each(changes)('have what is pushed meanwhile, wherever each is held up, and once: $what', async (change) => {
    const apply = (store: FeatureStore): Promise<unknown> => store.apply([change.views[1]]);
    const stops = await callsOf(change, materialize, apply);
    const begins = await callsOf(change, push, apply);
    for (let stop = 1; stop <= stops; stop++) {
      for (let from = 1 + ((stop * 7) % 24); from <= begins; from += 24) {
        const { clock, store, process } = await begin(change);
        await apply(store);
        const making = new StoppedWork();
        const pushing = new StoppedWork();
        // Both ends: the one that began first is the first to end, or the last.
        const [one, other] = (stop + from) % 2 === 0 ? [making, pushing] : [pushing, making];
        await making.start(() => process([{ at: stop, meanwhile: making.meanwhile }]).materialize('v'));
        await pushing.start(() => push(process([{ at: from, meanwhile: pushing.meanwhile }])));
        await one.finish();
        await other.finish();
        const because = { stop, from };
        await agree(store, clock.now(), ['v:*'], because);
        await store.materialize('v');
        await agree(store, clock.now(), ['v:*'], because);
      }
    }
  });

  it.each(changes)('have what was pushed by one who died meanwhile after the next materialization: $what', async (change) => {
    const apply = (store: FeatureStore): Promise<unknown> => store.apply([change.views[1]]);
    const begins = await callsOf(change, push, apply);
    for (let stop = 1; stop < begins; stop++) {
      const { clock, store, process } = await begin(change);
      await apply(store);
      const pushing = new StoppedWork();
      const doomed = process([{ at: stop, meanwhile: pushing.meanwhile }], { failsAt: stop + 1, takesEffect: stop % 2 === 0 });
      await pushing.start(() => push(doomed));
      await store.materialize('v');
      await pushing.finish().catch(() => undefined);
      await store.materialize('v');
      await agree(store, clock.now(), ['v:*'], { stop });
      // Sent again, it counts once.
      await push(store);
      await agree(store, clock.now(), ['v:*'], { stop });
    }
  });
});
