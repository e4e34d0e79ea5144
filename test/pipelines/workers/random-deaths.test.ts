import { MemoryStorage, Pipeline, type PipelineEvent, type PipelineResult, type StepHandle } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { faultyStorage } from '../faulty-storage.ts';
import { ManualClock } from '../manual-clock.ts';

const seed = Number(process.env['WORKERS_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
const graphs = Number(process.env['WORKERS_GRAPHS'] ?? 4);

interface Process {
  readonly storage: StorageAdapter;
  readonly clock: ManualClock;
  readonly executor?: 'workers';
}

interface Graph {
  readonly pipeline: Pipeline;
  readonly handles: readonly StepHandle[];
}

/** The same graph for the same number: chains, joins, maps, steps that fail at first or for good, and some that are not to run. */
function graph(number: number, { storage, clock, executor }: Process): Graph {
  const random = seededRandom(number);
  const pipeline = new Pipeline({ name: 'random', storage, clock, executor, lease: '3s', grace: '100ms' });
  const handles: StepHandle[] = [];
  const size = 3 + Math.floor(random() * 5);
  for (let i = 0; i < size; i++) {
    const needs = Object.fromEntries(handles.filter(() => random() < 0.4).map((handle) => [handle.name.replace(' ', ''), handle]));
    const kind = random();
    const retries = { limit: 1, backoff: '100ms' } as const;
    const lasts = Math.floor(random() * 1_500);
    const work = async ({ inputs, run }: { inputs: object; run: { attempt: number; index?: number | undefined } }): Promise<unknown> => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, lasts));
      if (kind < 0.2 && run.attempt === 1) throw new Error(`step ${i} fails at first`);
      if (kind > 0.9 && (run.index ?? 1) === 1) throw new Error(`step ${i} fails`);
      return { i, index: run.index, inputs, weights: new Float64Array(kind < 0.5 ? 4_000 : 4).fill(i) };
    };
    if (random() < 0.3) handles.push(pipeline.map(`step ${i}`, { needs, over: () => [3, 1, 2], retries }, work));
    // Nothing needs it: whether a step is skipped or could not run hangs on what came first.
    else if (random() < 0.1) pipeline.step(`step ${i}`, { needs, when: () => false }, work);
    else handles.push(pipeline.step(`step ${i}`, { needs, retries, trigger: random() < 0.2 ? 'all_done' : 'all_success' }, work));
  }
  return { pipeline, handles };
}

/** What does not hang on which of several steps failed first. */
function endOf(result: PipelineResult, { handles }: Graph): unknown {
  const steps = Object.entries(result.steps).map(([name, { status, attempts, failures, items }]) => {
    const handle = handles.find((each) => each.name === name);
    const output = handle && status === 'succeeded' ? result.output(handle) : undefined;
    return [name, { status, attempts, items, output, failures: failures.map(({ attempt, failure }) => [attempt, failure.message]) }];
  });
  return [result.status, Object.fromEntries(steps)];
}

beforeAll(async () => {
  const pipeline = new Pipeline({ name: 'first', storage: new MemoryStorage(), executor: 'workers' });
  pipeline.step('train', {}, () => 'a model');
  const worker = pipeline.work();
  await pipeline.run();
  await worker.close();
});

describe(`runs whose process and workers die at any moment (WORKERS_SEED=${seed})`, () => {
  it('end as they would have, and no end of a step is taken twice', async () => {
    const random = seededRandom(seed);
    let resumed = 0;
    for (let i = 0; i < graphs; i++) {
      const number = Math.floor(random() * 2 ** 32);
      const clock = new ManualClock();
      const ended = async (running: Promise<PipelineResult>, ms: number): Promise<PipelineResult | undefined> => {
        let result: PipelineResult | undefined;
        running.then((done) => (result = done)).catch(() => undefined);
        for (let passed = 0; passed < ms && result === undefined; passed += 500) await clock.advance(500);
        return result;
      };
      const alone = graph(number, { storage: new MemoryStorage(), clock });
      const undisturbed = (await ended(alone.pipeline.run(), 60_000))!;
      const storage = new MemoryStorage();
      const dying = (calls: number): StorageAdapter => faultyStorage(storage, { call: 1 + Math.floor(random() * calls), effect: random() < 0.5 ? 'none' : 'done', then: 'dead' });
      const executor = 'workers' as const;
      const workers = [dying(60), dying(120), storage].map((mine) => graph(number, { storage: mine, clock, executor }).pipeline.work({ concurrency: 2 }));
      const events: PipelineEvent[] = [];
      const onEvent = (event: PipelineEvent): void => void events.push(event);
      let last = graph(number, { storage: dying(80), clock, executor });
      let result: PipelineResult | 'over' | undefined = await ended(last.pipeline.run({ onEvent }), 3_000);
      if (result === undefined) {
        resumed++;
        last = graph(number, { storage, clock, executor });
        const next = last.pipeline;
        const id = (await next.searchRuns()).items[0]?.id;
        // One that had ended is not to be tried again: it is read.
        const isOver = id !== undefined && ['succeeded', 'failed', 'cancelled'].includes((await next.getRun(id)).status);
        result = isOver ? 'over' : await ended(id === undefined ? next.run({ onEvent }) : next.resume(id, { onEvent, takeOver: true }), 120_000);
      }
      if (result !== 'over') expect(result && endOf(result, last), `graph ${number}`).toEqual(endOf(undisturbed, alone));
      const taken = events.flatMap((event) => (event.type === 'step-succeeded' ? [`${event.step} ${event.index}`] : []));
      expect(taken.length, `graph ${number}`).toBe(new Set(taken).size);
      // What one put up who had lost the run is taken away by those who look for work.
      await clock.advance(3_000);
      expect((await storage.list({ prefix: 'pipelines/random/tasks/' })).entries, `graph ${number}`).toEqual([]);
      for (const worker of workers) void worker.close({ signal: AbortSignal.abort() });
      await clock.advance(100);
    }
    expect(resumed).toBeGreaterThan(0);
  }, 600_000);
});
