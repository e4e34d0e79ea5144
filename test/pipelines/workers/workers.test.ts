import { MemoryStorage, Pipeline, Tracker, type PipelineOptions, type PipelineResult, type StepContext, type StepHandle, type StepWorker } from 'modelkeep';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock, settled } from '../manual-clock.ts';
import { PausableClock } from './pausable-clock.ts';

type Context = StepContext<Record<never, never>, undefined>;
type Work = (context: Context, process: string) => unknown;

let clock: ManualClock;
let storage: MemoryStorage;
let errors: unknown[];
let workers: StepWorker[];
let ran: string[];

// What is loaded when it is asked for takes time that no clock tells.
beforeAll(async () => {
  const pipeline = new Pipeline({ name: 'first', storage: new MemoryStorage(), executor: 'workers', tracker: new Tracker({ storage: new MemoryStorage() }) });
  pipeline.step('train', { cache: { version: '1' } }, ({ log, track }) => track().then(() => log.info('loaded')));
  const worker = pipeline.work();
  await pipeline.run();
  await worker.close();
});

beforeEach(() => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  errors = [];
  workers = [];
  ran = [];
});

afterEach(async () => {
  const stop = AbortSignal.abort();
  for (const worker of workers) void worker.close({ signal: stop });
  await clock.advance(60_000);
});

/** What a process has of the pipeline: one step, unless `more` adds others. */
function define(process: string, work: Work, options: Partial<PipelineOptions<undefined, undefined>> = {}, step: object = {}): { pipeline: Pipeline; train: StepHandle } {
  const pipeline = new Pipeline({ name: 'spread', storage, clock, owner: process, executor: 'workers', grace: '1s', onError: (error) => errors.push(error), ...options });
  const train = pipeline.step('train', step, async (context: Context) => {
    ran.push(`${process} ${context.run.attempt}`);
    return work(context, process);
  });
  return { pipeline, train };
}

function working(...terms: Parameters<typeof define>): Pipeline {
  const { pipeline } = define(...terms);
  workers.push(pipeline.work());
  return pipeline;
}

async function ended(running: Promise<PipelineResult>, ms: number): Promise<PipelineResult> {
  running.catch(() => undefined);
  await clock.advance(ms);
  return running;
}

const forever: Work = () => new Promise(() => undefined);
const heeding: Work = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const tasks = async (): Promise<number> => (await storage.list({ prefix: 'pipelines/spread/tasks/' })).entries.length;

describe('an attempt in another process', () => {
  it('gives its output, its log and its run of the Tracker, and what is cached is taken', async () => {
    const tracker = new Tracker({ storage, clock });
    const work: Work = async ({ log, track }) => {
      log.info('works');
      (await track()).logMetrics({ auc: 0.8 });
      return new Float64Array(5_000).fill(3);
    };
    const step = { cache: { version: '1' }, when: () => true };
    working('worker', work, { tracker }, step);
    const { pipeline, train } = define('driver', forever, {}, step);
    const made = await ended(pipeline.run(), 10_000);
    const taken = await ended(pipeline.run(), 10_000);
    expect(made.output(train)).toEqual(new Float64Array(5_000).fill(3));
    expect(taken.steps['train']).toMatchObject({ attempts: 0, cache: { run: made.id } });
    expect(ran).toEqual(['worker 1']);
    const lines: string[] = [];
    for await (const { text } of pipeline.logs(made.id, { step: 'train' })) lines.push(text);
    expect(lines).toEqual(['works']);
    expect((await tracker.searchRuns({ filter: `pipelineRun = '${made.id}'` })).items.map(({ status }) => status)).toEqual(['finished']);
    expect([await tasks(), errors]).toEqual([0, []]);
  });

  it('is tried again as its retries say, by its own timeout and by what it throws', async () => {
    working('worker', ({ run }) => (run.attempt === 1 ? new Promise(() => undefined) : run.attempt === 2 ? Promise.reject(new Error('no luck')) : 'model'), {}, { timeout: '2s', retries: { limit: 2, backoff: '1s' } });
    const { pipeline, train } = define('driver', forever, {}, { timeout: '2s', retries: { limit: 2, backoff: '1s' } });
    const events: string[] = [];
    const result = await ended(pipeline.run({ onEvent: ({ type }) => events.push(type) }), 20_000);
    expect(result.output(train)).toBe('model');
    expect(result.steps['train']!.failures.map(({ failure }) => failure.code ?? failure.message)).toEqual(['timeout', 'no luck']);
    expect(ran).toEqual(['worker 1', 'worker 2', 'worker 3']);
    expect(events).toEqual(['run-started', 'step-started', 'step-retrying', 'step-started', 'step-retrying', 'step-started', 'step-succeeded', 'run-finished']);
  });

  it('is told by its signal that the run was cancelled, or that its time or the run\'s is over', async () => {
    working('worker', heeding, {}, { totalTimeout: '20s' });
    const stop = new AbortController();
    const cancelled = define('driver', forever, {}, {}).pipeline.run({ signal: stop.signal });
    await clock.advance(2_000);
    stop.abort();
    expect((await ended(cancelled, 3_000)).steps['train']).toMatchObject({ status: 'cancelled', because: 'the run was cancelled while it ran' });
    const late = await ended(define('driver', forever, {}, { totalTimeout: '20s' }).pipeline.run(), 25_000);
    expect(late.steps['train']).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
    const over = await ended(define('driver', forever, { runTimeout: '5s' }).pipeline.run(), 10_000);
    expect(over).toMatchObject({ status: 'failed', failure: { code: 'timeout' }, steps: { train: { status: 'cancelled' } } });
    expect(ran).toEqual(['worker 1', 'worker 1', 'worker 1']);
    expect([await tasks(), errors]).toEqual([0, []]);
  });

  it('that nobody makes is over when its run is stopped, and one whose maker is gone when that has lost it', async () => {
    const { pipeline } = define('driver', forever, {}, { totalTimeout: '5s' });
    expect((await ended(pipeline.run(), 10_000)).steps['train']).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
    const dead = new PausableClock(clock);
    working('dead', forever, { clock: dead });
    const running = define('driver', forever, {}, { totalTimeout: '5s' }).pipeline.run();
    await clock.advance(1_000);
    dead.pause();
    await clock.advance(20_000);
    let isOver = false;
    void running.then(() => (isOver = true));
    await settled();
    expect(isOver).toBe(false);
    expect((await ended(running, 20_000)).steps['train']).toMatchObject({ status: 'failed', failure: { code: 'timeout' } });
    expect([ran, await tasks()]).toEqual([['dead 1'], 0]);
    dead.resume();
  });
});

