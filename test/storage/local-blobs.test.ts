import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage, Registry, withLocalBlobs, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { createStorageHandler, toNodeHandler } from 'modelkeep/server';
import { SimulatedTime } from './simulated-time.ts';

let directory: string;
let server: Server;
let behind: MemoryStorage;
/** The blobs that the server was asked for. */
const asked: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'modelkeep-local-'));
  behind = new MemoryStorage();
  const handle = toNodeHandler(createStorageHandler(behind, { authorize: 'public' }));
  asked.length = 0;
  server = createServer((request, response) => {
    if (request.method === 'GET' && /blobs\//.test(request.url!)) asked.push(request.url!);
    void handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

function remote(): StorageAdapter {
  return new HttpStorage(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function localStore(): FilesystemStorage {
  return new FilesystemStorage(join(directory, 'cache'), { durability: 'buffered' });
}

/** A registry on the server with a model of three versions of 100 KB and one of 9 MB. */
async function fill(): Promise<void> {
  const registry = new Registry({ storage: behind });
  await registry.createModel('m');
  for (const version of [1, 2, 3]) await registry.registerVersion('m', { files: { w: new Uint8Array(100_000).fill(version) } });
  await registry.registerVersion('m', { files: { w: new Uint8Array(9_000_000).fill(4) } });
}

async function load(storage: StorageAdapter, version: number): Promise<number[]> {
  const bytes = await (await new Registry({ storage }).load(`m@${version}`)).file('w');
  return [bytes.length, bytes[0]!, bytes.at(-1)!];
}

async function blobFiles(): Promise<string[]> {
  return (await readdir(join(directory, 'cache'), { recursive: true })).filter((path) => /[0-9a-f]{64}$/.test(path) && path.includes('blobs'));
}

describe('withLocalBlobs over HTTP', () => {
  it('fetches a blob once, also for the next process', async () => {
    await fill();
    for (let time = 0; time < 2; time++) {
      await using local = localStore();
      const storage = withLocalBlobs(remote(), { local, maxBytes: 50_000_000 });
      for (let again = 0; again < 2; again++) {
        expect(await load(storage, 1)).toEqual([100_000, 1, 1]);
        expect(await load(storage, 4)).toEqual([9_000_000, 4, 4]);
      }
      await storage.close();
    }
    expect(new Set(asked).size).toBe(2);
    expect(asked).toHaveLength(2);
  });

  it('shares a fetch, and drops and fetches anew what was damaged', async () => {
    await fill();
    await using local = localStore();
    const storage = withLocalBlobs(remote(), { local, maxBytes: 50_000_000 });
    await Promise.all([1, 1, 1, 4, 4].map((version) => load(storage, version)));
    expect(asked).toHaveLength(2);
    await storage.close();
    for (const file of await blobFiles()) {
      const path = join(directory, 'cache', file);
      const bytes = await readFile(path);
      bytes[bytes.length - 1]! ^= 1;
      await chmod(path, 0o600);
      await writeFile(path, bytes);
    }
    const again = withLocalBlobs(remote(), { local, maxBytes: 50_000_000 });
    expect(await load(again, 1)).toEqual([100_000, 1, 1]);
    expect(await load(again, 4)).toEqual([9_000_000, 4, 4]);
    expect(asked).toHaveLength(4);
    expect(await load(again, 1)).toEqual([100_000, 1, 1]);
    expect(asked).toHaveLength(4);
  });

  it('keeps within its bound, and what was used last', async () => {
    await fill();
    await using local = localStore();
    const clock = new SimulatedTime();
    const storage = withLocalBlobs(remote(), { local, maxBytes: 250_000, clock });
    for (const version of [1, 2, 1, 3]) {
      await load(storage, version);
      clock.time += 1000;
    }
    expect(await blobFiles()).toHaveLength(2);
    expect(asked).toHaveLength(3);
    await load(storage, 1);
    expect(asked).toHaveLength(3);
    await load(storage, 2);
    expect(asked).toHaveLength(4);
    // Larger than all room: passed on.
    expect(await load(storage, 4)).toEqual([9_000_000, 4, 4]);
    expect((await blobFiles()).length).toBeLessThanOrEqual(2);
  });

  it('reads parts from what is kept, and fetches no more than a part', async () => {
    await fill();
    const { digest } = (await new Registry({ storage: behind }).getVersion('m@1')).files[0]!;
    await using local = localStore();
    const storage = withLocalBlobs(remote(), { local, maxBytes: 50_000_000 });
    const part = async (): Promise<number> => {
      let size = 0;
      for await (const chunk of (await storage.readBlob(digest, { range: { start: 10, end: 60 } }))!) size += chunk.length;
      return size;
    };
    expect(await part()).toBe(50);
    expect(asked).toHaveLength(1);
    await load(storage, 1);
    const before = asked.length;
    expect(await part()).toBe(50);
    expect(asked).toHaveLength(before);
    await storage.deleteBlob(digest);
    expect(await storage.readBlob(digest)).toBeUndefined();
  });

  it('reads from the slow store when the local one fails', async () => {
    await fill();
    const local = new MemoryStorage();
    const storage = withLocalBlobs(remote(), { local, maxBytes: 50_000_000 });
    local.writeBlob = () => Promise.reject(new Error('disk full'));
    expect(await load(storage, 1)).toEqual([100_000, 1, 1]);
    await local.close();
    expect(await load(storage, 1)).toEqual([100_000, 1, 1]);
    await expect(storage.readBlob((await new Registry({ storage: behind }).getVersion('m@1')).files[0]!.digest, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    await storage.close();
    await expect(storage.read(['a'])).rejects.toMatchObject({ code: 'closed' });
  });

  it('refuses options that are none', () => {
    for (const options of [{ maxBytes: 1 }, { local: new MemoryStorage(), maxBytes: -1 }, { local: new MemoryStorage(), maxBytes: 1, other: 1 }]) {
      expect(() => withLocalBlobs(behind, options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });
});
