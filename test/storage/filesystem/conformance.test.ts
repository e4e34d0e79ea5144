import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageConformance } from 'modelkeep/conformance';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, it } from 'vitest';

for (const durability of ['flushed', 'buffered'] as const) {
  storageConformance({
    describe,
    it,
    name: `FilesystemStorage, ${durability}`,
    supports: { durability, sharedBetweenProcesses: true },
    createStore: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'modelkeep-'));
      return {
        // Small enough for files to be replaced while the tests run.
        open: () => new FilesystemStorage(join(directory, 'store'), { durability, compactAt: 16_384 }),
        dispose: () => rm(directory, { recursive: true, force: true }),
      };
    },
  });
}
