const remembered = 50;
const fewest = 5;

/** What is known of batches; `split` when their sizes differed enough to tell the parts. */
interface Line {
  readonly perItem: number;
  readonly fixed: number;
  readonly spread: number;
  readonly split: boolean;
}

const unknown: Line = { perItem: 0, fixed: 0, spread: 0, split: false };

/**
 * How long batches take, as a line through the last fifty that were answered: `perItem · n + fixed` milliseconds for `n` inputs, by least squares. Neither part is ever negative.
 */
export class BatchCost {
  readonly #sizes: number[] = [];
  readonly #durations: number[] = [];
  #next = 0;
  #line: Line | undefined;

  /** Takes one more batch. */
  add(size: number, ms: number): void {
    this.#sizes[this.#next] = size;
    this.#durations[this.#next] = ms;
    this.#next = (this.#next + 1) % remembered;
    this.#line = undefined;
  }

  /** Milliseconds that a batch takes however small it is; 0 while the batches seen were all of one size, for then nobody can tell. */
  get fixedMs(): number {
    const { fixed, split } = this.#fitted();
    return split ? fixed : 0;
  }

  /** Milliseconds that each input adds; 0 as above. */
  get perItemMs(): number {
    return this.#fitted().perItem;
  }

  /** Milliseconds that a batch of `size` is expected to take; 0 while too little is known. */
  expectedMs(size: number): number {
    const { perItem, fixed } = this.#fitted();
    return perItem * size + fixed;
  }

  /** The standard deviation of how long batches took about what was expected of them, in milliseconds; 0 while too little is known. */
  get spreadMs(): number {
    return this.#fitted().spread;
  }

  /** Fitted when it is asked for, which is seldom where nothing waits. */
  #fitted(): Line {
    if (this.#sizes.length < fewest) return unknown;
    this.#line ??= this.#fit();
    return this.#line;
  }

  #fit(): Line {
    const n = this.#sizes.length;
    const meanSize = sum(this.#sizes) / n;
    const meanMs = sum(this.#durations) / n;
    let variance = 0;
    let covariance = 0;
    let squares = 0;
    let products = 0;
    for (let i = 0; i < n; i++) {
      const size = this.#sizes[i]!;
      const ms = this.#durations[i]!;
      variance += (size - meanSize) ** 2;
      covariance += (size - meanSize) * (ms - meanMs);
      squares += size * size;
      products += size * ms;
    }
    const split = variance > 0;
    let perItem = split ? Math.max(0, covariance / variance) : 0;
    let fixed = meanMs - perItem * meanSize;
    if (fixed < 0) {
      fixed = 0;
      perItem = products / squares;
    }
    let residuals = 0;
    for (let i = 0; i < n; i++) residuals += (this.#durations[i]! - fixed - perItem * this.#sizes[i]!) ** 2;
    return { perItem, fixed, spread: Math.sqrt(residuals / n), split };
  }
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
