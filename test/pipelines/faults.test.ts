import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isModelkeepError, MemoryStorage, Pipeline, Tracker, type PipelineResult, type StepHandle } from 'modelkeep';
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
    pipeline.step('huge', { retries: { limit: 3 } }, () => ({ weights: new Uint8Array(2 ** 30) }));
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

/** What is thrown though it is no error, and what is recorded of it. */
const thrown: readonly (readonly [what: string, value: unknown, failure: object])[] = [
  ['nothing', undefined, { name: 'undefined', message: 'undefined' }],
  ['null', null, { name: 'object', message: 'null' }],
  ['a text', 'out of luck', { name: 'string', message: 'out of luck' }],
  ['half a character', '\ud800', { name: 'string', message: '\ufffd' }],
  ['a symbol', Symbol('luck'), { name: 'symbol', message: 'Symbol(luck)' }],
  ['a bigint', 7n, { name: 'bigint', message: '7' }],
  ['a frozen object', Object.freeze({ code: 'E_LUCK', message: 'frozen' }), { name: 'Error', message: 'frozen', code: 'E_LUCK' }],
  ['an object without a prototype', Object.create(null), { name: 'Error', message: '[object Object]' }],
  ['a function', () => 1, { name: 'function', message: '() => 1' }],
  ['an error whose message cannot be read', Object.defineProperty(new Error(), 'message', { get: () => fail() }), { name: 'Error', message: 'What was thrown could not be read.' }],
  ['an error whose message and code are no texts', Object.assign(new Error(), { message: 7, code: 404, name: null }), { name: 'Error', message: '[object Error]' }],
  ['a Proxy that throws whatever it is asked', new Proxy({}, Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, fail]))), { name: 'Error', message: 'What was thrown could not be read.' }],
];

function fail(): never {
  throw new Error('it does not want to be looked at');
}

describe('a step that throws', () => {
  it.each(thrown)('%s fails with what can be said of it, whatever kind of step it is, here and in another process', async (_, value, failure) => {
    const throws = (): never => {
      throw value;
    };
    for (const executor of [undefined, 'workers'] as const) {
      const storage = new MemoryStorage();
      const errors: unknown[] = [];
      const tracker = new Tracker({ storage });
      const define = (): Pipeline => {
        const inner = new Pipeline({ name: 'inner', storage });
        inner.step('throws', {}, throws);
        const pipeline = new Pipeline({ name: 'throws', storage, executor, tracker, onError: (error) => errors.push(error) });
        const retries = { limit: 1, backoff: 0 };
        pipeline.step('step', { retries, cache: { version: '1' } }, throws);
        pipeline.step('tracked', {}, ({ track }) => track().then(throws));
        pipeline.step('rejects', { retries: { ...retries, retryIf: (error) => !Object.is(error, value) } }, () => Promise.reject(value as Error));
        pipeline.step('asks', { when: throws }, () => 1);
        pipeline.step('retries', { retries: { limit: 1, retryIf: throws } }, throws);
        pipeline.step('streams', {}, async function* () {
          yield new Uint8Array(1);
          await Promise.resolve();
          throws();
        });
        pipeline.gate('gate', {}, throws);
        pipeline.map('lists', { over: throws }, () => 1);
        pipeline.map('maps', { over: [1, 2], retries }, throws);
        pipeline.quarantine('sets aside', {}, throws);
        pipeline.approval('approves', { ask: throws });
        pipeline.sleep('sleeps', { until: throws });
        pipeline.step('nests', {}, inner.asStep());
        pipeline.step('nests badly', {}, inner.asStep({ output: throws }));
        pipeline.finally('end', {}, throws);
        return pipeline;
      };
      const worker = executor && define().work({ concurrency: 16 });
      const { steps } = await define().run({ concurrency: 16 });
      await worker?.close();
      const found = Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, [step.status, step.attempts, step.failure]]));
      const plain = ['failed', 1, failure];
      const about = (failure as { message: string }).message;
      expect(found).toEqual({
        step: ['failed', 2, failure],
        tracked: plain,
        rejects: plain,
        asks: plain,
        retries: ['failed', 1, { name: 'ValidationError', code: 'validation', message: `The retryIf of step 'retries' threw (${about}) when it was asked about: ${about}` }],
        streams: plain,
        gate: plain,
        lists: plain,
        maps: ['failed', 1, expect.objectContaining({ message: expect.stringContaining(about) as string })],
        'sets aside': plain,
        approves: plain,
        sleeps: plain,
        nests: ['failed', 1, expect.objectContaining({ code: 'pipeline-failed', message: expect.stringContaining(about) as string })],
        'nests badly': ['failed', 1, expect.objectContaining({ code: 'pipeline-failed', message: expect.stringContaining(about) as string })],
        end: plain,
      });
      expect(errors).toEqual([]);
    }
  });

  it.each(thrown)('%s throws no error of this package', (_, value) => {
    expect(isModelkeepError(value)).toBe(false);
  });

  it.each(thrown)('%s is heard by nobody when a listener does', async (_, value) => {
    const errors: unknown[] = [];
    const pipeline = new Pipeline({ name: 'listens', storage: new MemoryStorage(), onError: (error) => errors.push(error), logger: { debug: fail, info: fail, warn: fail, error: fail } });
    pipeline.step('step', {}, () => 1);
    const onEvent = (): never => {
      throw value;
    };
    expect((await pipeline.run({ onEvent })).status).toBe('succeeded');
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

describe(`a clock that jumps back and forth (FAULT_SEED=${seed})`, () => {
  it('changes nothing of what runs come to, and has no step run twice', async () => {
    const random = seededRandom(seed);
    for (let round = 0; round < 10; round++) {
      const clock = new ManualClock();
      let set = 0;
      const wall = { now: () => clock.now() + set, monotonic: () => clock.monotonic(), setTimer: clock.setTimer.bind(clock) };
      const storage = new MemoryStorage();
      const counts = new Map<string, number>();
      const pipeline = new Pipeline({ name: 'jumps', storage, clock: wall, grace: 0, lease: '1m', runTimeout: '30d' });
      const last: StepHandle<number>[] = [];
      for (let i = 0; i < 6; i++) {
        const fails = Math.floor(random() * 3);
        const work = async ({ run }: { run: { step: string; attempt: number } }): Promise<number> => {
          counts.set(`${run.step} ${run.attempt}`, (counts.get(`${run.step} ${run.attempt}`) ?? 0) + 1);
          await new Promise<void>((resolve) => clock.setTimer(resolve, random() * 40_000));
          if (run.attempt <= fails) throw new Error('not yet');
          return i;
        };
        last.push(pipeline.step(`s${i}`, { after: last.slice(-1), retries: { limit: 2, backoff: '20s', jitter: 0 } }, work));
      }
      pipeline.sleep('rest', { for: '2m' });
      const running = pipeline.run();
      let result: PipelineResult | undefined;
      running.then((done) => (result = done)).catch(() => undefined);
      for (let turn = 0; turn < 400 && result === undefined; turn++) {
        set = Math.round((random() - 0.5) * 2 * 86_400_000);
        await clock.advance(5_000);
      }
      // A sleep that was begun while the clock was ahead lasts until the clock is there.
      set = 0;
      for (let turn = 0; turn < 3_000 && result === undefined; turn++) await clock.advance(30_000);
      expect(result?.status).toBe('succeeded');
      expect(new Set(counts.values())).toEqual(new Set([1]));
      expect(result!.timings.durationMs).toBeGreaterThanOrEqual(0);
      for (const { durationMs = 0 } of Object.values(result!.steps)) expect(durationMs).toBeGreaterThanOrEqual(0);
    }
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
