import { describe, expect, it } from 'vitest';
import { EventClock } from './event-clock.ts';
import { doublingModel, outcomeOf, runnerOf } from './runner-world.ts';

/** Runs batches of all sizes through, so that the runner knows what they take. */
async function taught(runner: ReturnType<typeof runnerOf<number, number>>['runner'], clock: EventClock, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    for (let i = 0; i < size; i++) outcomeOf(runner.run(i));
    await clock.run();
    await clock.run(clock.now() + 10_000);
  }
}

describe('batches', () => {
  it('take in what comes at the same moment, without a wait', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: {} });
    const outcomes = [1, 2, 3].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    expect(model.batches).toEqual([[1, 2, 3]]);
    expect(outcomes.map(({ value }) => value)).toEqual([2, 4, 6].map((output) => ({ output, queueMs: 0, computeMs: 10, batchSize: 3 })));
  });

  it('grow while the model is busy, and go as soon as it is free', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 4 } });
    outcomeOf(runner.run(0));
    await clock.run(5);
    for (let i = 1; i <= 6; i++) outcomeOf(runner.run(i));
    await clock.run();
    expect(model.batches).toEqual([[0], [1, 2, 3, 4], [5, 6]]);
    expect(clock.now()).toBe(30);
  });

  it('go at once when they are full, before the turn is over', () => {
    const clock = new EventClock();
    const model = doublingModel(clock);
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 2 } });
    outcomeOf(runner.run(1));
    expect(model.batches).toEqual([]);
    outcomeOf(runner.run(2));
    expect(model.batches).toEqual([[1, 2]]);
  });

  it('wait for a next one that is expected soon enough to be worth it, and no longer than that', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 100, perItemMs: 1 });
    const { runner } = runnerOf(model, { clock, batching: { maxDelay: '1s' } });
    await taught(runner, clock, [1, 2, 3, 4, 5, 6]);
    // A pace of 10 ms is learned while the model is busy.
    for (let i = 0; i < 80; i++) {
      outcomeOf(runner.run(i));
      await clock.run(clock.now() + 10);
    }
    await clock.run();
    const from = clock.now();
    model.batches.length = 0;
    const [first, second] = [outcomeOf(runner.run(1)), (await clock.run(from + 10), outcomeOf(runner.run(2)))];
    await clock.run();
    expect(model.batches).toEqual([[1, 2]]);
    // Two wait: a third would have had to come within (100 - 2 · 1) / 3 ms.
    expect(second.value?.queueMs).toBeCloseTo(98 / 3, 6);
    expect(first.value?.queueMs).toBeCloseTo(10 + 98 / 3, 6);
  });

  it('do not wait for company that would come too late to be worth it, nor beyond maxDelay', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: { maxDelay: '2ms' } });
    await taught(runner, clock, [1, 2, 3, 4, 5, 6]);
    // Ten seconds between them.
    const lone = outcomeOf(runner.run(1));
    await clock.run();
    expect(lone.value?.queueMs).toBe(0);
    for (let i = 0; i < 200; i++) {
      outcomeOf(runner.run(i));
      await clock.run(clock.now() + 1);
    }
    await clock.run();
    const patient = outcomeOf(runner.run(1));
    await clock.run();
    expect(patient.value?.queueMs).toBe(2);
  });

  it('are filled up to the sizes that the model takes', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock);
    const { runner } = runnerOf(model, { clock, batching: { sizes: [1, 4, 8], pad: (last) => -last } });
    const outcomes = [1, 2, 3, 4, 5].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    outcomeOf(runner.run(9));
    await clock.run();
    expect(model.batches).toEqual([[1, 2, 3, 4, 5, -5, -5, -5], [9]]);
    expect(outcomes.map(({ value }) => [value?.output, value?.batchSize])).toEqual([2, 4, 6, 8, 10].map((output) => [output, 5]));
  });

  it('hold inputs of one kind only, those first that have waited longest', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 3, batchKey: (x) => x % 2 } });
    const outcomes = [1, 2, 3, 4, 6, 8].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    // The even ones were three first, and are too many by one.
    expect(model.batches).toEqual([[2, 4, 6], [1, 3], [8]]);
    expect(outcomes.map(({ value }) => value?.output)).toEqual([2, 4, 6, 8, 12, 16]);
  });

  it('are bounded in bytes, and a request that is larger than that goes alone', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: { maxBytes: 100 } });
    for (const bytes of [40, 50, 30, 500, 10]) outcomeOf(runner.run(bytes, { bytes }));
    await clock.run();
    expect(model.batches).toEqual([[40, 50], [30], [500], [10]]);
  });

  it('go several at once where the model takes several', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 2, concurrency: 3 } });
    for (let i = 0; i < 8; i++) outcomeOf(runner.run(i));
    expect([runner.inFlight, runner.queued]).toEqual([6, 2]);
    await clock.run();
    expect(clock.now()).toBe(20);
  });

  it('leave out whose time would be up before the model has answered, and tell them before it computes', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 90, perItemMs: 5 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 4 } });
    await taught(runner, clock, [1, 2, 3, 4, 2]);
    model.batches.length = 0;
    outcomeOf(runner.run(0));
    await clock.run(clock.now() + 1);
    const outcomes = [500, 150, 500, 500, 500].map((timeoutMs, i) => outcomeOf(runner.run(i + 1, { timeoutMs })));
    await clock.run(clock.now() + 94);
    expect(outcomes[1]?.error).toMatchObject({ code: 'timeout', details: { limitMs: 150 } });
    expect(outcomes[1]?.error?.message).toContain('could not have been answered');
    await clock.run();
    expect(model.batches).toEqual([[0], [1, 3, 4, 5]]);
  });

  it('are rather made smaller than that one in them is late, when that keeps nobody waiting who waits already', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 10, perItemMs: 20 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 8 } });
    await taught(runner, clock, [1, 2, 3, 4, 5]);
    model.batches.length = 0;
    const outcomes = [55, 500, 500].map((timeoutMs, i) => outcomeOf(runner.run(i, { timeoutMs })));
    await clock.run();
    expect(model.batches).toEqual([[0, 1], [2]]);
    expect(outcomes.every(({ value }) => value !== undefined)).toBe(true);
  });

  it('go on to be tried when all seem too late, so that a model which became faster is noticed', async () => {
    const clock = new EventClock();
    let ms = 1000;
    const predictBatch = async (inputs: readonly number[]): Promise<number[]> => (await clock.sleep(ms), [...inputs]);
    const { runner } = runnerOf({ predictBatch }, { clock, batching: { maxSize: 2 }, limits: { timeout: '5s' } });
    await taught(runner, clock, [1, 2, 1, 2, 1, 2]);
    ms = 10;
    const outcomes: ReturnType<typeof outcomeOf>[] = [];
    for (let i = 0; i < 100; i++) {
      outcomes.push(outcomeOf(runner.run(i, { timeoutMs: 100 })));
      await clock.run(clock.now() + 20);
    }
    await clock.run();
    expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  });
});

