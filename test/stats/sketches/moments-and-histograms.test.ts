import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveHistogram } from '../../../src/stats/sketches/adaptive-histogram.ts';
import { FixedHistogram } from '../../../src/stats/sketches/fixed-histogram.ts';
import { Moments } from '../../../src/stats/sketches/moments.ts';

const anyDoubles = fc.array(fc.double(), { maxLength: 60 });

function expectClose(actual: number, expected: number, size: number): void {
  if (Number.isNaN(expected)) expect(actual).toBeNaN();
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 * size);
}

describe('Moments', () => {
  it('has the moments of the definition, one by one, at once and merged in any tree', () => {
    const numbers = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(numbers, numbers, numbers, (a, b, c) => {
        const all = [...a, ...b, ...c];
        const of = (part: number[]): Moments => new Moments().updateAll(part);
        const single = new Moments();
        for (const x of all) single.update(x);
        const n = all.length;
        const mean = all.reduce((sum, x) => sum + x, 0) / n;
        const m2 = all.reduce((sum, x) => sum + (x - mean) ** 2, 0);
        for (const moments of [single, of(all), of(a).merge(of(b)).merge(of(c)), of(a).merge(of(b).merge(of(c))), of(c).merge(of(a)).merge(of(b))]) {
          expect(moments.count).toBe(n);
          expect(moments.min).toBe(Math.min(...all) + 0);
          expect(moments.max).toBe(Math.max(...all) + 0);
          expectClose(moments.mean, mean, 1000);
          expectClose(moments.sum, mean * n, 1000 * n);
          expectClose(moments.variance, m2 / (n - 1), 1e6);
          if (m2 < 1) continue;
          expectClose(moments.skewness, (all.reduce((sum, x) => sum + (x - mean) ** 3, 0) / n) * (n / m2) ** 1.5, 1e9 * n);
          expectClose(moments.kurtosis, (all.reduce((sum, x) => sum + (x - mean) ** 4, 0) * n) / m2 ** 2 - 3, 1e12 * n);
        }
      }),
    );
  });

  it('agrees with scipy', () => {
    const moments = new Moments().updateAll([1, 2, 2, 3, 10]);
    expect(moments.variance).toBeCloseTo(13.3, 12);
    expect(moments.skewness).toBeCloseTo(1.3608927294433224, 10);
    expect(moments.kurtosis).toBeCloseTo(0.06803663293572315, 9);
  });

  it('counts NaN and infinities apart, and gives equal numbers no variance', () => {
    const moments = new Moments().updateAll([0.1, NaN, Infinity, -Infinity, 0.1, null as unknown as number]).update(NaN);
    expect([moments.count, moments.nan, moments.positiveInfinity, moments.negativeInfinity]).toEqual([2, 3, 1, 1]);
    expect([moments.mean, moments.variance, moments.skewness]).toEqual([0.1, 0, NaN]);
    expect(new Moments().mean).toBeNaN();
  });

  it('holds shape and spread of numbers near both ends of the doubles', () => {
    const plain = new Moments().updateAll([1, 2, 2, 3, 10]);
    for (const scale of [2 ** 1000, 2 ** -1000, 2 ** 300, 2 ** -500]) {
      const scaled = new Moments().update(0).merge(new Moments().updateAll([1, 2, 2, 3, 10].map((x) => x * scale)));
      const same = new Moments().update(0).merge(plain);
      expect(scaled.kurtosis).toBeCloseTo(same.kurtosis, 10);
      expect(scaled.standardDeviation / scale).toBeCloseTo(same.standardDeviation, 10);
      expect(Moments.fromJSON(JSON.parse(JSON.stringify(scaled))).toJSON()).toEqual(scaled.toJSON());
    }
    const wide = new Moments().updateAll([-Number.MAX_VALUE, Number.MAX_VALUE, Number.MIN_VALUE]);
    expect(wide.sum).toBe(0);
    expect(wide.mean).toBe(0);
  });

  it('merges with itself', () => {
    const moments = new Moments().updateAll([1, 2, 3]);
    moments.merge(moments);
    expect([moments.count, moments.sum, moments.variance]).toEqual([6, 12, 0.8]);
  });
});

