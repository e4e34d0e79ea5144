import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, measure, type Benchmark } from './harness.ts';

const who = { by: 'bench', reason: 'bench' };

interface Bench {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  readonly registry: Registry;
  turn: number;
}

async function setup(versions: number): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  const storage = new FilesystemStorage(directory);
  const registry = new Registry({ storage });
  await registry.createModel('m');
  for (let i = 0; i < versions; i++) await registry.registerVersion('m', { files: { 'model.json': '{}' }, metrics: { auc: 0.8 } });
  return { directory, storage, registry, turn: 0 };
}

async function teardown({ directory, storage }: Bench): Promise<void> {
  await storage.close();
  await rm(directory, { recursive: true, force: true });
}

const megabytes = 100;
const weights = new Uint8Array(megabytes << 20).map((_, i) => (i * 2_654_435_761) >>> 13);

/** Contents that no store has seen, without making 100 MB of them anew. */
async function* fresh(turn: number): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(`turn ${turn}`);
  for (let at = 0; at < weights.length; at += 1 << 20) yield weights.subarray(at, at + (1 << 20));
}

export const benchmarks: Benchmark[] = [
  compare<Bench>(
    `register ${megabytes} MB against storing the same bytes as a blob`,
    ({ registry, turn }) => registry.registerVersion('m', { files: { 'weights.bin': fresh(turn) } }),
    ({ storage, turn }) => storage.writeBlob(fresh(turn)),
    { runs: 5, setup: () => setup(0), before: (state) => state.turn++, teardown, target: { ratioAtMost: 1.3 } },
  ),
  compare<Bench>(
    `load ${megabytes} MB into memory against reading the blob`,
    async ({ registry }) => (await registry.load('m@1')).file('weights.bin'),
    async ({ registry, storage }) => {
      const { files } = await registry.getVersion('m@1');
      let size = 0;
      for await (const chunk of (await storage.readBlob(files[0]!.digest))!) size += chunk.length;
      return size;
    },
    {
      runs: 5,
      setup: async () => {
        const state = await setup(0);
        await state.registry.registerVersion('m', { files: { 'weights.bin': weights } });
        return state;
      },
      teardown,
    },
  ),
  measure<Bench>('resolve m@production among 1,000 versions', async ({ registry }) => {
    for (let i = 0; i < 100; i++) await registry.getVersion('m@production');
  }, {
    operations: 100,
    target: { atMost: 1 },
    setup: async () => {
      const state = await setup(1_000);
      await state.registry.promote('m@500', 'production', who);
      return state;
    },
    teardown,
  }),
  measure<Bench>('promote, then roll back, flushed', async ({ registry }) => {
    for (let i = 0; i < 10; i++) {
      await registry.promote('m@2', 'production', who);
      await registry.rollback('m', who);
    }
  }, {
    operations: 20,
    target: { atMost: 10 },
    setup: async () => {
      const state = await setup(2);
      await state.registry.promote('m@1', 'production', who);
      return state;
    },
    teardown,
  }),
];