describe('a process that makes attempts', () => {
  it('loses them when it is paused beyond its lease, and what it then comes to is not taken, though nobody else is done', async () => {
    const paused = new PausableClock(clock);
    let wake!: (value: string) => void;
    let finish!: (value: string) => void;
    working('paused', () => new Promise((resolve) => (wake = resolve)), { clock: paused });
    const { pipeline, train } = define('driver', forever);
    const events: string[] = [];
    const running = pipeline.run({ onEvent: ({ type }) => events.push(type) });
    await clock.advance(1_000);
    paused.pause();
    working('next', () => new Promise((resolve) => (finish = resolve)));
    await clock.advance(25_000);
    expect(ran).toEqual(['paused 1']);
    await clock.advance(10_000);
    expect(ran).toEqual(['paused 1', 'next 1']);
    wake('of the one that was paused');
    await settled();
    paused.resume();
    await clock.advance(5_000);
    expect(events).toEqual(['run-started', 'step-started']);
    finish('of the next');
    const result = await ended(running, 5_000);
    expect(result.output(train)).toBe('of the next');
    expect(events).toEqual(['run-started', 'step-started', 'step-succeeded', 'run-finished']);
    expect([await tasks(), errors]).toEqual([0, []]);
  });

  it('keeps what takes longer than its lease, and is not disturbed by one that looks for work', async () => {
    working('slow', ({ signal }) => new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve('stopped'));
      clock.setTimer(() => resolve('model'), 200_000);
    }));
    const { pipeline, train } = define('driver', forever);
    const running = pipeline.run();
    await clock.advance(1_000);
    working('eager', () => 'of the eager');
    expect((await ended(running, 210_000)).output(train)).toBe('model');
    expect(ran).toEqual(['slow 1']);
  });

  it('gives back what it makes when its closing is cut short', async () => {
    const closing = working('closing', heeding);
    const { pipeline, train } = define('driver', forever);
    const running = pipeline.run();
    await clock.advance(1_000);
    const stop = new AbortController();
    const closed = workers[0]!.close({ signal: stop.signal });
    working('next', () => 'of the next');
    await clock.advance(1_000);
    expect(ran).toEqual(['closing 1']);
    stop.abort();
    expect((await ended(running, 5_000)).output(train)).toBe('of the next');
    await closed;
    expect([ran, workers[0]!.running, closing.name, errors]).toEqual([['closing 1', 'next 1'], 0, 'spread', []]);
  });

  it('makes none of another definition, and says so once', async () => {
    working('old', () => 'of the old', {}, { cache: { version: '1' } });
    const { pipeline, train } = define('driver', forever, {}, { cache: { version: '2' } });
    const running = pipeline.run();
    await clock.advance(10_000);
    expect(errors).toMatchObject([{ code: 'validation', message: expect.stringContaining('another: the graph or the cache version of a step differs') as unknown }]);
    working('new', () => 'of the new', {}, { cache: { version: '2' } });
    expect((await ended(running, 5_000)).output(train)).toBe('of the new');
    expect(ran).toEqual(['new 1']);
  });

  it('tries to record for a while when the store fails', async () => {
    const faulty = faultyStorage(storage, { call: { write: 'pipelines/spread/tasks/', nth: 2 }, effect: 'none', then: 'alive' });
    working('worker', () => 'model', { storage: faulty });
    const { pipeline, train } = define('driver', forever);
    expect((await ended(pipeline.run(), 10_000)).output(train)).toBe('model');
    expect([ran, errors]).toMatchObject([['worker 1'], [{ code: 'storage' }]]);
  });
});

