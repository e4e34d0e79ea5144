import { MemoryStorage, Pipeline, isModelkeepError, type PipelineEvent } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { retryPolicy, retryWaitMs, stableChance } from '../../src/pipelines/retry.ts';
import type { UnitName } from '../../src/pipelines/units.ts';
import { ManualClock, settled } from './manual-clock.ts';

const deferred = <T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } => {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

describe('Pipeline', () => {
  it('runs a typed graph and gives the outputs', async () => {
    const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage(), params: z.object({ month: z.string(), rows: z.coerce.number() }) });
    const rows = pipeline.step('ingest', {}, async ({ params }) => {
      expectTypeOf(params).toEqualTypeOf<{ month: string; rows: number }>();
      return Array.from({ length: params.rows }, (_, i) => ({ i, month: params.month }));
    });
    const first = pipeline.step('first', { needs: { rows } }, ({ inputs }) => inputs.rows[0]!.month);
    const count = pipeline.step('count', { needs: { rows } }, async ({ inputs }) => inputs.rows.length);
    const report = pipeline.step('report', { needs: { first, total: count }, after: [rows] }, async ({ inputs, run }) => {
      expectTypeOf(inputs).toEqualTypeOf<{ readonly first: string; readonly total: number }>();
      return { text: `${inputs.first}: ${inputs.total}`, attempt: run.attempt, step: run.step };
    });
    const nothing = pipeline.step('nothing', { after: [report] }, async () => {});

    const result = await pipeline.run({ params: { month: '2001-02', rows: '3' } });

    expect(result.status).toBe('succeeded');
    expect(result.output(report)).toEqual({ text: '2001-02: 3', attempt: 1, step: 'report' });
    expectTypeOf(result.output(report)).toEqualTypeOf<{ text: string; attempt: number; step: string }>();
    expect(result.output(nothing)).toBeUndefined();
    expect(Object.keys(result.steps)).toEqual(['ingest', 'first', 'count', 'report', 'nothing']);
    expect(result.steps['count']).toMatchObject({ status: 'succeeded', attempts: 1, failures: [] });
    expect(result.timings.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('does not compile when wired wrongly', () => {
    const pipeline = new Pipeline({ name: 'typed', storage: new MemoryStorage(), params: z.object({ month: z.string() }) });
    const count = pipeline.step('count', {}, async () => 3);
    // @ts-expect-error a number has no method toUpperCase
    pipeline.step('wrong type', { needs: { count } }, async ({ inputs }) => inputs.count.toUpperCase());
    // @ts-expect-error there is no such input
    pipeline.step('wrong name', { needs: { count } }, async ({ inputs }) => inputs.counts);
    // @ts-expect-error there is no such param
    pipeline.step('wrong param', {}, async ({ params }) => params.year);
    // @ts-expect-error the schema requires params
    void (() => pipeline.run());
    // @ts-expect-error month is a text
    void (() => pipeline.run({ params: { month: 3 } }));
    const free = new Pipeline({ name: 'free', storage: new MemoryStorage() });
    // @ts-expect-error there is no schema
    void (() => free.run({ params: { month: 'may' } }));
    void (() => free.run());
  });

  it('gives each step copies: what one changes no other sees', async () => {
    const pipeline = new Pipeline({ name: 'copies', storage: new MemoryStorage(), params: z.object({ list: z.array(z.number()) }) });
    const made = { values: new Float64Array([1, 2]), tags: ['a'] };
    const source = pipeline.step('source', {}, async () => made);
    const spoiler = pipeline.step('spoiler', { needs: { source } }, async ({ inputs, params }) => {
      inputs.source.values[0] = 99;
      inputs.source.tags.push('b');
      params.list.push(2);
    });
    const reader = pipeline.step('reader', { needs: { source }, after: [spoiler] }, async ({ inputs, params }) => ({ ...inputs.source, list: params.list }));
    const result = await pipeline.run({ params: { list: [1] } });
    expect(result.output(reader)).toEqual({ values: new Float64Array([1, 2]), tags: ['a'], list: [1] });
    result.output(source).tags.push('c');
    expect(result.output(source).tags).toEqual(['a']);
    expect(made.tags).toEqual(['a']);
  });

  it('lets independent branches run to their end when one fails, and is not green', async () => {
    const pipeline = new Pipeline({ name: 'branches', storage: new MemoryStorage() });
    const a = pipeline.step('a', {}, async () => 1);
    const bad = pipeline.step('bad', { needs: { a } }, async (): Promise<number> => {
      throw new RangeError('no rows');
    });
    const good = pipeline.step('good', { needs: { a } }, async ({ inputs }) => inputs.a + 1);
    const below = pipeline.step('below', { needs: { bad, good } }, async ({ inputs }) => inputs.bad);
    pipeline.step('far below', { after: [below] }, async () => 0);
    const result = await pipeline.run();
    expect(result.status).toBe('failed');
    expect(Object.fromEntries(Object.values(result.steps).map(({ name, status }) => [name, status]))).toEqual({
      a: 'succeeded',
      bad: 'failed',
      good: 'succeeded',
      below: 'upstream_failed',
      'far below': 'upstream_failed',
    });
    expect(result.output(good)).toBe(2);
    expect(result.steps['bad']!.failure).toMatchObject({ name: 'RangeError', message: 'no rows' });
    expect(result.steps['far below']).toMatchObject({ attempts: 0, because: "step 'bad' failed" });
    for (const step of [bad, below]) {
      try {
        result.output(step);
        expect.unreachable();
      } catch (error) {
        expect(isModelkeepError(error, 'pipeline-failed')).toBe(true);
      }
    }
    expect(() => result.output(bad)).toThrow("Step 'bad' of run");
  });

  it('stands steps that throw what is no error', async () => {
    const pipeline = new Pipeline({ name: 'odd', storage: new MemoryStorage() });
    pipeline.step('text', {}, async () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw 'just a text';
    });
    pipeline.step('nothing', {}, () => Promise.reject(undefined as unknown as Error));
    const result = await pipeline.run();
    expect(result.steps['text']!.failure).toEqual({ name: 'string', message: 'just a text' });
    expect(result.steps['nothing']!.failure).toEqual({ name: 'undefined', message: 'undefined' });
  });

  it('retries after the first attempt as often as the limit says, each after a longer wait that keeps the process alive', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'retries', storage: new MemoryStorage(), clock, random: () => 1 });
    const starts: number[] = [];
    const flaky = pipeline.step('flaky', { retries: { limit: 3, backoff: '1s' } }, async ({ run }) => {
      starts.push(clock.now());
      if (run.attempt < 4) throw new Error(`attempt ${run.attempt}`);
      return run.attempt;
    });
    const running = pipeline.run();
    await settled();
    expect(clock.keptAlive).toEqual([1000]);
    await clock.advance(10_000);
    const result = await running;
    expect(result.output(flaky)).toBe(4);
    expect(starts.map((at) => at - starts[0]!)).toEqual([0, 1000, 3000, 7000]);
    expect(result.steps['flaky']!.failures.map(({ failure }) => failure.message)).toEqual(['attempt 1', 'attempt 2', 'attempt 3']);
    expect(clock.pending).toBe(0);
  });

  it('waits the same in a replay when no random source is given: each wait follows from the run, the step, the item and the attempt', async () => {
    const clock = new ManualClock();
    const retries = { limit: 3, backoff: '10s', factor: 3, jitter: 1 } as const;
    const pipeline = new Pipeline({ name: 'replay', storage: new MemoryStorage(), clock });
    pipeline.step('fails', { retries }, () => Promise.reject(new Error('no')));
    pipeline.map('items', { over: [0, 1], retries }, () => Promise.reject(new Error('no')));
    const told: { unit: UnitName; attempt: number; wait: number }[] = [];
    const running = pipeline.run({ onEvent: (event) => event.type === 'step-retrying' && told.push({ unit: event, attempt: event.attempt, wait: event.retryAt - event.at }) });
    await clock.advance(200_000);
    const { id } = await running;
    const policy = retryPolicy(retries, 'retries');
    // As another process works them out, that has been told no more than this.
    expect(told.map(({ unit, attempt }) => retryWaitMs(policy, attempt, stableChance(id, unit, attempt)))).toEqual(told.map(({ wait }) => wait));
    expect(told).toHaveLength(9);
    expect(new Set(told.map(({ wait }) => wait)).size).toBe(9);
  });

  it('fires the signal of an attempt that passes its timeout, and counts it as an attempt', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'timeouts', storage: new MemoryStorage(), clock });
    const signals: AbortSignal[] = [];
    pipeline.step('slow', { timeout: '100ms', retries: { limit: 1, backoff: 10, jitter: 0 } }, ({ signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    const running = pipeline.run();
    await clock.advance(1000);
    const result = await running;
    expect(result.steps['slow']).toMatchObject({ status: 'failed', attempts: 2, failure: { code: 'timeout' } });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(isModelkeepError(signals[0]!.reason, 'timeout')).toBe(true);
  });

  it('leaves a step behind that ignores its signal, after the grace, and does not look at what it returns later', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'deaf', storage: new MemoryStorage(), clock, grace: '2s' });
    const deaf = deferred<string>();
    const step = pipeline.step('deaf', { timeout: '1s' }, () => deaf.promise);
    let ended = false;
    const running = pipeline.run().finally(() => (ended = true));
    await clock.advance(2_999);
    expect(ended).toBe(false);
    await clock.advance(1);
    const result = await running;
    deaf.resolve('too late');
    await settled();
    expect(result.steps['deaf']!.status).toBe('failed');
    expect(() => result.output(step)).toThrow('timeout');
  });

  it('is cancelled by its signal: running steps are told, the others do not start, all is recorded', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'cancel', storage: new MemoryStorage(), clock });
    const controller = new AbortController();
    const a = pipeline.step('a', {}, async () => 1);
    const told: string[] = [];
    const b = pipeline.step('b', { needs: { a } }, ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => {
      told.push('b');
      reject(new Error('stopped'));
    })));
    pipeline.step('waits', { retries: { limit: 1, backoff: '1h' } }, async () => Promise.reject(new Error('once')));
    pipeline.step('c', { after: [b] }, async () => told.push('c'));
    const events: string[] = [];
    const running = pipeline.run({ signal: controller.signal, onEvent: (event) => events.push('step' in event ? `${event.type} ${event.step}` : event.type) });
    await settled();
    controller.abort(new Error('enough'));
    const result = await running;
    expect(told).toEqual(['b']);
    expect(result.status).toBe('cancelled');
    expect(Object.values(result.steps).map(({ status }) => status)).toEqual(['succeeded', 'cancelled', 'cancelled', 'cancelled']);
    expect(events.slice(-4)).toEqual(['step-cancelled waits', 'step-cancelled c', 'step-cancelled b', 'run-finished']);
    const stored = await pipeline.getRun(result.id);
    expect(stored).toMatchObject({ status: 'cancelled', steps: { a: { status: 'succeeded' }, b: { status: 'cancelled' }, c: { status: 'cancelled' } } });
    expect((await pipeline.history(result.id)).map(({ type }) => type)).toEqual(['started', 'cancelled']);
    expect(clock.pending).toBe(0);
  });

  it('keeps the success of a step that ended in spite of the cancellation', async () => {
    const pipeline = new Pipeline({ name: 'finishing', storage: new MemoryStorage() });
    const controller = new AbortController();
    const step = pipeline.step('last', {}, async ({ signal }) => {
      controller.abort();
      return signal.aborted;
    });
    const result = await pipeline.run({ signal: controller.signal });
    expect(result.status).toBe('succeeded');
    expect(typeof result.output(step)).toBe('boolean');
  });

  it('refuses to begin when its signal has fired, and records nothing', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'never', storage });
    pipeline.step('a', {}, async () => 1);
    await expect(pipeline.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect((await storage.list()).entries).toEqual([]);
  });

  it('starts nothing when its signal fires while it begins', async () => {
    const pipeline = new Pipeline({ name: 'late', storage: new MemoryStorage() });
    let executed = 0;
    pipeline.step('a', {}, async () => executed++);
    const controller = new AbortController();
    const onEvent = (event: PipelineEvent): void => void (event.type === 'run-started' && controller.abort());
    const result = await pipeline.run({ signal: controller.signal, onEvent });
    expect(result).toMatchObject({ status: 'cancelled', steps: { a: { status: 'cancelled', attempts: 0 } } });
    expect(executed).toBe(0);
  });

  it('runs at most as many steps at once as it may, first come first served', async () => {
    const pipeline = new Pipeline({ name: 'concurrency', storage: new MemoryStorage() });
    const order: string[] = [];
    let running = 0;
    let most = 0;
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      pipeline.step(name, {}, async () => {
        order.push(name);
        most = Math.max(most, ++running);
        await settled();
        running--;
      });
    }
    await pipeline.run({ concurrency: 2 });
    expect(most).toBe(2);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
    most = 0;
    await pipeline.run();
    expect(most).toBe(5);
  });

  it('tells events in order, each after what it tells of is stored', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'events', storage });
    const a = pipeline.step('a', {}, async () => 1);
    pipeline.step('b', { needs: { a } }, async () => Promise.reject(new Error('no')));
    const events: PipelineEvent[] = [];
    const result = await pipeline.run({ onEvent: (event) => events.push(event) });
    expect(events.map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type))).toEqual([
      'run-started',
      'step-started a',
      'step-succeeded a',
      'step-started b',
      'step-failed b',
      'run-finished',
    ]);
    expect(events.every(({ run, pipeline: name }) => run === result.id && name === 'events')).toBe(true);
    expect(events[0]).toMatchObject({ resumed: false, steps: { total: 2, succeeded: 0 } });
    expect(events.at(-1)).toMatchObject({ status: 'failed' });
  });

  it('is not harmed by a listener that throws or rejects', async () => {
    const errors: unknown[] = [];
    const lines: string[] = [];
    const log = (line: string): number => lines.push(line);
    const pipeline = new Pipeline({
      name: 'listener',
      storage: new MemoryStorage(),
      logger: { debug: log, info: log, warn: log, error: log },
      onError: (error) => {
        errors.push(error);
        throw new Error('and this one throws too');
      },
    });
    pipeline.step('a', {}, async () => 1);
    const throwing = await pipeline.run({ onEvent: () => { throw new Error('broken bar'); } });
    expect(throwing.status).toBe('succeeded');
    expect(errors).toHaveLength(4);
    expect(lines[0]).toContain('broken bar');
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    const rejecting = await pipeline.run({ onEvent: async () => Promise.reject(new Error('later')) });
    await settled();
    expect(rejecting.status).toBe('succeeded');
    expect(errors).toHaveLength(8);
  });

  it('lists its runs, newest first, and none of another pipeline', async () => {
    const storage = new MemoryStorage();
    const pipeline = new Pipeline({ name: 'Nightly / training', storage, params: z.object({ day: z.number() }) });
    pipeline.step('a', {}, async ({ params }) => params.day);
    const other = new Pipeline({ name: 'nightly', storage });
    other.step('a', {}, async () => 1);
    await other.run();
    const ids: string[] = [];
    for (let day = 1; day <= 3; day++) ids.push((await pipeline.run({ params: { day } })).id);
    const listed = [];
    for await (const run of pipeline.runs()) listed.push(run);
    expect(listed.map(({ id }) => id)).toEqual(ids.reverse());
    expect(listed[0]).toMatchObject({ status: 'succeeded', params: { day: 3 }, pipeline: 'Nightly / training' });
    expect(listed[0]!.owner).toBeUndefined();
    await expect(pipeline.getRun('nonsense')).rejects.toMatchObject({ code: 'not-found' });
    await expect(pipeline.history('nonsense')).rejects.toMatchObject({ code: 'not-found' });
    await expect(other.getRun(ids[0]!)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('shows a run that goes on: who works on it and which steps are done', async () => {
    const pipeline = new Pipeline({ name: 'live', storage: new MemoryStorage(), owner: 'host-1' });
    const gate = deferred<void>();
    const a = pipeline.step('a', {}, async () => 1);
    pipeline.step('b', { needs: { a } }, () => gate.promise);
    const running = pipeline.run();
    await settled();
    for await (const { id } of pipeline.runs()) {
      expect(await pipeline.getRun(id)).toMatchObject({ status: 'running', owner: 'host-1', steps: { a: { status: 'succeeded' }, b: { status: 'pending' } } });
    }
    gate.resolve();
    expect((await running).status).toBe('succeeded');
  });
});

describe('bad input', () => {
  const storage = new MemoryStorage();
  const pipeline = new Pipeline({ name: 'p', storage });
  const a = pipeline.step('a', {}, async () => 1);
  const foreign = new Pipeline({ name: 'q', storage }).step('a', {}, async () => 1);
  const twin = new Pipeline({ name: 'p', storage }).step('a', {}, async () => 1);
  const work = async (): Promise<number> => 1;

  it.each<[string, () => unknown, string]>([
    ['a name that is taken', () => pipeline.step('a', {}, work), "has a step 'a' already"],
    ['an empty name', () => pipeline.step('', {}, work), 'name must not be empty'],
    ['a need of another pipeline', () => pipeline.step('x', { needs: { foreign } }, work), "step 'x'.needs.foreign is step 'a' of another definition of pipeline 'q'"],
    ['a need of another definition', () => pipeline.step('x', { needs: { twin } }, work), "of another definition of pipeline 'p'"],
    ['a forged need', () => pipeline.step('x', { needs: { later: { name: 'later', pipeline: 'p' } } }, work), 'give what step() of this pipeline returned'],
    ['a need that is a name', () => pipeline.step('x', { after: ['a' as never] }, work), "step 'x'.after[0] is a string, not a step"],
    ['an unknown option', () => pipeline.step('x', { retry: 3 } as never, work), 'retry'],
    ['a negative limit', () => pipeline.step('x', { retries: { limit: -1 } }, work), "step 'x'.retries.limit must be at least 0"],
    ['half a retry', () => pipeline.step('x', { retries: { limit: 0.5 } }, work), "step 'x'.retries.limit"],
    ['no duration', () => pipeline.step('x', { timeout: '3 parsecs' as never }, work), "step 'x'.timeout"],
    ['no backoff', () => pipeline.step('x', { retries: { limit: 1, backoff: 'soon' as never } }, work), "step 'x'.retries.backoff"],
    ['no function', () => pipeline.step('x', { needs: { a } }, undefined as never), 'not a function'],
    ['no storage', () => new Pipeline({ name: 'x', storage: undefined as never }), 'options.storage'],
    ['no schema', () => new Pipeline({ name: 'x', storage, params: {} as never }), 'options.params'],
    ['no options', () => pipeline.step('x', work as never, work), "The second argument of step 'x' is not an object; give its options, {} for none"],
    ['no clock', () => new Pipeline({ name: 'x', storage, clock: 5 as never }), 'options.clock must be a Clock'],
    ['no listener', () => new Pipeline({ name: 'x', storage, onError: 5 as never }), 'options.onError must be a function'],
    ['no lease', () => new Pipeline({ name: 'x', storage, lease: 0 }), 'options.lease is 0'],
  ])('refuses %s', (_, act, message) => {
    expect(act).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(message) }));
  });

  it('keeps nothing of a step that was refused', async () => {
    expect(() => pipeline.step('refused', { needs: { foreign } }, work)).toThrow();
    expect(Object.keys((await pipeline.run()).steps)).toEqual(['a']);
  });

  it('refuses params before anything is recorded', async () => {
    const own = new MemoryStorage();
    const strict = new Pipeline({ name: 'strict', storage: own, params: z.object({ day: z.number() }) });
    strict.step('a', {}, work);
    await expect(strict.run({ params: { day: 'monday' as never } })).rejects.toMatchObject({ code: 'validation', details: { path: 'params.day' } });
    const odd = new Pipeline({ name: 'odd', storage: own, params: z.object({ at: z.string().transform((text) => new URL(text)) }) });
    odd.step('a', {}, work);
    await expect(odd.run({ params: { at: 'http://host/' } })).rejects.toMatchObject({ code: 'validation', details: { path: 'params.at' } });
    await expect(new Pipeline({ name: 'empty', storage: own }).run()).rejects.toMatchObject({ code: 'validation' });
    await expect(strict.run({ params: { day: 1 }, concurrency: 0 })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.concurrency' } });
    const plain = new Pipeline({ name: 'plain', storage: own });
    plain.step('a', {}, work);
    await expect(plain.run({ paramz: {} } as never)).rejects.toThrow('options has unknown options: paramz');
    await expect(plain.run({ signal: 5 as never })).rejects.toThrow('options.signal must be an AbortSignal');
    await expect(plain.run({ onEvent: 5 as never })).rejects.toThrow('options.onEvent must be a function');
    await expect(plain.resume('x', { takeover: true } as never)).rejects.toThrow('options has unknown options: takeover');
    expect((await own.list()).entries).toEqual([]);
  });

  it('fails a step whose output cannot be kept, names the place, and does not try again', async () => {
    const unkept = new Pipeline({ name: 'unkept', storage: new MemoryStorage() });
    class Model {}
    unkept.step('model', { retries: { limit: 5 } }, async () => ({ metrics: [{ best: new Model() }] }));
    unkept.step('function', {}, async () => ({ predict: () => 1 }));
    const circle: Record<string, unknown> = {};
    circle['self'] = { circle };
    unkept.step('circle', {}, async () => circle);
    let deep: unknown[] = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    unkept.step('deep', {}, async () => deep);
    const { steps } = await unkept.run();
    expect(steps['model']).toMatchObject({ status: 'failed', attempts: 1, failure: { code: 'validation' } });
    expect(steps['model']!.failure!.message).toContain("Step 'model' returned what cannot be kept: output.metrics[0].best is a Model");
    expect(steps['function']!.failure!.message).toContain('output.predict');
    expect(steps['circle']!.failure!.message).toContain('output.self.circle');
    expect(steps['deep']!.failure!.message).toContain('deep');
  });
});
