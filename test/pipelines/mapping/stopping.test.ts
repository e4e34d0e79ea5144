import { MemoryStorage, Pipeline, type Duration, type PipelineResult } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';

/** A map over five numbers, two at a time, whose items take ten seconds each, or for ever. */
class Slow {
  readonly clock = new ManualClock();
  readonly storage = new MemoryStorage();
  readonly begun: string[] = [];
  readonly stopped: string[] = [];
  hangs: readonly number[] = [];

  pipeline(options: { timeout?: Duration; totalTimeout?: Duration; limit?: number; runTimeout?: Duration; concurrency?: number } = {}): Pipeline {
    const { timeout, totalTimeout, limit = 0, runTimeout, concurrency = 2 } = options;
    const pipeline = new Pipeline({ name: 'slow', storage: this.storage, clock: this.clock, grace: '1s', runTimeout });
    const mapped = pipeline.map('m', { over: [0, 1, 2, 3, 4], concurrency, timeout, totalTimeout, retries: { limit, backoff: '1s', jitter: 0 } }, ({ item, run, signal }) => {
      this.begun.push(`${item}.${run.attempt}`);
      return new Promise<number>((resolve, reject) => {
        signal.addEventListener('abort', () => (this.stopped.push(`${item}.${run.attempt}`), reject(signal.reason as Error)), { once: true });
        if (!this.hangs.includes(item)) this.clock.setTimer(() => resolve(item), 10_000);
      });
    });
    pipeline.step('after', { needs: { mapped }, trigger: 'all_done' }, ({ inputs }) => (inputs.mapped ?? []).map((each) => each ?? -1));
    return pipeline;
  }

  async ended(running: Promise<PipelineResult>, ms: number): Promise<PipelineResult> {
    running.catch(() => undefined);
    await this.clock.advance(ms);
    return running;
  }
}

describe('a map that is stopped', () => {
  it('by the cancelling of its run: what runs is stopped, nothing else begins, and a resumption runs only those items', async () => {
    const slow = new Slow();
    const stop = new AbortController();
    slow.clock.setTimer(() => stop.abort(), 15_000);
    const cancelled = await slow.ended(slow.pipeline().run({ signal: stop.signal }), 60_000);
    expect(cancelled.status).toBe('cancelled');
    expect(cancelled.steps['m']).toMatchObject({ status: 'cancelled', because: 'the run was cancelled while it ran', items: { total: 5, succeeded: 2, cancelled: 3, pending: 0, running: 0 } });
    expect(cancelled.steps['after']!.status).toBe('cancelled');
    expect([slow.begun, slow.stopped]).toEqual([['0.1', '1.1', '2.1', '3.1'], ['2.1', '3.1']]);
    slow.begun.length = 0;
    const resumed = await slow.ended(slow.pipeline().resume(cancelled.id), 60_000);
    expect([resumed.status, slow.begun]).toEqual(['succeeded', ['2.1', '3.1', '4.1']]);
    expect(resumed.steps['m']!.items).toMatchObject({ succeeded: 5, cancelled: 0 });
    expect(slow.clock.pending).toBe(0);
  });

  it('by its runTimeout: the run fails with that, and items that had ended stay', async () => {
    const slow = new Slow();
    const { status, failure, steps } = await slow.ended(slow.pipeline({ runTimeout: '25s' }).run(), 100_000);
    expect([status, failure?.code]).toEqual(['failed', 'timeout']);
    expect(steps['m']).toMatchObject({ status: 'cancelled', because: 'the run passed its timeout while it ran', items: { succeeded: 4, cancelled: 1 } });
    expect(slow.stopped).toEqual(['4.1']);
    expect(slow.clock.pending).toBe(0);
  });
});

describe('items over time', () => {
  it('are tried again after a timeout, which is an attempt, beside others that run', async () => {
    const slow = new Slow();
    slow.hangs = [1];
    const { status, steps } = await slow.ended(slow.pipeline({ timeout: '12s', limit: 1 }).run(), 100_000);
    expect(status).toBe('failed');
    expect(slow.begun).toEqual(['0.1', '1.1', '2.1', '3.1', '1.2', '4.1']);
    expect(slow.stopped).toEqual(['1.1', '1.2']);
    expect(steps['m']!.items).toMatchObject({ succeeded: 4, failed: 1, failures: [{ index: 1, failure: { code: 'timeout' } }] });
    expect(slow.clock.pending).toBe(0);
  });

  it('fail for good when the total time of their own is over, whatever the others take', async () => {
    const slow = new Slow();
    const { status, steps } = await slow.ended(slow.pipeline({ timeout: '8s', totalTimeout: '15s', limit: 5, concurrency: 5 }).run(), 200_000);
    expect(status).toBe('failed');
    const { items } = steps['m']!;
    expect(items).toMatchObject({ total: 5, failed: 5 });
    expect(items!.failures.map(({ index, failure }) => [index, failure.code])).toEqual([0, 1, 2, 3, 4].map((index) => [index, 'timeout']));
    // Each began a second time, and none a third.
    expect([...slow.begun].sort()).toEqual([0, 1, 2, 3, 4].flatMap((i) => [`${i}.1`, `${i}.2`]));
    expect(slow.clock.pending).toBe(0);
  });

  it('have all their time though the others take longer together', async () => {
    const slow = new Slow();
    const { status } = await slow.ended(slow.pipeline({ totalTimeout: '15s', concurrency: 1 }).run(), 200_000);
    expect([status, slow.begun]).toEqual(['succeeded', ['0.1', '1.1', '2.1', '3.1', '4.1']]);
    expect(slow.clock.pending).toBe(0);
  });
});
