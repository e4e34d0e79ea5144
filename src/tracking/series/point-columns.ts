import { isBefore, type PointKeys } from './point-key.ts';

/** One point or none at each of several places, column by column. */
export class PointColumns implements PointKeys {
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

  /** Has at `i` what is at `from`. */
  copy(i: number, from: number): void {
    this.set(i, this.steps[from]!, this.timestamps[from]!, this.values[from]!, this.places[from]!);
  }

  /** Has nothing from `i` on. */
  clearFrom(i: number): void {
    this.values.fill(NaN, i);
    this.places.fill(-1, i);
  }

  /** The same with room for `length`. */
  grown(length: number): PointColumns {
    const longer = new PointColumns(length);
    for (const column of ['steps', 'timestamps', 'values', 'places'] as const) longer[column].set(this[column]);
    return longer;
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
