import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { seededRandom } from '../../../src/core/random.ts';
import '../../../src/pipelines/history/search-runs.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { listAll } from '../../../src/storage/records.ts';
import { ManualClock } from '../manual-clock.ts';

const seed = Number(process.env['SEARCH_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const root = 'pipelines/nightly';

const stores: Record<string, () => StorageAdapter> = {
  'in memory': () => new MemoryStorage(),
  'in a directory': () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-steps-'));
    const storage = new FilesystemStorage(join(directory, 'store'), { durability: 'buffered' });
    onTestFinished(async () => {
      await storage.close();
      rmSync(directory, { recursive: true, force: true });
    });
    return storage;
  },
};

/** What fails in which month, and with which seed rows are drawn. */
const schema = z.object({ month: z.string(), rows: z.number(), fail: z.optional(z.string()) });
type Params = z.infer<typeof schema>;

function define(storage: StorageAdapter, clock = new ManualClock()) {
  const errors: unknown[] = [];
  const pipeline = new Pipeline({ name: 'nightly', storage, clock, params: schema, onError: (error) => errors.push(error) });
  const failing = ({ fail }: Params, step: string): void => {
    if (fail === step) throw new Error(`${step} fails`);
  };
  const rows = pipeline.step('rows', {}, ({ params }) => (failing(params, 'rows'), { rows: params.rows }));
  const model = pipeline.step('train', { needs: { rows } }, ({ params, inputs }) => (failing(params, 'train'), `model of ${inputs.rows.rows % 2} `));
  pipeline.step('deploy', { needs: { model }, when: ({ params }) => params.month !== '2001-01' }, ({ params }) => failing(params, 'deploy'));
  return { pipeline, storage, clock, errors };
}

type World = ReturnType<typeof define>;

async function begun({ pipeline, clock }: World, ...all: Params[]): Promise<string[]> {
  const ids: string[] = [];
  for (const params of all) {
    ids.push((await pipeline.run({ params })).id);
    clock.jump(1000);
  }
  return ids;
}

async function months({ pipeline }: World, query: Parameters<World['pipeline']['searchRuns']>[0]): Promise<string[]> {
  return (await pipeline.searchRuns(query)).items.map(({ params }) => (params as Params).month);
}

/** A view of a store that notes which records are read. */
function watched(storage: StorageAdapter): { readonly storage: StorageAdapter; readonly read: string[] } {
  const read: string[] = [];
  const view = new Proxy(storage, {
    get(target, name) {
      if (name === 'read') return (...[keys, options]: Parameters<StorageAdapter['read']>) => (read.push(...keys), target.read(keys, options));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { storage: view, read };
}

const four: Params[] = [
  { month: '2001-01', rows: 1 },
  { month: '2001-02', rows: 2, fail: 'train' },
  { month: '2001-03', rows: 3, fail: 'deploy' },
  { month: '2001-04', rows: 4, fail: 'rows' },
];

describe('runs are found by how a step of theirs stands', () => {
  it('as a text or as an object, in any order, and those without such a step only by its lack', async () => {
    const world = define(new MemoryStorage());
    await begun(world, ...four);
    const other = new Pipeline({ name: 'nightly', storage: world.storage, clock: world.clock, params: schema });
    other.step('report', {}, () => 'sent');
    await other.run({ params: { month: '2001-05', rows: 5 } });
    expect(await months(world, { filter: "steps.train = 'failed'" })).toEqual(['2001-02']);
    expect(await months(world, { filter: "steps.train = 'Succeeded' and steps.deploy = 'failed'" })).toEqual(['2001-03']);
    expect(await months(world, { filter: { step: 'deploy', in: ['skipped', 'upstream_failed'] } })).toEqual(['2001-04', '2001-02', '2001-01']);
    expect(await months(world, { filter: "status = 'failed' and not steps.rows = 'failed'" })).toEqual(['2001-03', '2001-02']);
    expect(await months(world, { filter: 'steps.report is not null or params.month = \'2001-01\'' })).toEqual(['2001-05', '2001-01']);
    expect(await months(world, { filter: { step: 'train', exists: false } })).toEqual(['2001-05']);
    expect(await months(world, { orderBy: ['steps.train', 'params.month desc'] })).toEqual(['2001-02', '2001-03', '2001-01', '2001-04', '2001-05']);
    const [first] = (await world.pipeline.searchRuns({ filter: "steps.train = 'failed'" })).items;
    expect(Object.keys(first!)).not.toContain('steps');
  });

  it('by reading that step of the runs whose heads do not tell already, and no other', async () => {
    const { storage, read } = watched(new MemoryStorage());
    const world = define(storage);
    await begun(world, ...four);
    await world.pipeline.searchRuns();
    read.length = 0;
    expect(await months(world, { filter: "status = 'failed' and steps.train = 'failed'" })).toEqual(['2001-02']);
    expect(read.filter((key) => key.startsWith(`${root}/steps/`)).map((key) => key.split('/').at(-1))).toEqual(['train', 'train', 'train']);
  });

  it('as it stands before the run has ended, and after it was resumed', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'nightly', storage, clock });
    let broken = true;
    const seen: number[] = [];
    const find = async (filter: string): Promise<number> => (await pipeline.searchRuns({ filter })).items.length;
    const first = pipeline.step('first', {}, () => 1);
    pipeline.step('second', { needs: { first } }, async () => {
      seen.push(await find("steps.first = 'succeeded' and steps.second = 'pending'"));
      if (broken) throw new Error('not yet');
    });
    const { id } = await pipeline.run();
    expect([...seen, await find("steps.second = 'failed'")]).toEqual([1, 1]);
    broken = false;
    await pipeline.resume(id);
    expect([await find("steps.second = 'failed'"), await find("steps.second = 'succeeded'")]).toEqual([0, 1]);
  });

  it('or by the run of another pipeline for which they are', async () => {
    const storage = new MemoryStorage();
    const child = new Pipeline({ name: 'child', storage });
    child.step('work', {}, () => 1);
    const parent = new Pipeline({ name: 'parent', storage });
    parent.step('nested', {}, child.asStep());
    const [first, second] = [await parent.run(), await parent.run(), await child.run()];
    const all = await child.searchRuns({ filter: "cause = 'pipeline' and causeName = 'parent'" });
    expect(all.items).toHaveLength(2);
    for (const { id } of [first, second]) {
      const { items } = await child.searchRuns({ filter: `parentRun = '${id}' and steps.work = 'succeeded'` });
      expect(items.map(({ triggeredBy }) => triggeredBy)).toEqual([{ kind: 'pipeline', pipeline: 'parent', run: id, step: 'nested' }]);
    }
  });

  it('though the step of another run cannot be read, which is told', async () => {
    const world = define(new MemoryStorage());
    const ids = await begun(world, ...four);
    await world.storage.write([{ kind: 'put', key: `${root}/steps/${ids[0]}/train`, bytes: new TextEncoder().encode('{') }]);
    const page = await world.pipeline.searchRuns({ filter: "steps.train = 'failed'" });
    expect(page.items.map(({ id }) => id)).toEqual([ids[1]]);
    expect(page.damaged).toMatchObject([{ id: ids[0], error: { code: 'integrity' } }]);
  });

  it.each([
    ['a status that no step has', "steps.train = 'green'", 'green'],
    ['a comparison of what has no order', "steps.train > 'failed'", 'has no order'],
    ['what no output has', "outputs.size = '3'", 'an output has no "size"; ask for its digest'],
    ['steps without a name', "steps = 'failed'", 'the name of a step'],
  ])('but not by %s', async (_, filter, says) => {
    await expect(define(new MemoryStorage()).pipeline.searchRuns({ filter })).rejects.toThrow(says);
  });
});

describe.each(Object.entries(stores))('runs are found by digest %s', (_, open) => {
  it('by what they made and by what their steps were given', async () => {
    const world = define(open());
    const ids = await begun(world, ...four);
    const { steps } = await world.pipeline.getRun(ids[2]!);
    const model = steps['train']!.output!.digest;
    const rows = steps['train']!.inputs['rows']!.digest;
    // Models of odd months are the same; the one that was deployed in vain was given to a step, the one that was not deployed to none.
    expect(await months(world, { filter: `outputs.digest = '${model}'` })).toEqual(['2001-03', '2001-01']);
    expect(await months(world, { filter: { input: 'digest', eq: model } })).toEqual(['2001-03']);
    expect(await months(world, { filter: `inputs.digest = '${rows}'` })).toEqual(['2001-03']);
    expect(await months(world, { filter: `outputs.digest in ('${rows}', '${model}') and status = 'succeeded'` })).toEqual(['2001-01']);
    expect(await months(world, { filter: `outputs.digest = '${model}'`, orderBy: ['params.month'], limit: 1 })).toEqual(['2001-01']);
    expect(await months(world, { filter: `not outputs.digest = '${model}'` })).toEqual(['2001-04', '2001-02']);
    expect(await months(world, { filter: "outputs.digest = 'sha256:0'" })).toEqual([]);
  });

  it(`as a look at all finds them, while runs begin, fail and are resumed (SEARCH_SEED=${seed})`, async () => {
    const random = seededRandom(seed);
    const world = define(open());
    const digests = new Set<string>(['sha256:0']);
    const ids: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 4; i++) {
        const fail = ['rows', 'train', 'deploy', 'nothing'][Math.floor(random() * 4)]!;
        const [id] = await begun(world, { month: `2001-0${1 + i}`, rows: Math.floor(random() * 4), fail });
        ids.push(id!);
      }
      if (round % 2 === 1) await mended(world.storage, world.clock).resume(ids[Math.floor(random() * ids.length)]!);
      for (const id of ids) for (const { output } of Object.values((await world.pipeline.getRun(id)).steps)) if (output) digests.add(output.digest);
      for (const digest of digests) {
        for (const subject of ['inputs', 'outputs']) {
          // A filter that lets all others through as well has no digest to look up.
          const all = await world.pipeline.searchRuns({ filter: `${subject}.digest = '${digest}' or false` });
          const found = await world.pipeline.searchRuns({ filter: `${subject}.digest = '${digest}'` });
          expect(found.items.map(({ id }) => id)).toEqual(all.items.map(({ id }) => id));
        }
      }
    }
    expect(world.errors).toEqual([]);
  });
});

