import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { compare, measure, peakMemory, type Benchmark } from './harness.ts';

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

/** With `parts`, keys have so many different first segments, and so fill every file of records. */
function withRecords(count: number, parts = 1): () => Promise<Place> {
  return async () => {
    const place = await setup();
    const keyAt = (i: number): string => (parts === 1 ? `runs/${keyOf(i)}` : `part-${i % parts}/${keyOf(i)}`);
    for (let at = 0; at < count; at += 10_000) {
      await place.storage.write(Array.from({ length: Math.min(10_000, count - at) }, (_, i) => ({ kind: 'put', key: keyAt(at + i), bytes: value })));
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

async function openAndListSome(place: Place): Promise<void> {
  const storage = new FilesystemStorage(join(place.directory, 'store'));
  await storage.list({ limit: 1000 });
  await storage.close();
}

/** Opens the store at a path and reads all its files of records; run by itself to see what memory that takes. */
export async function openAll(root: string): Promise<void> {
  await using storage = new FilesystemStorage(root);
  await storage.list({ limit: 1 });
}

function memoryOfOpen(name: string, target: number, prepare: () => Promise<Place>): Benchmark {
  return {
    name,
    async run() {
      const place = await prepare();
      await place.storage.close();
      const result = await peakMemory(name, import.meta.url, 'openAll', { argument: join(place.directory, 'store'), target: { atMost: target } }).run();
      await teardown(place);
      return result;
    },
  };
}

/** Lets both write one record after the other during `work`, and gives how long the longest write took, in milliseconds. */
async function longestWrite(writers: readonly StorageAdapter[], keys: readonly string[], work: () => Promise<void>): Promise<number> {
  let done = false;
  let longest = 0;
  const writing = writers.map(async (storage) => {
    for (let i = 0; !done; i++) {
      const start = performance.now();
      await storage.write([{ kind: 'put', key: keys[i % keys.length]!, bytes: value }]);
      longest = Math.max(longest, performance.now() - start);
    }
  });
  await work();
  done = true;
  await Promise.all(writing);
  return longest;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The longest that a write took while all records were compacted, by the instance that compacts and by another; the baseline is the same for as long without that. */
function longestStop(name: string, prepare: () => Promise<Place>, keys: readonly string[]): Benchmark {
  return {
    name,
    async run() {
      const place = await prepare();
      const other = new FilesystemStorage(join(place.directory, 'store'));
      const writers = [place.storage, other];
      // So that both have read every file before, and every file has something to drop.
      for (const storage of writers) for (const key of keys) await storage.write([{ kind: 'put', key, bytes: value }]);
      const stops: number[] = [];
      const baselines: number[] = [];
      for (let run = 0; run < 3; run++) {
        const start = performance.now();
        stops.push(
          await longestWrite(writers, keys, async () => {
            await place.storage.compact();
            // The values are still to be found in the new files.
            await pause(1000);
          }),
        );
        const took = performance.now() - start;
        baselines.push(await longestWrite(writers, keys, () => pause(took)));
      }
      await other.close();
      await teardown(place);
      const [fastest, median, slowest] = stops.sort((a, b) => a - b) as [number, number, number];
      const baseline = baselines.sort((a, b) => a - b)[1]!;
      return { value: median, unit: 'ms', fastest, slowest, runs: 3, baseline, ratio: median / baseline, target: { atMost: 100 } };
    },
  };
}

const parts = 64;

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
  measure('opening a store of 1,000,000 records in one file and listing the first thousand', openAndListSome, {
    setup: withRecords(1_000_000),
    teardown,
    runs: 3,
    target: { atMost: 1500 },
  }),
  measure('opening a store of 1,000,000 records in 16 files and listing the first thousand', openAndListSome, {
    setup: withRecords(1_000_000, parts),
    teardown,
    runs: 3,
    target: { atMost: 1500 },
  }),
  memoryOfOpen('memory at the height of opening 1,000,000 records', 250, withRecords(1_000_000)),
  longestStop('longest stop of two writers while 1,000,000 records in one file are compacted', withRecords(1_000_000), ['runs/written-meanwhile']),
  longestStop(
    'longest stop of two writers while 1,000,000 records in 16 files are compacted',
    withRecords(1_000_000, parts),
    Array.from({ length: parts }, (_, i) => `part-${i}/written-meanwhile`),
  ),
];
