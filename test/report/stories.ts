import { analyzeUnits, compareData, DriftMonitor, gates, MemoryStorage, Pipeline, profileData, Registry, Tracker, type AbAnalysis, type AlertEvent, type DataDrift, type DataProfile, type LineageGraph, type ModelInfo, type ModelVersion, type PeriodPerformance, type PipelineRun, type RegistryEvent, type RolloutEvent, type RolloutStatus } from 'modelkeep';
// What is loaded when it is asked for takes time that no clock tells.
import '../../src/monitoring/performance/add-performance.ts';
import '../../src/monitoring/performance/measure-periods.ts';
import '../../src/monitoring/windows/window-keeper.ts';
import { column, Draws, tableOf } from '../experiments/unit-tables.ts';
import { Sampler } from '../monitoring/samples.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { by, deploy, Models, registryOf } from '../serving/served-model.ts';

/** A name that would break out of what it stands in, were it not escaped. */
export const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;';
/** A name of 300 characters. */
const long = 'a very long name '.repeat(18).slice(0, 300);
/** A name that is read from right to left. */
export const arabic = 'تأخير الرحلة';

/** Data that has drifted in some of its columns, with both profiles. */
export function driftOf(columns: number, rows = 3000): { readonly report: DataDrift; readonly reference: DataProfile; readonly current: DataProfile } {
  const draws = new Sampler(7);
  const table = (moved: boolean): Record<string, Float64Array | string[]> =>
    Object.fromEntries(
      Array.from({ length: columns }, (_, i): [string, Float64Array | string[]] => {
        const shift = moved && i % 4 === 0 ? 0.6 + i / columns : 0;
        if (i % 3 === 1) return [`category ${i}`, draws.categories(rows, moved && i % 5 === 1 ? 9 : 6)];
        return [`feature ${i}`, draws.normals(rows, 10 + shift, 2)];
      }),
    );
  const reference = profileData({ ...table(false), score: draws.normals(rows) }, { prediction: 'score' });
  const current = profileData({ ...table(true), score: draws.normals(rows, 0.8) }, { bins: reference });
  return { report: compareData(reference, current), reference, current };
}

/** Hours of a model that was good, was not for two of them, and is again; labels for the last may still come. */
export async function performanceStory(): Promise<{ readonly periods: readonly PeriodPerformance[]; readonly alerts: readonly AlertEvent[]; readonly min: number }> {
  const clock = new ManualClock();
  const hour = 3_600_000;
  const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
  const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'flights', reference, window: { rows: 1e9 }, clock, performance: { metric: 'accuracy', min: 0.8, maxLabelDelay: '2h', every: '1h' } });
  for (const [h, right] of [95, 92, 94, 60, 62, 97, 93, 20, 91, 96].entries()) {
    const labelled = h === 7 ? 20 : 100 - 5 * h;
    for (let i = 0; i < 100; i++) {
      monitor.observe({ id: `${h}-${i}`, features: { x: 1 }, prediction: 'a', version: 1 + (h > 5 ? 1 : 0) });
      if (i < labelled) monitor.feedback({ id: `${h}-${i}`, label: (i * 37) % 100 < right ? 'a' : 'b' });
    }
    await monitor.flush();
    await clock.advance(hour);
  }
  await clock.advance(5000);
  await settled();
  const open = (await monitor.check()).performance!.open;
  const periods = [...(await monitor.performances()).items, ...open];
  const alerts = (await monitor.alertHistory()).items.filter((event): event is AlertEvent => event.type === 'alert');
  await monitor.close();
  return { periods, alerts, min: 0.8 };
}

/** A test of three variants with a guardrail, a metric without a share, and segments. */
export function abStory(ratio: 'even' | 'lost' = 'even'): AbAnalysis {
  const draws = new Draws(12);
  const units = 9000;
  const variant = Uint16Array.from({ length: units }, (_, i) => (ratio === 'lost' && i % 3 === 1 && i % 5 === 0 ? 0 : i % 3));
  const of = (shifts: readonly number[]): Float64Array => column(units, (i) => 10 + 3 * draws.bell() + shifts[variant[i]!]!);
  const metrics = { spent: { kind: 'mean' as const, value: of([0, 0.5, -0.4]) }, latency: { kind: 'mean' as const, value: of([0, 0.05, 0.6]) }, refunds: { kind: 'mean' as const, value: column(units, (i) => (variant[i] === 0 ? 0 : draws.uniform())) } };
  const country = { values: ['de', 'fr'], codes: Int32Array.from({ length: units }, (_, i) => i % 2) };
  return analyzeUnits(
    { variants: [{ name: 'A' }, { name: 'B' }, { name: 'C' }], metrics: [{ name: 'spent', kind: 'mean', role: 'primary' }, { name: 'latency', kind: 'mean', role: 'guardrail', goal: 'decrease', margin: 0.02 }, { name: 'refunds', kind: 'mean', role: 'secondary', goal: 'decrease' }] },
    tableOf(units, metrics, { variants: 3, variant, segments: { country }, crossed: 12 }),
  );
}

