import { roundedSum } from './rounded-sum.ts';
import type { RunningTotals } from './running-totals.ts';

const binBits = 24;
const binSize = 2 ** binBits;
/** Rows between two stored running totals. */
const blockRows = 16;
/** Bins above the highest value, for the carries of a total. */
const carryBins = 3;

/** Where values differ so much in size that nothing narrower holds them all: 24-bit digits over their whole range, and a total every few rows. */
export class DigitTotals implements RunningTotals {
  readonly #values: Float64Array;
  readonly #included: Uint8Array | undefined;
  readonly #lowest: number;
  readonly #bins: number;
  /** Running totals at every `blockRows` rows, one run of digits each. */
  readonly #stored: Float64Array;
  readonly #digits: Float64Array;

  constructor(values: Float64Array, included: Uint8Array | undefined) {
    this.#values = values;
    this.#included = included;
    const [lowest, highest] = binRange(values, included);
    this.#lowest = lowest;
    this.#bins = highest - lowest + 1;
    this.#digits = new Float64Array(this.#bins + carryBins);
    this.#stored = new Float64Array((Math.floor(values.length / blockRows) + 1) * this.#bins);
    for (let i = 0; i < values.length; i++) {
      this.#add(i, 1);
      if ((i + 1) % blockRows === 0) this.#stored.set(this.#digits.subarray(0, this.#bins), ((i + 1) / blockRows) * this.#bins);
    }
  }

  get byteLength(): number {
    return this.#stored.byteLength;
  }

  start(low: number, high: number): void {
    const digits = this.#digits;
    digits.fill(0);
    if (high - low <= 2 * blockRows) {
      for (let i = low; i < high; i++) this.#add(i, 1);
      return;
    }
    const first = Math.floor(low / blockRows);
    const last = Math.floor(high / blockRows);
    for (let b = 0; b < this.#bins; b++) digits[b] = this.#stored[last * this.#bins + b]! - this.#stored[first * this.#bins + b]!;
    for (let i = first * blockRows; i < low; i++) this.#add(i, -1);
    for (let i = last * blockRows; i < high; i++) this.#add(i, 1);
  }

  leaveOut(row: number): void {
    this.#add(row, -1);
  }

  total(divisor: number): number {
    const digits = this.#digits;
    let top = -1;
    for (let b = 0; b < digits.length; b++) {
      const carry = b < digits.length - 1 ? Math.round(digits[b]! / binSize) : 0;
      digits[b]! -= carry * binSize;
      if (carry !== 0) digits[b + 1]! += carry;
      if (digits[b] !== 0) top = b;
    }
    if (top < 0) return 0 / divisor;
    const digit = (below: number): number => (below <= top ? digits[top - below]! : 0);
    const high = digit(0) + digit(1) * 2 ** -binBits;
    const low = digit(2) * 2 ** (-2 * binBits) + digit(3) * 2 ** (-3 * binBits);
    let rest = 0;
    for (let b = top - 4; b >= 0 && rest === 0; b--) rest = digits[b]!;
    return scaled(roundedSum(high, low, rest) / divisor, binBits * (this.#lowest + top));
  }

  #add(row: number, sign: 1 | -1): void {
    if (this.#included !== undefined && this.#included[row] === 0) return;
    let value = this.#values[row]!;
    if (value === 0 || value - value !== 0) return;
    let shift = this.#lowest;
    if (Math.abs(value) < tiny) {
      value *= tinyFactor;
      shift += tinyBins;
    }
    for (let bin = binOf(value); value !== 0; bin--) {
      const unit = powerOf(bin);
      const digit = Math.trunc(value / unit);
      value -= digit * unit;
      this.#digits[bin - shift]! += sign * digit;
    }
  }
}

/** Values smaller than this are scaled up first, so that no power of two in between underflows. */
const tiny = 2 ** -900;
const tinyBins = 20;
const tinyFactor = 2 ** (tinyBins * binBits);

function binOf(value: number): number {
  return Math.floor(Math.log2(Math.abs(value)) / binBits);
}

function powerOf(bin: number): number {
  return 2 ** (bin * binBits);
}

function binRange(values: Float64Array, included: Uint8Array | undefined): [lowest: number, highest: number] {
  let smallest = Infinity;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    if (included !== undefined && included[i] === 0) continue;
    const size = Math.abs(values[i]!);
    if (size - size !== 0 || size === 0) continue;
    if (size < smallest) smallest = size;
    if (size > largest) largest = size;
  }
  if (largest === 0) return [0, 0];
  // The last of its 53 bits, which for the smallest numbers of all is bit -1074.
  const lastBit = Math.max(-1074, Math.floor(Math.log2(smallest)) - 53);
  return [Math.floor(lastBit / binBits), binOf(largest) + 1];
}

/** `value · 2^exponent` in two steps, since the power alone may not be a double. */
function scaled(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}