describe('AdaptiveHistogram', () => {
  const of = (part: readonly number[]): AdaptiveHistogram => new AdaptiveHistogram({ maxBins: 8 }).updateAll(part);

  it('depends on nothing but the multiset: any order, any parts, any tree, one by one or at once, through JSON or not', () => {
    const clustered = fc.array(fc.oneof(fc.double(), fc.double({ min: -1, max: 1 }), fc.integer().map((i) => i / 8), fc.constantFrom(5e-324, -5e-324, 1e308, -1e308)), { maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(anyDoubles, clustered), clustered, fc.oneof(anyDoubles, clustered), (a, b, c) => {
        const expected = of([...a, ...b, ...c]).toJSON();
        const single = new AdaptiveHistogram({ maxBins: 8 });
        for (const x of [...c, ...b, ...a].reverse()) single.update(x);
        const stored = AdaptiveHistogram.fromJSON(JSON.parse(JSON.stringify(of(a))));
        for (const each of [single, of(a).merge(of(b)).merge(of(c)), of(c).merge(of(b).merge(of(a))), stored.merge(of(c)).merge(of(b)), of([...a, ...b, ...c].sort((x, y) => x - y))]) {
          expect(each.toJSON()).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('counts every bin as its edges say, with the smallest width that fits', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e15, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 60 }), (numbers) => {
        const histogram = of(numbers);
        const bins = histogram.bins();
        expect(bins.length).toBeLessThanOrEqual(8);
        for (const { low, high, count } of bins) expect(count).toBe(numbers.filter((x) => x >= low && x < high).length);
        const finer = histogram.width / 2;
        const spacing = 2 ** (Math.floor(Math.log2(Math.max(...numbers.map(Math.abs), 1e-300))) - 52);
        // The quotient of a tiny negative number underflows to -0, whose floor is not the bin below 0.
        const binOf = (x: number): number => (x < 0 ? Math.min(-1, Math.floor(x / finer)) : Math.floor(x / finer));
        if (finer > spacing) expect(binOf(histogram.max) - binOf(histogram.min)).toBeGreaterThanOrEqual(8);
      }),
    );
  });

  it('gives quantiles within a width and ranks within a bin', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 80 }), fc.double({ min: 0, max: 1, noNaN: true }), (numbers, q) => {
        const histogram = of(numbers);
        const sorted = numbers.map((x) => x + 0).sort((x, y) => x - y);
        const truth = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
        expect(Math.abs(histogram.quantile(q) - truth)).toBeLessThanOrEqual(histogram.width);
        const bin = histogram.bins().find(({ low, high }) => truth >= low && truth < high)!;
        expect(Math.abs(histogram.cdf(truth) - sorted.filter((x) => x <= truth).length / sorted.length)).toBeLessThanOrEqual(bin.count / sorted.length + 1e-12);
      }),
    );
  });

  it('survives the widest spans, subnormals, infinities and merging with itself', () => {
    const histogram = of([-Number.MAX_VALUE, Number.MAX_VALUE, 5e-324, -5e-324, 0, -0, NaN, Infinity, -Infinity]);
    histogram.merge(histogram);
    expect([histogram.count, histogram.nan, histogram.positiveInfinity, histogram.negativeInfinity]).toEqual([12, 2, 2, 2]);
    expect(histogram.bins().map(({ count }) => count)).toEqual([2, 0, 0, 2, 6, 0, 0, 2]);
    expect(Number.isFinite(histogram.quantile(0.1))).toBe(true);
    expect(of([5e-324]).width).toBe(5e-324);
    expect(() => of([1]).merge(new AdaptiveHistogram())).toThrow(/maxBins 8.*maxBins 512/);
    expect(of([]).quantile(0.5)).toBeNaN();
  });
});

describe('FixedHistogram', () => {
  const edgeLists = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0), { minLength: 2, maxLength: 12 }).map((list) => list.sort((x, y) => x - y));

  it('counts as a search through the edges would, alone, at once and merged', () => {
    fc.assert(
      fc.property(edgeLists, anyDoubles, anyDoubles, (edges, a, b) => {
        const numbers = [...a, ...edges, ...b];
        const histogram = new FixedHistogram(edges).updateAll(numbers);
        const real = numbers.filter((x) => !Number.isNaN(x));
        const last = edges.length - 1;
        expect([...histogram.counts]).toEqual(edges.slice(1).map((high, i) => real.filter((x) => x >= edges[i]! && (x < high || (i === last - 1 && x === high))).length));
        expect([histogram.below, histogram.above]).toEqual([real.filter((x) => x < edges[0]!).length, real.filter((x) => x > edges[last]!).length]);
        expect([histogram.nan, histogram.count]).toEqual([numbers.length - real.length, real.length]);
        const single = new FixedHistogram(edges);
        for (const x of numbers) single.update(x);
        const merged = new FixedHistogram(edges).updateAll([...b, ...edges]).merge(FixedHistogram.fromJSON(JSON.parse(JSON.stringify(new FixedHistogram(edges).updateAll(a)))));
        expect(single.toJSON()).toEqual(histogram.toJSON());
        expect(merged.toJSON()).toEqual(histogram.toJSON());
      }),
    );
  });

  it('refuses edges that are none, and others of a merge', () => {
    for (const edges of [[], [1], [1, 1], [2, 1], [0, NaN], [0, Infinity]]) expect(() => new FixedHistogram(edges)).toThrow(/edges/);
    expect(() => new FixedHistogram([0, 1]).merge(new FixedHistogram([0, 2]))).toThrow(/edges\[1\] is 1 here and 2 there/);
    expect(Object.isFrozen(new FixedHistogram([0, 1]).edges)).toBe(true);
  });
});
