import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineResult, type StepWorker } from 'modelkeep';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import { ManualClock, settled } from '../manual-clock.ts';
import { loadAll } from './load-all.ts';

let clock: ManualClock;
let storage: MemoryStorage;
let cleaned: string[];

beforeAll(loadAll);

beforeEach(() => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  cleaned = [];
});

interface Terms {
  readonly name?: string;
  readonly executor?: 'workers' | undefined;
}

/** A pipeline with a step at its end, which tells how the others ended. */
function define(add: (pipeline: Pipeline) => void, { name = 'cancelled', executor }: Terms = {}): Pipeline {
  const pipeline = new Pipeline({ name, storage, clock, executor, grace: '1s', lease: '30m' });
  add(pipeline);
  pipeline.finally('clean', {}, ({ states, signal }) => {
    cleaned.push(`${name}: ${Object.entries(states).map(([step, { status }]) => `${step} ${status}`).join(', ')}${signal.aborted ? ', aborted' : ''}`);
  });
  return pipeline;
}

async function ended(running: Promise<PipelineResult>, ms = 10_000): Promise<PipelineResult> {
  running.catch(() => undefined);
  await clock.advance(ms);
  return running;
}

/** A signal that fires when the run is gone on with. */
function atOnce(): { signal: AbortSignal; onEvent: (event: PipelineEvent) => void } {
  const stop = new AbortController();
  return { signal: stop.signal, onEvent: ({ type }) => type === 'run-started' && stop.abort() };
}

const heeding = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
const typesOf = async (pipeline: Pipeline, id: string): Promise<string[]> => (await pipeline.history(id)).map(({ type }) => type);

