import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { binOf, countInBins, countSortedInBins, nextUp, quantileEdges } from '../../src/stats/samples/bin-grid.ts';
import { chiSquared } from '../../src/stats/distributions/chi-squared.ts';
import { kolmogorovSurvival, smirnovSurvival } from '../../src/stats/distributions/kolmogorov-smirnov.ts';
import { ksTest, ksTestBinned } from '../../src/stats/tests/ks-test.ts';
import { psi } from '../../src/stats/distances/psi.ts';
import { expectClose } from './golden/golden-file.ts';
import { sortedValues } from './sorted-values.ts';

const small = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 5 });
const doubles = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 300 });

/** Every way to choose which of the pooled values are the first sample. */
function splits(pooled: readonly number[], size: number): [number[], number[]][] {
  const found: [number[], number[]][] = [];
  for (let mask = 0; mask < 2 ** pooled.length; mask++) {
    const first = pooled.filter((_, i) => (mask >> i) & 1);
    if (first.length === size) found.push([first, pooled.filter((_, i) => !((mask >> i) & 1))]);
  }
  return found;
}

describe('ksTest', () => {
  it('is the share of all splits of the pooled values that come at least as far apart, for any ties and side', () => {
    fc.assert(
      fc.property(small, small, fc.constantFrom('two-sided', 'greater', 'less' as const), (x, y, alternative) => {
        const found = ksTest(x, y, { alternative: alternative as 'less' });
        const all = splits([...x, ...y], x.length).map(([a, b]) => ksTest(a, b, { alternative: alternative as 'less' }).statistic);
        expectClose(found.pValue, all.filter((statistic) => statistic >= found.statistic - 1e-12).length / all.length, { rtol: 1e-12 });
      }),
    );
  });

  it('does not ask which sample came first, nor what increasing scale the values are on', () => {
    fc.assert(
      fc.property(doubles, doubles, (x, y) => {
        const found = ksTest(x, y);
        const turned = ksTest(y, x);
        expect([turned.statistic, turned.method]).toEqual([found.statistic, found.method]);
        expectClose(turned.pValue, found.pValue, { rtol: 1e-12 });
        const ranks = [...sortedValues([...x, ...y])];
        const ranked = (values: number[]): number[] => values.map((value) => ranks.indexOf(value));
        expect(ksTest(ranked(x), ranked(y))).toEqual(found);
      }),
    );
  });

  it('takes infinities, and answers for what is empty', () => {
    expect(ksTest([-Infinity, -Infinity, 0], [Infinity, Infinity, 0])).toMatchObject({ ties: 'exact', statistic: 2 / 3 });
    for (const method of ['exact', 'asymptotic'] as const) {
      expect(ksTest([], [1, 2], { method })).toMatchObject({ statistic: 0, pValue: 1, n: 0, m: 2 });
      expect(ksTest([], [], { method })).toMatchObject({ statistic: 0, pValue: 1, n: 0, m: 0 });
      expect(ksTest([5], [5], { method })).toMatchObject({ statistic: 0, pValue: 1 });
    }
    expect(ksTest([1], [2], { method: 'asymptotic' }).pValue).toBe(0);
    expect(() => ksTest([1], [2], { method: 'permutation' as never })).toThrow(/method is "permutation"/);
  });

  it('on counts never finds more than on the values', () => {
    fc.assert(
      fc.property(doubles, doubles, fc.integer({ min: 2, max: 50 }), (x, y, parts) => {
        const reference = sortedValues(x).filter(Number.isFinite);
        const edges = Float64Array.from(quantileEdges(reference, parts));
        const exact = ksTest(x, y, { ties: 'ignore' });
        const binned = ksTestBinned(countSortedInBins(edges, sortedValues(x)), countSortedInBins(edges, sortedValues(y)));
        expect(binned.statistic).toBeLessThanOrEqual(exact.statistic + 1e-15);
        expect(binned.pValue).toBeGreaterThanOrEqual(exact.pValue * (1 - 1e-12));
      }),
    );
  });

  it('leaves the exact p-value for the asymptotic one at n·m = 2,000,000, and the two agree there', () => {
    const random = seededRandom(3);
    const draw = (n: number, shift: number): Float64Array => Float64Array.from({ length: n }, () => random() + shift);
    const x = draw(1000, 0);
    const y = draw(2000, 0.05);
    const more = draw(2001, 0.05);
    expect(ksTest(x, y).method).toBe('exact');
    expect(ksTest(x, more).method).toBe('asymptotic');
    expectClose(ksTest(x, y, { method: 'asymptotic' }).pValue, ksTest(x, y).pValue, { rtol: 0.05 });
  });
});

