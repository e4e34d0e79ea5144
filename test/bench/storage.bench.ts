import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { compare, measure, type Benchmark } from './harness.ts';

interface Place {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  count: number;
}

const value = randomBytes(200);

async function setup(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  return { directory, storage: new FilesystemStorage(join(directory, 'store')), count: 0 };
}

async function teardown({ directory, storage }: Place): Promise<void> {
  await storage.close();
  await rm(directory, { recursive: true, force: true });
}

function withRecords(count: number): () => Promise<Place> {
  return async () => {
    const place = await setup();
    for (let at = 0; at < count; at += 10_000) {
      await place.storage.write(Array.from({ length: Math.min(10_000, count - at) }, (_, i) => ({ kind: 'put', key: `runs/${keyOf(at + i)}`, bytes: value })));
    }
    return place;
  };
}

// Spread like ids that are not ordered by time, which is the harder case for an index.
function keyOf(i: number): string {
  return ((i * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0');
}

async function put(place: Place): Promise<void> {
  await place.storage.write([{ kind: 'put', key: `one/${place.count++ % 1000}`, bytes: value }]);
}

/** The cheapest durable replacement of a file that there is without a log. */
async function replaceFile({ directory }: Place): Promise<void> {
  const temporary = join(directory, 'value.tmp');
  const file = await open(temporary, 'w');
  await file.write(value);
  await file.sync();
  await file.close();
  await rename(temporary, join(directory, 'value'));
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}

async function times(count: number, work: () => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

async function countRecords(storage: StorageAdapter): Promise<number> {
  let count = 0;
  let after: string | undefined;
  do {
    const page = await storage.list({ limit: 10_000, after });
    count += page.entries.length;
    after = page.next;
  } while (after !== undefined);
  return count;
}

async function openAndList(place: Place): Promise<void> {
  const storage = new FilesystemStorage(join(place.directory, 'store'));
  await countRecords(storage);
  await storage.close();
}

export const benchmarks: Benchmark[] = [
  compare('a flushed record write (baseline: write, fsync, rename, fsync of the directory)', (place) => times(200, () => put(place)), (place) => times(200, () => replaceFile(place)), {
    setup,
    teardown,
    operations: 200,
    target: { ratioAtMost: 1 },
  }),
  measure('10,000 concurrent flushed record writes', ({ storage }) => Promise.all(Array.from({ length: 10_000 }, (_, i) => storage.write([{ kind: 'put', key: `many/${i}`, bytes: value }]))), {
    setup,
    teardown,
    runs: 5,
    target: { atMost: 300 },
  }),
  measure('a read of a record, with the look for what others wrote', ({ storage }) => times(1000, async () => void (await storage.read([`runs/${keyOf(7)}`]))), {
    setup: withRecords(1000),
    teardown,
    operations: 1000,
    unit: 'µs',
  }),
  measure('list of 100,000 keys with opening the store', openAndList, { setup: withRecords(100_000), teardown, runs: 5, target: { atMost: 400 } }),
  measure('list of 100,000 keys again after a few writes', async (place) => {
    for (let i = 0; i < 3; i++) await place.storage.write([{ kind: 'put', key: `runs/new-${place.count++}`, bytes: value }]);
    await countRecords(place.storage);
  }, { setup: withRecords(100_000), teardown, runs: 5, target: { atMost: 100 } }),
  measure('opening a store of 1,000,000 records and listing the first thousand', async (place) => {
    const storage = new FilesystemStorage(join(place.directory, 'store'));
    await storage.list({ limit: 1000 });
    await storage.close();
  }, { setup: withRecords(1_000_000), teardown, runs: 3 }),
];
