import { describe, expect, it } from 'vitest';
import { aggregate, featureView, FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { interleavedStorage } from '../storage/interleaved-storage.ts';
import { runningClock } from './simulated-clock.ts';
import { StoppedWork, stopping } from './stops.ts';

const minute = 60_000;
const T = Date.UTC(2026, 0, 1);
const options = { name: 'v', entity: ['id'], timestamp: 'at' } as const;
const hourly = { x: 'float64', hour: aggregate.sum('x', { window: '1h' }) } as const;
const plain = featureView({ ...options, features: hourly });
const tiled = featureView({ ...options, features: { ...hourly, ever: aggregate.sum('x', { window: 'lifetime' }) } });
const longer = featureView({ ...options, features: { ...hourly, more: aggregate.mean('x', { window: '2h' }) } });
const ids = ['anna', 'bert'];

/** Rows of both, a minute apart, from a minute of the day on. */
const rows = (from: number, size: number) => Array.from({ length: size }, (_, i) => ({ id: ids[i % 2]!, at: T + (from + i) * minute, x: ((from + i) * 7919) % 1000 }));

async function agree(store: FeatureStore, t: number, because: unknown): Promise<unknown> {
  const features = ['v:*'];
  const online = await store.getOnlineFeatures({ entities: ids.map((id) => ({ id })), features });
  const offline = await store.getHistoricalFeatures({ entities: ids.map((id) => ({ id, t })), timestamp: 't', features });
  for (const name of Object.keys(online.statuses)) expect([because, name, online.columns[name]]).toEqual([because, name, Array.from(offline.columns[name]!)]);
  return online.columns['x']![0];
}

async function everyByte(storage: StorageAdapter): Promise<string> {
  const parts: string[] = [];
  for (const { key } of (await storage.list()).entries) parts.push(key, Buffer.from((await storage.read([key]))[0]!.bytes).toString('latin1'));
  for (const { key } of (await storage.list({ kind: 'log' })).entries) for await (const { bytes } of storage.readLog(key)) parts.push(key, Buffer.from(bytes).toString('latin1'));
  return parts.join('\n');
}

/** What else goes on with the view. */
interface Work {
  readonly what: string;
  readonly view: FeatureView;
  /** What the view becomes before it begins. */
  readonly then?: FeatureView;
  readonly minutes: number;
  /** Whether it brings rows of its own in. */
  readonly brings?: boolean;
  readonly run: (store: FeatureStore) => Promise<unknown>;
}

const works: Work[] = [
  { what: 'a materialization of rows', view: plain, minutes: 6, run: (store) => store.materialize('v') },
  { what: 'a materialization that makes records anew', view: plain, then: longer, minutes: 6, run: (store) => store.materialize('v') },
  { what: 'a materialization that folds rows', view: tiled, minutes: 300, run: (store) => store.materialize('v') },
  { what: 'an ingestion', view: plain, minutes: 6, brings: true, run: (store) => store.ingest('v', rows(-3, 4)) },
  { what: 'an online ingestion', view: plain, minutes: 6, brings: true, run: (store) => store.ingest('v', rows(-3, 4), { online: true }) },
];

/** A store where some rows are online and others are in the log only. */
async function begin({ view, then, minutes }: Work) {
  const storage = new MemoryStorage();
  const clock = runningClock(T - minutes * minute);
  const store = new FeatureStore({ storage, clock });
  await store.apply([view]);
  await store.ingest('v', rows(-2 * minutes, minutes));
  await store.materialize('v');
  clock.set(T);
  await store.ingest('v', rows(-minutes, minutes));
  clock.set(T + 3 * minute);
  if (then) await store.apply([then]);
  return { storage, clock, store };
}

/** How many calls a process makes that nobody disturbs. */
async function callsOf(work: Work, run: (store: FeatureStore) => Promise<unknown>): Promise<number> {
  const { storage, clock } = await begin(work);
  const turns = stopping([]);
  await run(new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'alone' }), clock }));
  return turns.calls;
}

const anna = [{ id: 'anna' }];

