import { ValidationError } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { callerOf } from '../../../src/core/abort.ts';
import { EventClock } from './event-clock.ts';
import { doublingModel, outcomeOf, runnerOf } from './runner-world.ts';

describe('a model runner', () => {
  it('answers at once what a model answers at once, without a timer', () => {
    const { clock, runner } = runnerOf({ predict: (x: number) => x + 1 });
    void runner.run(1);
    expect([clock.pending, runner.inFlight, runner.queued]).toEqual([0, 0, 0]);
  });

  it('tells what an answer took', async () => {
    const clock = new EventClock();
    const { runner } = runnerOf({ predict: async (x: number) => (await clock.sleep(30), x + 1) }, { clock, limits: { inFlight: 1 } });
    const [first, second] = [outcomeOf(runner.run(1)), outcomeOf(runner.run(2))];
    expect([runner.inFlight, runner.queued]).toEqual([1, 1]);
    await clock.run();
    expect(first.value).toEqual({ output: 2, queueMs: 0, computeMs: 30, batchSize: 1 });
    expect(second.value).toEqual({ output: 3, queueMs: 30, computeMs: 30, batchSize: 1 });
    expect(clock.pending).toBe(0);
  });

  it('refuses what its options cannot mean', () => {
    const predictBatch = (inputs: readonly number[]): number[] => [...inputs];
    expect(() => runnerOf({ predict: (x: number) => x }, { batching: {} })).toThrow('has no predictBatch');
    expect(() => runnerOf({})).toThrow('neither predict nor predictBatch');
    expect(() => runnerOf({ predictBatch }, { batching: { sizes: [4, 2] } })).toThrow('batching.sizes must ascend');
    expect(() => runnerOf({ predictBatch }, { batching: { sizes: [1, 4], maxSize: 8 } })).toThrow('the largest of batching.sizes is 4');
    expect(() => runnerOf({ predictBatch }, { batching: { maxSize: 8 }, limits: { inFlight: 4 } })).toThrow('no batch of 8 could go');
    expect(() => runnerOf({ predictBatch }, { limits: { timeout: 'soon' as never } })).toThrow('limits.timeout is');
    expect(() => runnerOf({ predictBatch }, { limits: { breaker: { window: 5 } } })).toThrow('limits.breaker.minRequests is 10');
    expect(() => runnerOf({ predictBatch }, { batching: { maxsize: 1 } as never })).toThrow('batching has unknown options: maxsize');
  });

  it('refuses with overloaded when too much waits, and says when to come again', async () => {
    const clock = new EventClock();
    const { runner } = runnerOf({ predict: async (x: number) => (await clock.sleep(100), x) }, { clock, limits: { inFlight: 1, queue: 2 } });
    for (let i = 0; i < 6; i++) {
      void runner.run(i);
      await clock.run();
    }
    const outcomes = Array.from({ length: 5 }, (_, i) => outcomeOf(runner.run(i)));
    await clock.run(clock.now());
    expect(outcomes.map(({ error }) => error?.code)).toEqual([undefined, undefined, undefined, 'overloaded', 'overloaded']);
    // One is in the model and two wait, 100 ms each.
    expect(outcomes[3]?.error?.details).toMatchObject({ retryAfterMs: 300 });
    await clock.run();
    expect(outcomes.slice(0, 3).map(({ value }) => value?.output)).toEqual([0, 1, 2]);
  });

  it('bounds what waits in bytes', async () => {
    const clock = new EventClock();
    const { runner } = runnerOf({ predict: async (x: number) => (await clock.sleep(100), x) }, { clock, limits: { inFlight: 1, queueBytes: 100 } });
    const outcomes = [60, 60, 40, 1].map((bytes) => outcomeOf(runner.run(bytes, { bytes })));
    await clock.run();
    expect(outcomes.map(({ value, error }) => value?.output ?? error?.code)).toEqual([60, 60, 40, 'overloaded']);
  });

  it('refuses at once what could not be answered in its time', async () => {
    const clock = new EventClock();
    const { runner } = runnerOf({ predict: async (x: number) => (await clock.sleep(100), x) }, { clock, limits: { inFlight: 1, timeout: 250 } });
    for (let i = 0; i < 5; i++) {
      void runner.run(i);
      await clock.run();
    }
    const outcomes = Array.from({ length: 4 }, (_, i) => outcomeOf(runner.run(i)));
    await clock.run();
    expect(outcomes.map(({ value, error }) => value?.output ?? error?.code)).toEqual([0, 1, 'overloaded', 'overloaded']);
  });

  it('frees the caller of a model that hangs, asks the model to stop, and keeps its place taken until it has', async () => {
    let stopped = false;
    let end!: () => void;
    const { clock, runner } = runnerOf(
      {
        predict: (x: number, { signal }: { signal: AbortSignal }) => {
          signal.addEventListener('abort', () => (stopped = true));
          return new Promise<number>((resolve) => (end = () => resolve(x)));
        },
      },
      { limits: { timeout: '1s', inFlight: 1 } },
    );
    const outcome = outcomeOf(runner.run(1));
    await clock.run(999);
    expect([outcome, stopped]).toEqual([{}, false]);
    await clock.run(1000);
    expect([outcome.error?.code, stopped, runner.inFlight]).toEqual(['timeout', true, 1]);
    end();
    await clock.run();
    expect(runner.inFlight).toBe(0);
  });

  it('opens its breaker on a model that hangs, also by those that only waited for it', async () => {
    const { clock, runner } = runnerOf({ predict: () => new Promise<number>(() => undefined) }, { limits: { timeout: '1s', inFlight: 1, breaker: { openFor: '5s' } } });
    const outcomes = Array.from({ length: 10 }, (_, i) => outcomeOf(runner.run(i)));
    await clock.run(1000);
    expect(outcomes.map(({ error }) => error?.code)).toEqual(Array(10).fill('timeout'));
    expect(runner.breaker).toBe('open');
    const refused = outcomeOf(runner.run(11));
    await clock.run(1000);
    expect(refused.error).toMatchObject({ code: 'unavailable', details: { retryAfterMs: 5000 } });
  });

  it('takes out of the queue whoever leaves, and stops the model when nobody is left', async () => {
    const seen: number[] = [];
    let stopped = 0;
    const clock = new EventClock();
    const predictBatch = async (inputs: readonly number[], { signal }: { signal: AbortSignal }): Promise<number[]> => {
      seen.push(...inputs);
      signal.addEventListener('abort', () => stopped++);
      await clock.sleep(100);
      return [...inputs];
    };
    const { runner } = runnerOf({ predictBatch }, { clock, batching: { maxSize: 2 } });
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const outcomes = controllers.map(({ signal }, i) => outcomeOf(runner.run(i, { caller: callerOf(signal) })));
    controllers[2]?.abort(new Error('page closed'));
    controllers[0]?.abort();
    await clock.run(50);
    expect([stopped, runner.inFlight]).toEqual([0, 2]);
    controllers[1]?.abort();
    expect(stopped).toBe(1);
    await clock.run();
    expect(outcomes.map(({ value, error }) => value?.output ?? error?.code)).toEqual(['aborted', 'aborted', 'aborted', 3]);
    expect(outcomes[2]?.error?.cause).toMatchObject({ message: 'page closed' });
    expect(seen).toEqual([0, 1, 3]);
    const before = outcomeOf(runner.run(9, { caller: callerOf(AbortSignal.abort()) }));
    await clock.run();
    expect([before.error?.code, seen.length]).toEqual(['aborted', 3]);
  });

  it('says by codes what failed, and passes on what an error of the package says', async () => {
    const cause = new RangeError('bad weights');
    const invalid = new ValidationError('input.age is missing.', { path: 'input.age' });
    const { clock, runner, told } = runnerOf({
      predict: (x: string): number => {
        throw x === 'invalid' ? invalid : cause;
      },
    });
    const [failed, refused] = [outcomeOf(runner.run('x')), outcomeOf(runner.run('invalid'))];
    await clock.run();
    expect(failed.error).toMatchObject({ code: 'model-failed', cause, message: 'model@1 failed: bad weights' });
    expect(refused.error).toBe(invalid);
    expect(told).toEqual([]);
  });

  it('tells onError what fails after its caller has left, and not that it was stopped', async () => {
    const clock = new EventClock();
    const { runner, told } = runnerOf(
      {
        predict: async (x: string, { signal }: { signal: AbortSignal }): Promise<number> => {
          await clock.sleep(2000);
          if (x === 'stops') signal.throwIfAborted();
          throw new Error('out of memory');
        },
      },
      { clock, limits: { timeout: '1s' } },
    );
    outcomeOf(runner.run('stops'));
    outcomeOf(runner.run('fails'));
    await clock.run();
    expect(told).toEqual([expect.objectContaining({ code: 'model-failed', message: 'model@1 failed: out of memory' })]);
  });

  it('drains: answers what it has, takes nothing more, and says when nothing is in it', async () => {
    const clock = new EventClock();
    const model = doublingModel(clock, { fixedMs: 100 });
    const { runner } = runnerOf(model, { clock, batching: { maxSize: 2 } });
    const outcomes = [1, 2, 3].map((x) => outcomeOf(runner.run(x)));
    let drained = false;
    void runner.drain().then(() => (drained = true));
    const late = outcomeOf(runner.run(4));
    await clock.run(199);
    expect([drained, late.error?.code]).toEqual([false, 'unavailable']);
    await clock.run();
    expect([drained, outcomes.map(({ value }) => value?.output)]).toEqual([true, [2, 4, 6]]);
  });
});

