import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, type Benchmark } from './harness.ts';

interface Place {
  readonly directory: string;
  readonly storage: FilesystemStorage;
}

const blob = randomBytes(64 << 20);
const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}` as const;

async function setup(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  return { directory, storage: new FilesystemStorage(join(directory, 'store')) };
}

async function setupWithBlob(): Promise<Place> {
  const place = await setup();
  await writeBlob(place);
  return place;
}

async function teardown({ directory, storage }: Place): Promise<void> {
  await storage.close();
  await rm(directory, { recursive: true, force: true });
}

async function* chunksOf(bytes: Uint8Array, size = 1 << 18): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function writeBlob({ storage }: Place): Promise<void> {
  await storage.writeBlob(chunksOf(blob));
}

async function readBlob({ storage }: Place): Promise<void> {
  const chunks = (await storage.readBlob(digest))![Symbol.asyncIterator]();
  while (!(await chunks.next()).done);
}

async function hashOnly(): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(blob)) hash.update(chunk);
  hash.digest();
}

/** The cheapest way to the disk: no digest, no name but its own. */
async function writeOnly({ directory }: Place): Promise<void> {
  const file = await open(join(directory, 'bare'), 'w');
  try {
    for await (const chunk of chunksOf(blob, 1 << 20)) await file.write(chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rm(join(directory, 'bare'));
}

async function writeSmall({ storage }: Place): Promise<void> {
  for (let i = 0; i < 20; i++) await storage.writeBlob(chunksOf(randomBytes(1000)));
}

export const benchmarks: Benchmark[] = [
  // On a disk that takes longer to keep the bytes than the processor to hash them, the second line is the one that can be met.
  compare('writing a blob of 64 MiB (baseline: hashing it)', writeBlob, hashOnly, { setup, teardown, target: { ratioAtMost: 1.3 } }),
  compare('writing a blob of 64 MiB (baseline: writing and fdatasync, without a digest)', writeBlob, writeOnly, { setup, teardown, target: { ratioAtMost: 1.3 } }),
  compare('reading a blob of 64 MiB, verified (baseline: hashing it)', readBlob, hashOnly, { setup: setupWithBlob, teardown, target: { ratioAtMost: 1.3 } }),
  compare(
    'writing a blob of 1,000 bytes (baseline: writing and fdatasync)',
    writeSmall,
    async ({ directory }) => {
      for (let i = 0; i < 20; i++) {
        const file = await open(join(directory, `bare-${i}`), 'w');
        await file.write(randomBytes(1000));
        await file.datasync();
        await file.close();
      }
    },
    { setup, teardown, operations: 20 },
  ),
];