describe('a run whose attempts are made by others', () => {
  it('gets what was made while nobody had it, and has nothing made twice', async () => {
    const died = faultyStorage(storage, { call: { write: 'pipelines/spread/leases/', nth: 2 }, effect: 'none', then: 'dead' });
    let finish!: (value: string) => void;
    working('worker', () => new Promise((resolve) => (finish = resolve)));
    const first = define('first', forever, { storage: died });
    first.pipeline.run().catch(() => undefined);
    await clock.advance(25_000);
    const next = define('next', forever);
    const { id } = (await next.pipeline.searchRuns()).items[0]!;
    const resumed = next.pipeline.resume(id, { takeOver: true });
    await clock.advance(1_000);
    finish('model');
    expect((await ended(resumed, 5_000)).output(next.train)).toBe('model');
    expect([ran, await tasks()]).toEqual([['worker 1'], 0]);
  });

  it('counts what goes on, over all who work for it, and the slots of its pools', async () => {
    const most = { all: 0, gpu: 0 };
    const now = { all: 0, gpu: 0 };
    const spread = (process: string): Pipeline => {
      const { pipeline } = define(process, () => 'first', { pools: { gpu: 2 } });
      for (let i = 0; i < 8; i++) {
        const pool = i % 2 === 0 ? { pool: 'gpu' } : {};
        pipeline.step(`step ${i}`, pool, async () => {
          now.all++;
          if (i % 2 === 0) now.gpu++;
          most.all = Math.max(most.all, now.all);
          most.gpu = Math.max(most.gpu, now.gpu);
          await new Promise<void>((resolve) => clock.setTimer(resolve, 3_000));
          now.all--;
          if (i % 2 === 0) now.gpu--;
        });
      }
      return pipeline;
    };
    workers.push(spread('a').work({ concurrency: 3 }), spread('b').work({ concurrency: 3 }));
    const result = await ended(spread('driver').run({ concurrency: 5 }), 60_000);
    expect([result.status, most]).toEqual(['succeeded', { all: 5, gpu: 2 }]);
  });

  it('ends with the error of damage when what an attempt works on is lost, and can be resumed', async () => {
    const [a, b] = ['worker', 'driver'].map((process) => {
      const { pipeline, train } = define(process, () => new Float64Array(5_000).fill(1));
      const sum = pipeline.step('sum', { needs: { train } }, () => 'summed');
      return { pipeline, sum };
    }) as [{ pipeline: Pipeline; sum: StepHandle<string> }, { pipeline: Pipeline; sum: StepHandle<string> }];
    let damaged = false;
    const broken: StorageAdapter = { ...faultyStorage(storage, { call: -1, effect: 'none', then: 'alive' }), readBlob: (...read) => (damaged ? storage.readBlob(...read) : ((damaged = true), Promise.resolve(undefined))) };
    const worker = new Pipeline({ name: 'spread', storage: broken, clock, owner: 'broken', executor: 'workers' });
    const needs = worker.step('train', {}, () => new Float64Array(5_000).fill(1));
    worker.step('sum', { needs: { train: needs } }, () => 'summed');
    workers.push(worker.work());
    await expect(ended(b.pipeline.run(), 10_000)).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('is lost') as unknown });
    workers.push(a.pipeline.work());
    const { id } = (await b.pipeline.searchRuns()).items[0]!;
    expect((await ended(b.pipeline.resume(id), 10_000)).output(b.sum)).toBe('summed');
  });
});
