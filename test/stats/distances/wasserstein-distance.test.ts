import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wassersteinDistance } from '../../../src/stats/distances/wasserstein-distance.ts';

describe('wassersteinDistance', () => {
  it('is the shift of a shifted sample, and NaN to an empty one', () => {
    expect(wassersteinDistance([3, 1, NaN, 2], [2.5, Infinity, 1.5, 3.5])).toBe(0.5);
    expect(wassersteinDistance([1], [])).toBeNaN();
    expect(() => wassersteinDistance([1], [2], { scale: 'sd' as never })).toThrow(/scale/);
  });

  it('is the mean distance of the sorted values of two samples of one size', () => {
    const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(values, values, (x, y) => {
        const sorted = [x, y].map((each) => Float64Array.from(each).sort());
        const expected = sorted[0]!.reduce((total, value, i) => total + Math.abs(value - sorted[1]![i]!) / 30, 0);
        expect(Math.abs(wassersteinDistance(x, y) - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, expected));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it('stands in standard deviations of the reference at any scale', () => {
    const x = [1, 2, 4, 9];
    const y = [2, 3, 5, 10];
    const expected = wassersteinDistance(x, y, { scale: 'reference-sd' });
    for (const scale of [1e3, 1e160, 1e300]) {
      const large = [x, y].map((values) => values.map((value) => value * scale));
      expect(wassersteinDistance(large[0]!, large[1]!, { scale: 'reference-sd' }) / expected).toBeCloseTo(1, 12);
    }
    expect(wassersteinDistance([5, 5], [7, 7], { scale: 'reference-sd' })).toBe(2000);
    expect(wassersteinDistance([-1e308, 1e308], [1e308])).toBe(Infinity);
  });
});
