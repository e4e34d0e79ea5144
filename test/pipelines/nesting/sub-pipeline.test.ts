import { ConflictError, MemoryStorage, Pipeline, type PipelineEvent, type StorageAdapter, type StepHandle, type SubRun } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { ManualClock, settled } from '../manual-clock.ts';
import { gathered } from './gathered.ts';

const numbers = z.object({ rows: z.array(z.number()) });

interface Training {
  readonly training: Pipeline<z.infer<typeof numbers>>;
  readonly fitted: StepHandle<number>;
  /** The steps that ran, in their order. */
  readonly ran: string[];
}

/** A pipeline of two steps, of which the second does as it is told. */
function trainingIn(storage: StorageAdapter, fit: (mean: number, signal: AbortSignal) => number | Promise<number> = (mean) => mean, clock?: ManualClock): Training {
  const ran: string[] = [];
  const training = new Pipeline({ name: 'training', storage, clock, params: numbers });
  const mean = training.step('mean', {}, ({ params }) => {
    ran.push('mean');
    return params.rows.reduce((sum, x) => sum + x, 0) / params.rows.length;
  });
  const fitted = training.step('fit', { needs: { mean } }, ({ inputs, signal }) => {
    ran.push('fit');
    return fit(inputs.mean, signal);
  });
  return { training, fitted, ran };
}

