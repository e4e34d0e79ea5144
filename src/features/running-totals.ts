import { roundedSumOfThree } from './rounded-sum.ts';

/** Sums over ranges of rows, by what was added up to each. Values that are not finite count as nothing here. */
export interface RunningTotals {
  /** Bytes held besides the values. */
  readonly byteLength: number;
  /** Begins a total with the rows from `low` to `high` (excluded). */
  start(low: number, high: number): void;
  /** Takes one row out of the total. */
  leaveOut(row: number): void;
  /** The total, rounded once, divided by `divisor`. */
  total(divisor: number): number;
}

/** Where plain addition is exact. */
export class PlainTotals implements RunningTotals {
  readonly #values: Float64Array;
  readonly #running: Float64Array;
  #total = 0;

  constructor(values: Float64Array, included: Uint8Array | undefined) {
    this.#values = values;
    this.#running = new Float64Array(values.length + 1);
    let total = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (included === undefined || included[i] === 1) total += value - value === 0 ? value : 0;
      this.#running[i + 1] = total;
    }
  }

  get byteLength(): number {
    return this.#running.byteLength;
  }

  start(low: number, high: number): void {
    this.#total = this.#running[high]! - this.#running[low]!;
  }

  leaveOut(row: number): void {
    const value = this.#values[row]!;
    if (value - value === 0) this.#total -= value;
  }

  total(divisor: number): number {
    return this.#total / divisor;
  }
}

/** Three digits, as wide as the number of rows allows, and a running total of each at every row. */
export class WideTotals implements RunningTotals {
  readonly #values: Float64Array;
  readonly #width: number;
  readonly #units: readonly [number, number, number];
  readonly #running: readonly [Float64Array, Float64Array, Float64Array];
  #high = 0;
  #middle = 0;
  #low = 0;

  constructor(values: Float64Array, included: Uint8Array | undefined, lowestBit: number, width: number) {
    this.#values = values;
    this.#width = 2 ** width;
    this.#units = [2 ** (lowestBit + 2 * width), 2 ** (lowestBit + width), 2 ** lowestBit];
    const size = values.length + 1;
    this.#running = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
    const [high, middle, low] = this.#running;
    for (let i = 0; i < values.length; i++) {
      if (included === undefined || included[i] === 1) this.#add(values[i]!, 1);
      high[i + 1] = this.#high;
      middle[i + 1] = this.#middle;
      low[i + 1] = this.#low;
    }
  }

  get byteLength(): number {
    return 3 * this.#running[0].byteLength;
  }

  start(from: number, to: number): void {
    const [high, middle, low] = this.#running;
    this.#high = high[to]! - high[from]!;
    this.#middle = middle[to]! - middle[from]!;
    this.#low = low[to]! - low[from]!;
  }

  leaveOut(row: number): void {
    this.#add(this.#values[row]!, -1);
  }

  total(divisor: number): number {
    const [high, middle, low] = this.#units;
    return roundedSumOfThree(this.#high * high, this.#middle * middle, this.#low * low) / divisor;
  }

  #add(value: number, sign: 1 | -1): void {
    if (value - value !== 0) return;
    const [high, , low] = this.#units;
    const top = Math.trunc(value / high);
    const rest = (value - top * high) / low;
    const middle = Math.trunc(rest / this.#width);
    this.#high += sign * top;
    this.#middle += sign * middle;
    this.#low += sign * (rest - middle * this.#width);
  }
}
