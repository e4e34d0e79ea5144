import { isCount } from './grid-counts.ts';
import type { NumberProfile } from './column-profile.ts';

/** The finite numbers of a column in order, while there are few. */
export interface ValueSample {
  /** With more numbers than this none is kept. */
  readonly most: number;
  /** All of them, ascending; `null` where there are more. */
  readonly values: readonly number[] | null;
}

/** All numbers of a sorted list, unless there are more than are kept. */
export function keepValues(most: number, sorted: ArrayLike<number>): ValueSample {
  // Adding 0 makes -0 the 0 that JSON would make of it.
  return { most, values: sorted.length > most ? null : Array.from(sorted, (value) => value + 0) };
}

/** The numbers of both; `undefined` where one side has kept none, or up to another number. */
export function mergeSamples(a: ValueSample | undefined, b: ValueSample | undefined): ValueSample | undefined {
  if (a === undefined || b?.most !== a.most) return undefined;
  if (a.values === null || b.values === null) return { most: a.most, values: null };
  return keepValues(a.most, Float64Array.from([...a.values, ...b.values]).sort());
}

/** Every number of a column in order, the infinite ones at either end; `undefined` where they were not kept. */
export function sortedValues({ sample, infinite, negativeInfinite }: NumberProfile): Float64Array | undefined {
  if (!sample?.values) return undefined;
  const sorted = new Float64Array(sample.values.length + infinite).fill(Infinity);
  sorted.fill(-Infinity, 0, negativeInfinite);
  sorted.set(sample.values, negativeInfinite);
  return sorted;
}

/** Whether what came from outside is a sample of so many numbers, or none. */
export function isSample(sample: ValueSample | undefined, numbers: number): boolean {
  if (sample === undefined) return true;
  if (typeof sample !== 'object' || (sample as ValueSample | null) === null || !isCount(sample.most)) return false;
  const { values, most } = sample;
  if (values === null) return numbers > most;
  return Array.isArray(values) && values.length === numbers && values.every((value, i) => Number.isFinite(value) && (i === 0 || value >= values[i - 1]!));
}
