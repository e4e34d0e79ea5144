import { DigitTotals } from './digit-totals.ts';
import { NonFiniteCounts } from './non-finite-counts.ts';
import { PlainTotals, WideTotals, type RunningTotals } from './running-totals.ts';

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
    const extent = extentOf(values, values.length, included);
    this.#totals = totalsOf(values, included, extent);
    this.#nonFinite = extent.finite ? undefined : new NonFiniteCounts(values, included);
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    return this.#totals.byteLength + (this.#nonFinite?.byteLength ?? 0);
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

/** What {@link ExactSums} gives for the first `size` of the values, without keeping anything for another range of them. */
export function exactTotal(values: Float64Array, divisor: number, size: number = values.length): number {
  const extent = extentOf(values, size, undefined);
  if (!extent.finite || !isPlain(extent)) {
    const sums = new ExactSums(values.subarray(0, size), undefined);
    sums.start(0, size);
    return sums.total(divisor);
  }
  let total = 0;
  for (let i = 0; i < size; i++) total += values[i]!;
  return total / divisor;
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

function extentOf(values: Float64Array, size: number, included: Uint8Array | undefined): Extent {
  let finite = true;
  let magnitude = 0;
  let largest = 0;
  let lowestBit = Infinity;
  for (let i = 0; i < size; i++) {
    if (included !== undefined && included[i] === 0) continue;
    const each = Math.abs(values[i]!);
    if (each - each !== 0) finite = false;
    else if (each !== 0) {
      magnitude += each;
      if (each > largest) largest = each;
      // A whole number has no bit below 0, and is most of what there is.
      if (lowestBit > 0 || each !== Math.trunc(each)) lowestBit = Math.min(lowestBit, lowestBitOf(each));
    }
  }
  return { finite, magnitude, lowestBit: lowestBit === Infinity ? 0 : lowestBit, highestBit: largest === 0 ? 0 : Math.floor(Math.log2(largest)) + 2 };
}

const double: Float64Array = /* @__PURE__ */ new Float64Array(1);
const words: Uint32Array = /* @__PURE__ */ new Uint32Array(double.buffer);
const upper = /* @__PURE__ */ (() => (new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0))();

/** The place of the last bit of a number that is set. */
function lowestBitOf(size: number): number {
  double[0] = size;
  const high = words[upper]!;
  const low = words[1 - upper]!;
  const exponent = (high >>> 20) & 0x7ff;
  // The bits behind the point, which in normal numbers have a 1 before them.
  const top = exponent === 0 ? high & 0xf_ffff : (high & 0xf_ffff) | 0x10_0000;
  const place = low === 0 ? 32 + 31 - Math.clz32(top & -top) : 31 - Math.clz32(low & -low);
  return Math.max(exponent, 1) - 1075 + place;
}

/** Whether doubles add up exactly: while the total has no more than 53 bits above the lowest of all. */
function isPlain({ magnitude, lowestBit }: Extent): boolean {
  return lowestBit > -1000 && magnitude < Infinity && magnitude <= Number.MAX_SAFE_INTEGER * 2 ** lowestBit;
}

function totalsOf(values: Float64Array, included: Uint8Array | undefined, extent: Extent): RunningTotals {
  if (isPlain(extent)) return new PlainTotals(values, included);
  const { lowestBit, highestBit } = extent;
  const width = 52 - Math.ceil(Math.log2(values.length + 1));
  const inRange = lowestBit > -900 && highestBit < 900;
  return inRange && highestBit - lowestBit <= 3 * width ? new WideTotals(values, included, lowestBit, width) : new DigitTotals(values, included);
}
