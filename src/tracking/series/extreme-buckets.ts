import { isBefore, type PointKeys } from './point-key.ts';
import { emptyPoints, type SeriesPart, type SeriesPoints } from './series-points.ts';

/**
 * A series in few points: of each bucket its least and its greatest value, or a NaN where it has nothing else, and the first and the last point of all. Of
 * equal values the first counts. Points may come in any order; buckets may be empty.
 */
export class ExtremeBuckets {
  readonly #bounds: PointKeys;
  readonly #last: number;
  readonly #least: PointColumns;
  readonly #greatest: PointColumns;
  readonly #nan: PointColumns;
  readonly #ends: PointColumns = new PointColumns(2);
  #seen = 0;

  /** `bounds` are the keys at which the buckets begin, but for the first, which begins before all points. */
  constructor(bounds: PointKeys) {
    this.#bounds = bounds;
    this.#last = bounds.steps.length;
    this.#least = new PointColumns(this.#last + 1);
    this.#greatest = new PointColumns(this.#last + 1);
    this.#nan = new PointColumns(this.#last + 1);
  }

  /** Takes the next points in the order of logging. */
  add({ steps, times, since, values }: SeriesPart): void {
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
      low = this.#least.values[bucket]!;
      high = this.#greatest.values[bucket]!;
      const inner = bucket > 0 && bucket < this.#last;
      above = inner ? this.#bounds.steps[bucket - 1]! : Infinity;
      below = inner ? this.#bounds.steps[bucket]! : -Infinity;
    }
    this.#seen += steps.length;
  }

  #take(bucket: number, step: number, timestamp: number, value: number, place: number): void {
    if (bucket === 0 && this.#ends.isFirst(0, step, timestamp, place)) this.#ends.set(0, step, timestamp, value, place);
    if (bucket === this.#last && this.#ends.isLast(1, step, timestamp, place)) this.#ends.set(1, step, timestamp, value, place);
    if (Number.isNaN(value)) {
      if (this.#nan.isFirst(bucket, step, timestamp, place)) this.#nan.set(bucket, step, timestamp, value, place);
      return;
    }
    const low = this.#least.values[bucket]!;
    // A bucket that has no value yet says NaN, with which every comparison is false.
    if (!(value >= low) || (value === low && this.#least.isFirst(bucket, step, timestamp, place))) this.#least.set(bucket, step, timestamp, value, place);
    const high = this.#greatest.values[bucket]!;
    if (!(value <= high) || (value === high && this.#greatest.isFirst(bucket, step, timestamp, place))) this.#greatest.set(bucket, step, timestamp, value, place);
  }

  /** What is kept, in order. */
  points(): SeriesPoints {
    const out = emptyPoints(2 * this.#last + 4);
    let count = 0;
    let place = -1;
    const take = (columns: PointColumns, i: number): void => {
      if (!columns.has(i) || columns.places[i] === place) return;
      place = columns.places[i]!;
      out.steps[count] = columns.steps[i]!;
      out.values[count] = columns.values[i]!;
      out.timestamps[count++] = columns.timestamps[i]!;
    };
    take(this.#ends, 0);
    for (let bucket = 0; bucket <= this.#last; bucket++) {
      if (!this.#least.has(bucket)) {
        take(this.#nan, bucket);
        continue;
      }
      const upwards = this.#greatest.comesAfter(bucket, this.#least);
      take(upwards ? this.#least : this.#greatest, bucket);
      take(upwards ? this.#greatest : this.#least, bucket);
    }
    take(this.#ends, 1);
    return { steps: out.steps.slice(0, count), values: out.values.slice(0, count), timestamps: out.timestamps.slice(0, count) };
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

/** One point or none at each of several places, column by column. */
class PointColumns implements PointKeys {
  readonly steps: Float64Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly places: Float64Array;

  constructor(length: number) {
    this.steps = new Float64Array(length);
    this.timestamps = new Float64Array(length);
    this.values = new Float64Array(length).fill(NaN);
    this.places = new Float64Array(length).fill(-1);
  }

  has(i: number): boolean {
    return this.places[i]! >= 0;
  }

  set(i: number, step: number, timestamp: number, value: number, place: number): void {
    this.steps[i] = step;
    this.timestamps[i] = timestamp;
    this.values[i] = value;
    this.places[i] = place;
  }

  /** Whether a point comes before the one at `i`, or there is none. */
  isFirst(i: number, step: number, timestamp: number, place: number): boolean {
    return !this.has(i) || isBefore(step, timestamp, place, this, i);
  }

  /** Whether a point comes behind the one at `i`, or there is none. */
  isLast(i: number, step: number, timestamp: number, place: number): boolean {
    return !this.has(i) || !isBefore(step, timestamp, place, this, i);
  }

  /** Whether the point at `i` comes behind that of `others` there, or is the same. */
  comesAfter(i: number, others: PointColumns): boolean {
    return others.isLast(i, this.steps[i]!, this.timestamps[i]!, this.places[i]!);
  }
}