describe('the law of Kolmogorov and Smirnov', () => {
  it('falls from 1 to 0 without jumps where one method takes over from another', () => {
    for (const n of [1, 2, 5, 20, 140, 141, 1000, 9999, 10_001, 200_000]) {
      let last = 1;
      for (let step = 0; step <= 400; step++) {
        const d = step / 400 / Math.sqrt(n) ** 0.9;
        const p = kolmogorovSurvival(n, Math.min(1, d));
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p, `n ${n}, d ${d}`).toBeLessThanOrEqual(last + 1e-6);
        last = p;
      }
    }
  });

  it('is at most twice the one-sided law, and meets it in the tail', () => {
    for (const n of [10, 141, 5000]) {
      for (const z of [0.8, 1.2, 1.6, 2.5, 4]) {
        const d = Math.min(0.99, z / Math.sqrt(n));
        const twice = 2 * smirnovSurvival(n, d);
        expect(kolmogorovSurvival(n, d)).toBeLessThanOrEqual(twice * (1 + 1e-6));
        if (z > 2) expectClose(kolmogorovSurvival(n, d), twice, { rtol: 1e-6 });
      }
    }
  });
});

it('the chi-squared tail of an even number of degrees of freedom is a sum of Poisson probabilities', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.double({ min: 0, max: 3, noNaN: true }), (half, ratio) => {
      const mean = half * ratio;
      let term = Math.exp(-mean);
      let sum = term;
      for (let i = 1; i < half; i++) sum += term *= mean / i;
      expectClose(chiSquared.sf(2 * mean, 2 * half), sum, { rtol: 1e-11 });
    }),
  );
});

describe('bins', () => {
  it('put every number where a search over the edges puts it, however they are counted', () => {
    const edgesOf = fc.oneof(
      doubles.map((values) => quantileEdges(sortedValues(values).filter(Number.isFinite), 200)),
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 60 }).map((values) => quantileEdges(sortedValues(values), 20)),
    );
    fc.assert(
      fc.property(edgesOf, fc.array(fc.double({ noNaN: true, min: -60, max: 60 }), { maxLength: 50 }), (list, extra) => {
        const edges = Float64Array.from(list);
        const pool = [...extra, ...list, ...list.map(nextUp), ...list.map((edge) => -nextUp(-edge)), Infinity, -Infinity];
        const values = Float64Array.from({ length: 5000 }, (_, i) => pool[i % pool.length]!);
        const expected = new Float64Array(edges.length + 1);
        for (const value of values) expected[list.filter((edge) => value >= edge).length]!++;
        const counts = new Float64Array(edges.length + 1);
        countInBins(edges, values, counts);
        expect(counts).toEqual(expected);
        expect(countSortedInBins(edges, sortedValues(values))).toEqual(expected);
        for (const value of pool) expect(binOf(edges, value)).toBe(list.filter((edge) => value >= edge).length);
      }),
      { numRuns: 60 },
    );
  });

  it('hold about equal counts, and a frequent value alone', () => {
    const random = seededRandom(5);
    const smooth = sortedValues(Float64Array.from({ length: 10_000 }, () => random() ** 3));
    const counts = countSortedInBins(Float64Array.from(quantileEdges(smooth, 20)), smooth);
    expect([...counts].every((count) => Math.abs(count - 500) <= 1)).toBe(true);
    expect(quantileEdges(Float64Array.of(1, 5, 5, 5, 9), 10)).toEqual(expect.arrayContaining([5, nextUp(5)]));
    expect(quantileEdges(new Float64Array(3).fill(7), 10)).toEqual([7, nextUp(7)]);
    expect(quantileEdges(new Float64Array(0), 10)).toEqual([]);
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

describe('psi', () => {
  const counts = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 0, maxLength: 12 });

  it('is 0 for equal shares, positive otherwise, the sum of its parts, and finite for any counts', () => {
    fc.assert(
      fc.property(counts, (pairs) => {
        const reference = pairs.map(([r]) => r);
        const current = pairs.map(([, c]) => c);
        const found = psi(reference, current);
        expect(Number.isFinite(found.value) && Number.isFinite(found.low) && Number.isFinite(found.high)).toBe(true);
        expect(found.low).toBeLessThanOrEqual(found.high);
        expectClose(found.contributions.reduce((sum, each) => sum + each, 0), found.value, { rtol: 1e-12, atol: 1e-15 });
        expectClose(psi(current, reference).value, found.value, { rtol: 1e-9, atol: 1e-12 });
        expect(psi(reference, reference).value).toBe(0);
        expect(psi([...reference, 0], [...current, 0]).value).toBe(found.value);
      }),
    );
  });

  it('knows what chance alone gives, in full bins and in nearly empty ones', () => {
    const random = seededRandom(17);
    for (const [n, m, bins] of [
      [2000, 500, 10],
      [200, 60, 40],
      [50, 50, 100],
    ] as const) {
      let value = 0;
      let expected = 0;
      const trials = 1000;
      for (let trial = 0; trial < trials; trial++) {
        const draw = (rows: number): number[] => {
          const sums = new Array<number>(bins).fill(0);
          for (let i = 0; i < rows; i++) sums[Math.floor(random() * bins)]!++;
          return sums;
        };
        const found = psi(draw(n), draw(m));
        value += found.value;
        expected += found.expectedByChance;
      }
      expectClose(expected / value, 1, { rtol: 0.06 });
    }
  });

  it('refuses what are no counts', () => {
    expect(() => psi([1, 2], [1])).toThrow(/same bins/);
    expect(() => psi([1], [NaN])).toThrow(/Bin 0/);
  });
});
