import { MemoryStorage, Pipeline, type MapHandle, type PipelineEvent, type StepHandle, type StreamedOutput } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { seededRandom } from '../../../src/core/random.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import cases from '../../fixtures/pipelines.json' with { type: 'json' };
import { faultyStorage } from '../faulty-storage.ts';

const seed = Number(process.env['MAP_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

function three(storage: StorageAdapter, fails: readonly number[], trigger: 'all_success' | 'all_done' = 'all_success') {
  const pipeline = new Pipeline({ name: 'three', storage });
  const list = pipeline.step('L', {}, () => [1, 2, 3]);
  const mapped = pipeline.map('M', { needs: { list }, over: ({ inputs }) => inputs.list }, ({ item }) => {
    if (fails.includes(item)) throw new Error(`no ${item}`);
    return item * 10;
  });
  const reduced = pipeline.step('R', { needs: { mapped }, trigger }, ({ inputs }) => (inputs.mapped ?? []).map((given) => given ?? 'nothing'));
  return { pipeline, mapped, reduced };
}

describe('a step for each item', () => {
  it('has the types of its list, its work and what it needs, and no wrong wiring compiles', async () => {
    const pipeline = new Pipeline({ name: 'typed', storage: new MemoryStorage(), params: z.object({ scale: z.number() }) });
    const grid = pipeline.step('grid', {}, () => [{ depth: 2 }, { depth: 4 }]);
    const offset = pipeline.step('offset', {}, () => 1);
    const mapped = pipeline.map('mapped', { needs: { grid, offset }, over: ({ inputs }) => inputs.grid }, ({ item, index, inputs, params }) => {
      expectTypeOf(item).toEqualTypeOf<{ depth: number }>();
      expectTypeOf([index, inputs.offset, params.scale]).toEqualTypeOf<number[]>();
      return { auc: item.depth * params.scale + inputs.offset + index };
    });
    const streamed = pipeline.map('streamed', { over: ['a', 'b'] }, ({ item }) => new Blob([item]));
    const total = pipeline.step('total', { needs: { mapped, streamed } }, ({ inputs }) => {
      expectTypeOf(inputs.mapped).toEqualTypeOf<{ auc: number }[]>();
      expectTypeOf(inputs.streamed).toEqualTypeOf<StreamedOutput[]>();
      return inputs.mapped.reduce((sum, { auc }) => sum + auc, 0) + inputs.streamed.reduce((sum, { size }) => sum + size, 0);
    });
    pipeline.step('partial', { needs: { mapped, streamed }, trigger: 'all_done' }, ({ inputs }) => {
      expectTypeOf(inputs.mapped).toEqualTypeOf<({ auc: number } | undefined)[] | undefined>();
      expectTypeOf(inputs.streamed).toEqualTypeOf<(StreamedOutput | undefined)[] | undefined>();
    });
    expectTypeOf(mapped).toEqualTypeOf<MapHandle<{ auc: number }>>();
    expectTypeOf(mapped).toExtend<StepHandle<{ auc: number }[]>>();
    const result = await pipeline.run({ params: { scale: 10 } });
    expectTypeOf(result.output(mapped)).toEqualTypeOf<{ auc: number }[]>();
    expectTypeOf(result.output(streamed)).toEqualTypeOf<StreamedOutput[]>();
    expect(result.output(total)).toBe(21 + 42 + 2);

    const wrong = new Pipeline({ name: 'wrong', storage: new MemoryStorage() });
    const list = wrong.step('list', {}, () => [1, 2]);
    const single = wrong.step('single', {}, () => 1);
    const each = wrong.map('each', { needs: { list }, over: ({ inputs }) => inputs.list }, ({ item }) => item);
    // @ts-expect-error a number is no list of items
    wrong.map('a', { needs: { single }, over: ({ inputs }) => inputs.single }, ({ index }) => index);
    // @ts-expect-error an item is a number, which has no method toUpperCase
    wrong.map('b', { needs: { list }, over: ({ inputs }) => inputs.list }, ({ item }) => item.toUpperCase());
    // @ts-expect-error there is no such input
    wrong.map('c', { needs: { list }, over: ({ inputs }) => inputs.lost }, ({ index }) => index);
    // @ts-expect-error what the items put out is a list, not a number
    wrong.step('d', { needs: { each } }, ({ inputs }) => inputs.each.toFixed());
    // @ts-expect-error an item that failed has put out nothing
    wrong.step('e', { needs: { each }, trigger: 'all_done' }, ({ inputs }) => inputs.each?.map((value) => value.toFixed()));
  });

  it('puts out what the items do, in their order', async () => {
    const { pipeline, mapped, reduced } = three(new MemoryStorage(), []);
    const events: PipelineEvent[] = [];
    const result = await pipeline.run({ onEvent: (event) => events.push(event) });
    expect(result.status).toBe('succeeded');
    expect(result.output(mapped)).toEqual([10, 20, 30]);
    expect(result.output(reduced)).toEqual([10, 20, 30]);
    expect(result.steps['M']!.items).toEqual({ total: 3, pending: 0, running: 0, retrying: 0, succeeded: 3, failed: 0, cancelled: 0, failures: [] });
    expect(events.filter(({ type }) => type === 'step-succeeded').map((event) => [(event as { step: string }).step, (event as { index?: number }).index])).toEqual([
      ['L', undefined],
      ['M', 0],
      ['M', 1],
      ['M', 2],
      ['M', undefined],
      ['R', undefined],
    ]);
    const again = await pipeline.resume(result.id);
    expect(again.output(mapped)).toEqual([10, 20, 30]);
    const { steps } = await pipeline.getRun(result.id);
    expect(steps['R']!.inputs['mapped']).toEqual({ step: 'M', ...steps['M']!.output });
  });

  it.each(cases.maps)('ends $id as other engines do', async ({ fails, rule, run, expect: expected }) => {
    const { pipeline, reduced } = three(new MemoryStorage(), fails, rule as 'all_success' | 'all_done');
    const events: PipelineEvent[] = [];
    const result = await pipeline.run({ onEvent: (event) => events.push(event) });
    const ends = events.flatMap((event) => ((event.type === 'step-succeeded' || event.type === 'step-failed') && event.index !== undefined ? [event] : [])).sort((a, b) => a.index! - b.index!);
    expect(result.status).toBe(run);
    expect(ends.map(({ type }) => type)).toEqual(expected.M.map((status) => (status === 'success' ? 'step-succeeded' : 'step-failed')));
    expect(result.steps['R']!.status).toBe(expected.R === 'success' ? 'succeeded' : expected.R);
    expect(result.steps['M']).toMatchObject({ status: 'failed', items: { succeeded: 2, failed: 1, failures: [{ index: 1, failure: { message: 'no 2' } }] } });
    expect(result.steps['M']!.failure).toMatchObject({ code: 'pipeline-failed', message: "Item 1 of step 'M' failed: no 2" });
    if (rule === 'all_done') expect(result.output(reduced)).toEqual([10, 'nothing', 30]);
  });

  it('tells of the end of a step once though it ends as soon as it is known that it has no items', async () => {
    const pipeline = new Pipeline({ name: 'none', storage: new MemoryStorage() });
    const mapped = pipeline.map('M', { over: [] as number[] }, ({ item }) => item);
    const events: string[] = [];
    const result = await pipeline.run({ onEvent: ({ type }) => events.push(type) });
    expect(events).toEqual(['run-started', 'step-started', 'step-succeeded', 'run-finished']);
    expect([result.output(mapped), result.steps['M']!.items?.total]).toEqual([[], 0]);
  });

  it('runs only the items that had failed when the run is resumed, with the list that was recorded', async () => {
    const storage = new MemoryStorage();
    const ran: number[] = [];
    let asked = 0;
    const define = (fails: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'again', storage });
      pipeline.map('M', { over: () => [++asked, 20, 30] }, ({ item, index }) => {
        ran.push(index);
        if (fails && index === 1) throw new Error('not yet');
        return item;
      });
      return pipeline;
    };
    const first = await define(true).run();
    expect([first.status, ran.sort()]).toEqual(['failed', [0, 1, 2]]);
    ran.length = 0;
    const second = await define(false).resume(first.id);
    expect([second.status, ran, asked]).toEqual(['succeeded', [1], 1]);
    expect(second.steps['M']!.items).toMatchObject({ total: 3, succeeded: 3, failed: 0 });
  });

  it('refuses what is no list, too many items, and what cannot be stored, and names the place', async () => {
    const failing = async (over: () => never): Promise<string> => {
      const pipeline = new Pipeline({ name: 'bad', storage: new MemoryStorage() });
      pipeline.map('M', { over }, () => () => 1);
      return (await pipeline.run()).steps['M']!.failure!.message;
    };
    expect(await failing(() => 7 as never)).toContain("over of step 'M' gave 7");
    expect(await failing(() => Array.from({ length: 100_001 }, () => 1) as never)).toContain('more than 100000');
    expect(await failing(() => [1, { f: () => 1 }] as never)).toContain('item[1].f');
    expect(await failing(() => [1] as never)).toContain('output of item 0');
    const pipeline = new Pipeline({ name: 'bad', storage: new MemoryStorage() });
    expect(() => pipeline.map('M', { over: [1], cache: { version: '' } }, () => 1)).toThrow('cache.version');
    expect(() => pipeline.map('M', {} as never, () => 1)).toThrow('over');
  });

  it('never runs more items at once than it may, and starts waiting ones while another waits for its retry', async () => {
    const pipeline = new Pipeline({ name: 'many', storage: new MemoryStorage() });
    let [now, most] = [0, 0];
    const mapped = pipeline.map('M', { over: Array.from({ length: 40 }, (_, i) => i), concurrency: 3, retries: { limit: 2, backoff: 1, jitter: 0 } }, async ({ item, run }) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      if (item % 5 === 0 && run.attempt < 3) throw new Error('once more');
      return item;
    });
    expect((await pipeline.run()).output(mapped)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(most).toBe(3);
  });
});

