import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wassersteinDistance } from '../../../src/stats/distances/wasserstein-distance.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { ksTest } from '../../../src/stats/tests/ks-test.ts';

const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity, 1e300, -1e-300));
const sample = fc.array(value, { maxLength: 300 });

function gap(x: number[], y: number[], side: number): number {
  let most = 0;
  for (const at of [...x, ...y]) most = Math.max(most, side * (x.filter((each) => each <= at).length * y.length - y.filter((each) => each <= at).length * x.length));
  return x.length * y.length === 0 ? 0 : most / (x.length * y.length);
}

describe('ksTest on a prepared sample', () => {
  it('finds the gap of the definition to the last bit', () => {
    fc.assert(
      fc.property(sample, sample, (x, y) => {
        const [a, b] = [x, y].map((values) => values.filter((each) => !Number.isNaN(each))) as [number[], number[]];
        for (const [alternative, side] of [['greater', 1], ['less', -1]] as const) {
          const options = { alternative, method: 'asymptotic' } as const;
          const expected = gap(a, b, side);
          expect(ksTest(SortedSample.of(x), y, options).statistic).toBe(expected);
          expect(ksTest(x, SortedSample.of(y), options).statistic).toBe(expected);
        }
      }),
      { seed: 1, numRuns: 150 },
    );
  });
});

describe('wassersteinDistance', () => {
  it('is the shift of a shifted sample, and NaN to an empty one', () => {
    expect(wassersteinDistance([3, 1, NaN, 2], [2.5, Infinity, 1.5, 3.5])).toBe(0.5);
    expect(wassersteinDistance([1], [])).toBeNaN();
    expect(() => wassersteinDistance([1], [2], { scale: 'sd' as never })).toThrow(/scale/);
  });
});
