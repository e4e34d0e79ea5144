import type { ImportDamage, ImportedPoints, ImportedRun } from 'modelkeep/interchange';

export const startedAt = 1_700_000_000_000;

/** Points of metrics that take turns, one a millisecond. */
export function points(count: number, from = 0, metrics = ['loss', 'acc']): ImportedPoints {
  const index = Array.from({ length: count }, (_, i) => from + i);
  return {
    names: metrics,
    codes: Uint32Array.from(index, (i) => i % metrics.length),
    steps: Float64Array.from(index, (i) => Math.floor(i / metrics.length)),
    timestamps: Float64Array.from(index, (i) => startedAt + i),
    values: Float64Array.from(index, (i) => 1 / (i + 1)),
  };
}

/** A run with these points. */
export function run(source: string, parts: (ImportedPoints | ImportDamage)[], more: Partial<ImportedRun> = {}): ImportedRun {
  return {
    source, experiment: 'e', status: 'finished', startedAt, params: {}, tags: {}, datasets: [],
    async *metrics() { yield* parts; },
    async *artifacts() {},
    ...more,
  };
}

/** A source of these. */
export async function* of<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}
