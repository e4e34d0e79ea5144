import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, type AdapterSupports, type StorageAdapter } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { describe, it } from 'vitest';
import { serveStorage } from './storage-server.ts';

function conformance(name: string, supports: Partial<AdapterSupports>, open: () => Promise<{ storage: StorageAdapter; remove: () => Promise<void> }>): void {
  storageConformance({
    describe,
    it,
    name: `HttpStorage over node:http in front of ${name}`,
    // The store outlives its clients, which can so be opened anew.
    supports: { durability: 'buffered', sharedBetweenProcesses: true },
    createStore: async () => {
      const { storage, remove } = await open();
      const server = await serveStorage(storage);
      return {
        open: () => new HttpStorage(server.url, { supports }),
        async dispose() {
          await server.close();
          await storage.close();
          await remove();
        },
      };
    },
  });
}

conformance('MemoryStorage, taking nothing for granted', {}, async () => ({ storage: new MemoryStorage(), remove: async () => undefined }));

const { maxRecordBytes, maxEntryBytes } = new FilesystemStorage(tmpdir()).supports;

conformance('FilesystemStorage', { maxRecordBytes, maxEntryBytes }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'modelkeep-http-'));
  return { storage: new FilesystemStorage(join(directory, 'store'), { durability: 'buffered' }), remove: () => rm(directory, { recursive: true, force: true }) };
});
