import type { StateReader } from '../state-reader.ts';
import { isModerateNumber, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

interface AdwinSettings {
  readonly delta: number;
  readonly clock: number;
  readonly maxBuckets: number;
  readonly minWindow: number;
  readonly gracePeriod: number;
}

/** Rows of buckets; row r holds buckets of 2^r values, and no stream is longer than 2^53. */
const mostRows = 54;

/** The window as an exponential histogram: sums and variances of buckets, the oldest first in each row, the largest in the last row. */
export class AdwinMemory implements DetectorMemory {
  readonly #settings: AdwinSettings;
  readonly #places: number;
  readonly #totals: Float64Array;
  readonly #variances: Float64Array;
  readonly #sizes: Uint16Array;
  #rows = 1;
  #ticks = 0;
  #variance = 0;
  width = 0;
  total = 0;

  constructor(settings: AdwinSettings) {
    this.#settings = settings;
    this.#places = settings.maxBuckets + 1;
    this.#totals = new Float64Array(mostRows * this.#places);
    this.#variances = new Float64Array(mostRows * this.#places);
    this.#sizes = new Uint16Array(mostRows);
  }

  accepts(value: number): boolean {
    return isModerateNumber(value);
  }

  observe(value: number): DetectorStatus {
    this.#insert(value);
    this.#ticks++;
    if (this.#ticks % this.#settings.clock !== 0 || this.width <= this.#settings.gracePeriod) return 'stable';
    let drift = false;
    while (this.#hasCut()) {
      this.#dropOldest();
      drift = true;
    }
    return drift ? 'drift' : 'stable';
  }

  #insert(value: number): void {
    if (this.width > 0) {
      const deviation = value - this.total / this.width;
      this.#variance += (this.width * deviation * deviation) / (this.width + 1);
    }
    this.width++;
    this.total += value;
    this.#push(0, value, 0);
    for (let row = 0; this.#sizes[row] === this.#places; row++) this.#mergeOldest(row);
  }

  #push(row: number, total: number, variance: number): void {
    const at = row * this.#places + this.#sizes[row]!;
    this.#totals[at] = total;
    this.#variances[at] = variance;
    this.#sizes[row]!++;
    if (row >= this.#rows) this.#rows = row + 1;
  }

  #mergeOldest(row: number): void {
    const at = row * this.#places;
    const size = 2 ** row;
    const difference = (this.#totals[at]! - this.#totals[at + 1]!) / size;
    const variance = this.#variances[at]! + this.#variances[at + 1]! + (size / 2) * difference * difference;
    this.#push(row + 1, this.#totals[at]! + this.#totals[at + 1]!, variance);
    this.#shift(row, 2);
  }

  /** Takes the oldest buckets out of a row. */
  #shift(row: number, count: number): void {
    const at = row * this.#places;
    const size = this.#sizes[row]! - count;
    for (let i = at; i < at + size; i++) {
      this.#totals[i] = this.#totals[i + count]!;
      this.#variances[i] = this.#variances[i + count]!;
    }
    this.#sizes[row] = size;
  }

  /** Whether the window, cut somewhere between two buckets, has two different means. */
  #hasCut(): boolean {
    const { minWindow, delta } = this.#settings;
    const level = Math.log((2 * Math.log(this.width)) / delta);
    const spread = 2 * (this.#variance / this.width) * level;
    let older = 0;
    let olderTotal = 0;
    for (let row = this.#rows - 1; row >= 0; row--) {
      const size = 2 ** row;
      const at = row * this.#places;
      const end = at + this.#sizes[row]!;
      for (let i = at; i < end; i++) {
        older += size;
        olderTotal += this.#totals[i]!;
        const newer = this.width - older;
        if (newer < minWindow || newer === 0) return false;
        if (older < minWindow) continue;
        const m = 1 / (older - minWindow + 1) + 1 / (newer - minWindow + 1);
        const difference = olderTotal / older - (this.total - olderTotal) / newer;
        if (Math.abs(difference) > Math.sqrt(spread * m) + (2 / 3) * level * m) return true;
      }
    }
    return false;
  }

  #dropOldest(): void {
    const row = this.#rows - 1;
    const at = row * this.#places;
    const size = 2 ** row;
    this.width -= size;
    this.total -= this.#totals[at]!;
    const difference = this.#totals[at]! / size - this.total / this.width;
    this.#variance -= this.#variances[at]! + (size * this.width * difference * difference) / (size + this.width);
    if (this.#variance < 0) this.#variance = 0;
    this.#shift(row, 1);
    while (this.#rows > 1 && this.#sizes[this.#rows - 1] === 0) this.#rows--;
  }

  clear(): void {
    this.#sizes.fill(0);
    this.#rows = 1;
    this.#ticks = 0;
    this.#variance = 0;
    this.width = 0;
    this.total = 0;
  }

  toJSON(): DetectorState['memory'] {
    const sizes = [...this.#sizes.subarray(0, this.#rows)];
    const stored = (list: Float64Array): number[] => sizes.flatMap((size, row) => [...list.subarray(row * this.#places, row * this.#places + size)]);
    return { ticks: this.#ticks, total: this.total, variance: this.#variance, sizes, totals: stored(this.#totals), variances: stored(this.#variances) };
  }

  restore(state: StateReader): void {
    this.clear();
    const sizes = state.numbers('sizes', 1, mostRows, 0, this.#settings.maxBuckets);
    if (!sizes.every(Number.isInteger)) state.refuse('sizes', 'must be whole numbers of buckets');
    const buckets = sizes.reduce((sum, size) => sum + size, 0);
    const totals = state.numbers('totals', buckets, buckets);
    const variances = state.numbers('variances', buckets, buckets, 0);
    let next = 0;
    sizes.forEach((size, row) => {
      for (let i = 0; i < size; i++, next++) this.#push(row, totals[next]!, variances[next]!);
      this.width += size * 2 ** row;
    });
    this.#ticks = state.whole('ticks');
    this.total = state.number('total');
    this.#variance = state.number('variance', 0);
  }
}
