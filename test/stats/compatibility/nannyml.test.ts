import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nannyml } from '../../../src/stats/compatibility/nannyml.ts';
import { expectClose } from '../golden/golden-file.ts';

const ints = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 });

/** √(½ Σ (√p - √q)²) over the values of the reference and one bin for all others. */
function hellingerByValue(reference: readonly unknown[], chunk: readonly unknown[]): number {
  const share = (column: readonly unknown[], value: unknown): number => column.filter((each) => each === value).length / column.length;
  const known = [...new Set(reference)];
  const others = chunk.filter((value) => !known.includes(value)).length / chunk.length;
  return Math.sqrt((known.reduce<number>((sum, value) => sum + (Math.sqrt(share(reference, value)) - Math.sqrt(share(chunk, value))) ** 2, 0) + others) / 2);
}

describe.each(['jensenShannon', 'hellinger', 'lInfinity'] as const)('nannyml.%s', (name) => {
  it('is 0 for the same values, at most 1, and reached by a chunk of other values', () => {
    fc.assert(
      fc.property(ints, ints, (reference, chunk) => {
        expect(nannyml[name](reference, reference.toReversed())).toBeLessThan(1e-7);
        const distance = nannyml[name](reference, chunk);
        expect(distance >= 0 && distance <= 1).toBe(true);
        if (name !== 'lInfinity') expectClose(nannyml[name](reference, chunk.map((value) => value + 100)), 1, { rtol: 1e-12 });
      }),
    );
  });

  it('leaves out what is missing, and is not defined for an empty side', () => {
    expect(nannyml[name]([1, 2, 2, NaN], [2, null, 1])).toBe(nannyml[name]([1, 2, 2], [2, 1]));
    expect(nannyml[name]([], [1])).toBeNaN();
    expect(nannyml[name]([1, 2], [NaN, null])).toBeNaN();
  });
});

describe('the bins', () => {
  it('of categories are one per value of the reference, and one for all others', () => {
    fc.assert(
      fc.property(ints, ints, (reference, chunk) => {
        expectClose(nannyml.hellinger(reference, chunk, { kind: 'cat' }), hellingerByValue(reference, chunk), { rtol: 1e-7, atol: 1e-7 });
        expect(nannyml.hellinger(reference.map(String), chunk.map(String))).toBe(nannyml.hellinger(reference, chunk, { kind: 'cat' }));
      }),
    );
    expectClose(nannyml.hellinger(['a', 'b', 'b'], ['b', 'c', true]), hellingerByValue(['a', 'b', 'b'], ['b', 'c', true]), { rtol: 1e-12 });
  });

  it('of numbers are cut from the reference alone', () => {
    const reference = Array.from({ length: 200 }, (_, i) => Math.sin(i));
    const chunk = Array.from({ length: 50 }, (_, i) => Math.cos(i) + 0.1);
    expect(nannyml.jensenShannon(reference, chunk)).toBe(nannyml.jensenShannon(reference, chunk, { kind: 'num' }));
    expect(nannyml.jensenShannon(reference, [...chunk, 5, 6])).toBe(nannyml.jensenShannon(reference, [...chunk, -900, 2]));
    expect(() => nannyml.jensenShannon(reference, chunk, { kind: 'text' as 'num' })).toThrow(/kind is "text"/);
  });
});

describe('standardDeviationThreshold', () => {
  it('is the mean and the deviation with n, without what is missing, and alerts strictly outside', () => {
    const band = nannyml.standardDeviationThreshold([1, 2, NaN, 3, 4], 2);
    expectClose(band.lower, 2.5 - 2 * Math.sqrt(1.25), { rtol: 1e-14 });
    expectClose(band.upper, 2.5 + 2 * Math.sqrt(1.25), { rtol: 1e-14 });
    expect([band.upper, band.upper + 1, band.lower, band.lower - 1, NaN].map((value) => nannyml.alert(value, band))).toEqual([false, true, false, true, false]);
    expect(nannyml.alert(-99, { upper: band.upper })).toBe(false);
    expect(nannyml.standardDeviationThreshold([])).toEqual({ lower: NaN, upper: NaN });
    expect(nannyml.alert(1, nannyml.standardDeviationThreshold([]))).toBe(false);
    for (const multiplier of [-1, null, '3', NaN, 3n]) expect(() => nannyml.standardDeviationThreshold([1], multiplier as never)).toThrow(/multiplier is /);
  });

  it('holds for numbers whose squares leave the range of doubles', () => {
    for (const size of [2 ** 900, 2 ** -900]) {
      const band = nannyml.standardDeviationThreshold([size, 2 * size, 3 * size, 4 * size], 2);
      expectClose(band.lower / size, 2.5 - 2 * Math.sqrt(1.25), { rtol: 1e-13 });
      expectClose(band.upper / size, 2.5 + 2 * Math.sqrt(1.25), { rtol: 1e-13 });
    }
  });
});
