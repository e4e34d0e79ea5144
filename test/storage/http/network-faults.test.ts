import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { faultProxy, faults } from './fault-proxy.ts';
import { HastyClock } from './hasty-clock.ts';
import { compareWithOracle, work } from './http-workload.ts';
import { serveStorage } from './storage-server.ts';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const operations = Number(process.env['FAULT_OPERATIONS'] ?? 2_000);

describe(`a network that fails (FAULT_SEED=${seed})`, () => {
  it(`loses and doubles nothing in ${operations} operations of which a fifth of the requests fail`, { timeout: 240_000 }, async () => {
    const store = new MemoryStorage();
    const server = await serveStorage(store);
    const clock = new HastyClock();
    const bounds = new Map<string, () => void>();
    const proxy = await faultProxy({ target: server.port, share: 0.2, random: seededRandom(seed), onSilence: (attempt) => bounds.get(attempt)!() });
    const send = (request: Request): Promise<Response> => {
      const attempt = String(bounds.size);
      request.headers.set('x-attempt', attempt);
      // The time that an attempt has is bounded right before it is sent.
      bounds.set(attempt, clock.latestBound());
      return fetch(request);
    };
    const storage = new HttpStorage(proxy.url, { clock, fetch: send, random: seededRandom(seed + 1), retry: { limit: 40, within: '10000d' } });
    const oracle = await work(storage, { workers: 24, operations, seed, largeBlobs: 3 });
    await storage.close();
    await compareWithOracle(store, oracle);
    expect(oracle.operations).toBeGreaterThanOrEqual(operations);
    for (const fault of faults) expect([fault, proxy.counts.get(fault) ?? 0]).toEqual([fault, expect.toSatisfy((count: number) => count > operations / 1000)]);
    await proxy.close();
    await server.close();
  });

  it('loses and doubles nothing when the server is killed in the middle of the work, again and again', { timeout: 240_000 }, async () => {
    const root = await mkdtemp(join(tmpdir(), 'modelkeep-killed-server-'));
    const random = seededRandom(seed + 2);
    let child = await startServer(root, 0);
    const { port } = child;
    const storage = new HttpStorage(`http://127.0.0.1:${port}`, { clock: new HastyClock(10), random, retry: { limit: 100_000, within: '10000d' } });
    const done = work(storage, { workers: 12, operations: 2_000, seed: seed + 3, largeBlobs: 1 });
    let working = true;
    const ended = done.finally(() => (working = false)).catch(() => undefined);
    let kills = 0;
    for (; kills < 3 && working; kills++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + random() * 300));
      child.process.kill('SIGKILL');
      await once(child.process, 'close');
      child = await startServer(root, port);
    }
    await ended;
    const oracle = await done;
    expect(kills).toBe(3);
    await storage.close();
    child.process.kill('SIGKILL');
    await once(child.process, 'close');
    await using store = new FilesystemStorage(root);
    await compareWithOracle(store, oracle);
    await rm(root, { recursive: true, force: true });
  });
});

async function startServer(root: string, port: number): Promise<{ process: ChildProcess; port: number }> {
  const script = childProgram('server-child.ts', import.meta.url);
  const child = spawn(process.execPath, [script, root, String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [message] = (await Promise.race([once(child, 'message'), once(child, 'close').then(([code]) => Promise.reject(new Error(`The server ended with ${code}.`)))])) as [number];
  return { process: child, port: message };
}
