import type { DriftVerdict, ModelInfo, PeriodPerformance, PipelineRun, RunRecord, StorageAdapter } from '../index.ts';
import type { AbTestPart, CurveMetric, ModelPart, PerformancePart, ReportParts } from '../report.ts';
import type { Clock } from '../core/clock.ts';
import { findRun } from './commands/pipelines/open-pipeline.ts';
import { library } from './library.ts';

/** What a report is to show, by name; where nothing is named, some of everything. */
export interface ReportWishes {
  readonly runs: { readonly experiments: readonly string[]; readonly filter: string | undefined; readonly limit: number } | undefined;
  /** Ids of runs that are compared, with the curves of their metrics. */
  readonly compared: readonly string[];
  /** Metrics whose curves are drawn; the first few when none are named. */
  readonly metrics: readonly string[];
  readonly models: readonly string[];
  readonly pipelineRuns: readonly string[];
  readonly monitors: readonly string[];
  readonly tests: readonly string[];
  /** Whether it says how mature the models in production are kept. */
  readonly maturity: boolean;
}

const mostOfEach = 10;
const mostCurves = 6;
const pointsOfCurve = 1500;

/** Wishes for a report that nobody has chosen the parts of: the newest runs, and the first models, monitors, tests and pipelines with their last run. */
export async function everything(storage: StorageAdapter, limit: number, signal: AbortSignal): Promise<ReportWishes> {
  const { ABTest, DriftMonitor, Pipeline, Registry } = await library();
  const pipelineRuns: string[] = [];
  for (const { name } of (await Pipeline.list({ storage, limit: mostOfEach, signal })).items) {
    const { items } = await new Pipeline({ name, storage }).searchRuns({ limit: 1, signal });
    pipelineRuns.push(...items.map(({ id }) => id));
  }
  const models = await new Registry({ storage }).listModels({ limit: mostOfEach, signal });
  const [monitors, tests] = await Promise.all([DriftMonitor.list({ storage, limit: mostOfEach, signal }), ABTest.list({ storage, limit: mostOfEach, signal })]);
  return {
    runs: { experiments: [], filter: undefined, limit },
    compared: [],
    metrics: [],
    models: models.items.map(({ name }: ModelInfo) => name),
    pipelineRuns,
    monitors: monitors.items.map(({ name }) => name),
    tests: tests.items.map(({ name }) => name),
    maturity: models.items.some(({ production }: ModelInfo) => production !== undefined),
  };
}

/** The parts of a report, read from a store. */
export async function reportParts(storage: StorageAdapter, wishes: ReportWishes, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<ReportParts> {
  const { assessMaturity } = await library();
  const monitors = await Promise.all(wishes.monitors.map((name) => monitorParts(storage, name, signal)));
  return {
    ...(await runParts(storage, wishes, signal)),
    drift: present(monitors.flatMap(({ verdict }) => verdict ?? [])),
    performance: present(monitors.flatMap(({ performance }) => performance ?? [])),
    abTest: present(await Promise.all(wishes.tests.map((name) => testPart(storage, name, signal)))),
    pipeline: present(await Promise.all(wishes.pipelineRuns.map((id): Promise<PipelineRun> => findRun(storage, id, signal)))),
    model: present(await Promise.all(wishes.models.map((name) => modelPart(storage, name, signal)))),
    // A report is no assessment of its own: the trend is of those that were asked for.
    maturity: wishes.maturity ? await assessMaturity({ storage, clock, store: false, signal }) : undefined,
  };
}

async function runParts(storage: StorageAdapter, { runs, compared, metrics }: ReportWishes, signal: AbortSignal): Promise<Pick<ReportParts, 'runs' | 'comparison' | 'curves'>> {
  const { Tracker } = await library();
  const tracker = new Tracker({ storage });
  const page = runs === undefined ? undefined : await tracker.searchRuns({ experiments: runs.experiments.length === 0 ? undefined : runs.experiments, filter: runs.filter, limit: runs.limit, signal });
  const records = await Promise.all(compared.map((id) => tracker.getRun(id, { signal })));
  const curves = await Promise.all(
    metricNames(records, metrics).map(async (name): Promise<CurveMetric> => ({
      name,
      curves: await Promise.all(records.filter((run) => Object.hasOwn(run.metrics, name)).map(async (run) => ({ run: run.name ?? run.id, startedAt: run.startedAt, series: await tracker.metricHistory(run.id, name, { maxPoints: pointsOfCurve, signal }) }))),
    })),
  );
  return {
    runs: page === undefined ? undefined : { runs: page.items },
    comparison: compared.length < 2 ? undefined : await tracker.compareRuns(compared, { signal }),
    curves: curves.length === 0 ? undefined : { metrics: curves },
  };
}

function metricNames(runs: readonly RunRecord[], asked: readonly string[]): readonly string[] {
  if (asked.length > 0) return asked;
  const names = new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)));
  return [...names].filter((name) => !name.startsWith('system/')).sort().slice(0, mostCurves);
}

async function monitorParts(storage: StorageAdapter, name: string, signal: AbortSignal): Promise<{ readonly verdict: DriftVerdict | undefined; readonly performance: PerformancePart | undefined }> {
  const { monitorHistory } = await import('./monitor-history.ts');
  const monitor = await monitorHistory(storage, name, signal);
  const verdict = (await monitor.verdicts(1)).at(-1);
  const periods: readonly PeriodPerformance[] = await monitor.performances(100);
  return { verdict, performance: periods.length === 0 ? undefined : { title: `Performance of ${name}`, periods } };
}

async function testPart(storage: StorageAdapter, name: string, signal: AbortSignal): Promise<AbTestPart> {
  const { ABTest } = await library();
  await using test = await ABTest.open({ storage, name, signal });
  return { name, analysis: await test.analyze({ signal }) };
}

async function modelPart(storage: StorageAdapter, name: string, signal: AbortSignal): Promise<ModelPart> {
  const { Registry } = await library();
  const registry = new Registry({ storage });
  const model = await registry.getModel(name, { signal });
  const { items: versions } = await registry.listVersions(name, { signal });
  const shown = model.production ?? (model.latest === 0 ? undefined : model.latest);
  return { model, versions, history: await registry.history(name, { signal }), lineage: shown === undefined ? undefined : await registry.lineage(`${name}@${shown}`, { signal }) };
}

function present<T>(parts: readonly T[]): readonly T[] | undefined {
  return parts.length === 0 ? undefined : parts;
}
