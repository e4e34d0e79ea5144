import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { MemoryStorage, Pipeline, Registry, startOpenLineage, Tracker, type PipelineOptions, type StartOpenLineageOptions, type StorageAdapter } from 'modelkeep';
import { describe, expect, it, onTestFinished } from 'vitest';
import { childProgram } from '../../child-program.ts';
import { ManualClock, settled } from '../../pipelines/manual-clock.ts';
import type { LineageRunEvent } from '../../../src/integrations/openlineage/run-event.ts';
// A clock that stands still waits for nothing that is loaded meanwhile.
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/schedules/schedule.ts';
import { lineageReceiver, lines, wholeStory, type LineageReceiver } from './lineage-events.ts';
import { failingOnce } from './told-pipeline.ts';

const storageOf = (): MemoryStorage => new MemoryStorage();

/** Starts to tell of a pipeline for the length of a test, fast to try again. */
async function tell(storage: StorageAdapter, to: Pick<LineageReceiver, 'url'>, options: Partial<StartOpenLineageOptions> = {}) {
  const lineage = await startOpenLineage({ name: 'marquez', storage, pipeline: 'retrain', namespace: 'tests', url: to.url, retry: { initial: 5, max: 20 }, interval: 30, ...options });
  onTestFinished(() => lineage.close({ signal: AbortSignal.timeout(1) }).catch(() => undefined));
  return lineage;
}

/** What a receiver was told of what happened before. */
async function told(storage: StorageAdapter, options: Partial<StartOpenLineageOptions> = {}) {
  const to = await lineageReceiver();
  const lineage = await tell(storage, to, { from: 'beginning', ...options });
  await lineage.flush();
  await lineage.close();
  return wholeStory(to);
}

function retrain(storage: StorageAdapter, options: Pick<PipelineOptions<undefined, undefined>, 'clock' | 'tracker'> = {}): Pipeline {
  return new Pipeline({ name: 'retrain', storage, ...options });
}

/** What was told of one run, apart from what was told of others meanwhile. */
function ofRun(events: readonly LineageRunEvent[], id: string | undefined): LineageRunEvent[] {
  return events.filter(({ run }) => run.runId === id || (facetsOf({ run })['parent']?.['run'] as { readonly runId: string } | undefined)?.runId === id);
}

const facetsOf = (event: { readonly run: { readonly facets: object } } | undefined): Record<string, Record<string, unknown>> => event?.run.facets as never;

