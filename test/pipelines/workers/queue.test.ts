import { MemoryStorage, Pipeline, type StepExecutor, type StepHandle, type StepTask } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';

type Consumer = (task: StepTask) => Promise<void>;

/** A queue as others are: what it is given goes to one of its consumers as JSON, and again when that fails. It may lose a message, or deliver it twice. */
class Queue implements StepExecutor {
  readonly consumers: Consumer[] = [];
  readonly #chance: () => number;
  lost = 0;
  doubled = 0;

  constructor(chance: () => number) {
    this.#chance = chance;
  }

  async execute(task: StepTask): Promise<void> {
    const message = JSON.stringify(task);
    const luck = this.#chance();
    if (luck < 0.2) {
      this.lost++;
      return;
    }
    const deliver = (): Promise<void> => this.consumers[Math.floor(this.#chance() * this.consumers.length)]!(JSON.parse(message) as StepTask);
    if (luck < 0.5) {
      this.doubled++;
      await Promise.all([deliver(), deliver()]);
    } else await deliver();
  }
}

const seed = Number(process.env['QUEUE_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

describe(`a queue between processes (QUEUE_SEED=${seed})`, () => {
  it('that loses what it is given and delivers it twice makes each attempt once', async () => {
    const random = seededRandom(seed);
    const queue = new Queue(random);
    const storage = new MemoryStorage();
    const ran: string[] = [];
    // A clock that waits for nothing: what a queue loses is asked for again at once.
    const clock = { now: () => Date.now(), monotonic: () => performance.now(), setTimer: (callback: () => void, ms: number) => { const timer = setTimeout(callback, ms / 50); return () => clearTimeout(timer); } };
    const define = (): { pipeline: Pipeline; sum: StepHandle<number> } => {
      const pipeline = new Pipeline({ name: 'queued', storage, clock, executor: queue });
      const squares = pipeline.map('square', { over: () => Array.from({ length: 12 }, (_, i) => i), retries: { limit: 1, backoff: 0 } }, ({ item, run }) => {
        ran.push(`${item} ${run.attempt}`);
        if (item % 5 === 0 && run.attempt === 1) throw new Error('fails at first');
        return item * item;
      });
      const sum = pipeline.step('sum', { needs: { squares } }, ({ inputs }) => inputs.squares.reduce((a, b) => a + b, 0));
      return { pipeline, sum };
    };
    for (let i = 0; i < 3; i++) {
      const { pipeline } = define();
      queue.consumers.push((task) => pipeline.perform(task));
    }
    const { pipeline, sum } = define();
    const result = await pipeline.run();
    expect(result.output(sum)).toBe(506);
    expect(ran.sort()).toEqual([...Array.from({ length: 12 }, (_, i) => `${i} 1`), '0 2', '5 2', '10 2'].sort());
    expect(queue.lost + queue.doubled).toBeGreaterThan(0);
  });

  it('refuses what is no task, of another pipeline or of another definition, and passes over what is not wanted', async () => {
    const storage = new MemoryStorage();
    const tasks: StepTask[] = [];
    const executor: StepExecutor = {
      execute: async (task) => {
        tasks.push(task);
        await deliver(task);
      },
    };
    const own = new Pipeline({ name: 'queued', storage, executor });
    own.step('train', {}, () => 'a model');
    const other = new Pipeline({ name: 'queued', storage });
    other.step('train', {}, () => 'a model');
    other.step('more', {}, () => 'that the run does not have');
    const refusals: unknown[] = [];
    const deliver = async (task: StepTask): Promise<void> => {
      await other.perform(task).catch((error: unknown) => refusals.push(error));
      await own.perform(task);
    };
    const result = await own.run();
    expect(refusals).toMatchObject([{ code: 'validation', message: expect.stringContaining('definition of the pipeline is another') as unknown }]);
    expect(tasks).toEqual([{ pipeline: 'queued', run: result.id, round: 1, step: 'train', attempt: 1 }]);
    await own.perform(tasks[0]!);
    await expect(own.perform({ ...tasks[0]!, pipeline: 'another' })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("'another'") as unknown });
    await expect(own.perform({ ...tasks[0]!, run: '../leases' })).rejects.toMatchObject({ code: 'validation' });
    expect(() => new Pipeline({ name: 'queued', storage, executor: 'somebody' as never })).toThrow(expect.objectContaining({ code: 'validation' }) as Error);
    expect(() => own.work({ concurrency: 0 })).toThrow(expect.objectContaining({ code: 'validation' }) as Error);
  });
});
