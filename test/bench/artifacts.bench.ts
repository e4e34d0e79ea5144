import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { MemoryStorage } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { systemClock } from '../../src/core/clock.ts';
import { encodePng } from '../../src/tracking/artifacts/encode-png.ts';
import { listArtifacts } from '../../src/tracking/artifacts/list-artifacts.ts';
import { writeArtifact } from '../../src/tracking/artifacts/write-artifact.ts';
import { nodeSystemMetrics } from '../../src/integrations/node/node-system-metrics.ts';
import { compare, measure, type Benchmark } from './harness.ts';

const image = { width: 1000, height: 1000, data: Uint8ClampedArray.from({ length: 4_000_000 }, (_, i) => (i >> 5) & 255) };

export const benchmarks: Benchmark[] = [
  compare<{ directory: string; storage: FilesystemStorage; bytes: Uint8Array; turn: number }>(
    'an artifact of 64 MB into a store on the disk, against hashing and writing a file',
    async ({ storage, bytes }) => writeArtifact(storage, systemClock, 'r', 'a', bytes),
    async ({ directory, bytes, turn }) => {
      createHash('sha256').update(bytes).digest();
      const file = await open(join(directory, `raw${turn}`), 'w');
      await file.writeFile(bytes);
      await file.sync();
      await file.close();
    },
    {
      runs: 5,
      setup: async () => {
        const directory = await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
        return { directory, storage: new FilesystemStorage(join(directory, 'store')), bytes: new Uint8Array(64 * 1024 * 1024), turn: 0 };
      },
      // Other bytes each time, or nothing would be written the second time.
      before: (state) => new DataView(state.bytes.buffer).setUint32(0, ++state.turn),
      teardown: async ({ directory, storage }) => {
        await storage.close();
        await rm(directory, { recursive: true, force: true });
      },
    },
  ),
  measure<MemoryStorage>('a page of 100 of the 10,000 artifacts of a run', (storage) => listArtifacts(storage, 'r', { prefix: 'plots/', limit: 100 }), {
    setup: async () => {
      const storage = new MemoryStorage();
      for (let i = 0; i < 10_000; i++) await writeArtifact(storage, systemClock, 'r', `${i % 2 ? 'plots' : 'models'}/epoch-${i}.json`, '{}');
      return storage;
    },
  }),
  compare('a PNG of a million pixels, against deflating them', () => encodePng(image, 'image'), () => void deflateSync(image.data), { runs: 5 }),
  measure<ReturnType<ReturnType<typeof nodeSystemMetrics>['open']>>('a sample of system metrics', (reader) => {
    for (let i = 0; i < 100; i++) reader.read();
  }, { setup: () => nodeSystemMetrics().open(), teardown: (reader) => reader.close(), operations: 100, unit: 'µs' }),
];