const until = (signal: AbortSignal): Promise<never> => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('a pipeline that is a step', () => {
  it('gets typed params of the inputs, puts out what is made of its result, and leads both ways', async () => {
    const storage = new MemoryStorage();
    const { training, fitted } = trainingIn(storage);
    const nightly = new Pipeline({ name: 'nightly', storage, params: z.object({ scale: z.number() }) });
    const rows = nightly.step('rows', {}, () => [1, 2, 6]);
    const events: PipelineEvent[] = [];
    const train = nightly.step(
      'train',
      { needs: { rows } },
      training.asStep({
        params: ({ inputs, params }) => ({ rows: inputs.rows.map((x) => x * params.scale) }),
        output: (result) => ({ mean: result.output(fitted) }),
        onEvent: (event) => events.push(event),
      }),
    );
    const plain = nightly.step('plain', { needs: { rows } }, training.asStep({ params: ({ inputs }) => ({ rows: inputs.rows }) }));
    const result = await nightly.run({ params: { scale: 10 } });
    expectTypeOf(result.output(train)).toEqualTypeOf<{ mean: number }>();
    expectTypeOf(result.output(plain)).toEqualTypeOf<SubRun>();
    expect(result.output(train)).toEqual({ mean: 30 });

    const { subRuns } = await nightly.getRun(result.id);
    expect(Object.keys(subRuns)).toEqual(['train', 'plain']);
    expect(result.output(plain)).toEqual(subRuns['plain']);
    const below = await training.getRun(subRuns['train']!.run);
    expect(below).toMatchObject({ status: 'succeeded', params: { rows: [10, 20, 60] }, triggeredBy: { kind: 'pipeline', pipeline: 'nightly', run: result.id, step: 'train' }, subRuns: {} });
    expect(new Set(events.map(({ run }) => run))).toEqual(new Set([below.id]));
    expect(events.map(({ type }) => type)).toEqual(['run-started', 'step-started', 'step-succeeded', 'step-started', 'step-succeeded', 'run-finished']);
    expect(await gathered(training.runs())).toHaveLength(2);
  });

  it('is wired with types that do not let it go wrong', () => {
    const storage = new MemoryStorage();
    const { training } = trainingIn(storage);
    const nightly = new Pipeline({ name: 'nightly', storage });
    const texts = nightly.step('texts', {}, () => ['a']);
    // @ts-expect-error: its schema requires params
    training.asStep();
    // @ts-expect-error: rows are numbers
    nightly.step('train', { needs: { texts } }, training.asStep({ params: ({ inputs }) => ({ rows: inputs.texts }) }));
    nightly.asStep();
    // @ts-expect-error: it takes no params
    nightly.asStep({ params: () => ({ rows: [1] }) });
  });

  it('is gone on with by a further attempt, in the one run that there is', async () => {
    const storage = new MemoryStorage();
    let left = 2;
    const { training, fitted, ran } = trainingIn(storage, (mean) => {
      if (left-- > 0) throw new Error('out of memory');
      return mean;
    });
    const nightly = new Pipeline({ name: 'nightly', storage });
    let asked = 0;
    const train = nightly.step('train', { retries: { limit: 2, backoff: 0 } }, training.asStep({ params: () => ({ rows: [++asked] }), output: (result) => result.output(fitted) }));
    const result = await nightly.run();
    expect(result.output(train)).toBe(1);
    expect(ran).toEqual(['mean', 'fit', 'fit', 'fit']);
    expect(asked).toBe(1);
    const [run, ...others] = await gathered(training.runs());
    expect(others).toEqual([]);
    expect((await training.history(run!.id)).map(({ type }) => type)).toEqual(['started', 'failed', 'resumed', 'failed', 'resumed', 'succeeded']);
  });

  it('fails its step with the name of what failed in it, and is tried again when the run is resumed', async () => {
    const storage = new MemoryStorage();
    let broken = true;
    const { training, ran } = trainingIn(storage, (mean) => {
      if (broken) throw new Error('out of memory');
      return mean;
    });
    const errors: unknown[] = [];
    const nightly = new Pipeline({ name: 'nightly', storage });
    const retryIf = (error: unknown): boolean => errors.push(error) < 0;
    nightly.step('train', { retries: { limit: 1, retryIf } }, training.asStep({ params: () => ({ rows: [1] }) }));
    const first = await nightly.run();
    const { run } = (await nightly.getRun(first.id)).subRuns['train']!;
    expect(first.steps['train']!.failure).toEqual({ name: 'ModelkeepError', code: 'pipeline-failed', message: `Run ${run} of pipeline 'training' failed: step 'fit' failed: out of memory` });
    expect(errors).toMatchObject([{ details: { pipeline: 'training', run, status: 'failed', step: 'fit', failure: { message: 'out of memory' } } }]);
    broken = false;
    expect((await nightly.resume(first.id)).status).toBe('succeeded');
    expect(ran).toEqual(['mean', 'fit', 'fit']);
    expect((await training.getRun(run)).status).toBe('succeeded');
  });

  it('is not run again when it had finished before its step was recorded', async () => {
    const storage = new MemoryStorage();
    const { training, fitted, ran } = trainingIn(storage);
    const nightly = new Pipeline({ name: 'nightly', storage });
    let outputs = 0;
    const output = (result: { output(step: StepHandle<number>): number }): number => {
      if (outputs++ === 0) throw new Error('as if the process had ended here');
      return result.output(fitted);
    };
    const train = nightly.step('train', {}, training.asStep({ params: () => ({ rows: [4] }), output }));
    const first = await nightly.run();
    expect(first.status).toBe('failed');
    expect((await nightly.resume(first.id)).output(train)).toBe(4);
    expect(ran).toEqual(['mean', 'fit']);
  });

  it('is cancelled with its step, and gone on with when that is resumed', async () => {
    const storage = new MemoryStorage();
    const stop = new AbortController();
    const { training, ran } = trainingIn(storage, (mean, signal) => {
      if (stop.signal.aborted) return mean;
      stop.abort();
      return until(signal);
    });
    const nightly = new Pipeline({ name: 'nightly', storage });
    nightly.step('train', {}, training.asStep({ params: () => ({ rows: [1] }) }));
    const first = await nightly.run({ signal: stop.signal });
    expect(first.status).toBe('cancelled');
    const { run } = (await nightly.getRun(first.id)).subRuns['train']!;
    expect(await training.getRun(run)).toMatchObject({ status: 'cancelled', steps: { mean: { status: 'succeeded' }, fit: { status: 'cancelled' } } });
    expect((await nightly.resume(first.id)).status).toBe('succeeded');
    expect(ran).toEqual(['mean', 'fit', 'fit']);
    expect(await gathered(training.runs())).toMatchObject([{ id: run, status: 'succeeded' }]);
  });

  it('that a timeout has left behind is waited for by the next attempt, never doubled', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const hung: (() => void)[] = [];
    const { training, ran, fitted } = trainingIn(
      storage,
      // Ignores its signal for as long as the pipeline of its step has patience, and longer.
      (mean) => (hung.length === 0 ? new Promise<number>((resolve) => hung.push(() => resolve(mean))) : mean),
      clock,
    );
    const nightly = new Pipeline({ name: 'nightly', storage, clock, grace: '1s' });
    const train = nightly.step('train', { timeout: '10s', retries: { limit: 1, backoff: 0 } }, training.asStep({ params: () => ({ rows: [3] }), output: (result) => result.output(fitted) }));
    const running = nightly.run();
    await clock.advance(11_000);
    await clock.advance(1_000);
    expect(ran).toEqual(['mean', 'fit']);
    hung[0]!();
    await clock.advance(10_000);
    expect((await running).output(train)).toBe(3);
    expect(await gathered(training.runs())).toHaveLength(1);
    expect(ran.filter((step) => step === 'mean')).toHaveLength(1);
  });

  it('that somebody else works on is waited for, and its result taken', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const gates: ((value: number) => void)[] = [];
    let failing = true;
    const fit = (): Promise<number> => {
      if (failing) throw new Error('first');
      return new Promise((resolve) => gates.push(resolve));
    };
    const { training, fitted, ran } = trainingIn(storage, fit, clock);
    const nightly = new Pipeline({ name: 'nightly', storage, clock });
    const train = nightly.step('train', {}, training.asStep({ params: () => ({ rows: [3] }), output: (result) => result.output(fitted) }));
    const first = await nightly.run();
    failing = false;
    const byHand = training.resume((await nightly.getRun(first.id)).subRuns['train']!.run);
    await settled();
    const again = nightly.resume(first.id);
    await clock.advance(5_000);
    gates[0]!(7);
    await byHand;
    await clock.advance(5_000);
    expect((await again).output(train)).toBe(7);
    expect(ran).toEqual(['mean', 'fit', 'fit']);
  });

  it('does not begin when its params do not validate or cannot be made', async () => {
    const storage = new MemoryStorage();
    const { training } = trainingIn(storage);
    const nightly = new Pipeline({ name: 'nightly', storage });
    nightly.step('wrong', {}, training.asStep({ params: () => ({ rows: ['a'] as unknown as number[] }) }));
    const thrown = new ConflictError('Another has the lock.');
    nightly.step('none', {}, training.asStep({ params: () => Promise.reject(thrown) }));
    const { steps } = await nightly.run();
    expect(steps['wrong']!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining('rows') });
    expect(steps['none']!.failure).toMatchObject({ code: 'conflict', message: thrown.message });
    expect(await gathered(training.runs())).toEqual([]);
  });
});

