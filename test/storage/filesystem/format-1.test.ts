import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Registry, Tracker, type Digest, type StorageAdapter, type WriteResult } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import { collectBytes, utf8 } from '../../../src/core/bytes.ts';
import { listAll } from '../../../src/storage/records.ts';
import { temporaryDirectories } from './temporary-directory.ts';

/** What the store of the fixture holds: written down by the code that made it, modelkeep 0.1.0. */
interface Manifest {
  readonly named: { readonly key: string; readonly operationId: string; readonly result: WriteResult };
  readonly model: { readonly name: string; readonly version: number };
  readonly records: readonly { readonly key: string; readonly bytes: string; readonly version: string; readonly blobs: readonly Digest[] }[];
  readonly logs: readonly { readonly key: string; readonly size: number; readonly entries: readonly { readonly writer: string; readonly sequence: number; readonly bytes: string }[] }[];
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
}

const fixture = fileURLToPath(new URL('../../fixtures/filesystem-format-1', import.meta.url));
const manifest = JSON.parse(readFileSync(join(fixture, 'manifest.json'), 'utf8')) as Manifest;
const directory = temporaryDirectories();

function copyOfStore(): string {
  const root = join(directory(), 'store');
  cpSync(join(fixture, 'store'), root, { recursive: true });
  return root;
}

async function expectContents(storage: StorageAdapter, { versions }: { versions: boolean }): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of listAll(storage, { limit: 7 })) keys.push(key);
  expect(keys).toEqual(manifest.records.map((record) => record.key));
  const records = (await storage.read(keys)).map((record, i) => ({
    key: keys[i],
    bytes: Buffer.from(record!.bytes).toString('base64'),
    ...(versions && { version: record!.version }),
    blobs: record!.blobs,
  }));
  expect(records).toEqual(manifest.records.map(({ version, ...record }) => (versions ? { ...record, version } : record)));
  const logs: unknown[] = [];
  for await (const { key, size } of listAll(storage, { kind: 'log', limit: 3 })) {
    const entries: unknown[] = [];
    for await (const { writer, sequence, bytes } of storage.readLog(key)) entries.push({ writer, sequence, bytes: Buffer.from(bytes).toString('base64') });
    logs.push({ key, size, entries });
  }
  expect(logs).toEqual(manifest.logs);
  const blobs: unknown[] = [];
  for await (const { key, size } of listAll(storage, { kind: 'blob', limit: 2 })) {
    blobs.push({ digest: key, size });
    // A whole read checks the digest.
    expect((await collectBytes((await storage.readBlob(key as Digest))!)).length).toBe(size);
  }
  expect(blobs).toEqual(manifest.blobs);
}

describe('a directory of format 1', () => {
  it('is read whole, with the versions it had, beside torn tails and leftovers of dead processes', async () => {
    await using storage = new FilesystemStorage(copyOfStore());
    await expectContents(storage, { versions: true });
  });

  it('is written on: conditions, named writes and sequences go on where they were', async () => {
    const root = copyOfStore();
    {
      await using storage = new FilesystemStorage(root);
      const { named, records } = manifest;
      expect(await storage.write([{ kind: 'put', key: named.key, bytes: utf8('again'), condition: 'absent', operationId: named.operationId }])).toEqual([named.result]);
      // Every record answers to the version that it was written down with, and to no other.
      const rewritten = await storage.write(
        records.map(({ key, bytes, blobs, version }) => ({ kind: 'put', key, bytes: new Uint8Array(Buffer.from(bytes, 'base64')), blobs, condition: { match: version } })),
      );
      expect(rewritten.every((result) => result.ok)).toBe(true);
      expect(await storage.write([{ kind: 'delete', key: records[0]!.key, condition: { match: records[0]!.version } }])).toMatchObject([{ ok: false, reason: 'conflict' }]);
      await expectContents(storage, { versions: false });
      await storage.append('logs/shared', [utf8('on')], { writer: 'third.writer' });
      await storage.append('logs/shared', [utf8('not twice')], { writer: 'first', operationId: 'append-3' });
    }
    await using storage = new FilesystemStorage(root);
    const last = new Map<string, number>();
    for await (const { writer, sequence } of storage.readLog('logs/shared')) {
      expect(sequence).toBe((last.get(writer) ?? 0) + 1);
      last.set(writer, sequence);
    }
    expect(Object.fromEntries(last)).toEqual({ first: 11, 'second-writer': 10, 'third.writer': 10 });
  });

  it('keeps its contents when its record files are written anew', async () => {
    const root = copyOfStore();
    {
      await using storage = new FilesystemStorage(root, { compactAt: 100 });
      for (let round = 0; round < 4; round++) {
        await storage.write(manifest.records.map(({ key, bytes, blobs }) => ({ kind: 'put', key, bytes: new Uint8Array(Buffer.from(bytes, 'base64')), blobs })));
      }
    }
    await using storage = new FilesystemStorage(root);
    await expectContents(storage, { versions: false });
  });

  it('serves the run and the model that were put into it', async () => {
    await using storage = new FilesystemStorage(copyOfStore());
    const registry = new Registry({ storage });
    const { name, version } = manifest.model;
    expect((await registry.getVersion(`${name}@${version}`)).version).toBe(version);
    const tracker = new Tracker({ storage });
    const runs = await tracker.listRuns({ experiments: ['demo'] });
    expect(runs.items).toMatchObject([{ name: 'first', status: 'finished', params: { learningRate: 0.1, layers: 3 } }]);
  });
});
