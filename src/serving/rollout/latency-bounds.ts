import { shareEvidence } from '../../stats/experiments/share-evidence.ts';
import { binEdge, type ArmCounts } from './arm-counts.ts';

/** Latencies that were counted in bins, in their order. */
export class LatencyLaw {
  readonly n: number;
  readonly #bins: readonly number[];
  /** How many lie in each bin or before. */
  readonly #upTo: readonly number[];

  constructor({ bins, timed }: ArmCounts) {
    this.n = timed;
    this.#bins = [...bins.keys()].sort((a, b) => a - b);
    let sum = 0;
    this.#upTo = this.#bins.map((bin) => (sum += bins.get(bin)!));
  }

  /** How many took longer than `ms` for sure: those of bins that lie above it wholly. */
  above(ms: number): number {
    const first = this.#bins.findIndex((bin) => binEdge(bin - 1) >= ms * (1 - 1e-9));
    return first < 0 ? 0 : this.n - (this.#upTo[first - 1] ?? 0);
  }

  /** How many took at most `ms` for sure. */
  within(ms: number): number {
    const last = this.#bins.findLastIndex((bin) => binEdge(bin) <= ms * (1 + 1e-9));
    return last < 0 ? 0 : this.#upTo[last]!;
  }

  /** The quantile, to the width of a bin. */
  quantile(probability: number): number {
    const place = this.#upTo.findIndex((count) => count >= probability * this.n);
    return place < 0 ? 0 : binEdge(this.#bins[place]!);
  }

  /**
   * What the quantile is above for sure, at all moments together but with a probability of at most `alpha`. Where fewer than `1 - probability` lie above a latency, its count is a test of that; and since counts fall from one bin to the next, a
   * latency that is refused refuses all below it, so that the bound holds for one test at `alpha` (the time-uniform quantile bounds of Howard and Ramdas 2022, over bins).
   */
  lowerBound(probability: number, alpha: number): number {
    const enough = -Math.log(alpha);
    const refused = lastOf(this.#bins.length, (i) => shareEvidence(this.n - (this.#upTo[i - 1] ?? 0), this.n, 1 - probability) >= enough);
    return refused < 0 ? 0 : binEdge(this.#bins[refused]! - 1);
  }

  /** What the quantile is below for sure, in the same sense; Infinity while that cannot be said. */
  upperBound(probability: number, alpha: number): number {
    const enough = -Math.log(alpha);
    const open = lastOf(this.#bins.length, (i) => shareEvidence(this.#upTo[i]!, this.n, probability) < enough);
    return open + 1 < this.#bins.length ? binEdge(this.#bins[open + 1]!) : Infinity;
  }
}

/** The last place of which something holds that holds of all before it; -1 for none. */
function lastOf(length: number, holds: (i: number) => boolean): number {
  let [low, high] = [-1, length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
