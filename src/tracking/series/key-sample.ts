import { orderOf } from './point-order.ts';
import type { PointKeys } from './point-key.ts';
import type { SeriesPart } from './series-points.ts';

const leastCapacity = 1 << 15;
const perBucket = 32;

/**
 * One key of every k of a stream of points, where k doubles when there are too many: what tells where buckets of about equally many points begin, whatever the
 * order of the points and however they crowd. Which one of the k is scattered, so that no period of the stream meets the sample's own.
 */
export class KeySample {
  readonly #buckets: number;
  readonly #capacity: number;
  #steps: Float64Array;
  #timestamps: Float64Array;
  #places: Float64Array;
  #size = 0;
  #stride = 1;
  #next = 0;
  #seen = 0;

  constructor(buckets: number) {
    this.#buckets = buckets;
    this.#capacity = Math.max(leastCapacity, perBucket * buckets);
    this.#steps = new Float64Array(leastCapacity);
    this.#timestamps = new Float64Array(leastCapacity);
    this.#places = new Float64Array(leastCapacity);
  }

  /** Takes the next points. */
  add({ steps, times, since }: SeriesPart): void {
    const end = this.#seen + steps.length;
    while (this.#next < end) {
      const i = this.#next - this.#seen;
      if (this.#size === this.#steps.length) this.#grow();
      this.#steps[this.#size] = steps[i]!;
      this.#timestamps[this.#size] = since + times[i]!;
      this.#places[this.#size++] = this.#next;
      if (this.#size === this.#capacity) this.#thin();
      this.#next = this.#size * this.#stride + Math.floor(scattered(this.#size) * this.#stride);
    }
    this.#seen = end;
  }

  /** The key at which each bucket but the first begins, ascending. */
  bounds(): PointKeys {
    const size = this.#size;
    const order = orderOf(this.#steps.subarray(0, size), this.#timestamps.subarray(0, size));
    const at = Float64Array.from({ length: this.#buckets - 1 }, (_, i) => Math.floor(((i + 1) * size) / this.#buckets));
    const pick = (column: Float64Array): Float64Array => at.map((position) => column[order?.[position] ?? position]!);
    return { steps: pick(this.#steps), timestamps: pick(this.#timestamps), places: pick(this.#places) };
  }

  /** Keeps one key of every two. */
  #thin(): void {
    this.#size /= 2;
    this.#stride *= 2;
    for (let i = 0; i < this.#size; i++) {
      const from = 2 * i + Math.floor(2 * scattered(i + this.#stride));
      this.#steps[i] = this.#steps[from]!;
      this.#timestamps[i] = this.#timestamps[from]!;
      this.#places[i] = this.#places[from]!;
    }
  }

  #grow(): void {
    const length = Math.min(this.#capacity, 2 * this.#steps.length);
    this.#steps = grown(this.#steps, length);
    this.#timestamps = grown(this.#timestamps, length);
    this.#places = grown(this.#places, length);
  }
}

function grown(column: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(length);
  longer.set(column);
  return longer;
}

/** A number from 0 to 1, evenly spread over successive `i`: multiples of the golden ratio. */
function scattered(i: number): number {
  return (Math.imul(i, 0x9e37_79b1) >>> 0) / 2 ** 32;
}