describe('a batch that fails', () => {
  const poisoned = (bad: ReadonlySet<number>) => {
    const batches: number[][] = [];
    const predictBatch = (inputs: readonly number[]): number[] => {
      batches.push([...inputs]);
      if (inputs.some((input) => bad.has(input))) throw new Error('segmentation fault');
      return inputs.map((input) => input * 2);
    };
    return { batches, predictBatch };
  };

  it('fails one request where there is an error in the place of its output', async () => {
    const predictBatch = (inputs: readonly number[]): (number | Error)[] => inputs.map((input) => (input < 0 ? new RangeError('negative') : Math.sqrt(input)));
    const { clock, runner } = runnerOf({ predictBatch }, { batching: {} });
    const outcomes = [4, -1, 9].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    expect(outcomes.map(({ value, error }) => value?.output ?? error?.message)).toEqual([2, 'model@1 failed: negative', 3]);
  });

  it.each([1, 2, 3])('is divided until its %i poisoned inputs fail alone', async (bad) => {
    for (let first = 0; first < 32; first++) {
      const inputs = new Set(Array.from({ length: bad }, (_, i) => (first + i * 11) % 32));
      const model = poisoned(inputs);
      const { clock, runner } = runnerOf(model, { batching: { maxSize: 32 } });
      const outcomes = Array.from({ length: 32 }, (_, i) => outcomeOf(runner.run(i)));
      await clock.run();
      expect(outcomes.map(({ value, error }) => value?.output ?? error?.code)).toEqual(outcomes.map((_, i) => (inputs.has(i) ? 'model-failed' : i * 2)));
      expect(model.batches.length).toBeLessThanOrEqual(1 + 2 * bad * 5);
    }
  });

  it('is not divided for ever when the model itself is at fault', async () => {
    const model = poisoned(new Set(Array.from({ length: 32 }, (_, i) => i)));
    const { clock, runner } = runnerOf(model, { batching: { maxSize: 32 } });
    const outcomes = Array.from({ length: 32 }, (_, i) => outcomeOf(runner.run(i)));
    await clock.run();
    expect(outcomes.map(({ error }) => error?.code)).toEqual(Array(32).fill('model-failed'));
    expect(model.batches.length).toBe(7);
    expect(runner.breaker).toBe('open');
  });

  it('fails as a whole where it is not to be divided', async () => {
    const model = poisoned(new Set([2]));
    const { clock, runner } = runnerOf(model, { batching: { bisect: false } });
    const outcomes = [1, 2, 3].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    expect(outcomes.map(({ error }) => error?.code)).toEqual(Array(3).fill('model-failed'));
    expect(model.batches).toEqual([[1, 2, 3]]);
  });

  it.each([
    ['too few', (inputs: readonly number[]) => inputs.slice(1), 'gave 2 outputs for 3 inputs'],
    ['too many', (inputs: readonly number[]) => [...inputs, 0], 'gave 4 outputs for 3 inputs'],
    ['none', () => undefined, 'gave undefined in the place of an array'],
    ['no array', (inputs: readonly number[]) => ({ length: inputs.length }), 'in the place of an array'],
  ])('fails as a whole, without a second try, when it gave %s outputs', async (_, predictBatch, message) => {
    let calls = 0;
    const { clock, runner } = runnerOf({ predictBatch: (inputs: readonly number[]) => (calls++, predictBatch(inputs) as number[]) }, { batching: {} });
    const outcomes = [1, 2, 3].map((x) => outcomeOf(runner.run(x)));
    await clock.run();
    for (const { error } of outcomes) expect(error).toMatchObject({ code: 'model-failed', message: expect.stringContaining(message) as string });
    expect(calls).toBe(1);
  });
});
