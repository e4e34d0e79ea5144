import { ABTest, Deployment, DriftMonitor, isModelkeepError, Registry, Tracker, type AbAnalysis, type AlertEvent, type DriftVerdict, type ExperimentEvent, type LineageGraph, type MetricSeries, type ModelInfo, type ModelVersion, type Page, type PeriodPerformance, type PipelineRun, type RegistryEvent, type RolloutEvent, type RunRecord, type StorageAdapter } from 'modelkeep';
import { testName } from './challenger-test.ts';
import { loadPredictor, modelName } from './model-files.ts';
import type { Retraining } from './retraining.ts';

/** What the store knows of the whole life of the model. */
export interface LoopHistory {
  readonly model: ModelInfo;
  readonly versions: readonly ModelVersion[];
  /** What the version in production came from. */
  readonly lineage: LineageGraph;
  /** The runs of the steps that trained and judged, the oldest first. */
  readonly runs: readonly RunRecord[];
  /** How the loss of each training went. */
  readonly losses: readonly { readonly run: string; readonly series: MetricSeries }[];
  readonly registry: readonly RegistryEvent[];
  readonly rollouts: readonly RolloutEvent[];
  readonly verdicts: readonly DriftVerdict[];
  readonly performances: readonly PeriodPerformance[];
  readonly alerts: readonly AlertEvent[];
  /** The oldest first. */
  readonly retrainings: readonly PipelineRun[];
  readonly test: readonly ExperimentEvent[];
  /** What the test says, looked at again; absent where there was none. */
  readonly analysis: AbAnalysis | undefined;
}

/** Reads all of it from the store, as any other process would. */
export async function readHistory(storage: StorageAdapter, { pipeline }: Retraining): Promise<LoopHistory> {
  const registry = new Registry({ storage });
  const versions: ModelVersion[] = [];
  for await (const version of registry.versions(modelName)) versions.unshift(version);
  await using monitor = await DriftMonitor.open({ storage, name: modelName, window: { every: '7d' } });
  const alerts = await everyItem((after) => monitor.alertHistory({ after }));
  const retrainings: PipelineRun[] = [];
  for await (const { id } of pipeline.runs()) retrainings.push(await pipeline.getRun(id));
  retrainings.sort((a, b) => a.timings.startedAt - b.timings.startedAt);
  const tracker = new Tracker({ storage });
  const runs = (await everyItem((after) => tracker.listRuns({ experiments: [pipeline.name], after }))).reverse();
  const trained = versions.flatMap(({ version, run }) => (run === undefined ? [] : [{ version, run }]));
  const test = await openTest(storage);
  return {
    model: await registry.getModel(modelName),
    versions,
    lineage: await registry.lineage(`${modelName}@production`),
    runs,
    losses: await Promise.all(trained.map(async ({ version, run }) => ({ run: `version ${version}`, series: await tracker.metricHistory(run, 'loss') }))),
    performances: await everyItem((after) => monitor.performances({ after })),
    registry: await registry.history(modelName),
    rollouts: await readRollouts(storage, registry),
    verdicts: await everyItem((after) => monitor.verdicts({ after })),
    alerts: alerts.filter((event): event is AlertEvent => event.type === 'alert'),
    retrainings,
    test: test ? (await test.history()).items : [],
    analysis: await test?.analyze(),
  };
}

async function readRollouts(storage: StorageAdapter, registry: Registry): Promise<RolloutEvent[]> {
  await using deployment = new Deployment({ storage, registry, model: modelName, load: loadPredictor });
  return await deployment.rolloutHistory();
}

async function openTest(storage: StorageAdapter): Promise<ABTest | undefined> {
  try {
    return await ABTest.open({ storage, name: testName });
  } catch (error) {
    if (isModelkeepError(error, 'not-found')) return undefined;
    throw error;
  }
}

async function everyItem<T>(page: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await page(after);
    all.push(...items);
    if (next === undefined) return all;
    after = next;
  }
}

/** One line of what happened. */
export interface Entry {
  /** Epoch milliseconds of the story. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
}

const toldRollouts = new Set(['started', 'stage-entered', 'promoted', 'rolled-back', 'aborted', 'paused']);

/** What happened, in the order of time. */
export function chronicle(history: LoopHistory): Entry[] {
  const entries = [
    ...history.alerts.map(({ at, data }) => ({ at, who: 'the monitor', what: `${data.kind} ${data.status}${data.columns.length > 0 ? ` (${data.columns.join(', ')})` : ''}` })),
    ...history.retrainings.map(trainingEntry),
    ...history.registry.flatMap(registryEntry),
    ...history.rollouts.filter(({ type }) => toldRollouts.has(type)).map(rolloutEntry),
    ...history.test.map(({ at, by, type, reason }) => ({ at, who: 'the test', what: `${type}${by === undefined ? '' : ` (by ${by})`}${reason === undefined ? '' : `: ${reason}`}` })),
  ];
  return entries.map((entry, place) => ({ entry, place })).sort((a, b) => a.entry.at - b.entry.at || a.place - b.place).map(({ entry }) => entry);
}

function trainingEntry({ timings, triggeredBy, status, params }: PipelineRun): Entry {
  const { kind, join } = params as { readonly kind: string; readonly join: string };
  const who = triggeredBy?.kind === 'call' ? (triggeredBy.by ?? 'somebody') : 'the alert';
  return { at: timings.startedAt, who, what: `has a model trained (${kind}, joined at ${join}): ${status}` };
}

function registryEntry(event: RegistryEvent): Entry[] {
  const { at, by: who = 'somebody' } = event;
  if (event.type === 'version-registered') return [{ at, who, what: `registers version ${event.data.version}` }];
  return event.type === 'stage-changed' ? [{ at, who, what: `moves version ${event.data.version} to ${event.data.to}` }] : [];
}

function rolloutEntry({ at, type, data }: RolloutEvent): Entry {
  const more = type === 'stage-entered' ? ` (${100 * data.weight} %)` : type === 'rolled-back' ? `. ${data.why}` : '';
  return { at, who: `version ${data.candidate}`, what: `${type}${more}` };
}
