import { promisify } from 'node:util';
import { MemoryStorage } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/core/digest.ts';
import { listen, serveStorage } from './storage-server.ts';

describe('connections', () => {
  it('are used again, whatever was answered and whoever stopped reading', async () => {
    const store = new MemoryStorage();
    const bytes = new Uint8Array(100_000);
    const { digest } = await store.writeBlob((async function* () { yield bytes; })());
    await store.append('log', Array.from({ length: 100 }, () => new Uint8Array(10)));
    const server = await serveStorage(store);
    const storage = new HttpStorage(server.url);
    let connections = 0;
    server.server.on('connection', () => connections++);
    for (let round = 0; round < 50; round++) {
      expect(await storage.read(['absent'])).toEqual([undefined]);
      expect(await storage.readBlob(digestOf('absent'))).toBeUndefined();
      expect(await storage.readBlob(digest, { range: { start: 200_000 } })).toBeDefined();
      await expect(storage.deleteBlob(digest, { match: 'other' })).rejects.toMatchObject({ code: 'conflict' });
      await expect(storage.call({ domain: 'registry', method: 'nonsense', input: {}, prefix: '' })).rejects.toMatchObject({ code: 'not-found' });
      for await (const entry of storage.readLog('log')) if (entry.sequence === 100) break;
    }
    // An answer that nobody reads to its end takes its connection with it; all others leave theirs.
    expect(connections).toBeLessThan(60);
    expect(await promisify(server.server.getConnections.bind(server.server))()).toBeLessThan(10);
    await storage.close();
    await server.close();
  });

  it('do not follow a redirect, with the token or without', async () => {
    const seen: (string | undefined)[] = [];
    const server = await listen((request, response) => {
      seen.push(request.url);
      response.writeHead(307, { location: '/login' }).end();
    });
    const storage = new HttpStorage(server.url, { token: 'secret' });
    await expect(storage.list()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('answered with a redirect to /login') as string });
    expect(seen).toEqual(['/v1/records?limit=1000']);
    await server.close();
  });

  it('to where nobody listens are refused, and said to be', async () => {
    const server = await listen(() => undefined);
    await server.close();
    const storage = new HttpStorage(server.url, { retry: { limit: 1, initial: 1 } });
    await expect(storage.list()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('did not reach the server (ECONNREFUSED)') as string });
  });
});
