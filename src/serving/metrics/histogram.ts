import type { MetricSample } from './metric-family.ts';

/** Counts values by fixed upper bounds. */
export class Histogram {
  readonly #bounds: readonly number[];
  // One more than bounds: what is greater than all of them.
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds - Upper bounds, inclusive and ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** The sum of all values. */
  get sum(): number {
    return this.#sum;
  }

  /** Counts a value; one that is no finite number is left out, for it would spoil the sum for ever. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= this.#bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    this.#counts[low]!++;
    this.#sum += value;
  }

  /** The samples in the form of Prometheus: cumulative buckets up to `+Inf`, the sum and the count. */
  *samples(): Generator<MetricSample> {
    let count = 0;
    for (const [b, bound] of [...this.#bounds, Infinity].entries()) {
      count += this.#counts[b]!;
      yield { suffix: '_bucket', labels: { le: bound === Infinity ? '+Inf' : String(bound) }, value: count };
    }
    yield { suffix: '_sum', labels: {}, value: this.#sum };
    yield { suffix: '_count', labels: {}, value: count };
  }
}
