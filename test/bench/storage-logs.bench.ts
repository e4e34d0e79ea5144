import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, measure, type Benchmark } from './harness.ts';

interface Place {
  readonly directory: string;
  readonly storage: FilesystemStorage;
  /** A file to which bare writes are appended. */
  readonly file: FileHandle;
}

async function setup(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  return { directory, storage: new FilesystemStorage(join(directory, 'store')), file: await open(join(directory, 'bare'), 'a') };
}

async function teardown({ directory, storage, file }: Place): Promise<void> {
  await storage.close();
  await file.close();
  await rm(directory, { recursive: true, force: true });
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

const entries = Array.from({ length: 10_000 }, () => randomBytes(24));

/** Appends of so many entries each, as fast as one after the other is flushed, beside the bare write and flush of the same bytes. */
function appends(each: number, count: number, atLeast: number): Benchmark {
  const batch = entries.slice(0, each);
  const bytes = Buffer.concat(batch);
  return compare(
    `appends of 24-byte entries, ${each.toLocaleString('en')} at a time, flushed (baseline: writing the bytes and fdatasync)`,
    ({ storage }) => times(count, () => storage.append('log', batch)),
    ({ file }) =>
      times(count, async () => {
        await file.write(bytes);
        await file.datasync();
      }),
    { setup, teardown, operations: each * count, unit: 'operations/s', target: { atLeast } },
  );
}

async function readAll({ storage }: Place): Promise<void> {
  const iterator = storage.readLog('log')[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}

/** What a promise and an array of its own for each entry cost, without any storage. */
async function copyAll(): Promise<void> {
  for (let i = 0; i < 20; i++) for (const entry of entries) await Promise.resolve(new Uint8Array(entry));
}

export const benchmarks: Benchmark[] = [
  appends(1000, 100, 1_000_000),
  appends(10_000, 20, 3_000_000),
  measure('appends of 24-byte entries, 1,000 at a time, buffered', ({ storage }) => times(100, () => storage.append('log', entries.slice(0, 1000), { durability: 'buffered' })), {
    setup,
    teardown,
    operations: 100_000,
    unit: 'operations/s',
  }),
  compare('reading entries of 24 bytes (baseline: a copy and a promise for each)', readAll, copyAll, {
    async setup() {
      const place = await setup();
      await times(20, () => place.storage.append('log', entries));
      return place;
    },
    teardown,
    operations: 200_000,
    unit: 'operations/s',
    target: { atLeast: 1_200_000 },
  }),
];
