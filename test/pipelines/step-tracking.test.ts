import { isModelkeepError, MemoryStorage, Pipeline, Registry, Tracker, type LineageEdge, type StepRun } from 'modelkeep';
import { describe, expect, expectTypeOf, it } from 'vitest';
import '../../src/pipelines/history/search-runs.ts';
import '../../src/pipelines/launching/launch-worker.ts';
import '../../src/pipelines/triggers/trigger.ts';
import type { Run } from '../../src/tracking/run.ts';
import { faultyStorage } from './faulty-storage.ts';
import { ManualClock } from './manual-clock.ts';

const textOf = ({ from, relation, to }: LineageEdge): string => `${from.kind} ${relation} ${to.kind} ${to.id}`;

async function runsOf(tracker: Tracker) {
  const runs = [];
  for await (const run of tracker.runs()) runs.push(run);
  return runs;
}

describe('track() of a step', () => {
  it('gives a run of the tracker that is part of the pipeline run and ends with the step', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker });
    const train = pipeline.step('train', {}, async ({ track }) => {
      const run = await track();
      expectTypeOf(run).toEqualTypeOf<Run>();
      expectTypeOf<StepRun>().toEqualTypeOf<Run>();
      expect(await track()).toBe(run);
      run.logMetrics({ auc: 0.8 });
      return run.id;
    });
    pipeline.step('untracked', {}, () => 1);
    const result = await pipeline.run();
    const runs = await runsOf(tracker);
    expect(runs).toMatchObject([
      {
        id: result.output(train),
        experiment: 'retrain',
        name: 'retrain/train',
        status: 'finished',
        pipelineRun: result.id,
        tags: { 'modelkeep.pipeline': 'retrain', 'modelkeep.step': 'train', 'modelkeep.attempt': '1' },
        metrics: { auc: { value: 0.8 } },
      },
    ]);
    expect((await tracker.searchRuns({ filter: `pipelineRun = '${result.id}'` })).items).toHaveLength(1);
  });

  it('has lineage from a registered version to the pipeline run, and from there to all that came of it', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const registry = new Registry({ storage });
    await registry.createModel('delay');
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker });
    const train = pipeline.step('train', {}, async ({ track }) => {
      const run = await track();
      await run.logDataset({ name: 'delays', role: 'training', columns: { minutes: [1, 2, 3] } });
      await registry.registerVersion('delay', { files: { 'model.json': '{}' }, run: run.id });
      return run.id;
    });
    const result = await pipeline.run();
    const { nodes } = await registry.lineage('delay@1');
    expect(nodes.map(({ kind, id }) => `${kind} ${id}`)).toEqual(expect.arrayContaining([`run ${result.output(train)}`, `pipeline-run ${result.id}`, 'dataset delays']));
    expect((await pipeline.lineage(result.id)).map(textOf)).toEqual([`run partOf pipeline-run ${result.id}`]);
  });

  it('goes on with the same run in a retry, whose end is the last', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage, clock });
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker, clock });
    const seen: string[] = [];
    pipeline.step('train', { retries: { limit: 2, backoff: 10 } }, async ({ track, run: { attempt } }) => {
      const run = await track();
      seen.push(run.id);
      run.logMetrics({ loss: 1 / attempt }, { step: attempt });
      if (attempt < 3) throw new Error(`attempt ${attempt}`);
    });
    const running = pipeline.run();
    await clock.advance(1000);
    expect((await running).status).toBe('succeeded');
    expect(new Set(seen).size).toBe(1);
    const runs = await runsOf(tracker);
    expect(runs).toMatchObject([{ status: 'finished', tags: { 'modelkeep.attempt': '3' } }]);
    expect((await tracker.metricHistory(runs[0]!.id, 'loss')).steps).toEqual(Float64Array.of(1, 2, 3));
  });

  it.each([1, 2, 3])('goes on with the same run after its process died, at moment %i', async (nth) => {
    const storage = new MemoryStorage();
    const define = (through: MemoryStorage | ReturnType<typeof faultyStorage>, broken: boolean): Pipeline => {
      const pipeline = new Pipeline({ name: 'retrain', storage: through, tracker: new Tracker({ storage: through }), lease: 1 });
      pipeline.step('train', {}, async ({ track }) => {
        const run = await track();
        run.logMetrics({ loss: broken ? 2 : 1 }, { step: broken ? 1 : 2 });
        await run.flush();
      });
      return pipeline;
    };
    // When the run was written, when it was ended, and before the step is recorded.
    const call = [{ write: 'tracking/' }, { write: 'tracking/', nth: 2 }, { write: 'pipelines/retrain/steps/' }][nth - 1]!;
    const dying = faultyStorage(storage, { call, effect: nth === 3 ? 'none' : 'done', then: 'dead' });
    const outcome = await define(dying, true).run().then(({ status }) => status, () => 'broken');
    expect(outcome, 'the process is gone').toBe('broken');
    const pipeline = define(storage, false);
    const [{ id } = { id: '' }] = (await pipeline.searchRuns()).items;
    expect((await pipeline.resume(id, { takeOver: true })).status).toBe('succeeded');
    const tracker = new Tracker({ storage });
    expect(await runsOf(tracker)).toMatchObject([{ status: 'finished', metrics: { loss: { value: 1, step: 2 } } }]);
  });

  it('ends failed with the error, and killed when the run is cancelled', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const stop = new AbortController();
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker });
    const bad = pipeline.step('bad', { allowFailure: true }, async ({ track }) => {
      await track();
      throw new RangeError('no rows');
    });
    // After it: what is still failing when it is stopped was stopped.
    pipeline.step('long', { after: [bad], trigger: 'all_done' }, async ({ track, signal }) => {
      await track();
      stop.abort();
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    });
    expect((await pipeline.run({ signal: stop.signal })).status).toBe('cancelled');
    const runs = await runsOf(tracker);
    expect(runs.find(({ name }) => name === 'retrain/bad')).toMatchObject({ status: 'failed', error: { name: 'RangeError', message: 'no rows' } });
    expect(runs.find(({ name }) => name === 'retrain/long')).toMatchObject({ status: 'killed', reason: expect.stringContaining('cancelled') as string });
  });

  it('leaves a run alone that the step has ended itself', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker });
    pipeline.step('train', {}, async ({ track }) => {
      await (await track()).end('killed', { reason: 'early stopping' });
    });
    expect((await pipeline.run()).status).toBe('succeeded');
    expect(await runsOf(tracker)).toMatchObject([{ status: 'killed', reason: 'early stopping' }]);
  });

  it('fails the attempt when its run cannot be ended, for what it logged is not stored', async () => {
    const storage = new MemoryStorage();
    let broken = false;
    const failing = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'append') return (...args: Parameters<MemoryStorage['append']>) => (broken ? Promise.reject(new Error('disk full')) : target.append(...args));
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const pipeline = new Pipeline({ name: 'retrain', storage, tracker: new Tracker({ storage: failing }) });
    pipeline.step('train', {}, async ({ track }) => {
      (await track()).logMetrics({ auc: 0.8 });
      broken = true;
    });
    const result = await pipeline.run();
    expect(result.steps['train']).toMatchObject({ status: 'failed', failure: { message: 'disk full' } });
  });

  it('says that there is no tracker, and that the attempt is over', async () => {
    const storage = new MemoryStorage();
    const without = new Pipeline({ name: 'without', storage });
    without.step('train', {}, ({ track }) => track());
    expect((await without.run()).steps['train']).toMatchObject({ status: 'failed', failure: { code: 'unsupported' } });
    const pipeline = new Pipeline({ name: 'late', storage, tracker: new Tracker({ storage }) });
    let late!: () => Promise<StepRun>;
    pipeline.step('train', {}, ({ track }) => void (late = track));
    await pipeline.run();
    await expect(late()).rejects.toSatisfy((error) => isModelkeepError(error, 'closed'));
    expect(() => new Pipeline({ name: 'bad', storage, tracker: {} as never })).toThrow('tracker');
  });

  it('tells what a run was triggered by', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const ingest = new Pipeline({ name: 'ingest', storage, clock });
    ingest.step('fetch', {}, () => 1);
    const retrain = new Pipeline({ name: 'retrain', storage, clock });
    retrain.step('train', {}, () => 1);
    await retrain.triggerOn(ingest.ends(), { from: 'beginning' });
    const { id } = await ingest.run();
    const keeper = retrain.start();
    await clock.advance(10_000);
    await keeper.close({ signal: AbortSignal.abort() });
    const [run] = (await retrain.searchRuns()).items;
    expect((await retrain.lineage(run!.id)).map(textOf)).toEqual([`pipeline-run triggeredBy pipeline-run ${id}`]);
    expect((await ingest.lineage(id)).map(textOf)).toEqual([`pipeline-run triggeredBy pipeline-run ${id}`]);
  });
});

describe('tracker.startRun with an id', () => {
  it('makes a run of that id once', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const id = '019f1b2c-0000-7000-8000-000000000001';
    const outcomes = await Promise.allSettled([1, 2].map(() => tracker.startRun({ experiment: 'a', id })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'conflict' } });
    await expect(tracker.startRun({ experiment: 'a', id: 'mine' })).rejects.toSatisfy((error) => isModelkeepError(error, 'validation'));
  });

  it('keeps the pipeline run through an export', async () => {
    const from = new Tracker({ storage: new MemoryStorage() });
    const run = await from.startRun({ experiment: 'a', pipelineRun: 'of-elsewhere' });
    await run.end();
    const to = new Tracker({ storage: new MemoryStorage() });
    await to.importRuns(from.exportRuns());
    expect((await to.getRun(run.id)).pipelineRun).toBe('of-elsewhere');
    expect((await to.lineage(run.id)).map(textOf)).toEqual(['run partOf pipeline-run of-elsewhere']);
  });
});