describe(`maps whose process dies at any call of the store (MAP_SEED=${seed})`, () => {
  it('end as they would have, and run nothing again that was recorded', async () => {
    const random = seededRandom(seed);
    const define = (number: number, storage: StorageAdapter, ran: (index: number) => void): Pipeline => {
      const chance = seededRandom(number);
      const [count, concurrency] = [Math.floor(chance() * 12), 1 + Math.floor(chance() * 4)];
      const fails = Array.from({ length: count }, () => (chance() < 0.2 ? Math.ceil(chance() * 3) : 0));
      const pipeline = new Pipeline({ name: 'dying', storage, grace: 0 });
      const list = pipeline.step('list', {}, () => Array.from({ length: count }, (_, i) => i));
      const mapped = pipeline.map('m', { needs: { list }, over: ({ inputs }) => inputs.list, concurrency, retries: { limit: 2, backoff: 0, jitter: 0 } }, ({ item, index, run }) => {
        ran(index);
        if (run.attempt <= fails[index]!) throw new Error(`attempt ${run.attempt}`);
        return { item };
      });
      pipeline.step('after', { needs: { mapped }, trigger: 'all_done' }, ({ inputs }) => (inputs.mapped ?? []).map((each) => each ?? 'nothing'));
      return pipeline;
    };
    let died = 0;
    for (let round = 0; round < 60; round++) {
      const number = Math.floor(random() * 2 ** 32);
      const counting = faultyStorage(new MemoryStorage(), { call: -1, effect: 'none', then: 'alive' });
      const undisturbed = await define(number, counting, () => undefined).run();
      const storage = new MemoryStorage();
      const dying = faultyStorage(storage, { call: 1 + Math.floor(random() * counting.calls), effect: random() < 0.5 ? 'none' : 'done', then: 'dead' });
      await define(number, dying, () => undefined).run().catch(() => died++);
      const done = new Set<number>();
      const again: number[] = [];
      const finishing = define(number, storage, (index) => void (done.has(index) && again.push(index)));
      const [found] = (await finishing.searchRuns()).items;
      if (found === undefined || found.status === 'succeeded' || found.status === 'failed') continue;
      const { entries } = await storage.list({ prefix: `pipelines/dying/steps/${found.id}/m/` });
      for (const { key } of entries) {
        const [record] = await storage.read([key]);
        if (record && new TextDecoder().decode(record.bytes).includes('"status":"succeeded"')) done.add(Number(key.slice(-6)));
      }
      const result = await finishing.resume(found.id, { takeOver: true });
      expect(again, `map ${number}`).toEqual([]);
      expect(result.status, `map ${number}`).toBe(undisturbed.status);
      expect(result.steps['m']!.items, `map ${number}`).toEqual(undisturbed.steps['m']!.items);
      const [was, is] = await Promise.all([finishing.getRun(result.id), define(number, counting, () => undefined).getRun(undisturbed.id)]);
      expect(was.steps['after']!.output, `map ${number}`).toEqual(is.steps['after']!.output);
    }
    expect(died).toBeGreaterThan(20);
  }, 20_000);
});