describe('a run that is cancelled', () => {
  it('while nobody has it, for it waits for a person: ends with its last steps, and nobody decides any more', async () => {
    const pipeline = define((made) => {
      const approved = made.approval('approve', { ask: () => 'Go?' });
      made.step('after', { after: [approved] }, () => 1);
    });
    const { id, status } = await ended(pipeline.run());
    expect(status).toBe('waiting');
    const result = await ended(pipeline.resume(id, atOnce()));
    expect(result.status).toBe('cancelled');
    expect(result.steps['approve']).toMatchObject({ status: 'cancelled', because: 'the run was cancelled while it waited' });
    expect(cleaned).toEqual(['cancelled: approve cancelled, after cancelled']);
    expect((await pipeline.waiting()).items).toEqual([]);
    await expect(pipeline.approve(id, 'approve', { by: 'ada' })).rejects.toMatchObject({ code: 'conflict' });
    expect(await typesOf(pipeline, id)).toEqual(['started', 'waiting', 'resumed', 'cancelled']);
    // Whoever keeps the pipeline leaves it alone.
    await using keeper = pipeline.start();
    await clock.advance(60_000);
    await keeper.idle();
    expect((await pipeline.getRun(id)).status).toBe('cancelled');
    // Tried again, it asks anew.
    expect((await ended(pipeline.resume(id))).status).toBe('waiting');
    expect((await pipeline.waiting()).items).toHaveLength(1);
  });

  it('while it sleeps: wakes at once, and sleeps the whole time when it is tried again', async () => {
    const pipeline = define((made) => made.sleep('night', { for: '8h' }));
    const stop = new AbortController();
    const running = pipeline.run({ signal: stop.signal });
    await clock.advance(3_600_000);
    stop.abort();
    const result = await ended(running, 0);
    expect(result.steps['night']).toMatchObject({ status: 'cancelled', because: 'the run was cancelled while it waited' });
    expect([result.status, cleaned, clock.keptAlive]).toEqual(['cancelled', ['cancelled: night cancelled'], []]);
    const began = clock.now();
    const again = pipeline.resume(result.id).then(({ status }) => [status, clock.now() - began]);
    await clock.advance(9 * 3_600_000);
    expect(await again).toEqual(['succeeded', 8 * 3_600_000]);
  });

  it('while another process makes its attempt: that is told by its signal, and its last step is made there too', async () => {
    const reasons: unknown[] = [];
    const spread = (): Pipeline => define((made) => made.step('train', {}, ({ signal }) => heeding(signal).catch((error: unknown) => (reasons.push(error), Promise.reject(error as Error)))), { executor: 'workers' });
    const worker: StepWorker = spread().work();
    const pipeline = spread();
    const stop = new AbortController();
    const running = pipeline.run({ signal: stop.signal });
    await clock.advance(5_000);
    stop.abort();
    const result = await ended(running);
    expect(result.status).toBe('cancelled');
    expect(reasons).toMatchObject([{ code: 'aborted', message: expect.stringContaining('cancelled') as string }]);
    expect(cleaned).toEqual(['cancelled: train cancelled']);
    expect((await storage.list({ prefix: 'pipelines/cancelled/tasks/' })).entries).toEqual([]);
    void worker.close();
    await clock.advance(60_000);
  });

  it('while a run within it goes on: that is cancelled first, with its own last step', async () => {
    const inner = define((made) => {
      const slow = made.step('slow', {}, ({ signal }) => heeding(signal));
      made.sleep('rest', { for: '1h' });
      made.step('after', { after: [slow] }, () => 1);
    }, { name: 'inner' });
    const outer = define((made) => made.step('nested', {}, inner.asStep()), { name: 'outer' });
    const stop = new AbortController();
    const running = outer.run({ signal: stop.signal });
    await clock.advance(5_000);
    stop.abort();
    const result = await ended(running);
    expect(result.status).toBe('cancelled');
    expect(cleaned).toEqual(['inner: slow cancelled, rest cancelled, after cancelled', 'outer: nested cancelled']);
    const { run } = (await outer.getRun(result.id)).subRuns['nested']!;
    expect(await inner.getRun(run)).toMatchObject({ status: 'cancelled', steps: { rest: { because: 'the run was cancelled while it waited' } } });
    expect(clock.keptAlive).toEqual([]);
  });

  it('twice, or after its end, is cancelled once, or not at all', async () => {
    let aborts = 0;
    const pipeline = define((made) => made.step('slow', {}, ({ signal }) => {
      signal.addEventListener('abort', () => aborts++);
      return heeding(signal);
    }));
    const stop = new AbortController();
    const running = pipeline.run({ signal: stop.signal });
    await settled();
    stop.abort(new Error('first'));
    stop.abort(new Error('second'));
    const first = await ended(running);
    expect([first.status, aborts, cleaned.length]).toEqual(['cancelled', 1, 1]);
    // Cancelled again in the next round, which is another.
    const second = await ended(pipeline.resume(first.id, atOnce()));
    expect([second.status, cleaned.length]).toEqual(['cancelled', 2]);
    expect(await typesOf(pipeline, first.id)).toEqual(['started', 'cancelled', 'resumed', 'cancelled']);

    const late = new AbortController();
    const done = define((made) => made.step('quick', {}, () => 1), { name: 'done' });
    const result = await ended(done.run({ signal: late.signal }));
    late.abort();
    await clock.advance(10_000);
    expect([result.status, (await done.getRun(result.id)).status, await typesOf(done, result.id)]).toEqual(['succeeded', 'succeeded', ['started', 'succeeded']]);
    await expect(done.resume(result.id, { signal: late.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(clock.pending).toBe(0);
  });

  it('by whoever ends the keeping of its schedule: it is cancelled, and those that waited for their turn are left to the next', async () => {
    const begun: number[] = [];
    let hangs = true;
    const scheduled = (): Pipeline => define((made) => made.step('train', {}, ({ signal }) => {
      begun.push(clock.now());
      return hangs ? heeding(signal) : undefined;
    }));
    const start = clock.now() - 3 * 3_600_000;
    const terms = { name: 'hourly', every: '1h', start, catchup: true, maxActiveRuns: 1 } as const;
    const pipeline = scheduled();
    await pipeline.schedule(terms);
    const keeper = pipeline.start();
    await clock.advance(10);
    expect([keeper.running, begun.length]).toEqual([1, 1]);
    const closed = keeper.close({ signal: AbortSignal.abort() });
    await clock.advance(2_000);
    await closed;
    expect(begun).toHaveLength(1);
    expect((await pipeline.searchRuns()).items.map(({ status }) => status)).toEqual(['cancelled']);
    hangs = false;
    const next = scheduled();
    await next.schedule(terms);
    const later = next.start();
    await clock.advance(60_000);
    await later.idle();
    const ends = (await next.searchRuns({ orderBy: ['startedAt'] })).items.map(({ status }) => status);
    expect(ends).toEqual(['cancelled', 'succeeded', 'succeeded']);
    await later.close();
    expect(cleaned).toHaveLength(3);
  });
});
