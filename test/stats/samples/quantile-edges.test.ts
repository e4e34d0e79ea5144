import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';
import { countInBins } from '../../../src/stats/samples/count-in-bins.ts';
import { nextUp, quantileEdges } from '../../../src/stats/samples/quantile-edges.ts';

describe('quantileEdges', () => {
  it('cut bins of about equal counts, and give a frequent value one of its own', () => {
    const random = seededRandom(5);
    const smooth = Float64Array.from({ length: 10_000 }, () => random() ** 3);
    const counts = countInBins(smooth, quantileEdges(smooth, 20));
    expect([...counts].every((count) => Math.abs(count - 500) <= 1)).toBe(true);
    expect([...quantileEdges([1, 5, 9, 5, 5], 10)]).toEqual(expect.arrayContaining([5, nextUp(5)]));
    expect([...quantileEdges([7, 7, NaN, Infinity, 7], 10)]).toEqual([7, nextUp(7)]);
    expect([...quantileEdges([], 10)]).toEqual([]);
    expect([...quantileEdges([1, 2], 1)]).toEqual([]);
    expect(() => quantileEdges([1, 2], 0)).toThrow(/parts/);
  });

  it('end at the next double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1.7e308, max: 1.7e308 }), (value) => {
        const next = nextUp(value);
        expect(next).toBeGreaterThan(value);
        const middle = value / 2 + next / 2;
        expect(middle === value || middle === next || Math.abs(value) < 1e-300).toBe(true);
      }),
    );
  });
});
