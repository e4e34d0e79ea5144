import { MemoryStorage, Pipeline, type PipelineOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { ManualClock } from './manual-clock.ts';

const forever = (): Promise<never> => new Promise(() => undefined);

/** A pipeline whose steps take a second each, and what they do when. */
class Workshop {
  readonly clock = new ManualClock();
  readonly began: string[] = [];
  most = 0;
  readonly pipeline: Pipeline;
  readonly work: (context: { run: { step: string } }) => Promise<void>;
  #busy = 0;

  constructor(options: Partial<PipelineOptions<undefined, undefined>>) {
    this.pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock: this.clock, ...options });
    this.work = ({ run }) => {
      this.began.push(run.step);
      this.most = Math.max(this.most, ++this.#busy);
      return new Promise((resolve) => this.clock.setTimer(() => {
        this.#busy--;
        resolve();
      }, 1000));
    };
  }

  /** Carries out some runs at once. */
  async runs(count: number, concurrency?: number): Promise<number> {
    const start = this.clock.now();
    let end = start;
    const running = Array.from({ length: count }, () => this.pipeline.run({ concurrency }).finally(() => (end = this.clock.now())));
    await this.clock.advance(100_000);
    for (const { status } of await Promise.all(running)) expect(status).toBe('succeeded');
    return end - start;
  }
}

describe('a pool', () => {
  it('lets as many steps run at once as it has slots, first come first served, and holds up no other step', async () => {
    const shop = new Workshop({ pools: { gpu: 2 } });
    for (const name of ['a', 'b', 'c', 'd']) shop.pipeline.step(name, { pool: 'gpu' }, shop.work);
    shop.pipeline.step('free', {}, () => void shop.began.push('free'));
    expect(await shop.runs(1)).toBe(2000);
    expect(shop.most).toBe(2);
    expect(shop.began.indexOf('free')).toBeLessThan(shop.began.indexOf('c'));
    expect(shop.began.filter((name) => name !== 'free')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets none pass a step that waits for several slots', async () => {
    const shop = new Workshop({ pools: { gpu: 2 } });
    for (const [name, slots] of [['a', 1], ['wide', 2], ['c', 1], ['d', 1]] as const) shop.pipeline.step(name, { pool: 'gpu', slots }, shop.work);
    expect(await shop.runs(1)).toBe(3000);
    expect(shop.began).toEqual(['a', 'wide', 'c', 'd']);
  });

  it('is shared by the runs of a pipeline in one process', async () => {
    const shop = new Workshop({ pools: { gpu: 2 } });
    for (const name of ['a', 'b', 'c']) shop.pipeline.step(name, { pool: 'gpu' }, shop.work);
    expect(await shop.runs(4)).toBe(6000);
    expect(shop.most).toBe(2);
  });

  it('gets its slots back from a step that fails, waits for a retry, or is left behind', async () => {
    const shop = new Workshop({ pools: { gpu: 1 }, grace: 0 });
    shop.pipeline.step('flaky', { pool: 'gpu', retries: { limit: 1, backoff: '10s', jitter: 0 }, allowFailure: true }, () => Promise.reject(new Error('no')));
    shop.pipeline.step('deaf', { pool: 'gpu', timeout: '1s', allowFailure: true }, forever);
    shop.pipeline.step('last', { pool: 'gpu' }, shop.work);
    expect(await shop.runs(2)).toBe(10_000);
  });

  it('gives a step nothing whose run is cancelled while it waits for another run', async () => {
    const shop = new Workshop({ pools: { gpu: 1 } });
    shop.pipeline.step('a', { pool: 'gpu' }, shop.work);
    const first = shop.pipeline.run();
    await shop.clock.advance(0);
    const controller = new AbortController();
    const second = shop.pipeline.run({ signal: controller.signal });
    await shop.clock.advance(500);
    controller.abort();
    await shop.clock.advance(0);
    expect((await second).status).toBe('cancelled');
    await shop.clock.advance(1000);
    expect((await first).status).toBe('succeeded');
    expect(shop.began).toEqual(['a']);
    expect(await shop.runs(1)).toBe(1000);
  });
});

describe('a priority', () => {
  it('decides which of the ready steps starts, in a pool and without one; among equals the order is kept', async () => {
    const shop = new Workshop({ pools: { gpu: 5 } });
    for (const [name, priority, pool] of [['a', 0, 'gpu'], ['b', -1], ['c', 3], ['d', 3, 'gpu'], ['e', undefined]] as const) shop.pipeline.step(name, { priority, pool }, shop.work);
    await shop.runs(1, 1);
    expect(shop.began).toEqual(['c', 'd', 'a', 'e', 'b']);
  });
});

describe('a pool that is wrong', () => {
  const storage = new MemoryStorage();
  const pipeline = new Pipeline({ name: 'p', storage, pools: { gpu: 2 } });
  it.each<[string, () => unknown, string]>([
    ['unknown', () => pipeline.step('x', { pool: 'tpu' }, forever), "step 'x'.pool is 'tpu', which is no pool of this pipeline; it has 'gpu'"],
    ['inherited', () => pipeline.step('x', { pool: 'toString' }, forever), 'is no pool of this pipeline'],
    ['asked for more than it has', () => pipeline.step('x', { pool: 'gpu', slots: 3 }, forever), "step 'x'.slots is 3, but pool 'gpu' has 2"],
    ['asked for less than nothing', () => pipeline.step('x', { pool: 'gpu', slots: -1 }, forever), "step 'x'.slots must be at least 1"],
    ['asked for half', () => pipeline.finally('x', { pool: 'gpu', slots: 0.5 }, forever), "step 'x'.slots"],
    ['not named', () => pipeline.step('x', { slots: 1 }, forever), "step 'x'.slots is 1, but the step has no pool"],
    ['without slots', () => new Pipeline({ name: 'p', storage, pools: { gpu: 0 } }), 'options.pools.gpu'],
    ['no number', () => pipeline.step('x', { priority: NaN }, forever), "step 'x'.priority"],
  ])('is refused: %s', (_, act, message) => {
    expect(act).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(message) }));
  });
});
