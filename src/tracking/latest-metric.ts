import type { MetricPoints } from './metric-batch.ts';

/** One value of a metric. */
export interface MetricPoint {
  /** A whole number, negative ones included. */
  readonly step: number;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** Any number, NaN and ±Infinity included. */
  readonly value: number;
}

/** The latest value of each metric by name. */
export type LatestMetrics = Readonly<Record<string, MetricPoint>>;

/** Takes points into the latest ones. Neither the order in which they come matters, nor whether some come twice. */
export function takeLatest(latest: Map<string, MetricPoint>, points: MetricPoints): void {
  latestRows(points).forEach((row, code) => {
    if (row < 0) return;
    takePoint(latest, points.names[code]!, { step: points.steps[row]!, timestamp: points.timestamps[row]!, value: points.values[row]! });
  });
}

/** The later of each metric's points in both. */
export function mergeLatest(a: LatestMetrics, b: Iterable<readonly [string, MetricPoint]>): LatestMetrics {
  const merged = new Map(Object.entries(a));
  for (const [name, point] of b) takePoint(merged, name, point);
  return Object.fromEntries(merged);
}

function takePoint(latest: Map<string, MetricPoint>, name: string, { step, timestamp, value }: MetricPoint): void {
  const known = latest.get(name);
  if (known === undefined || isLater(step, timestamp, value, known.step, known.timestamp, known.value)) latest.set(name, { step, timestamp, value });
}

/** The row of each metric's latest point by its code, -1 where it has none. */
function latestRows({ names, codes, steps, timestamps, values }: MetricPoints): Int32Array {
  const rows = new Int32Array(names.length).fill(-1);
  for (let i = 0; i < values.length; i++) {
    const row = rows[codes[i]!]!;
    if (row < 0 || isLater(steps[i]!, timestamps[i]!, values[i]!, steps[row]!, timestamps[row]!, values[row]!)) rows[codes[i]!] = i;
  }
  return rows;
}

/** Greater by step, then timestamp, then value, as in MLflow; a NaN, of which MLflow's stores differ, is less than every number. */
function isLater(step: number, timestamp: number, value: number, thanStep: number, thanTimestamp: number, thanValue: number): boolean {
  if (step !== thanStep) return step > thanStep;
  if (timestamp !== thanTimestamp) return timestamp > thanTimestamp;
  return value > thanValue || (Number.isNaN(thanValue) && !Number.isNaN(value));
}
