import { MemoryStorage, Pipeline, type ItemCacheOptions, type MapHandle, type PipelineEvent, type StepHandle } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { ManualClock } from '../manual-clock.ts';

interface Item {
  readonly depth: number;
  readonly weights?: Float32Array | undefined;
}

interface Terms extends Partial<ItemCacheOptions<'rows' | 'grid', { lr: number }>> {
  readonly items?: readonly Item[] | undefined;
  readonly rows?: number | undefined;
  readonly executor?: 'workers' | undefined;
  readonly concurrency?: number | undefined;
  readonly work?: ((depth: number) => unknown) | undefined;
}

/** A store, and definitions over it that differ in what they are told. */
class Trial {
  readonly storage = new MemoryStorage();
  readonly clock = new ManualClock();
  readonly ran: number[] = [];
  reports = 0;

  define({ items = [{ depth: 1 }, { depth: 2 }, { depth: 3 }], rows = 10, executor, concurrency, work, ...cache }: Terms = {}): { pipeline: Pipeline<{ lr: number }>; models: MapHandle<unknown>; report: StepHandle<number> } {
    const clock = executor ? undefined : this.clock;
    const pipeline = new Pipeline({ name: 'p', storage: this.storage, clock, executor, params: z.object({ lr: z.number() }) });
    const ingest = pipeline.step('ingest', {}, () => rows);
    const grid = pipeline.step('grid', {}, () => [...items]);
    const models = pipeline.map('train', { needs: { rows: ingest, grid }, over: ({ inputs }) => inputs.grid, concurrency, cache: { version: '1', inputs: ['rows'], ...cache } }, ({ item, inputs }) => {
      this.ran.push(item.depth);
      return work ? work(item.depth) : item.depth * inputs.rows;
    });
    const report = pipeline.step('report', { needs: { models }, cache: { version: '1' } }, ({ inputs }) => {
      this.reports++;
      return inputs.models.length;
    });
    return { pipeline, models, report };
  }

  /** Runs, and tells which items did, what the step put out and what is said of it. */
  async go(terms: Terms = {}, { lr = 1, refresh = false }: { lr?: number; refresh?: boolean } = {}): Promise<{ ran: number[]; output: unknown; kinds: unknown; stale: unknown; events: PipelineEvent[]; id: string }> {
    const { pipeline, models } = this.define(terms);
    this.clock.jump(1);
    this.ran.length = 0;
    const events: PipelineEvent[] = [];
    const result = await pipeline.run({ params: { lr }, refresh, onEvent: (event) => events.push(event) });
    const { items, causes } = await pipeline.explain(models);
    expect(items!.asked).toBe(result.steps['train']!.items!.total);
    expect(new Set(items!.stale.flatMap(({ causes: each }) => each.map(({ because }) => because)))).toEqual(new Set(causes.map(({ because }) => because)));
    expect((await pipeline.explain(models, { run: result.id })).items).toEqual(items);
    return { ran: [...this.ran].sort(), output: result.output(models), kinds: items!.kinds, stale: items!.stale.map(({ index, causes: each }) => [index, each[0]?.kind, each[0]?.from, each[0]?.to]), events, id: result.id };
  }
}

