/** Totals stay exact integers below 2^53 for this many rows. */
const maxRows = 2 ** 28;

/**
 * Sums over any range of rows, each the exact sum rounded once to the nearest double: the same for the same values in whatever order and by whatever route.
 * So a sum over a slice of history equals the sum over the few rows that an online store kept, to the last bit.
 *
 * Values are cut into digits on a grid of powers of two that loses nothing, and running totals are kept per digit, where they are exact integers (after Demmel and
 * Nguyen, "Fast Reproducible Floating-Point Summation", ARITH 2013, with digits enough to be exact). Whole numbers need one digit, most columns two or
 * three; columns that mix sizes beyond that keep a total every few rows instead of every row.
 */
export class ExactSums {
  readonly #totals: RunningTotals;
  readonly #nonFinite: NonFiniteCounts | undefined;

  /** @param values - One value per row. @param included - 1 where the row counts. @default all */
  constructor(values: Float64Array, included: Uint8Array | undefined) {
    if (values.length > maxRows) throw new RangeError(`Sums over more than ${maxRows} rows are not exact.`);
    const extent = extentOf(values, included);
    this.#totals = totalsOf(values, included, extent);
    this.#nonFinite = extent.finite ? undefined : new NonFiniteCounts(values, included);
  }

  /** Begins a total with the rows from `low` to `high` (excluded). */
  start(low: number, high: number): void {
    this.#totals.start(low, high);
    this.#nonFinite?.start(low, high);
  }

  /** Takes one row, which must be included, out of the total. */
  leaveOut(row: number): void {
    this.#totals.leaveOut(row);
    this.#nonFinite?.leaveOut(row);
  }

  /** The total divided by `divisor`; 1 gives the sum itself. */
  total(divisor: number): number {
    return this.#nonFinite?.total() ?? this.#totals.total(divisor);
  }
}

interface Extent {
  readonly finite: boolean;
  /** Sum of the magnitudes. */
  readonly magnitude: number;
  /** Every value is a multiple of 2 to this power; 0 where all are zero. */
  readonly lowestBit: number;
  /** Every magnitude is below 2 to this power. */
  readonly highestBit: number;
}

function extentOf(values: Float64Array, included: Uint8Array | undefined): Extent {
  let finite = true;
  let whole = true;
  let magnitude = 0;
  let largest = 0;
  let lowestBit = Infinity;
  for (let i = 0; i < values.length; i++) {
    if (included !== undefined && included[i] === 0) continue;
    const size = Math.abs(values[i]!);
    if (size - size !== 0) finite = false;
    else if (size !== 0) {
      magnitude += size;
      if (size > largest) largest = size;
      if (whole && size === Math.trunc(size)) lowestBit = Math.min(lowestBit, 0);
      else {
        whole = false;
        // A bit 53 places under the highest is under all; a value with few bits is looked at more closely.
        const top = Math.floor(Math.log2(size)) - 53;
        if (top < lowestBit) lowestBit = Math.min(lowestBit, lowestBitOf(size));
      }
    }
  }
  return { finite, magnitude, lowestBit: lowestBit === Infinity ? 0 : lowestBit, highestBit: largest === 0 ? 0 : Math.floor(Math.log2(largest)) + 2 };
}

/** The place of the last bit of a number that is set. */
function lowestBitOf(size: number): number {
  let place = Math.max(-1074, Math.floor(Math.log2(size)) - 53);
  if (place < -1000 || place > 900) return place;
  // In units of that place the number is whole and below 2^55.
  let units = size / 2 ** place;
  for (let step = 32; step >= 1; step /= 2) {
    const shorter = units / 2 ** step;
    if (shorter !== Math.trunc(shorter)) continue;
    units = shorter;
    place += step;
  }
  return place;
}

