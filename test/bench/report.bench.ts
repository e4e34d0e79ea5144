import { compareData, profileData } from 'modelkeep';
import { renderReport, type CurveMetric, type DriftReportPart, type ReportParts } from 'modelkeep/report';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { measure, type Benchmark } from './harness.ts';

const generator = new SeededGenerator(11);
const runs = 200;
const names = ['loss', 'val/loss', 'accuracy', 'val/accuracy', 'lr'];
const points = 1_000_000 / (runs * names.length);

const driftColumns = 30;
const rows = 5_000;

/** Thirty columns, numbers and categories by turns, of which some have moved; with the profiles that both distributions of each are drawn from. */
function drift(): DriftReportPart {
  const numbers = (shift: number): Float64Array => Float64Array.from({ length: rows }, () => shift + generator.uniform() + generator.uniform() + generator.uniform());
  const categories = (kinds: number): string[] => Array.from({ length: rows }, () => `category ${Math.floor(kinds * generator.uniform() ** 2)}`);
  const table = (moved: boolean): Record<string, Float64Array | string[]> =>
    Object.fromEntries(Array.from({ length: driftColumns }, (_, i) => (i % 3 === 2 ? [`kind of column ${i}`, categories(moved && i % 4 === 0 ? 14 : 9)] : [`measure of column ${i}`, numbers(moved && i % 4 === 0 ? i / 60 : 0)])));
  const reference = profileData(table(false));
  const current = profileData(table(true), { bins: reference });
  return { report: compareData(reference, current), reference, current };
}

/** 200 runs of five metrics with a million points in all, and the drift of thirty columns. */
function parts(): ReportParts {
  const startedAt = Date.UTC(2026, 0, 1);
  const curves = names.map((name): CurveMetric => ({
    name,
    curves: Array.from({ length: runs }, (_, r) => ({
      run: `run ${r}`,
      series: {
        steps: Float64Array.from({ length: points }, (_each, i) => i),
        values: Float64Array.from({ length: points }, (_each, i) => Math.exp(-i / (100 + r)) + 0.05 * generator.uniform()),
        timestamps: Float64Array.from({ length: points }, (_each, i) => startedAt + i * 1_000),
        total: points,
        exact: true,
      },
    })),
  }));
  return {
    runs: {
      runs: Array.from({ length: runs }, (_, r) => ({
        id: `0190c000-0000-7000-8000-${String(r).padStart(12, '0')}`,
        experiment: 'bench',
        name: `run ${r}`,
        status: 'finished',
        startedAt: startedAt + r * 60_000,
        endedAt: startedAt + r * 60_000 + 1_000 * points,
        params: { lr: 10 ** -(r % 5), layers: r % 7, optimizer: r % 2 ? 'adam' : 'sgd' },
        tags: {},
        metrics: Object.fromEntries(names.map((name) => [name, { step: points, timestamp: startedAt, value: generator.uniform() }])),
        droppedPoints: 0,
      })),
    },
    curves: { metrics: curves, log: true, smoothing: { method: 'exponential', weight: 0.8 } },
    drift: drift(),
  };
}

const size: Benchmark = {
  name: 'size of a report of 200 runs, a million points in five charts and 30 drift columns',
  run: async () => ({ value: new TextEncoder().encode(renderReport(parts())).length / 1_024, unit: 'KB', target: { atMost: 300 } }),
};

export const benchmarks: Benchmark[] = [measure('report of 200 runs, a million points in five charts and 30 drift columns', (made: ReportParts) => renderReport(made), { setup: parts, target: { atMost: 600 } }), size];