/** The same pipeline, in which nothing fails. */
function mended(storage: StorageAdapter, clock: ManualClock): Pipeline<Params> {
  const pipeline = new Pipeline({ name: 'nightly', storage, clock, params: schema });
  const rows = pipeline.step('rows', {}, ({ params }) => ({ rows: params.rows }));
  const model = pipeline.step('train', { needs: { rows } }, ({ inputs }) => `model of ${inputs.rows.rows % 2} `);
  pipeline.step('deploy', { needs: { model }, when: ({ params }) => params.month !== '2001-01' }, () => undefined);
  return pipeline;
}

describe('the index of digests', () => {
  it('spares a look at runs that have ended, as long as nothing becomes of them', async () => {
    const { storage, read } = watched(new MemoryStorage());
    const world = define(storage);
    const ids = await begun(world, ...four);
    const { steps } = await world.pipeline.getRun(ids[2]!);
    const filter = `inputs.digest = '${steps['rows']!.output!.digest}'`;
    expect(await months(world, { filter })).toEqual(['2001-03']);
    read.length = 0;
    expect(await months(world, { filter })).toEqual(['2001-03']);
    expect(new Set(read.map((key) => key.split('/')[3]))).toEqual(new Set([ids[2]]));
    // Resumed, it is another and looked at again; its old mark is gone.
    await mended(storage, world.clock).resume(ids[1]!);
    read.length = 0;
    expect(await months(world, { filter: `outputs.digest = '${(await world.pipeline.getRun(ids[1]!)).steps['train']!.output!.digest}'` })).toEqual(['2001-02']);
    const marks: string[] = [];
    for await (const { key } of listAll(storage, { prefix: `${root}/digested/` })) marks.push(key.split('/')[3]!);
    expect(marks).toEqual(ids);
  });

  it('is not trusted when it names what is not so', async () => {
    const world = define(new MemoryStorage());
    const ids = await begun(world, ...four);
    const digest = (await world.pipeline.getRun(ids[2]!)).steps['rows']!.output!.digest;
    const before = await months(world, { filter: `outputs.digest = '${digest}'` });
    for await (const { key } of listAll(world.storage, { prefix: `${root}/digests/` })) {
      await world.storage.write([{ kind: 'put', key: `${key.slice(0, key.lastIndexOf('/'))}/${ids[0]}`, bytes: new Uint8Array() }]);
    }
    expect(await months(world, { filter: `outputs.digest = '${digest}'` })).toEqual(before);
  });
});