describe('an entity that is forgotten while a process works on its view', () => {
  it.each(works)('is nowhere when both have ended, wherever each is held up: $what', async (work) => {
    const stops = await callsOf(work, work.run);
    const begins = await callsOf(work, (store) => store.forget('v', anna));
    for (let stop = 1; stop <= stops; stop++) {
      // Each place of the one, with every eighth of the other.
      for (let from = 1 + ((stop * 3) % 8); from <= begins; from += 8) {
        const { storage, clock, store } = await begin(work);
        // The forgetting stops, the other begins and comes to its stop; then the forgetting ends, and the other goes on.
        const other = new StoppedWork();
        const slow = new FeatureStore({ storage: interleavedStorage(storage, stopping([{ at: stop, meanwhile: other.meanwhile }]), { name: 'other' }), clock });
        const turns = stopping([{ at: from, meanwhile: () => other.start(() => work.run(slow)) }]);
        // Clocks differ: nothing must hang upon them.
        const behind = { ...clock, now: () => clock.now() - (stop % 2) * 60 * minute };
        await new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'forgetting' }), clock: behind }).forget('v', anna);
        await other.finish();
        const because = [work.what, { stop, from }];
        if (!work.brings) {
          const text = await everyByte(storage);
          expect([because, text.includes('anna')]).toEqual([because, false]);
        }
        await store.materialize('v');
        // What came after the note of the forgetting, and so may count, is there once or not at all.
        const found = await agree(store, clock.now(), because);
        if (!work.brings) expect(found).toBeNull();
      }
    }
  });

  it.each(works.filter(({ what }) => what !== 'an ingestion'))('is gone after the next materialization when that process died meanwhile, wherever it did: $what', async (work) => {
    const calls = await callsOf(work, work.run);
    for (let stop = 1; stop < calls; stop++) {
      for (const failsAt of [stop, stop + 1, stop + 4].filter((at) => at <= calls + 4)) {
        const { storage, clock, store } = await begin(work);
        const other = new StoppedWork();
        const turns = stopping([{ at: stop, meanwhile: other.meanwhile }]);
        const doomed = new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'doomed', failsAt, takesEffect: (stop + failsAt) % 2 === 0 }), clock });
        await other.start(() => work.run(doomed));
        await store.forget('v', anna);
        // Whoever ends meanwhile must not have it forgotten that another has not.
        await store.materialize('v');
        await other.finish().catch(() => undefined);
        const because = [work.what, { stop, failsAt }];
        await store.materialize('v');
        const found = await agree(store, clock.now(), because);
        if (work.brings) continue;
        const text = await everyByte(storage);
        expect([because, found, text.includes('anna')]).toEqual([because, null, false]);
      }
    }
  });

  it('is gone though whoever looks in the place of one who died a day ago dies, too, at any point', async () => {
    const work = works[0]!;
    const calls = await callsOf(work, work.run);
    let left = 0;
    for (let stop = 1; stop < calls && left === 0; stop++) {
      for (let failsAt = 1, died = true; died; failsAt++) {
        const { storage, clock, store } = await begin(work);
        const other = new StoppedWork();
        const turns = stopping([{ at: stop, meanwhile: other.meanwhile }]);
        await other.start(() => work.run(new FeatureStore({ storage: interleavedStorage(storage, turns, { name: 'doomed', failsAt: stop + 1 }), clock })));
        await store.forget('v', anna);
        await other.finish().catch(() => undefined);
        if (!(await storage.list({ prefix: 'features/online/' })).entries.some(({ key }) => key.endsWith('anna'))) break;
        left++;
        clock.set(clock.now() + 25 * 60 * minute);
        const next = new FeatureStore({ storage: interleavedStorage(storage, stopping([]), { name: 'next', failsAt, takesEffect: (stop + failsAt) % 2 === 0 }), clock });
        died = await next.materialize('v').then(() => false, () => true);
        await store.materialize('v');
        expect([{ stop, failsAt }, (await everyByte(storage)).includes('anna')]).toEqual([{ stop, failsAt }, false]);
      }
    }
    expect(left).toBeGreaterThan(0);
  });

  it('is online where it is in the log, when who forgot it died at any point and others went on', async () => {
    const work = works[2]!;
    const calls = await callsOf(work, (store) => store.forget('v', anna));
    for (let failsAt = 1; failsAt <= calls; failsAt++) {
      const { storage, clock, store } = await begin(work);
      await store.materialize('v');
      const doomed = new FeatureStore({ storage: interleavedStorage(storage, stopping([]), { name: 'doomed', failsAt, takesEffect: failsAt % 2 === 0 }), clock });
      await expect(doomed.forget('v', anna)).rejects.toThrow('failed for the test');
      await store.materialize('v');
      await agree(store, clock.now(), { failsAt });
      // What is left to do for the dead is known for a day.
      clock.set(clock.now() + 25 * 60 * minute);
      await store.materialize('v');
      expect([failsAt, (await storage.list({ prefix: 'features/writing/' })).entries]).toEqual([failsAt, []]);
    }
  });

  it('and comes anew keeps its newer rows, though they were let go for one that was on its way', async () => {
    const late: Work = { what: 'a late row', view: plain, minutes: 6, run: (store) => store.ingest('v', [{ id: 'anna', at: T - 100 * minute, x: 9 }], { online: true }) };
    const stops = await callsOf(late, late.run);
    // Its first calls read the definition of the view, and which entities were forgotten before.
    for (let stop = 4; stop <= stops; stop++) {
      const { storage, clock, store } = await begin(late);
      const other = new StoppedWork();
      await other.start(() => late.run(new FeatureStore({ storage: interleavedStorage(storage, stopping([{ at: stop, meanwhile: other.meanwhile }]), { name: 'other' }), clock })));
      await store.forget('v', anna);
      await store.ingest('v', [{ id: 'anna', at: T - 180 * minute, x: 5 }], { online: true });
      await other.finish();
      const { columns } = await store.getOnlineFeatures({ entities: anna, features: ['v:x'] });
      expect([stop, columns['x']]).toEqual([stop, [5]]);
      await store.materialize('v');
      await agree(store, clock.now(), { stop });
    }
  });
});
