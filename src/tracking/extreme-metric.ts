import type { MetricPoint } from './latest-metric.ts';
import type { MetricPoints } from './metric-batch.ts';

/** The ends of what a metric has been. */
export interface MetricExtremes {
  /** Its least value; of equal ones the first by step, then timestamp. */
  readonly min: MetricPoint;
  /** Its greatest value; of equal ones the first by step, then timestamp. */
  readonly max: MetricPoint;
}

/** The least and the greatest value of each metric by name. NaN is neither: a metric that was nothing else is not here; ±Infinity are values like others. */
export type BestMetrics = Readonly<Record<string, MetricExtremes>>;

/** Takes points into the extremes. Neither the order in which they come matters, nor whether some come twice. */
export function takeExtremes(extremes: Map<string, MetricExtremes>, points: MetricPoints): void {
  const { names, codes, steps, timestamps, values } = points;
  const least = new Int32Array(names.length).fill(-1);
  const greatest = new Int32Array(names.length).fill(-1);
  const isFirst = (i: number, than: number): boolean => steps[i]! < steps[than]! || (steps[i] === steps[than] && timestamps[i]! < timestamps[than]!);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    const code = codes[i]!;
    const low = least[code]!;
    if (low < 0 || value < values[low]! || (value === values[low] && isFirst(i, low))) least[code] = i;
    const high = greatest[code]!;
    if (high < 0 || value > values[high]! || (value === values[high] && isFirst(i, high))) greatest[code] = i;
  }
  const pointAt = (i: number): MetricPoint => ({ step: steps[i]!, timestamp: timestamps[i]!, value: values[i]! });
  least.forEach((row, code) => {
    if (row >= 0) takeBoth(extremes, names[code]!, { min: pointAt(row), max: pointAt(greatest[code]!) });
  });
}

/** The extremes of both. */
export function mergeExtremes(a: BestMetrics, b: Iterable<readonly [string, MetricExtremes]>): BestMetrics {
  const merged = new Map(Object.entries(a));
  for (const [name, extremes] of b) takeBoth(merged, name, extremes);
  return Object.fromEntries(merged);
}

function takeBoth(into: Map<string, MetricExtremes>, name: string, { min, max }: MetricExtremes): void {
  const known = into.get(name);
  if (known === undefined) into.set(name, { min, max });
  else into.set(name, { min: beats(min, known.min, min.value < known.min.value) ? min : known.min, max: beats(max, known.max, max.value > known.max.value) ? max : known.max });
}

function beats(point: MetricPoint, known: MetricPoint, further: boolean): boolean {
  if (further || point.value !== known.value) return further;
  return point.step < known.step || (point.step === known.step && point.timestamp < known.timestamp);
}
