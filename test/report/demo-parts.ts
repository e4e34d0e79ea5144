import { MemoryStorage, parallelCoordinates, Tracker, type RunComparison, type RunRecord } from 'modelkeep';
import { barChart, calibrationChart, confusionMatrixChart, histogramChart, lineChart, parallelCoordinatesChart, precisionRecallChart, rocChart, scatterChart, type Chart, type CurvesPart, type RunsPart } from 'modelkeep/report';
import { confusionMatrix, histogram, precisionRecallCurve, rocCurve } from 'modelkeep/stats';

const labels = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1];
const scores = [0.1, 0.9, 0.4, 0.35, 0.8, 0.2, 0.7, 0.6, 0.3, 0.55];
const losses = [10, 2, 1, 0.5, NaN, undefined, 30, 40, 50, 60, 70, 80, 90, 100];

/** Runs with names that are long, right to left, or markup, and metrics that are missing or NaN. */
export function runsDemo(): RunsPart {
  const names: Record<number, string> = { 0: 'a very long name '.repeat(20), 1: 'ריצה עם שם בעברית', 2: '<img src=x onerror=alert(1)>' };
  return {
    runs: losses.map((loss, i) => ({
      id: `run-${i}`,
      experiment: 'demo',
      name: names[i] ?? `run ${i}`,
      status: i % 2 ? 'failed' : 'finished',
      startedAt: Date.UTC(2026, 0, 1 + i),
      endedAt: Date.UTC(2026, 0, 1 + i, 1),
      params: { lr: 1 / (i + 1) },
      tags: {},
      metrics: loss === undefined ? {} : { loss: { step: 1, timestamp: 1, value: loss } },
      droppedPoints: 0,
    })) satisfies RunRecord[],
  };
}

/** Two runs of a store, compared. */
export async function compareRunsDemo(): Promise<RunComparison> {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  const ids: string[] = [];
  for (const lr of [0.1, 0.2]) {
    const run = await tracker.startRun({ experiment: 'demo', params: { lr, batch: 32 } });
    run.logMetrics({ loss: lr });
    ids.push((await run.end()).id);
  }
  return tracker.compareRuns(ids);
}

/** A chart of each kind. */
export function chartsDemo(): Chart[] {
  return [
    lineChart([{ name: 'train', x: [0, 1, 2, 3], y: [4, 3, 2, 1] }], { title: 'loss' }),
    barChart([{ name: 'distance', value: 0.6 }, { name: 'a long name '.repeat(20), value: -0.2 }], { title: 'importance' }),
    histogramChart([{ name: 'reference', ...histogram([1, 2, 2, 3, 4, 5]) }, { name: 'current', ...histogram([2, 3, 3, 5]) }], { title: 'delay' }),
    scatterChart([{ name: 'runs', x: [0.001, 0.01, 0.1], y: [0.3, 0.2, 0.4] }], { title: 'lr and loss', x: 'log' }),
    confusionMatrixChart(confusionMatrix(['cat', 'dog', 'cat', 'cat'], ['cat', 'dog', 'dog', 'cat']), { title: 'pets' }),
    rocChart([{ name: 'v3', ...rocCurve(labels, scores) }], { title: 'ROC' }),
    precisionRecallChart([{ name: 'v3', ...precisionRecallCurve(labels, scores) }], { title: 'precision and recall' }),
    calibrationChart([{ name: 'v3', labels, probabilities: scores }], { title: 'calibration', bins: 3 }),
    parallelCoordinatesChart(parallelCoordinates([...runsDemo().runs]), { title: 'sweep' }),
  ];
}

/** A metric of three runs that falls over five decades, of which one is far above the others, logged at a pace that changes in the middle. */
export function curvesDemo(options: Omit<CurvesPart, 'metrics'> = {}): CurvesPart {
  const points = 600;
  const start = Date.UTC(2026, 0, 1);
  const curves = ['a', 'b', '<b>far above</b>'].map((run, r) => ({
    run,
    startedAt: start + r * 60_000,
    series: {
      steps: Float64Array.from({ length: points }, (_, i) => i),
      values: Float64Array.from({ length: points }, (_, i) => (r === 2 ? 1_000 : 1) * Math.exp(-i / 50) * (1 + 0.3 * Math.sin(i * (r + 1)))),
      timestamps: Float64Array.from({ length: points }, (_, i) => start + r * 60_000 + (i < 300 ? i * 1_000 : 300_000 + (i - 300) * 10_000)),
      total: points,
      exact: true,
    },
  }));
  return { metrics: [{ name: 'loss', curves }], ...options };
}
