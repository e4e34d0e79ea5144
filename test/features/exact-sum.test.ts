import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactSums, exactTotal } from '../../src/features/exact-sum.ts';

const double = new Float64Array(1);
const bits = new BigUint64Array(double.buffer);

/** A double in units of 2^-1074. */
function toUnits(value: number): bigint {
  double[0] = value;
  const exponent = Number((bits[0]! >> 52n) & 0x7ffn);
  const mantissa = bits[0]! & 0xfffffffffffffn;
  const units = exponent === 0 ? mantissa : (mantissa | 0x10000000000000n) << BigInt(exponent - 1);
  return value < 0 ? -units : units;
}

/** The double nearest to a number of units, ties to even. */
function fromUnits(units: bigint): number {
  const size = units < 0n ? -units : units;
  const spare = BigInt(Math.max(0, size.toString(2).length - 53));
  let kept = size >> spare;
  const lost = size - (kept << spare);
  const half = spare === 0n ? 0n : 1n << (spare - 1n);
  if (spare > 0n && (lost > half || (lost === half && (kept & 1n) === 1n))) kept += 1n;
  const exponent = Number(spare) - 1074;
  const step = Math.trunc(exponent / 2);
  const value = Number(kept) * 2 ** step * 2 ** (exponent - step);
  return units < 0n ? -value : value;
}

const values = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((n) => n / 100),
  fc.constantFrom(1e16, -1e16, 1, 1e-3, 2 ** 53, 2 ** -60, -(2 ** -60), 2 ** -500, 0.5, -1),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 }),
);
const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 1010), max: 2 ** 1010 });

/** Whether no sum of some of them is beyond what a double holds. */
function addsUp(values: readonly number[]): boolean {
  const [up, down] = [1, -1].map((sign) => values.reduce((sum, value) => sum + Math.max(0, sign * value), 0));
  return Number.isFinite(up) && Number.isFinite(down);
}

describe('ExactSums', () => {
  it.each([
    ['everyday numbers', fc.array(values, { maxLength: 120 })],
    ['whole numbers', fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), { maxLength: 120 })],
    ['fractions', fc.array(fc.double({ noNaN: true, min: 0, max: 1 }), { maxLength: 120 })],
    ['the largest doubles', fc.array(fc.constantFrom(2 ** 1022, -(2 ** 1022), 2 ** 1009, -(2 ** 1009), 2 ** 970, 0), { maxLength: 60 }).filter(addsUp)],
    ['doubles of every size', fc.array(anyDouble, { maxLength: 120 })],
  ])('gives the exact sum of any range, rounded once: %s', (_, arrays) => {
    fc.assert(
      fc.property(arrays, fc.infiniteStream(fc.nat(1000)), (given, random) => {
        const next = (below: number): number => random.next().value % below;
        const array = Float64Array.from(given);
        const included = next(2) === 0 ? undefined : Uint8Array.from(given, () => Number(next(4) > 0));
        const sums = new ExactSums(array, included);
        for (let trial = 0; trial < 10; trial++) {
          const low = next(given.length + 1);
          const high = low + next(given.length - low + 1);
          const rows = [...array.keys()].filter((i) => i >= low && i < high && included?.[i] !== 0);
          const without = rows.length > 0 && next(2) === 0 ? rows[next(rows.length)] : undefined;
          sums.start(low, high);
          if (without !== undefined) sums.leaveOut(without);
          const exact = rows.filter((i) => i !== without).reduce((sum, i) => sum + toUnits(array[i]!), 0n);
          expect(sums.total(1)).toBe(exact === 0n ? 0 : fromUnits(exact));
          expect(exactTotal(Float64Array.from(rows.filter((i) => i !== without), (i) => array[i]!), 1)).toBe(sums.total(1));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('loses nothing where plain addition does', () => {
    const sums = new ExactSums(Float64Array.of(1e16, 1, -1e16, 1), undefined);
    sums.start(0, 4);
    expect(sums.total(1)).toBe(2);
  });

  it('divides after rounding, and knows NaN and infinities', () => {
    const sums = new ExactSums(Float64Array.of(1, 2, NaN, 4, Infinity, -Infinity), undefined);
    const total = (low: number, high: number): number => {
      sums.start(low, high);
      expect(exactTotal(Float64Array.of(1, 2, NaN, 4, Infinity, -Infinity).subarray(low, high), 2)).toBe(sums.total(2));
      return sums.total(2);
    };
    expect([total(0, 2), total(0, 3), total(3, 4), total(3, 5), total(5, 6), total(4, 6)]).toEqual([1.5, NaN, 2, Infinity, -Infinity, NaN]);
    sums.start(3, 6);
    sums.leaveOut(5);
    expect(sums.total(1)).toBe(Infinity);
  });
});