describe('before anything runs', () => {
  const storage = new MemoryStorage();
  const named = (name: string): Pipeline => new Pipeline({ name, storage });

  it.each([['by its own hand', ['a']], ['by another', ['a', 'b']], ['at two removes', ['a', 'b', 'c']]])('a pipeline that runs itself %s is refused', async (_how, names) => {
    const pipelines = names.map(named);
    pipelines.forEach((pipeline, i) => pipeline.step('below', {}, pipelines[(i + 1) % pipelines.length]!.asStep()));
    const circle = [...names, names[0]].join(' → ');
    await expect(pipelines[0]!.run()).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(circle) });
    expect(() => pipelines[0]!.start()).toThrow(circle);
    expect(await gathered(pipelines[0]!.runs())).toEqual([]);
  });

  it('another definition of the same pipeline is the pipeline itself', async () => {
    const pipeline = named('a');
    const other = named('a');
    other.step('inner', {}, () => 1);
    pipeline.step('below', {}, other.asStep());
    await expect(pipeline.run()).rejects.toMatchObject({ code: 'validation' });
  });

  it('one that two others run is no circle', async () => {
    const [top, left, right, bottom] = ['top', 'left', 'right', 'bottom'].map(named) as [Pipeline, Pipeline, Pipeline, Pipeline];
    top.step('left', {}, left.asStep());
    top.step('right', {}, right.asStep());
    left.step('bottom', {}, bottom.asStep());
    right.step('bottom', {}, bottom.asStep());
    bottom.step('work', {}, () => 1);
    expect((await top.run()).status).toBe('succeeded');
    expect(await gathered(bottom.runs())).toHaveLength(2);
  });

  it('one below that has no steps is refused', async () => {
    const [top, middle, bottom] = ['top', 'middle', 'bottom'].map(named) as [Pipeline, Pipeline, Pipeline];
    top.step('middle', {}, middle.asStep());
    middle.step('bottom', {}, bottom.asStep());
    await expect(top.run()).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("'bottom' has no steps") });
  });

  it('a step at the end cannot be one', () => {
    const bottom = named('bottom');
    expect(() => named('top').finally('clean', {}, bottom.asStep())).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it.each([{ surprise: 1 }, { output: 1 }, { params: {} }, { onEvent: 1 }, { concurrency: 0 }])('options %j are refused', (options) => {
    expect(() => named('bottom').asStep(options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('a run is not resumed with another pipeline in the place of a step', async () => {
    const failing = named('failing');
    failing.step('work', {}, () => {
      throw new Error('always');
    });
    const before = named('changing');
    before.step('below', {}, failing.asStep());
    const { id } = await before.run();
    const after = named('changing');
    const other = named('other');
    other.step('work', {}, () => 1);
    after.step('below', {}, other.asStep());
    await expect(after.resume(id)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("step 'below' runs pipeline 'other' instead of pipeline 'failing'") });
  });
});
