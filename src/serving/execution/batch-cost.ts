const remembered = 50;
const fewest = 5;

/**
 * How long batches take, as a line through the last fifty that were answered: `perItem · n + fixed` milliseconds for `n` inputs, by least squares. Neither part is ever negative.
 */
export class BatchCost {
  readonly #sizes: number[] = [];
  readonly #durations: number[] = [];
  #next = 0;
  #perItem = 0;
  #fixed = 0;
  #spread = 0;
  #split = false;

  /** Takes one more batch. */
  add(size: number, ms: number): void {
    this.#sizes[this.#next] = size;
    this.#durations[this.#next] = ms;
    this.#next = (this.#next + 1) % remembered;
    this.#fit();
  }

  /** Whether enough batches were seen to say anything. */
  get known(): boolean {
    return this.#sizes.length >= fewest;
  }

  /** Milliseconds that a batch takes however small it is; 0 while the batches seen were all of one size, for then nobody can tell. */
  get fixedMs(): number {
    return this.known && this.#split ? this.#fixed : 0;
  }

  /** Milliseconds that each input adds; 0 as above. */
  get perItemMs(): number {
    return this.known && this.#split ? this.#perItem : 0;
  }

  /** Milliseconds that a batch of `size` is expected to take; 0 while too little is known. */
  expectedMs(size: number): number {
    return this.known ? this.#perItem * size + this.#fixed : 0;
  }

  /** The standard deviation of how long batches took about what was expected of them, in milliseconds; 0 while too little is known. */
  get spreadMs(): number {
    return this.known ? this.#spread : 0;
  }

  #fit(): void {
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
    this.#split = variance > 0;
    this.#perItem = this.#split ? Math.max(0, covariance / variance) : 0;
    this.#fixed = meanMs - this.#perItem * meanSize;
    if (this.#fixed < 0) {
      this.#fixed = 0;
      this.#perItem = products / squares;
    }
    let residuals = 0;
    for (let i = 0; i < n; i++) residuals += (this.#durations[i]! - this.#fixed - this.#perItem * this.#sizes[i]!) ** 2;
    this.#spread = Math.sqrt(residuals / n);
  }
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
