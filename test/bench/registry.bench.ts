import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
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
  // Many versions are made without waiting for the disk; what is measured waits for it.
  const making = new FilesystemStorage(join(directory, 'store'), { durability: 'buffered' });
  const maker = new Registry({ storage: making });
  await maker.createModel('m');
  for (let i = 0; i < versions; i++) await maker.registerVersion('m', { files: { 'model.json': '{}' }, metrics: { auc: i / versions }, tags: { team: i % 3 === 0 ? 'a' : 'b' } });
  await making.close();
  const storage = new FilesystemStorage(join(directory, 'store'));
  return { directory, storage, registry: new Registry({ storage }), turn: 0 };
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

/** The least that a store with digests can do. */
async function hashAndWrite({ directory, turn }: Bench): Promise<void> {
  const hash = createHash('sha256');
  const file = await open(join(directory, 'bare'), 'w');
  try {
    for await (const chunk of fresh(turn)) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
  hash.digest();
  await rm(join(directory, 'bare'));
}

function hashOnly(): string {
  const hash = createHash('sha256');
  for (let at = 0; at < weights.length; at += 1 << 18) hash.update(weights.subarray(at, at + (1 << 18)));
  return hash.digest('hex');
}

async function withLargeVersions(): Promise<Bench> {
  const state = await setup(0);
  for (const turn of [1, 2]) await state.registry.registerVersion('m', { files: { 'weights.bin': fresh(turn), 'more.bin': fresh(turn + 10), 'model.json': '{}' } });
  await state.registry.promote('m@1', 'production', who);
  return state;
}

async function withSmallVersions(): Promise<Bench> {
  const state = await setup(2);
  await state.registry.promote('m@1', 'production', who);
  return state;
}

async function withManyVersions(): Promise<Bench> {
  const state = await setup(10_000);
  await state.registry.promote('m@5000', 'production', who);
  return state;
}

async function promoteAndRollBack({ registry }: Bench): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await registry.promote('m@2', 'production', who);
    await registry.rollback('m', who);
  }
}

const found = { filter: "metrics.auc > 0.5 AND tags.team = 'a'", orderBy: ['metrics.auc DESC'], limit: 50 };

export const benchmarks: Benchmark[] = [
  compare<Bench>(
    `register ${megabytes} MB against hashing, writing and flushing the same bytes`,
    ({ registry, turn }) => registry.registerVersion('m', { files: { 'weights.bin': fresh(turn) } }),
    hashAndWrite,
    { runs: 5, setup: () => setup(0), before: (state) => state.turn++, teardown, target: { ratioAtMost: 1.3 } },
  ),
  compare<Bench>(
    `load ${megabytes} MB as a stream against hashing the same bytes`,
    async ({ registry }) => {
      let size = 0;
      for await (const chunk of (await registry.load('m@1')).stream('weights.bin')) size += chunk.length;
      return size;
    },
    hashOnly,
    {
      runs: 5,
      setup: async () => {
        const state = await setup(0);
        await state.registry.registerVersion('m', { files: { 'weights.bin': weights } });
        return state;
      },
      teardown,
      target: { ratioAtMost: 1.2 },
    },
  ),
  measure<Bench>('resolve m@production among 10,000 versions', async ({ registry }) => {
    for (let i = 0; i < 100; i++) await registry.getVersion('m@production');
  }, { operations: 100, target: { atMost: 1 }, setup: withManyVersions, teardown }),
  measure<Bench>('promote, then roll back, flushed', promoteAndRollBack, { operations: 20, target: { atMost: 10 }, setup: withSmallVersions, teardown }),
  measure<Bench>('the same with versions of 200 MB', promoteAndRollBack, { operations: 20, target: { atMost: 10 }, setup: withLargeVersions, teardown }),
  measure<Bench>('search 10,000 versions with filter and order', ({ registry }) => registry.searchVersions(found), { setup: withManyVersions, teardown }),
];
