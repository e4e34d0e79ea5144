import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wassersteinDistance } from '../../../src/stats/distances/wasserstein-distance.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { ksTest } from '../../../src/stats/tests/ks-test.ts';

const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity, 1e300, -1e-300));
const sample = fc.array(value, { maxLength: 300 });

function gap(x: number[], y: number[], side: number): number {
  let most = 0;
  for (const at of [...x, ...y]) most = Math.max(most, side * (x.filter((each) => each <= at).length * y.length - y.filter((each) => each <= at).length * x.length));
  return x.length * y.length === 0 ? 0 : most / (x.length * y.length);
}

const generator = new SeededGenerator(11);
const uniform = (): number => generator.uniform();

/** Draws moved by a share of their spread, of shapes that a grid suits and shapes that it does not. */
const shapes: Readonly<Record<string, (shift: number) => number>> = {
  smooth: (shift) => uniform() + uniform() + uniform() + uniform() - 2 + shift,
  'far from zero': (shift) => -1e9 + uniform() + uniform() + shift,
  'of heavy tails': (shift) => Math.tan(Math.PI * (uniform() - 0.5)) + shift,
  'skewed over many scales': (shift) => Math.exp(30 * (uniform() + uniform() - 1) + shift),
  'clumped about zero at every scale': (shift) => (uniform() - 0.5 + shift) * 10 ** (-300 * uniform()),
  'in two narrow heaps': (shift) => (uniform() < 0.5 + shift ? 0 : 5) + uniform() * 1e-3,
  'whole numbers': (shift) => Math.floor(uniform() * 100 + 30 * shift) - 50,
  'zeros of both signs': (shift) => (uniform() < 0.5 + shift ? (uniform() < 0.5 ? -0 : 0) : uniform() - 0.5),
  'near the largest double': (shift) => (uniform() - 0.5) * 1.7e308 * (1 - shift / 2),
  'with infinities': (shift) => (uniform() < 0.001 ? Infinity : uniform() + shift),
  'not all there': (shift) => (uniform() < 0.2 ? NaN : uniform() + shift),
};

describe.each(Object.entries(shapes))('a prepared sample of values %s', (_, draw) => {
  it.each([0, 0.01, 0.3])('gives what two sorted samples give, shifted by %d', (shift) => {
    const x = Float64Array.from({ length: 20_000 }, () => draw(0));
    const y = Float64Array.from({ length: 12_001 }, () => draw(shift));
    const prepared = SortedSample.of(x);
    const sorted = SortedSample.of(y);
    for (const alternative of ['two-sided', 'greater', 'less'] as const) {
      expect(ksTest(prepared, y, { alternative })).toEqual(ksTest(prepared, sorted, { alternative }));
      expect(ksTest(y, prepared, { alternative })).toEqual(ksTest(sorted, prepared, { alternative }));
    }
    const distance = wassersteinDistance(prepared, sorted);
    expect(Math.abs(wassersteinDistance(prepared, y) - distance)).toBeLessThanOrEqual(1e-12 * distance);
    expect(wassersteinDistance(y, prepared)).toBe(wassersteinDistance(prepared, y));
  });
});

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