/** A canary that goes through its first steps and is taken back when it begins to fail. */
export async function rolloutStory(): Promise<{ readonly events: readonly RolloutEvent[]; readonly status: RolloutStatus }> {
  const parts = await registryOf(2);
  await parts.registry.promote('m@1', 'production', by);
  let broken = false;
  const { deployment, clock } = deploy(parts, new Models({ predict: (version) => (version === 2 && broken ? Promise.reject(new Error('no device')) : undefined) }), { limits: { queue: 1000 } });
  await deployment.ready();
  const steps = [{ weight: 10, hold: '2m' }, { weight: 40, hold: '2m' }, { weight: 80, hold: '5m' }] as const;
  await deployment.startRollout({ candidate: 2, steps, guardrails: [{ metric: 'error_rate', max: 0.05 }, { metric: 'latency_p50', max: 100, minSamples: 20 }], minSamples: 20, every: '30s', by: 'ann', reason: 'better on last month' });
  await settled();
  for (let minute = 0; minute < 20; minute++) {
    broken = minute > 7;
    await Promise.all(Array.from({ length: 300 }, (_, i) => deployment.predict({ x: i }, { key: `user-${i}` })));
    await clock.advance(60_000);
    if (minute === 1) await deployment.pauseRollout({ by: 'bob', reason: 'a look at the logs' });
    if (minute === 2) await deployment.resumeRollout({ by: 'bob', reason: 'all is well' });
    if ((await deployment.rollout())?.outcome !== undefined) break;
  }
  const story = { events: await deployment.rolloutHistory(), status: (await deployment.rollout())! };
  await deployment.close();
  return story;
}

/** A run with a retry, a sleep, an output of an earlier run, a step that fails, one that is skipped and one that waits for approval. */
export async function pipelineStory(): Promise<PipelineRun> {
  const clock = new ManualClock();
  const storage = new MemoryStorage();
  const pipeline = new Pipeline({ name: 'retrain', storage, clock, random: () => 0.5 });
  const takes = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, ms));
  const rows = pipeline.step('ingest', { cache: { version: '1' } }, async () => {
    await takes(20_000);
    return [1, 2, 3];
  });
  const features = pipeline.step('features', { needs: { rows }, retries: { limit: 3, backoff: '20s' } }, async ({ inputs, run }) => {
    await takes(15_000);
    if (run.attempt < 3) throw new Error('the store is busy');
    return inputs.rows.length;
  });
  const settle = pipeline.sleep('settle', { after: [rows], for: '90s' });
  const model = pipeline.step('train', { needs: { features }, after: [settle] }, async () => {
    await takes(60_000);
    return 'a model';
  });
  const extra = pipeline.step('explain', { needs: { model } }, async () => {
    await takes(5000);
    throw new Error('no memory');
  });
  pipeline.step('publish', { needs: { extra } }, () => 'published');
  pipeline.step('holiday', { after: [rows], when: () => false }, () => 'never');
  pipeline.step(hostile, { after: [rows] }, () => takes(3000));
  const approved = pipeline.approval('release?', { needs: { model }, ask: () => 'Release it?' });
  pipeline.step(long.slice(0, 200), { after: [approved] }, () => 'released');
  pipeline.step(arabic, { needs: { model } }, () => takes(10_000));
  const through = async (): Promise<string> => {
    let id: string | undefined;
    void pipeline.run({ by: 'ann', reason: 'weekly' }).then((result) => (id = result.id));
    // What is loaded when it is asked for takes time that no clock tells.
    while (id === undefined) await clock.advance(1000);
    return id;
  };
  await through();
  return pipeline.getRun(await through());
}

/** A pipeline of so many steps, in layers that need each other. */
export async function wideRun(steps: number): Promise<PipelineRun> {
  const pipeline = new Pipeline({ name: 'wide', storage: new MemoryStorage(), clock: new ManualClock() });
  const handles: ReturnType<typeof pipeline.step>[] = [];
  for (let i = 0; i < steps; i++) {
    const after = i < 20 ? [] : [handles[i - 20]!, handles[i - 20 + ((i * 7) % 13)]!];
    handles.push(
      pipeline.step(`step ${i}`, { after, allowFailure: true }, () => {
        if (i === steps - 1) throw new Error('the last one fails');
      }),
    );
  }
  return pipeline.getRun((await pipeline.run()).id);
}

/** A model with versions, stages, aliases, gates that passed and one that was overridden, a rollback, and where its version came from. */
export async function modelStory(versions = 4): Promise<{ readonly model: ModelInfo; readonly versions: readonly ModelVersion[]; readonly history: readonly RegistryEvent[]; readonly lineage: LineageGraph }> {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  const registry = new Registry({ storage, clock });
  const tracker = new Tracker({ storage, clock });
  await registry.createModel('flight-delay', { description: 'Whether a flight is late.', owner: 'ann', tags: { team: hostile } });
  await registry.setPolicy('flight-delay', { production: [gates.metric('auc', { goal: 'maximize', min: 0.7 })] }, { by: 'ann', reason: 'not worse than a coin' });
  const runId = await tracker.withRun({ experiment: 'delays', params: { depth: 3 } }, async (run) => {
    await run.logDataset({ name: 'flights 2001', columns: { x: [1, 2, 3] }, role: 'training' });
    return run.id;
  });
  const pair = [0.9, 0.6];
  for (let i = 1; i <= versions; i++) {
    clock.jump(60_000);
    await registry.registerVersion('flight-delay', { files: { 'model.json': `{"v":${i}}` }, metrics: { auc: pair[i % 2 === 1 ? 0 : 1]! + i / 1e4, logLoss: 0.4 }, run: runId, createdBy: 'ann', description: long });
  }
  await registry.promote('flight-delay@1', 'production', { by: 'ann', reason: 'the first' });
  await registry.promote('flight-delay@2', 'production', { by: 'bob', reason: hostile, force: true });
  await registry.rollback('flight-delay', { by: 'bob', reason: 'it was worse' });
  await registry.setAlias('flight-delay', 'champion', 1, { by: 'ann' });
  await registry.promote('flight-delay@3', 'staging', { by: 'ann', reason: arabic });
  const listed: ModelVersion[] = [];
  for await (const version of registry.versions('flight-delay')) listed.push(version);
  return { model: await registry.getModel('flight-delay'), versions: listed, history: await registry.history('flight-delay'), lineage: await registry.lineage('flight-delay@1') };
}
