import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, type PipelineResult } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { childProgram } from '../child-program.ts';
import { createStorageHandler, toNodeHandler } from '../../src/server.ts';
import { HastyClock } from '../storage/http/hasty-clock.ts';
import { listen } from '../storage/http/storage-server.ts';
import { exitPipeline } from './exit-pipeline.ts';
import { ManualClock, settled } from './manual-clock.ts';

const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

describe('a step that', () => {
  it('ends its process: what had ended before is kept, and the run goes on in another', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-exit-'));
    const child = fork(childProgram('exit-child.ts', import.meta.url), [directory], { execArgv: [] });
    expect(await once(child, 'exit')).toEqual([7, null]);
    const storage = new FilesystemStorage(directory);
    const pipeline = exitPipeline(storage, () => 'done');
    for await (const { id } of pipeline.runs()) {
      const result = await pipeline.resume(id, { takeOver: true });
      expect(result).toMatchObject({ status: 'succeeded', steps: { first: { attempts: 1 }, second: { attempts: 1 } } });
    }
    await storage.close();
    rmSync(directory, { recursive: true });
  });

  it('returns more than is kept fails with a code and a size, at once', async () => {
    const pipeline = new Pipeline({ name: 'huge', storage: new MemoryStorage() });
    // Never touched, so it takes no memory.
    pipeline.step('huge', { retries: { limit: 3 } }, () => ({ weights: new Uint8Array(2 ** 29 + 1) }));
    const { steps } = await pipeline.run();
    expect(steps['huge']).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'validation' } });
    expect(steps['huge']!.failure!.message).toContain('at most 536870912 are kept');
  });

  it('hangs in a run of others holds up none of them, and its late answer changes nothing', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'hangs', storage: new MemoryStorage(), clock, grace: '1s' });
    let answer!: (value: string) => void;
    const deaf = pipeline.step('deaf', { timeout: '10s', allowFailure: true }, () => new Promise<string>((resolve) => (answer = resolve)));
    const after = pipeline.step('after', { after: [deaf], trigger: 'all_done' }, () => {
      answer('late');
      return settled().then(() => 'went on');
    });
    const running = pipeline.run();
    await clock.advance(11_000);
    const result = await running;
    expect([result.status, result.output(after), result.steps['deaf']!.status]).toEqual(['succeeded', 'went on', 'failed']);
  });
});

describe('a clock that jumps', () => {
  it.each([-86_400_000, 86_400_000])('by %d ms lengthens no wait and shortens no timeout', async (jump) => {
    const clock = new ManualClock();
    let set = 0;
    const wall = { now: () => clock.now() + set, monotonic: () => clock.monotonic(), setTimer: clock.setTimer.bind(clock) };
    const pipeline = new Pipeline({ name: 'jumps', storage: new MemoryStorage(), clock: wall, grace: 0, lease: 60_000, runTimeout: '1h' });
    pipeline.step('flaky', { retries: { limit: 1, backoff: '10s', jitter: 0 } }, ({ run }) => (run.attempt === 1 ? Promise.reject(new Error('once')) : 'done'));
    pipeline.step('slow', { totalTimeout: '20s', allowFailure: true }, () => new Promise(() => undefined));
    const began = clock.now();
    let ended = 0;
    const running = pipeline.run().finally(() => (ended = clock.now()));
    await clock.advance(5_000);
    set = jump;
    await clock.advance(30_000);
    const result = await running;
    expect(result.status).toBe('succeeded');
    expect(ended - began).toBe(20_000);
    expect(result.timings.durationMs).toBeGreaterThanOrEqual(0);
  });
});

describe(`a store that answers 500 to a tenth of its requests (FAULT_SEED=${seed})`, () => {
  it('ends each run as it would have, and runs each step once', async () => {
    const random = seededRandom(seed);
    const handler = toNodeHandler(createStorageHandler(new MemoryStorage(), { authorize: 'public' }));
    let refused = 0;
    const server = await listen((request, response) => {
      if (random() >= 0.1) return void handler(request, response);
      refused++;
      request.resume();
      response.writeHead(500).end();
    });
    const storage = new HttpStorage(server.url, { clock: new HastyClock(), random, retry: { limit: 40, within: '10000d' } });
    const counts = new Map<string, number>();
    for (let i = 0; i < 4; i++) {
      const pipeline = new Pipeline({ name: `p${i}`, storage });
      const count = ({ run }: { run: { id: string; step: string } }): Uint8Array => {
        counts.set(run.id + run.step, (counts.get(run.id + run.step) ?? 0) + 1);
        return new Uint8Array(20_000).fill(i);
      };
      const a = pipeline.step('a', {}, count);
      const sides = ['b', 'c', 'd'].map((name) => pipeline.step(name, { after: [a] }, count));
      const last = pipeline.step('last', { after: sides }, count);
      const result: PipelineResult = await pipeline.run();
      expect(result.status).toBe('succeeded');
      expect(result.output(last)).toEqual(new Uint8Array(20_000).fill(i));
    }
    expect(new Set(counts.values())).toEqual(new Set([1]));
    expect(counts.size).toBe(20);
    expect(refused).toBeGreaterThan(0);
    await storage.close();
    await server.close();
  });
});
