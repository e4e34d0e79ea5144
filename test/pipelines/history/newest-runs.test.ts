import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, StorageError } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { seededRandom, type Random } from '../../../src/core/random.ts';
import '../../../src/pipelines/history/search-runs.ts';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { listAll } from '../../../src/storage/records.ts';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock } from '../manual-clock.ts';

const begin = Date.UTC(2026, 0, 1);
const seed = Number(process.env['SEARCH_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const root = 'pipelines/nightly';

const stores: Record<string, () => StorageAdapter> = {
  'in memory': () => new MemoryStorage(),
  'in a directory': () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-newest-'));
    const storage = new FilesystemStorage(join(directory, 'store'), { durability: 'buffered' });
    onTestFinished(async () => {
      await storage.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return storage;
  },
};

function define(storage: StorageAdapter, clock = new ManualClock(begin)) {
  const errors: unknown[] = [];
  const pipeline = new Pipeline({ name: 'nightly', storage, clock, params: z.object({ n: z.number() }), onError: (error) => errors.push(error) });
  pipeline.step('odd', {}, ({ params }) => {
    if (params.n % 2 === 0) throw new Error('even');
  });
  return { pipeline, storage, clock, errors };
}

type World = ReturnType<typeof define>;

async function begun({ pipeline, clock }: World, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    ids.push((await pipeline.run({ params: { n } })).id);
    clock.jump(1000);
  }
  return ids;
}

async function keysUnder(storage: StorageAdapter, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of listAll(storage, { prefix })) found.push(key);
  return found;
}

/** What a search finds, page by page, and between two pages something happens. */
async function allPages({ pipeline }: World, query: { readonly filter?: string; readonly orderBy?: readonly string[]; readonly limit: number }, between?: () => Promise<unknown>): Promise<{ ids: string[]; damaged: string[] }> {
  const ids: string[] = [];
  const damaged: string[] = [];
  let after: string | undefined;
  do {
    const page = await pipeline.searchRuns({ ...query, after });
    ids.push(...page.items.map(({ id }) => id));
    damaged.push(...page.damaged.map(({ id }) => id));
    after = page.next;
    await between?.();
  } while (after !== undefined);
  return { ids, damaged };
}

/** A view of a store that notes which records are read. */
function watched(storage: StorageAdapter): { readonly storage: StorageAdapter; readonly read: string[]; readonly listed: string[] } {
  const read: string[] = [];
  const listed: string[] = [];
  const view = new Proxy(storage, {
    get(target, name) {
      if (name === 'read') return (...[keys, options]: Parameters<StorageAdapter['read']>) => (read.push(...keys), target.read(keys, options));
      if (name === 'list') {
        return async (...[query, options]: Parameters<StorageAdapter['list']>) => {
          const page = await target.list(query, options);
          listed.push(...page.entries.map(({ key }) => key));
          return page;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { storage: view, read, listed };
}

function shuffledJumps(random: Random): number {
  // Now and then the clock stands still or is put back.
  const kind = random();
  return kind < 0.3 ? 0 : kind < 0.5 ? -Math.floor(random() * 5000) : Math.floor(random() * 3000);
}

describe.each(Object.entries(stores))('the newest runs %s', (_, open) => {
  it('are found by reading about a page of them, whichever page it is', async () => {
    const { storage, read, listed } = watched(open());
    const world = define(storage);
    const ids = (await begun(world, 60)).reverse();
    await world.pipeline.searchRuns({ limit: 1 });
    let after: string | undefined;
    for (const from of [0, 8, 16]) {
      read.length = 0;
      listed.length = 0;
      const page = await world.pipeline.searchRuns({ limit: 8, after });
      expect(page.items.map(({ id }) => id)).toEqual(ids.slice(from, from + 8));
      // The mark, and beside the page three: of the cursor, of the next page, and before that.
      expect(read.length).toBeLessThanOrEqual(12);
      expect(listed.length).toBeLessThanOrEqual(11);
      after = page.next;
    }
    read.length = 0;
    const failed = await world.pipeline.searchRuns({ filter: "status = 'failed'", limit: 5 });
    expect(failed.items.map(({ id }) => id)).toEqual(ids.filter((_id, i) => i % 2 === 1).slice(0, 5));
    expect(read.length).toBeLessThan(60);
  });

  it('are found though they began before starts were noted, all of them or some', async () => {
    const world = define(open());
    const ids = (await begun(world, 9)).reverse();
    for (const forget of [(): boolean => true, (_key: string, i: number): boolean => i % 2 === 0]) {
      const gone = [...(await keysUnder(world.storage, `${root}/started/`)).filter(forget), ...(await keysUnder(world.storage, `${root}/complete/`))];
      await world.storage.write(gone.map((key) => ({ kind: 'delete', key })));
      const fresh = define(world.storage, world.clock);
      expect((await allPages(fresh, { limit: 4 })).ids).toEqual(ids);
      expect(await keysUnder(world.storage, `${root}/started/`)).toHaveLength(9);
      expect(await keysUnder(world.storage, `${root}/complete/`)).toHaveLength(1);
    }
    // Once is enough: afterwards no search looks at all heads.
    const { storage, read } = watched(world.storage);
    expect((await define(storage, world.clock).pipeline.searchRuns({ limit: 1 })).items.map(({ id }) => id)).toEqual(ids.slice(0, 1));
    expect(read.length).toBeLessThan(6);
  });

  it(`come page by page as in a search that looks at all, while others begin and clocks are put back (SEARCH_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    const world = define(open());
    const more = async (): Promise<void> => {
      world.clock.jump(shuffledJumps(random));
      await world.pipeline.run({ params: { n: Math.floor(random() * 4) } });
    };
    for (let i = 0; i < 40; i++) await more();
    for (const filter of [undefined, "status = 'failed'", "params.n = '3' or params.n = '0'", "params.n = '9'"]) {
      const query = { ...(filter !== undefined && { filter }), limit: 1 + Math.floor(random() * 12) };
      // The order is the same, but told by hand it is found by a look at every run.
      const expected = await allPages(world, { ...query, orderBy: ['startedAt desc'] });
      expect(await allPages(world, query)).toEqual(expected);
      const known = new Set(expected.ids);
      world.clock.jump(10_000);
      const meanwhile = await allPages(world, query, more);
      expect(meanwhile.ids.filter((id) => known.has(id))).toEqual(expected.ids);
      expect(new Set(meanwhile.ids).size).toBe(meanwhile.ids.length);
    }
  });
});

describe('the note of a start', () => {
  it('tells of no run when the process ends before the run is there, and of one when that begins after all', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock(begin);
    const cutOff = define(faultyStorage(storage, { call: { write: `${root}/runs/` }, effect: 'none', then: 'dead' }), clock);
    await cutOff.pipeline.schedule({ name: 'hourly', every: '1h', start: begin - 3_600_000, catchup: true, params: () => ({ n: 1 }) });
    const first = cutOff.pipeline.start();
    await clock.advance(1000);
    expect(cutOff.errors).not.toEqual([]);
    await first.close({ signal: AbortSignal.abort() });
    const world = define(storage, clock);
    expect(await keysUnder(storage, `${root}/started/`)).toHaveLength(1);
    expect(await allPages(world, { limit: 1 })).toEqual({ ids: [], damaged: [] });
    await world.pipeline.schedule({ name: 'hourly', every: '1h', start: begin - 3_600_000, catchup: true, params: () => ({ n: 1 }) });
    clock.jump(60_000);
    const second = world.pipeline.start();
    await clock.advance(1000);
    await second.close({ signal: AbortSignal.abort() });
    // The same run, noted twice by now.
    expect(await keysUnder(storage, `${root}/started/`)).toHaveLength(2);
    const { items } = await world.pipeline.searchRuns();
    expect(items).toHaveLength(1);
    expect(await allPages(world, { limit: 1 })).toEqual({ ids: [items[0]!.id], damaged: [] });
  });

  it('is not needed by who may only read', async () => {
    const world = define(new MemoryStorage());
    const ids = (await begun(world, 5)).reverse();
    await world.storage.write((await keysUnder(world.storage, `${root}/started/`)).map((key) => ({ kind: 'delete', key })));
    const readOnly = new Proxy(world.storage, {
      get(target, name) {
        if (name === 'write') return () => Promise.reject(new StorageError('forbidden', 'Only reading is allowed.'));
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const reader = define(readOnly, world.clock);
    expect((await allPages(reader, { limit: 2 })).ids).toEqual(ids);
    expect(reader.errors).toEqual([]);
    expect(await keysUnder(world.storage, `${root}/started/`)).toEqual([]);
  });

  it.each([1, 2, 3, 7, 100])('keeps a damaged run at its place, where it is told once, with %i on a page', async (limit) => {
    const world = define(new MemoryStorage());
    const ids = (await begun(world, 12)).reverse();
    const broken = [0, 3, 4, 11].map((i) => ids[i]!);
    await world.storage.write(broken.map((id) => ({ kind: 'put', key: `${root}/runs/${id}`, bytes: new TextEncoder().encode('{"state":') })));
    const found = await allPages(world, { limit });
    expect(found.ids).toEqual(ids.filter((id) => !broken.includes(id)));
    expect(found.damaged).toEqual(broken);
    // Of one that has no note nobody knows when it began, so that all are looked at until it is mended.
    await world.storage.write((await keysUnder(world.storage, `${root}/`)).filter((key) => /\/(?:started|complete)\//.test(key)).map((key) => ({ kind: 'delete', key })));
    const anew = await allPages(world, { limit });
    expect(anew.ids).toEqual(found.ids);
    expect(new Set(anew.damaged)).toEqual(new Set(broken));
    expect(await keysUnder(world.storage, `${root}/complete/`)).toEqual([]);
  });
});
