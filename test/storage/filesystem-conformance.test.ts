import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withPrefix } from 'modelkeep';
import { storageConformance, type ConformanceStore } from 'modelkeep/conformance';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, it } from 'vitest';

async function inDirectory(): Promise<ConformanceStore> {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-conformance-'));
  return {
    open: () => new FilesystemStorage(join(directory, 'store'), { durability: 'buffered', compactAt: 2000 }),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
}

storageConformance({
  describe,
  it,
  name: 'FilesystemStorage that compacts all the time, seen through withPrefix',
  supports: { durability: 'buffered', sharedBetweenProcesses: true },
  createStore: async () => {
    const store = await inDirectory();
    return {
      async open() {
        const storage = await store.open();
        const view = withPrefix(storage, 'team-a');
        return { ...view, close: () => view.close().then(() => storage.close()) };
      },
      dispose: () => store.dispose?.(),
    };
  },
});
