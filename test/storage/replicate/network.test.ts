import { isModelkeepError, MemoryStorage, replicate } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { faultProxy } from '../http/fault-proxy.ts';
import { HastyClock } from '../http/hasty-clock.ts';
import { serveStorage } from '../http/storage-server.ts';
import { append, contentsOf, put, putWithBlob, remove } from './contents.ts';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

describe(`replication over a network that fails (FAULT_SEED=${seed})`, () => {
  it.each([0, 3])('loses and doubles nothing when a request is tried %i times more before a pass fails', { timeout: 180_000 }, async (limit) => {
    const random = seededRandom(seed);
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const server = await serveStorage(b);
    const clock = new HastyClock();
    const bounds = new Map<string, () => void>();
    const proxy = await faultProxy({ target: server.port, share: 0.2, random, onSilence: (attempt) => bounds.get(attempt)!() });
    const send = (request: Request): Promise<Response> => {
      const attempt = String(bounds.size);
      request.headers.set('x-attempt', attempt);
      bounds.set(attempt, clock.latestBound());
      return fetch(request);
    };
    const to = new HttpStorage(proxy.url, { clock, fetch: send, random, retry: { limit, within: '10000d' } });
    let failures = 0;
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 12; i++) await put(a, `runs/${Math.floor(random() * 30)}`, `round ${round}, ${i}`);
      for (let i = 0; i < 3; i++) await append(a, `runs/${i}`, random() < 0.5 ? 'v' : 'w', `${round} ${i}`, `${round} ${i} too`);
      await append(a, 'metrics', 'w', ...Array.from({ length: 50 }, (_, i) => `${round} ${i}`));
      await putWithBlob(a, `models/${round % 3}`, `model ${round}`, utf8(`weights ${round % 5}`.repeat(1000)));
      await remove(a, `runs/${Math.floor(random() * 30)}`);
      if (round === 5) await a.deleteLog('runs/1');
      // Each pass is a link of its own, as after a crash.
      for (let settled = false; !settled; ) {
        await using link = replicate({ from: a, to, id: 'x', clock });
        settled = await link.settled().then(
          () => true,
          (error: unknown) => {
            expect(isModelkeepError(error, 'unavailable', 'timeout'), String(error)).toBe(true);
            failures++;
            return false;
          },
        );
        expect(link.conflicts()).toEqual([]);
      }
      expect(await contentsOf(b)).toEqual(await contentsOf(a));
    }
    if (limit === 0) expect(failures).toBeGreaterThan(5);
    await to.close();
    await proxy.close();
    await server.close();
  });
});
