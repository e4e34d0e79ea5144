import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  aggregate,
  compareData,
  DriftMonitor,
  featureService,
  featureView,
  FeatureStore,
  gates,
  MemoryStorage,
  onDemandView,
  Pipeline,
  profileData,
  Registry,
  Tracker,
  type PipelineEvent,
  type StorageAdapter,
} from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { nodeEnvironment } from 'modelkeep/node';

// The documented surface as people write it: a change that breaks one of these lines breaks somebody's program.

const hour = 3_600_000;
const matrix = [[8, 2], [1, 9]];

describe.each<[string, (directory: string) => StorageAdapter]>([
  ['MemoryStorage', () => new MemoryStorage()],
  ['FilesystemStorage', (directory) => new FilesystemStorage(join(directory, '.modelkeep'))],
])('the public surface over %s', (_name, open) => {
  let directory: string;
  let storage: StorageAdapter;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'modelkeep-api-'));
    storage = open(directory);
  });

  afterEach(async () => {
    await storage.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('tracks runs', async () => {
    const rows = [{ origin: 'ATL', distance: 500 }];
    const columns = { score: new Float64Array([0.5]) };
    const tracker = new Tracker({ storage, environment: nodeEnvironment() });

    const id = await tracker.withRun({ experiment: 'flight-delay', name: 'baseline', params: { learningRate: 0.01, layers: [64, 32] } }, async (run) => {
      run.setTags({ team: 'ops' });
      for (let step = 0; step < 1000; step++) run.logMetrics({ loss: 1 / (step + 1) }, { step });
      await run.logDataset({ name: 'flights-2001-01', rows, role: 'training' });
      await run.logDataset({ name: 'predictions', columns, role: 'test' });
      await run.logArtifact('confusion.json', JSON.stringify(matrix), { mediaType: 'application/json' });
      return run.id;
    });
    await expect(tracker.withRun({ experiment: 'flight-delay' }, () => Promise.reject(new Error('diverged')))).rejects.toThrow('diverged');

    const other = await tracker.startRun({ experiment: 'flight-delay' });
    {
      await using run = other;
      await run.flush();
      await run.end('finished');
    }
    const resumed = await tracker.startRun({ resume: other.id });
    expect(resumed.id).toBe(other.id);
    await resumed.end();

    const statuses: string[] = [];
    for await (const record of tracker.runs({ experiments: ['flight-delay'] })) statuses.push(record.status);
    expect(statuses.sort()).toEqual(['failed', 'finished', 'finished']);
    const { steps, values, timestamps } = await tracker.metricHistory(id, 'loss');
    expect([steps.length, values[999], timestamps.length]).toEqual([1000, 0.001, 1000]);
  });

  it('registers, gates, promotes, loads and rolls back versions', async () => {
    const fingerprint = `sha256:${'1'.repeat(64)}`;
    const february = { digest: `sha256:${'2'.repeat(64)}`, name: 'february' };
    const json = '{"layers":2}';
    const weights = new Uint8Array([1, 2, 3]);
    const run = { id: 'run-1' };
    const runSmokeTests = async (model: { file(path: string): Promise<Uint8Array> }): Promise<number> => ((await model.file('weights.bin')).length === 3 ? 0 : 1);

    const registry = new Registry({ storage, gates: { smoke: async ({ load }) => ({ passed: (await runSmokeTests(await load())) === 0 }) } });
    await registry.createModel('flight-delay', { description: 'Arrives more than 15 minutes late?', owner: 'ops' });
    const version = await registry.registerVersion('flight-delay', {
      files: { 'model.json': json, 'weights.bin': weights },
      run, metrics: { auc: 0.83 }, dataset: fingerprint,
      createdBy: 'training@ci', tags: { task: 'classification' },
    });
    expect(version.version).toBe(1);
    await registry.setPolicy('flight-delay', {
      production: [
        gates.metric('auc', { goal: 'maximize', min: 0.75, notWorseThan: 'production', tolerance: 0.005 }),
        gates.integrity(),
        gates.custom('smoke'),
      ],
    });
    await registry.recordEvaluation('flight-delay@1', { dataset: february, metrics: { auc: 0.82 }, by: 'evaluator@ci' });
    const report = await registry.checkGates('flight-delay@1', 'production');
    expect(report.passed).toBe(true);
    await registry.promote('flight-delay@1', 'production', { by: 'release-bot', reason: 'auc +0.02' });

    await registry.registerVersion('flight-delay', { files: { 'model.json': json } });
    await expect(registry.promote('flight-delay@2', 'production', { by: 'hand', reason: 'haste' })).rejects.toMatchObject({ code: 'gate' });
    await registry.promote('flight-delay@2', 'production', { by: 'hand', reason: 'haste', force: true });
    await registry.rollback('flight-delay', { by: 'oncall', reason: 'drift' });

    const loaded = await registry.load('flight-delay@production');
    const bytes = await loaded.file('weights.bin');
    expect(bytes).toEqual(weights);
    expect((await registry.load('flight-delay@latest')).version.version).toBe(2);
    const history = await registry.history('flight-delay');
    expect(history.at(-1)).toMatchObject({ type: 'rolled-back', by: 'oncall', reason: 'drift' });
    const lineage = await registry.lineage('flight-delay@production');
    expect(lineage.nodes).toContainEqual(expect.objectContaining({ kind: 'run', id: 'run-1' }));
  });

  it('computes the same features for training and for serving', async () => {
    const airportDelays = featureView({
      name: 'airport_delays', entity: ['origin'], timestamp: 'date', ttl: '7d',
      features: {
        delay: 'float64',
        delay_mean_1h: aggregate.mean('delay', { window: '1h' }),
        late_count_1d: aggregate.count({ window: '1d', where: { delay: { gt: 15 } } }),
      },
    });
    expectTypeOf<keyof (typeof airportDelays)['features']>().toEqualTypeOf<'delay' | 'delay_mean_1h' | 'late_count_1d'>();
    const now = Date.now();
    const rows = [{ origin: 'ATL', date: new Date(now - hour / 2), delay: 20 }, { origin: 'ATL', date: new Date(now - hour / 4), delay: 10 }];
    const spine = [{ origin: 'ATL', date: now, late: true }];

    const store = new FeatureStore({ storage });
    const request = onDemandView({
      name: 'request', version: '1', inputs: { mean: airportDelays.feature('delay_mean_1h') }, request: { distance: 'float64' },
      features: { log_distance: 'float64', busy: 'bool' },
      compute: ({ distance, mean }) => ({ log_distance: distance === null ? null : Math.log1p(distance), busy: mean !== null && mean > 20 }),
    });
    const service = featureService({ name: 'delay_v1', features: ['airport_delays:*', 'request:*'] });
    await store.apply([airportDelays, request, service]);
    await store.ingest('airport_delays', rows);
    expect(await store.ingest('airport_delays', rows, { online: true })).toMatchObject({ rows: 0, known: 2 });
    const features = ['airport_delays:*'];
    const training = await store.getHistoricalFeatures({ entities: spine, timestamp: 'date', features, asOf: 'event' });
    const named = await store.getHistoricalFeatures({ entities: spine, timestamp: 'date', features: ['airport_delays:delay_mean_1h'], fullFeatureNames: true });
    await store.materialize('airport_delays', { end: now });
    const online = await store.getOnlineFeatures({ entities: [{ origin: 'ATL', distance: 500 }], features });
    const byName = await store.getHistoricalFeatures({ entities: [{ ...spine[0], distance: 500 }], timestamp: 'date', features: 'delay_v1' });
    const serving = await store.getOnlineFeatures({ entities: [{ origin: 'ATL', distance: 500 }], features: 'delay_v1' });
    for (const name of ['delay', 'delay_mean_1h', 'log_distance', 'busy']) expect(serving.columns[name]).toEqual(Array.from(byName.columns[name]!));
    expect(training.rowCount).toBe(1);
    expect(training.report['airport_delays']!.matched).toBe(1);
    expect(named.columns['airport_delays__delay_mean_1h']![0]).toBe(15);
    expect(online.statuses['delay_mean_1h']).toEqual(['PRESENT']);
    expect(online.timestamps['delay']).toEqual([now - hour / 4]);
    for (const name of ['delay', 'delay_mean_1h', 'late_count_1d']) expect(online.columns[name]).toEqual(Array.from(training.columns[name]!));
  });

  it('runs pipelines', async () => {
    const events: PipelineEvent[] = [];
    const retrain = new Pipeline({ name: 'retrain', storage, params: z.object({ month: z.string() }) });
    const rows = retrain.step('ingest', {}, async ({ params, signal }) => (signal.aborted ? [] : [{ month: params.month, late: 1 }]));
    const valid = retrain.step('validate', { needs: { rows } }, async ({ inputs }) => inputs.rows.filter((row) => row.late >= 0));
    const best = retrain.step('train', { needs: { valid }, retries: { limit: 3, backoff: '1s' }, timeout: '10m' }, async ({ inputs, run }) => ({ auc: inputs.valid.length, attempt: run.attempt }));
    retrain.step('notify', { after: [best] }, async () => undefined);

    const result = await retrain.run({ params: { month: '2001-02' }, onEvent: (event) => events.push(event) });
    const chosen = result.output(best);
    expectTypeOf(chosen).toEqualTypeOf<{ auc: number; attempt: number }>();
    expect([result.status, chosen, Object.keys(result.steps)]).toEqual(['succeeded', { auc: 1, attempt: 1 }, ['ingest', 'validate', 'train', 'notify']]);
    expect(result.timings.durationMs).toBeGreaterThanOrEqual(0);
    expect(events.at(-1)!.type).toBe('run-finished');
    expect((await retrain.resume(result.id)).output(rows)).toEqual([{ month: '2001-02', late: 1 }]);
    // @ts-expect-error params are required where the schema requires any
    await expect(retrain.run()).rejects.toMatchObject({ code: 'validation' });
  });

  it('runs a pipeline with a grid, a cache, a condition and a report, and by itself', async () => {
    const store = new FeatureStore({ storage });
    await store.apply([featureView({ name: 'airport_delays', entity: ['origin'], timestamp: 'at', features: { delay: 'float64' } })]);
    const monthOf = (at: number | Date | string): string => new Date(at).toISOString().slice(0, 7);
    const pick = (models: readonly { auc: number }[]): { auc: number } => models.reduce((a, b) => (b.auc > a.auc ? b : a));
    const registered: number[] = [];
    const posted: string[] = [];

    const retrain = new Pipeline({ name: 'retrain', storage, params: z.object({ month: z.string() }) });
    const rows = retrain.step('ingest', { cache: { version: '1' } }, async ({ params, signal }) => (signal.aborted ? [] : [{ month: params.month, late: 1 }]));
    const valid = retrain.step('validate', { needs: { rows } }, async ({ inputs }) => inputs.rows.filter((row) => row.late >= 0));
    const models = retrain.map('train', { over: [0.6, 0.9, 0.7], needs: { valid }, concurrency: 4, retries: { limit: 3, backoff: '1s' }, timeout: '10m' }, async ({ item, inputs, run }) => ({ auc: item * inputs.valid.length, step: run.step }));
    const best = retrain.step('evaluate', { needs: { models } }, async ({ inputs }) => pick(inputs.models));
    retrain.step('register', { needs: { best }, when: ({ inputs }) => inputs.best.auc > 0.8 }, async ({ inputs }) => void registered.push(inputs.best.auc));
    retrain.step('notify', { after: [best], trigger: 'all_done' }, async ({ states }) => void posted.push(states['evaluate']!.status));

    const result = await retrain.run({ params: { month: '2001-02' }, onEvent: () => undefined });
    expect(result.output(best).auc).toBe(0.9);
    expect([registered, posted]).toEqual([[0.9], ['succeeded']]);
    expect((await retrain.run({ params: { month: '2001-02' } })).steps['ingest']?.cache).toBeDefined();

    const nightly = await retrain.schedule({ cron: '0 3 * * *', timezone: 'Europe/Paris', catchup: false, params: ({ interval }) => ({ month: monthOf(interval.start) }) });
    expect(nightly.name).toBe('cron 0 3 * * * Europe/Paris');
    await retrain.triggerOn(store.arrivals('airport_delays', { rows: 2 }), { from: 'beginning', params: ({ at }) => ({ month: monthOf(at) }) });
    await store.ingest('airport_delays', [{ origin: 'ATL', at: Date.UTC(2001, 0, 1), delay: 1 }, { origin: 'ORD', at: Date.UTC(2001, 0, 2), delay: 2 }]);
    await using worker = retrain.start();
    await worker.idle();
    const causes = (await retrain.searchRuns({ filter: "cause = 'trigger'" })).items.map(({ triggeredBy }) => triggeredBy?.kind);
    expect(causes).toEqual(['trigger']);
  });

  it('watches for drift', async () => {
    const training = { distance: Float64Array.from({ length: 400 }, (_, i) => i % 100), score: Float64Array.from({ length: 400 }, (_, i) => (i % 10) / 10) };
    const shifted = { distance: training.distance.map((each) => each + 60), score: training.score };
    const report = compareData(training, shifted, { alpha: 0.05, minEffect: 0.1 });
    expect(report.driftedColumns).toEqual(['distance']);

    const reference = profileData(training, { prediction: 'score' });
    const monitor = new DriftMonitor({ storage, name: 'flight-delay', reference, window: { rows: 5000 }, drift: { alpha: 0.05, minEffect: 0.1 } });
    const verdicts: string[] = [];
    const stop = monitor.on('verdict', (each) => verdicts.push(each.summary));
    for (let i = 0; i < 400; i++) monitor.observe({ version: 3, features: { distance: shifted.distance[i] }, prediction: training.score[i] });
    const verdict = await monitor.check({ close: true });
    stop();
    expect(verdict.drifted).toBe(true);
    expect(verdicts).toHaveLength(1);
    await monitor.close();
  });
});
