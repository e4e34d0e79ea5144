import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { energyDistance } from '../../../src/stats/distances/energy-distance.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { expectClose } from '../golden/golden-file.ts';

const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 30 });

/** Mean distance of all pairs. */
function meanDistance(x: readonly number[], y: readonly number[]): number {
  let sum = 0;
  for (const a of x) for (const b of y) sum += Math.abs(a - b);
  return sum / (x.length * y.length);
}

describe('energyDistance', () => {
  it('is what the mean distance between the samples has above those within them', () => {
    fc.assert(
      fc.property(values, values, (x, y) => {
        const square = 2 * meanDistance(x, y) - meanDistance(x, x) - meanDistance(y, y);
        expectClose(energyDistance(x, y) ** 2, square, { rtol: 1e-10, atol: 1e-10 });
      }),
    );
  });

  it('is a distance: 0 for equal distributions, the same both ways, within the triangle', () => {
    fc.assert(
      fc.property(values, values, values, (x, y, z) => {
        expect(energyDistance(x, [...x, ...x])).toBe(0);
        expectClose(energyDistance(y, x), energyDistance(x, y), { rtol: 1e-12 });
        expect(energyDistance(x, z)).toBeLessThanOrEqual(energyDistance(x, y) + energyDistance(y, z) + 1e-9);
      }),
    );
  });

  it('grows with the root of the scale and not with a shift of both', () => {
    const [x, y] = [
      [1, 4, 6, 6, 9],
      [2, 3, 8],
    ];
    expectClose(energyDistance(x.map((value) => 16 * value - 5), y.map((value) => 16 * value - 5)), 4 * energyDistance(x, y), { rtol: 1e-12 });
  });

  it('leaves out what is not finite, takes prepared samples, and has no distance to an empty one', () => {
    expect(energyDistance([1, NaN, Infinity, 3], SortedSample.of([-Infinity, 2]))).toBe(energyDistance([1, 3], [2]));
    for (const empty of [[], [NaN], [Infinity, -Infinity]]) expect(energyDistance(empty, [1])).toBeNaN();
    expectClose(energyDistance([-1.7e308], [1.7e308]), Math.sqrt(2) * Math.sqrt(2) * Math.sqrt(1.7e308), { rtol: 1e-12 });
    expect(energyDistance([0], [-0])).toBe(0);
    expectClose(energyDistance([0], [5e-324]), Math.sqrt(2) * Math.sqrt(5e-324), { rtol: 1e-12 });
  });
});