describe('startOpenLineage', () => {
  it('tells the start of a run while it goes on, and its steps with what they read and wrote when it has ended', async () => {
    const storage = storageOf();
    const to = await lineageReceiver();
    const lineage = await tell(storage, to);
    const pipeline = retrain(storage);
    const load = pipeline.step('load', {}, () => [1, 2, 3]);
    pipeline.step('train', { needs: { rows: load } }, async ({ inputs }) => {
      await to.came(1);
      return inputs.rows.length;
    });
    const { id } = await pipeline.run();
    await lineage.flush();
    const events = wholeStory(to);
    expect(to.received).toHaveLength(6);
    expect(lines(events)).toEqual(['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain']);
    const { steps, timings } = await pipeline.getRun(id);
    const [begun, , loaded, , trained, ended] = events;
    expect([begun?.run.runId, ended?.run.runId]).toEqual([id, id]);
    expect(begun?.eventTime).toBe(new Date(timings.startedAt).toISOString());
    expect(trained?.eventTime).toBe(new Date(steps['train']!.endedAt!).toISOString());
    const version = ({ facets }: { readonly facets: object }): unknown => (facets as Record<string, Record<string, unknown>>)['version']?.['datasetVersion'];
    expect(loaded?.outputs.map((each) => [each.name, version(each)])).toEqual([['steps/retrain.load', steps['load']!.output!.digest]]);
    expect(trained?.inputs).toEqual(loaded?.outputs);
    expect(trained?.outputs.map((each) => [each.name, version(each)])).toEqual([['steps/retrain.train', steps['train']!.output!.digest]]);
    const whole = { run: { runId: id }, job: { namespace: 'tests', name: 'retrain' } };
    expect(facetsOf(trained)['parent']).toMatchObject({ ...whole, root: whole });
    expect(facetsOf(begun)['tags']).toMatchObject({ tags: [{ key: 'started-by', value: 'call' }] });
  });

  it('tells of retries, of what failed and why, and not of what never ran', async () => {
    const storage = storageOf();
    const clock = new ManualClock();
    const pipeline = retrain(storage, { clock });
    const flaky = pipeline.step('flaky', { retries: { limit: 2, backoff: 10 } }, ({ run }) => {
      if (run.attempt < 3) throw new Error(`attempt ${run.attempt}`);
    });
    const broken = pipeline.step('broken', { after: [flaky] }, () => {
      throw new Error('no such table');
    });
    pipeline.step('never', { after: [broken] }, () => undefined);
    pipeline.step('skipped', { when: () => false }, () => undefined);
    const running = pipeline.run();
    await clock.advance(1000);
    await running;
    const events = await told(storage);
    expect(lines(events)).toEqual(['START retrain', 'START retrain.flaky', 'RUNNING retrain.flaky', 'RUNNING retrain.flaky', 'COMPLETE retrain.flaky', 'START retrain.broken', 'FAIL retrain.broken', 'FAIL retrain']);
    expect(facetsOf(events[6])['errorMessage']).toMatchObject({ message: 'no such table' });
    expect(facetsOf(events[7])['errorMessage']).toMatchObject({ message: "Step 'broken' failed: no such table" });
    expect(facetsOf(events[4])['errorMessage']).toBeUndefined();
  });

  it('tells of a run that was cancelled', async () => {
    const storage = storageOf();
    const pipeline = retrain(storage);
    const controller = new AbortController();
    const first = pipeline.step('first', {}, ({ signal }) => {
      controller.abort();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    });
    pipeline.step('second', { after: [first] }, () => undefined);
    await pipeline.run({ signal: controller.signal });
    expect(lines(await told(storage))).toEqual(['START retrain', 'START retrain.first', 'ABORT retrain.first', 'ABORT retrain']);
  });

  it('tells with the end of a run who cancelled it and why, also of one that waited for somebody', async () => {
    const storage = storageOf();
    const pipeline = retrain(storage);
    pipeline.approval('approve', { ask: () => 'Go?' });
    const { id } = await pipeline.run();
    await pipeline.cancel(id, { by: 'ada', reason: 'no longer needed' });
    const events = await told(storage);
    expect(lines(events).at(-1)).toBe('ABORT retrain');
    expect(facetsOf(events.at(-1))['errorMessage']).toMatchObject({ message: 'The run was cancelled by ada: no longer needed' });
  });

  it('tells of a run that was tried again after its end as of another, whose end is its own', async () => {
    const storage = storageOf();
    const to = await lineageReceiver();
    const lineage = await tell(storage, to);
    const { pipeline } = failingOnce(storage);
    const { id } = await pipeline.run();
    await lineage.flush();
    expect((await pipeline.resume(id)).status).toBe('succeeded');
    await lineage.flush();
    const events = wholeStory(to);
    expect(lines(events)).toEqual([
      ...['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'START retrain.train', 'FAIL retrain.train', 'FAIL retrain'],
      ...['START retrain', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain'],
    ]);
    expect(events[0]?.run.runId).toBe(id);
    expect(new Set(events.map(({ run }) => run.runId)).size).toBe(5);
    expect(facetsOf(events[8])['parent']).toMatchObject({ run: { runId: events[6]?.run.runId } });
    expect(events[8]?.inputs.map(({ name }) => name)).toEqual(['steps/retrain.load']);
  });

  it('still tells how a run had failed that was tried again meanwhile, and why', async () => {
    const storage = storageOf();
    const { pipeline } = failingOnce(storage);
    const { id } = await pipeline.run();
    await pipeline.resume(id);
    const events = await told(storage);
    // What became of the step that was tried again is no longer known.
    expect(lines(events).slice(0, 4)).toEqual(['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'FAIL retrain']);
    expect(facetsOf(events[3])['errorMessage']).toMatchObject({ message: "Step 'train' failed: once" });
    expect(lines(events).slice(4)).toEqual(['START retrain', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain']);
  });

  it('tells that a run was gone on with', async () => {
    const storage = storageOf();
    const define = (work: () => unknown): Pipeline => {
      const pipeline = retrain(storage);
      pipeline.step('train', {}, work);
      return pipeline;
    };
    let hang = (): void => undefined;
    const hangs = new Promise<void>((resolve) => (hang = resolve));
    const lost = define(() => {
      hang();
      return new Promise(() => undefined);
    });
    lost.run().catch(() => undefined);
    await hangs;
    const [run] = (await lost.searchRuns()).items;
    await define(() => 1).resume(run!.id, { takeOver: true });
    expect(lines(await told(storage))).toEqual(['START retrain', 'RUNNING retrain', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain']);
  });

  it('tells of a run that waits for somebody once it has begun, and when it has ended', async () => {
    const storage = storageOf();
    const to = await lineageReceiver();
    const lineage = await tell(storage, to);
    const pipeline = retrain(storage);
    const signed = pipeline.approval('sign-off', { ask: () => 'Release it?' });
    const { id, status } = await pipeline.run();
    expect(status).toBe('waiting');
    await lineage.flush();
    expect(lines(to.received.map(({ event }) => event))).toEqual(['START retrain']);
    await pipeline.approve(id, signed, { by: 'ada' });
    await pipeline.resume(id);
    await lineage.flush();
    expect(lines(wholeStory(to))).toEqual(['START retrain', 'RUNNING retrain', 'START retrain.sign-off', 'COMPLETE retrain.sign-off', 'COMPLETE retrain']);
  });

  it('tells of outputs that were taken from an earlier run', async () => {
    const storage = storageOf();
    const pipeline = retrain(storage);
    pipeline.step('load', { cache: { version: '1' } }, () => [1]);
    const first = await pipeline.run();
    const second = await pipeline.run();
    const all = await told(storage);
    const events = ofRun(all, second.id);
    expect(lines(events)).toEqual(['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'COMPLETE retrain']);
    expect(facetsOf(events[2])['tags']).toMatchObject({ tags: [{ key: 'cached-from', value: first.id }] });
    expect(events[2]?.outputs).toEqual(ofRun(all, first.id)[2]?.outputs);
  });

  it('tells below which step a run of another pipeline is', async () => {
    const storage = storageOf();
    const inner = new Pipeline({ name: 'inner', storage });
    inner.step('work', {}, () => 1);
    const pipeline = retrain(storage);
    pipeline.step('sub', {}, inner.asStep());
    const { id } = await pipeline.run();
    const outer = await told(storage);
    const events = await told(storage, { name: 'inner', pipeline: 'inner' });
    const [begun, , worked] = events;
    const root = { run: { runId: id }, job: { name: 'retrain' } };
    expect(facetsOf(begun)['parent']).toMatchObject({ run: { runId: outer[1]!.run.runId }, job: { name: 'retrain.sub' }, root });
    expect(facetsOf(worked)['parent']).toMatchObject({ run: { runId: begun!.run.runId }, job: { name: 'inner' }, root });
    expect(facetsOf(begun)['tags']).toMatchObject({ tags: [{ value: 'pipeline retrain' }] });
  });

  it('tells which time a scheduled run is about', async () => {
    const storage = storageOf();
    const midnight = Date.UTC(2026, 0, 5);
    const clock = new ManualClock(midnight);
    const pipeline = retrain(storage, { clock });
    pipeline.step('train', {}, () => 1);
    await pipeline.schedule({ name: 'hourly', cron: '0 * * * *' });
    const keeper = pipeline.start();
    await settled();
    await clock.advance(3_660_000);
    await keeper.close();
    const [begun] = await told(storage);
    expect(facetsOf(begun)['nominalTime']).toMatchObject({ nominalStartTime: '2026-01-05T00:00:00.000Z', nominalEndTime: '2026-01-05T01:00:00.000Z' });
    expect(facetsOf(begun)['tags']).toMatchObject({ tags: [{ value: 'schedule hourly' }] });
  });

  it('names the datasets and model versions of the tracked runs of steps, and of items of one', async () => {
    const storage = storageOf();
    const tracker = new Tracker({ storage });
    const registry = new Registry({ storage });
    await registry.createModel('delay');
    const pipeline = retrain(storage, { tracker });
    const list = pipeline.step('list', {}, () => ['a', 'b']);
    pipeline.step('train', { needs: { list } }, async ({ track }) => {
      const run = await track();
      await run.logDataset({ name: 'delays', role: 'training', columns: { minutes: [1, 2] } });
      await registry.registerVersion('delay', { files: { 'model.json': '{}' }, run: run.id });
    });
    pipeline.map('each', { needs: { list }, over: ({ inputs }) => inputs.list }, async ({ item, track }) => {
      await (await track()).logDataset({ name: `part-${item}`, role: 'evaluation', columns: { minutes: [1] } });
    });
    const { id } = await pipeline.run();
    await registry.registerVersion('delay', { files: { 'model.json': '{"later":1}' }, run: 'unknown-to-the-tracker' }).catch(() => undefined);
    const events = await told(storage);
    const end = (job: string) => events.find((event) => event.eventType === 'COMPLETE' && event.job.name === job)!;
    expect(end('retrain.train').inputs.map(({ name }) => name)).toEqual(['steps/retrain.list', 'datasets/delays']);
    expect(end('retrain.train').outputs).toMatchObject([{ name: 'models/delay', facets: { version: { datasetVersion: '1' }, datasetType: { datasetType: 'MODEL' } } }]);
    expect(end('retrain.each').inputs.map(({ name }) => name)).toEqual(['steps/retrain.list', 'datasets/part-a', 'datasets/part-b']);
    expect(end('retrain').run.runId).toBe(id);
    expect(end('retrain').outputs).toEqual([]);
  });

  it('sends each event until it is taken, in order, with the same bytes, and goes on where another process stopped', async () => {
    const storage = storageOf();
    const pipeline = retrain(storage);
    const load = pipeline.step('load', {}, () => [1]);
    pipeline.step('train', { needs: { load } }, () => 2);
    // Nothing listens at first.
    const gone = await tell(storage, { url: 'http://127.0.0.1:1' });
    await pipeline.run();
    await gone.close({ signal: AbortSignal.timeout(60) });
    const seen = new Map<string, number>();
    const to = await lineageReceiver(({ body }) => {
      const times = (seen.get(body) ?? 0) + 1;
      seen.set(body, times);
      return times < 3 ? (times === 1 ? 500 : undefined) : 201;
    });
    const lineage = await tell(storage, to);
    await lineage.flush();
    expect([...seen.values()]).toEqual([3, 3, 3, 3, 3, 3]);
    expect(lines(wholeStory(to))).toEqual(['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain']);
    await lineage.close();
    const again = await lineageReceiver();
    await (await tell(storage, again)).flush();
    expect(again.received).toEqual([]);
  });

  it('loses nothing when its process is killed between two events', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-lineage-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const storage = new FilesystemStorage(directory);
    const pipeline = retrain(storage);
    const load = pipeline.step('load', {}, () => [1]);
    pipeline.step('train', { needs: { load } }, () => 2);
    for (let i = 0; i < 3; i++) await pipeline.run();
    let kill = (): void => undefined;
    let lives = 0;
    // Taken, and killed before the answer can have come: once in each run, and once where the last has ended.
    const fatal = new Set([3, 11, 23]);
    const to = await lineageReceiver((_, n) => {
      if (!fatal.has(n)) return 201;
      kill();
      return new Promise(() => undefined);
    });
    while (new Set(to.received.map(({ body }) => body)).size < 18 || lives < 4) {
      lives++;
      const child = spawn(process.execPath, [childProgram('openlineage-child.ts', import.meta.url), directory, to.url], { stdio: ['ignore', 'inherit', 'inherit'] });
      const ended = new Promise((resolve) => child.on('close', resolve));
      kill = () => void child.kill('SIGKILL');
      await ended;
    }
    const events = wholeStory(to);
    expect(events).toHaveLength(18);
    expect(lines(events)).toEqual(Array.from({ length: 3 }, () => ['START retrain', 'START retrain.load', 'COMPLETE retrain.load', 'START retrain.train', 'COMPLETE retrain.train', 'COMPLETE retrain']).flat());
    await storage.close();
  }, 30_000);

  it('names jobs so that no two have one name', async () => {
    const storage = storageOf();
    const dotted = new Pipeline({ name: 'a.b', storage });
    dotted.step('c', {}, () => 1);
    await dotted.run();
    expect(lines(await told(storage, { pipeline: 'a.b' }))).toEqual(['START a%2Eb', 'START a%2Eb.c', 'COMPLETE a%2Eb.c', 'COMPLETE a%2Eb']);
  });

  it.each<[Partial<StartOpenLineageOptions>, string]>([
    [{ name: '' }, 'name'],
    [{ pipeline: '' }, 'pipeline'],
    [{ pipeline: 1 as never }, 'pipeline'],
    [{ namespace: undefined as never }, 'namespace'],
    [{ producer: 'modelkeep' }, 'producer'],
    [{ storage: undefined as never }, 'storage'],
    [{ url: 'nowhere' }, 'url'],
    [{ headers: { 'Content-Type': 'text/plain' } }, 'headers'],
    [{ surprise: 1 } as never, 'surprise'],
  ])('is not started with %j', async (options, path) => {
    await expect(startOpenLineage({ name: 'marquez', storage: storageOf(), pipeline: 'retrain', namespace: 'tests', url: 'http://127.0.0.1:1', ...options })).rejects.toMatchObject({
      code: 'validation',
      message: expect.stringContaining(path),
    });
  });
});
