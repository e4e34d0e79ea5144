import { keptPoints, seriesOf, type KeptPoints } from './kept-points.ts';
import { isBefore, type PointKeys } from './point-key.ts';
import type { SeriesPart, SeriesPoints } from './series-points.ts';

/**
 * A series in few points: of each bucket its least and its greatest value, or a NaN where it has nothing else, and the first and the last point of all. Of
 * equal values the first counts. Points may come in any order; buckets may be empty.
 */
export class ExtremeBuckets {
  readonly #bounds: PointKeys;
  readonly #last: number;
  readonly #kept: KeptPoints;
  #seen = 0;

  /** `bounds` are the keys at which the buckets begin, but for the first, which begins before all points. */
  constructor(bounds: PointKeys) {
    this.#bounds = bounds;
    this.#last = bounds.steps.length;
    this.#kept = keptPoints(this.#last + 1);
  }

  /** Takes the next points in the order of logging. */
  add({ steps, times, since, values }: SeriesPart): void {
    const { least, greatest } = this.#kept;
    // Most points are well inside the bucket of the one before them and of its values: nothing is kept of them.
    let bucket = 0;
    let above = Infinity;
    let below = -Infinity;
    let low = NaN;
    let high = NaN;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      const value = values[i]!;
      if (step > above && step < below && value > low && value < high) continue;
      const timestamp = since + times[i]!;
      const place = this.#seen + i;
      if (!this.#holds(bucket, step, timestamp, place)) bucket = this.#bucketOf(step, timestamp, place);
      this.#take(bucket, step, timestamp, value, place);
      low = least.values[bucket]!;
      high = greatest.values[bucket]!;
      const inner = bucket > 0 && bucket < this.#last;
      above = inner ? this.#bounds.steps[bucket - 1]! : Infinity;
      below = inner ? this.#bounds.steps[bucket]! : -Infinity;
    }
    this.#seen += steps.length;
  }

  #take(bucket: number, step: number, timestamp: number, value: number, place: number): void {
    const { least, greatest, nan, ends } = this.#kept;
    if (bucket === 0 && ends.isFirst(0, step, timestamp, place)) ends.set(0, step, timestamp, value, place);
    if (bucket === this.#last && ends.isLast(1, step, timestamp, place)) ends.set(1, step, timestamp, value, place);
    if (Number.isNaN(value)) {
      if (nan.isFirst(bucket, step, timestamp, place)) nan.set(bucket, step, timestamp, value, place);
      return;
    }
    const low = least.values[bucket]!;
    // A bucket that has no value yet says NaN, with which every comparison is false.
    if (!(value >= low) || (value === low && least.isFirst(bucket, step, timestamp, place))) least.set(bucket, step, timestamp, value, place);
    const high = greatest.values[bucket]!;
    if (!(value <= high) || (value === high && greatest.isFirst(bucket, step, timestamp, place))) greatest.set(bucket, step, timestamp, value, place);
  }

  /** What is kept, in order. */
  points(): SeriesPoints {
    return seriesOf(this.#kept, this.#last + 1);
  }

  #holds(bucket: number, step: number, timestamp: number, place: number): boolean {
    if (bucket < this.#last && !isBefore(step, timestamp, place, this.#bounds, bucket)) return false;
    return bucket === 0 || !isBefore(step, timestamp, place, this.#bounds, bucket - 1);
  }

  #bucketOf(step: number, timestamp: number, place: number): number {
    let low = 0;
    let high = this.#last;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(step, timestamp, place, this.#bounds, middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
