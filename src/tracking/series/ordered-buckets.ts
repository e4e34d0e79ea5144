import { keptPoints, seriesOf, type KeptPoints } from './kept-points.ts';
import type { SeriesPart, SeriesPoints } from './series-points.ts';

/** So many chunks of the least length are made before any are joined. */
const leastCapacity = 1 << 13;
const perBucket = 8;

/**
 * The same as {@link ExtremeBuckets} for points that come in order, as those of most runs do, in one pass and with nothing held: of chunks of k successive points each, the extremes
 * are kept, neighbours become one and k doubles when there are too many, and in the end as many buckets are made of them as were asked for. Up to 8,192 points, or 8 for each bucket if that is more, a chunk is a point.
 */
export class OrderedBuckets {
  readonly #buckets: number;
  readonly #capacity: number;
  #kept: KeptPoints;
  #room: number;
  /** Points of a chunk. */
  #size = 1;
  #chunk = 0;
  /** Points in the chunk that is being filled. */
  #filled = 0;
  #seen = 0;

  constructor(buckets: number) {
    this.#buckets = buckets;
    this.#capacity = Math.max(leastCapacity, perBucket * buckets);
    this.#room = leastCapacity;
    this.#kept = keptPoints(this.#room);
  }

  /** Takes the next points, at least one; false when one comes before an earlier one, with which all that was taken is of no use. */
  add(part: SeriesPart): boolean {
    const { steps, times, since, values } = part;
    const { ends } = this.#kept;
    const last = steps.length - 1;
    if (this.#seen === 0) ends.set(0, steps[0]!, since + times[0]!, values[0]!, 0);
    for (let from = 0; from <= last; ) {
      if (this.#filled === this.#size) this.#beginChunk();
      const to = Math.min(last + 1, from + this.#size - this.#filled);
      if (!this.#fill(part, from, to)) return false;
      this.#filled += to - from;
      from = to;
    }
    ends.set(1, steps[last]!, since + times[last]!, values[last]!, this.#seen + last);
    this.#seen += last + 1;
    return true;
  }

  /** What is kept, in order, of more points than there are buckets. Ends the taking of points. */
  points(): SeriesPoints {
    const chunks = this.#chunk + 1;
    const buckets = this.#buckets;
    for (let bucket = 0; bucket < buckets; bucket++) this.#join(bucket, Math.floor((bucket * chunks) / buckets), Math.floor(((bucket + 1) * chunks) / buckets));
    return seriesOf(this.#kept, buckets);
  }

  #fill({ steps, times, since, values }: SeriesPart, from: number, to: number): boolean {
    const { least, greatest, nan, ends } = this.#kept;
    const chunk = this.#chunk;
    const seen = this.#seen;
    let low = least.values[chunk]!;
    let high = greatest.values[chunk]!;
    let lowAt = -1;
    let highAt = -1;
    let before = from > 0 ? steps[from - 1]! : seen > 0 ? ends.steps[1]! : -Infinity;
    for (let i = from; i < to; i++) {
      const step = steps[i]!;
      if (step <= before && (step < before || since + times[i]! < (i > 0 ? since + times[i - 1]! : ends.timestamps[1]!))) return false;
      before = step;
      const value = values[i]!;
      // A chunk that has no value yet says NaN, with which every comparison is false.
      if (value >= low && value <= high) continue;
      if (Number.isNaN(value)) {
        if (!nan.has(chunk)) nan.set(chunk, step, since + times[i]!, value, seen + i);
        continue;
      }
      if (!(value >= low)) {
        low = value;
        lowAt = i;
      }
      if (!(value <= high)) {
        high = value;
        highAt = i;
      }
    }
    if (lowAt >= 0) least.set(chunk, steps[lowAt]!, since + times[lowAt]!, low, seen + lowAt);
    if (highAt >= 0) greatest.set(chunk, steps[highAt]!, since + times[highAt]!, high, seen + highAt);
    return true;
  }

  #beginChunk(): void {
    this.#chunk++;
    this.#filled = 0;
    if (this.#chunk < this.#room) return;
    if (this.#room < this.#capacity) this.#grow();
    else this.#thin();
  }

  /** Makes one chunk of every two; their number is even. */
  #thin(): void {
    const { least, greatest, nan } = this.#kept;
    const half = this.#room / 2;
    for (let i = 0; i < half; i++) this.#join(i, 2 * i, 2 * i + 2);
    for (const columns of [least, greatest, nan]) columns.clearFrom(half);
    this.#chunk = half;
    this.#size *= 2;
  }

  #grow(): void {
    this.#room = Math.min(this.#capacity, 2 * this.#room);
    const { least, greatest, nan, ends } = this.#kept;
    this.#kept = { least: least.grown(this.#room), greatest: greatest.grown(this.#room), nan: nan.grown(this.#room), ends };
  }

  /** Has at `into` what is kept of the chunks from `from` to before `to`, none of which is before it. */
  #join(into: number, from: number, to: number): void {
    const { least, greatest, nan } = this.#kept;
    let [low, high, none] = [from, from, from];
    for (let i = from + 1; i < to; i++) {
      if (!(least.values[i]! >= least.values[low]!) && least.has(i)) low = i;
      if (!(greatest.values[i]! <= greatest.values[high]!) && greatest.has(i)) high = i;
      if (!nan.has(none)) none = i;
    }
    least.copy(into, low);
    greatest.copy(into, high);
    nan.copy(into, none);
  }
}