function totalsOf(values: Float64Array, included: Uint8Array | undefined, extent: Extent): RunningTotals {
  const { magnitude, lowestBit, highestBit } = extent;
  // Doubles add up exactly while the total has no more than 53 bits above the lowest of all.
  if (lowestBit > -1000 && magnitude <= Number.MAX_SAFE_INTEGER * 2 ** lowestBit) return new PlainTotals(values, included);
  const width = 52 - Math.ceil(Math.log2(values.length + 1));
  const inRange = lowestBit > -900 && highestBit < 900;
  return inRange && highestBit - lowestBit <= 3 * width ? new WideTotals(values, included, lowestBit, width) : new DigitTotals(values, included);
}

interface RunningTotals {
  start(low: number, high: number): void;
  leaveOut(row: number): void;
  total(divisor: number): number;
}

/** Where plain addition is exact. */
class PlainTotals implements RunningTotals {
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

const binBits = 24;
const binSize = 2 ** binBits;
/** Rows between two stored running totals. */
const blockRows = 16;
/** Bins above the highest value, for the carries of a total. */
const carryBins = 3;

/** Three digits, as wide as the number of rows allows, and a running total of each at every row. */
class WideTotals implements RunningTotals {
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

/** Where values differ so much in size that nothing narrower holds them all: 24-bit digits over their whole range, and a total every few rows. */
class DigitTotals implements RunningTotals {
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

/** `high + low + rest`, rounded once; `rest` is far below both and only its sign matters (as in CPython's fsum). */
function roundedSum(high: number, low: number, rest: number): number {
  const sum = high + low;
  const error = low - (sum - high);
  if (rest !== 0 && error !== 0 && error > 0 === rest > 0) {
    const twice = error * 2;
    const next = sum + twice;
    if (next - sum === twice) return next;
  }
  return sum;
}

/** The sum of three doubles, rounded once (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, as in CPython's fsum). */
function roundedSumOfThree(high: number, middle: number, low: number): number {
  const inner = middle + low;
  const innerError = errorOf(middle, low, inner);
  const lower = high + innerError;
  const lowerError = errorOf(high, innerError, lower);
  const sum = lower + inner;
  const error = errorOf(lower, inner, sum);
  return error === 0 ? sum + lowerError : roundedSum(sum, error, lowerError);
}

/** What rounding left of `a + b`, exactly. */
function errorOf(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

/** `value · 2^exponent` in two steps, since the power alone may not be a double. */
function scaled(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

/** How many NaN, Infinity and -Infinity a range holds. */
class NonFiniteCounts {
  readonly #values: Float64Array;
  readonly #running: Uint32Array;
  readonly #counts: number[] = [0, 0, 0];

  constructor(values: Float64Array, included: Uint8Array | undefined) {
    this.#values = values;
    this.#running = new Uint32Array(3 * (values.length + 1));
    for (let i = 0; i < values.length; i++) {
      this.#running.copyWithin(3 * (i + 1), 3 * i, 3 * (i + 1));
      const kind = included === undefined || included[i] === 1 ? kindOf(values[i]!) : -1;
      if (kind >= 0) this.#running[3 * (i + 1) + kind]! += 1;
    }
  }

  start(low: number, high: number): void {
    for (let kind = 0; kind < 3; kind++) this.#counts[kind] = this.#running[3 * high + kind]! - this.#running[3 * low + kind]!;
  }

  leaveOut(row: number): void {
    const kind = kindOf(this.#values[row]!);
    if (kind >= 0) this.#counts[kind]! -= 1;
  }

  /** What they make of a sum, or `undefined` when there are none. */
  total(): number | undefined {
    const [nan = 0, up = 0, down = 0] = this.#counts;
    if (nan + up + down === 0) return undefined;
    return nan > 0 || (up > 0 && down > 0) ? NaN : up > 0 ? Infinity : -Infinity;
  }
}

function kindOf(value: number): -1 | 0 | 1 | 2 {
  return value - value === 0 ? -1 : Number.isNaN(value) ? 0 : value > 0 ? 1 : 2;
}