describe('the cache of a step that has items', () => {
  it('runs the items that are new, wherever the others stand now, and tells which', async () => {
    const trial = new Trial();
    expect(await trial.go()).toMatchObject({ ran: [1, 2, 3], output: [10, 20, 30], kinds: { 'never-run': 3 } });
    const weights = Float32Array.of(1, 2);
    const second = await trial.go({ items: [{ depth: 3 }, { depth: 1, weights }, { depth: 1 }] });
    expect(second).toMatchObject({ ran: [1], output: [30, 10, 10], kinds: { item: 1 }, stale: [[1, 'item', expect.stringMatching(/^sha256:/), expect.stringMatching(/^sha256:/)]] });
    const taken = second.events.flatMap((event) => (event.type === 'step-succeeded' && event.index !== undefined ? [[event.index, event.attempt, event.cache !== undefined]] : []));
    expect(taken.sort()).toEqual([[0, 0, true], [1, 1, false], [2, 0, true]]);
    expect(second.events.filter(({ type }) => type === 'step-started')).toMatchObject([{ step: 'ingest' }, { step: 'grid' }, { step: 'train' }, { step: 'train', index: 1 }, { step: 'report' }]);
    // Of what is further back in the list than it was there is no other of that number.
    expect((await trial.go({ items: [{ depth: 3 }, { depth: 1, weights }, { depth: 1 }, { depth: 9 }] })).stale).toEqual([[3, 'item', undefined, expect.stringMatching(/^sha256:/)]]);
  });

  it('runs all of them when the code, an input that counts, a param or the environment is another', async () => {
    const trial = new Trial();
    await trial.go();
    expect(await trial.go()).toMatchObject({ ran: [], output: [10, 20, 30], kinds: {}, stale: [] });
    expect(await trial.go({ rows: 11 })).toMatchObject({ ran: [1, 2, 3], output: [11, 22, 33], kinds: { input: 3 } });
    expect((await trial.go({ rows: 11, version: '2' })).stale).toEqual([0, 1, 2].map((index) => [index, 'code', '1', '2']));
    expect((await trial.go({ rows: 11, version: '2', environment: { node: '22' } })).stale).toMatchObject([[0, 'environment', undefined, '22'], {}, {}]);
    expect((await trial.go({ rows: 11, version: '2', params: [], environment: { node: '22' } }, { lr: 2 })).kinds).toEqual({ params: 3 });
    expect((await trial.go({ rows: 11, version: '2', params: [], environment: { node: '22' } }, { lr: 3 })).ran).toEqual([]);
    expect((await trial.go({ rows: 11, version: '2', params: [], environment: { node: '22' } }, { refresh: true })).kinds).toEqual({ refresh: 3 });
    // Without names, the list that the items are of counts too.
    await trial.go({ inputs: undefined });
    expect(await trial.go({ inputs: undefined, items: [{ depth: 1 }, { depth: 2 }] })).toMatchObject({ ran: [1, 2], kinds: { input: 2 } });
  });

  it('lets what comes after take its output when all items put out the same again', async () => {
    const trial = new Trial();
    await trial.go();
    expect(trial.reports).toBe(1);
    await trial.go({ version: '2' });
    expect([trial.ran.length, trial.reports]).toEqual([3, 1]);
  });

  it('expires, is cleared and is damaged item by item', async () => {
    const trial = new Trial();
    await trial.go({ ttl: '1h' });
    trial.clock.jump(3_600_000);
    expect(await trial.go({ ttl: '1h' })).toMatchObject({ ran: [1, 2, 3], kinds: { expired: 3 } });
    expect(await trial.define().pipeline.clearCache({ step: 'train' })).toBe(3);
    expect(await trial.go()).toMatchObject({ ran: [1, 2, 3], kinds: { cleared: 3 } });
    const { entries: [first] } = await trial.storage.list({ prefix: 'pipelines/p/cache/train/' });
    await trial.storage.write([{ kind: 'put', key: first!.key, bytes: new Uint8Array([1]) }]);
    expect(await trial.go()).toMatchObject({ kinds: { damaged: 1 }, output: [10, 20, 30] });
  });

  it('makes what equal items put out once, in one run and in several at once, wherever their attempts are made', async () => {
    const trial = new Trial();
    const items = [1, 2, 1, 1, 2].map((depth) => ({ depth }));
    await using worker = trial.define({ items, executor: 'workers' }).pipeline.work({ concurrency: 8 });
    const { pipeline, models } = trial.define({ items, executor: 'workers' });
    const results = await Promise.all([1, 2].map(() => pipeline.run({ params: { lr: 1 } })));
    expect(results.map((result) => result.output(models))).toEqual([[10, 20, 10, 10, 20], [10, 20, 10, 10, 20]]);
    expect(trial.ran.sort()).toEqual([1, 2]);
    await worker.idle();
  });

  it('has the next of equal items make what one has failed to, and takes nothing that failed', async () => {
    const trial = new Trial();
    let broken = true;
    const { pipeline, models } = trial.define({
      items: [{ depth: 1 }, { depth: 2 }, { depth: 1 }],
      concurrency: 1,
      work: (depth) => {
        if (broken && depth === 1) throw new Error('out of memory');
        return depth;
      },
    });
    const { id, status, steps } = await pipeline.run({ params: { lr: 1 } });
    expect([status, steps['train']!.items, trial.ran]).toMatchObject(['failed', { succeeded: 1, failed: 2 }, [1, 2, 1]]);
    broken = false;
    expect((await pipeline.resume(id)).output(models)).toEqual([1, 2, 1]);
    expect(trial.ran).toEqual([1, 2, 1, 1]);
  });

  it('fails an item that looks at an input which does not count, and refuses one that there is not', async () => {
    const trial = new Trial();
    const pipeline = new Pipeline({ name: 'p', storage: trial.storage });
    const rows = pipeline.step('rows', {}, () => [1, 2]);
    pipeline.map('peeks', { needs: { rows }, over: ({ inputs }) => inputs.rows, cache: { version: '1', inputs: [] } }, ({ inputs }) => inputs.rows.length);
    const { steps } = await pipeline.run();
    expect(steps['peeks']!.items!.failures[0]!.failure).toMatchObject({ code: 'validation', message: expect.stringContaining("looked at input 'rows'") as string });
    expect(() => pipeline.map('a', { needs: { rows }, over: [1], cache: { version: '1', inputs: ['columns' as 'rows'] } }, () => 1)).toThrow("names 'columns'");
    expect(() => pipeline.step('b', { cache: { version: '1', inputs: [] } as never }, () => 1)).toThrow('inputs');
    await expect(pipeline.explain('rows')).rejects.toThrow('has no cache');
  });
});

it('takes names of inputs that the step has', () => {
  const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
  const rows = pipeline.step('rows', {}, () => [1, 2]);
  const doubled = pipeline.map('doubled', { needs: { rows }, over: ({ inputs }) => inputs.rows, cache: { version: '1', inputs: ['rows'] } }, ({ item, inputs }) => item * inputs.rows.length);
  expectTypeOf(doubled).toEqualTypeOf<MapHandle<number>>();
  // @ts-expect-error There is no such input.
  expect(() => pipeline.map('a', { needs: { rows }, over: [1], cache: { version: '1', inputs: ['columns'] } }, () => 1)).toThrow();
});