describe('retries', () => {
  const flaky = (failures: number) => {
    const asked: number[] = [];
    const predict = (x: number): number => {
      asked.push(x);
      if (asked.length <= failures) throw new Error('GPU lost');
      return x;
    };
    return { asked, predict };
  };

  it('try again what the model failed at, after a growing wait', async () => {
    const model = flaky(2);
    const { clock, runner } = runnerOf(model, { limits: { retries: { max: 2, backoff: 100 } } });
    const outcome = outcomeOf(runner.run(7));
    await clock.run(49);
    expect([model.asked.length, runner.queued]).toEqual([1, 1]);
    await clock.run();
    expect([outcome.value?.output, model.asked.length, runner.queued]).toEqual([7, 3, 0]);
    expect(clock.now()).toBeGreaterThanOrEqual(150);
    expect(clock.now()).toBeLessThanOrEqual(300);
  });

  it('end with the failure of the model when there are no more, or no time is left for one', async () => {
    const often = flaky(9);
    const { clock, runner } = runnerOf(often, { limits: { retries: { max: 2, backoff: 100 } } });
    const [tired, hurried] = [outcomeOf(runner.run(1)), outcomeOf(runner.run(2, { timeoutMs: 40 }))];
    await clock.run();
    expect([tired.error?.code, hurried.error?.code, often.asked.filter((x) => x === 1).length, often.asked.filter((x) => x === 2).length]).toEqual(['model-failed', 'model-failed', 3, 1]);
  });

  it('are not made of what was asked wrongly, nor while others wait for the model', async () => {
    const clock = new EventClock();
    const asked: string[] = [];
    const predict = async (x: string): Promise<string> => {
      asked.push(x);
      await clock.sleep(10);
      if (x === 'invalid') throw new ValidationError('no');
      throw new Error('failed');
    };
    const { runner } = runnerOf({ predict }, { clock, limits: { inFlight: 1, retries: { max: 5 } } });
    const outcomes = ['invalid', 'a', 'b'].map((x) => outcomeOf(runner.run(x)));
    await clock.run(25);
    // While 'a' failed, 'b' waited.
    expect(outcomes.map(({ error }) => error?.code)).toEqual(['validation', 'model-failed', undefined]);
    await clock.run();
    expect(asked.filter((x) => x !== 'b')).toEqual(['invalid', 'a']);
    expect(asked.filter((x) => x === 'b').length).toBe(5 + 1);
  });

  it('leave a request to its caller while they wait', async () => {
    const model = flaky(1);
    const { clock, runner } = runnerOf(model, { limits: { retries: { max: 1, backoff: 100 } } });
    const controller = new AbortController();
    const outcome = outcomeOf(runner.run(1, { caller: callerOf(controller.signal) }));
    controller.abort();
    await clock.run();
    expect([outcome.error?.code, model.asked.length, clock.pending, runner.queued]).toEqual(['aborted', 1, 0, 0]);
  });
});
