import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { beta } from '../../../src/stats/distributions/beta.ts';
import { countDistances } from '../../../src/stats/resampling/count-distances.ts';
import { drawCounts } from '../../../src/stats/resampling/multinomial-draw.ts';
import { sortedDistances } from '../../../src/stats/resampling/sorted-distances.ts';
import { thresholdFor, type ThresholdMethod } from '../../../src/stats/resampling/threshold-for.ts';
import { sampleDraw } from '../../../src/stats/resampling/threshold-draw.ts';
import { countInBins } from '../../../src/stats/samples/count-in-bins.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const names: readonly ThresholdMethod[] = ['psi', 'jensen-shannon', 'hellinger', 'total-variation', 'ks', 'wasserstein', 'energy'];

function drawn(n: number, generator: SeededGenerator): Float64Array {
  return Float64Array.from({ length: n }, () => -Math.log(1 - generator.uniform()));
}

function distanceOf(method: ThresholdMethod, reference: Float64Array, current: Float64Array, edges: readonly number[]): number {
  if (method === 'ks' || method === 'wasserstein' || method === 'energy') return sortedDistances(reference.slice().sort(), current.slice().sort())[method];
  return countDistances[method](countInBins(reference, edges), countInBins(current, edges));
}

/** How many of `runs` fresh pairs of samples of one law alarm at alpha 0.1. */
function falseAlarms(method: ThresholdMethod, runs: number, size: number, n: number): number {
  const generator = new SeededGenerator(20_261_128);
  let alarms = 0;
  for (let run = 0; run < runs; run++) {
    const reference = drawn(size, generator);
    const { threshold, edges } = thresholdFor(method, reference, n, 0.1, { resamples: 99, seed: run });
    if (distanceOf(method, reference, drawn(n, generator), edges) > threshold) alarms++;
  }
  return alarms;
}

/** The exact interval of Clopper and Pearson at 99.9 % for the chance behind a count. */
function chances(count: number, runs: number): { low: number; high: number } {
  const low = count === 0 ? 0 : beta.quantile(0.0005, count, runs - count + 1);
  return { low, high: count === runs ? 1 : 1 - beta.quantile(0.0005, runs - count, count + 1) };
}

describe('thresholdFor', () => {
  it.each(names)('keeps the false-alarm rate of %s on fresh samples of the population', (method) => {
    const alarms = falseAlarms(method, 250, 120, 60);
    const { low, high } = chances(alarms, 250);
    expect(low, `${alarms} alarms`).toBeLessThanOrEqual(0.1);
    // Neither does it sleep.
    expect(high, `${alarms} alarms`).toBeGreaterThanOrEqual(0.06);
  });

  it.each([
    ['wasserstein', 0.13, 1000],
    ['energy', 0.11, 300],
    ['ks', 0.1, 300],
  ] as const)('comes to the rate that it promises for %s on a small skew reference', (method, promised, runs) => {
    const alarms = falseAlarms(method, runs, 50, 50);
    const { low, high } = chances(alarms, runs);
    expect(low, `${alarms} alarms`).toBeLessThanOrEqual(promised);
    expect(high, `${alarms} alarms`).toBeGreaterThanOrEqual(0.07);
    // Not what draws from between the reference's values alone come to: 17 % for wasserstein.
    if (method === 'wasserstein') expect(high, `${alarms} alarms`).toBeLessThan(0.17);
  });

  it('draws no value for a function from beyond the reference, and for a distance some', () => {
    const reference = drawn(40, new SeededGenerator(12));
    const ends = [Math.min(...reference), Math.max(...reference)];
    let [least, most] = [Infinity, -Infinity];
    thresholdFor((x, y) => {
      expect([...x]).toEqual([...x].sort((a, b) => a - b));
      least = Math.min(least, x[0]!, y[0]!);
      most = Math.max(most, x.at(-1)!, y.at(-1)!);
      return 0;
    }, reference, 30, 0.1, { resamples: 99 });
    expect([least, most]).toEqual(ends);
    const into = new Float64Array(1000);
    sampleDraw(reference.slice().sort(), true)(into, new SeededGenerator(1));
    expect(into[0]).toBeLessThan(ends[0]!);
    expect(into.at(-1)).toBeGreaterThan(ends[1]!);
    sampleDraw(Float64Array.of(-Infinity, 1, 2, Infinity), false)(into, new SeededGenerator(1));
    expect(into.some((value) => Number.isNaN(value))).toBe(false);
  });

  it('draws from a law whose mean and spread are those of the sample, ties or none', () => {
    const moments = (values: Float64Array): [number, number] => {
      const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
      return [centre, Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length)];
    };
    const into = new Float64Array(200_000);
    for (const size of [50, 400]) {
      const smooth = drawn(size, new SeededGenerator(13)).sort();
      const tied = smooth.map((value) => Math.round(value * 4));
      for (const [sample, tails, room] of [[smooth, true, 0.08], [smooth, false, 0.03], [tied, true, 0.01]] as const) {
        sampleDraw(sample, tails)(into, new SeededGenerator(2));
        const [[centre, spread], [itsCentre, itsSpread]] = [moments(sample), moments(into)];
        expect(Math.abs(itsCentre / centre - 1)).toBeLessThan(room);
        expect(Math.abs(itsSpread / spread - 1)).toBeLessThan(room);
      }
    }
  });

  it('falls as the current sample grows, but not below what the reference leaves open', () => {
    const reference = drawn(500, new SeededGenerator(3));
    const [few, many, endless] = [50, 1000, 1_000_000].map((n) => thresholdFor('psi', reference, n)) as [Threshold, Threshold, Threshold];
    expect(few.threshold).toBeGreaterThan(2 * many.threshold);
    expect(many.threshold).toBeGreaterThan(endless.threshold);
    // About (bins - 1) / reference.
    expect(endless.expected).toBeGreaterThan(0.01);
    expect(few.expected).toBeLessThan(few.threshold);
  });

  it('has a higher threshold for rarer alarms, and takes as many draws as these need', () => {
    const reference = drawn(40, new SeededGenerator(4));
    const [often, seldom] = [thresholdFor('ks', reference, 40, 0.2), thresholdFor('ks', reference, 40, 0.001)];
    expect(seldom.threshold).toBeGreaterThan(often.threshold);
    expect([often.resamples, seldom.resamples]).toEqual([1999, 9999]);
  });

  it('gives the law of Kolmogorov and Smirnov', () => {
    const reference = drawn(400, new SeededGenerator(5));
    const { threshold } = thresholdFor('ks', reference, 400, 0.05, { resamples: 999 });
    // 1.358 √(2 / n) in the limit.
    expect(threshold).toBeCloseTo(0.096, 2);
  });

  it('takes counts of categories', () => {
    const { threshold, edges, reference } = thresholdFor('total-variation', [500, 300, 200, 0], 100, 0.05, { input: 'counts' });
    expect(threshold).toBeGreaterThan(0.05);
    expect(threshold).toBeLessThan(0.2);
    expect({ edges, reference }).toEqual({ edges: [], reference: 1000 });
    const l1 = (r: Float64Array, c: Float64Array): number => countDistances['total-variation'](r, c);
    expect(thresholdFor(l1, [500, 300, 200, 0], 100, 0.05, { input: 'counts' }).threshold).toBe(threshold);
  });

  it('takes any function of two samples', () => {
    const means = (x: Float64Array, y: Float64Array): number => Math.abs(x.reduce((a, b) => a + b, 0) / x.length - y.reduce((a, b) => a + b, 0) / y.length);
    const { threshold } = thresholdFor(means, drawn(200, new SeededGenerator(6)), 50);
    expect(threshold).toBeGreaterThan(0.2);
    expect(threshold).toBeLessThan(0.45);
    expect(thresholdFor(() => NaN, [1, 2, 3], 5).threshold).toBe(Infinity);
  });

  it('is of one seed, leaves NaN out, and knows nothing of an empty reference', () => {
    const reference = [...drawn(100, new SeededGenerator(7)), NaN, NaN];
    expect(thresholdFor('wasserstein', reference, 30)).toEqual(thresholdFor('wasserstein', reference, 30));
    expect(thresholdFor('wasserstein', reference, 30)).toMatchObject({ reference: 100, dropped: 2, n: 30 });
    expect(thresholdFor('wasserstein', [...reference, Infinity], 30)).toMatchObject({ reference: 100, dropped: 3 });
    expect(thresholdFor('ks', [...reference, Infinity], 30).threshold).toBeLessThan(1);
    expect(thresholdFor('psi', [], 30)).toMatchObject({ threshold: NaN, expected: NaN });
    expect(thresholdFor('psi', [0, 0], 30, 0.05, { input: 'counts' })).toMatchObject({ threshold: NaN });
    for (const name of names) expect(thresholdFor(name, [4, 4, 4, 4], 10)).toMatchObject({ threshold: 0, expected: 0 });
  });

  it('refuses what makes no sense', () => {
    expect(() => thresholdFor('psi', [1, 2], 10, 0.01, { resamples: 98 })).toThrow(/at least 99/);
    expect(thresholdFor('psi', [1, 2], 10, 0.01, { resamples: 99 }).resamples).toBe(99);
    expect(() => thresholdFor('psi', [1, 2], 0)).toThrow(ValidationError);
    expect(() => thresholdFor('psi', [1, 2], 10, 0)).toThrow(ValidationError);
    expect(() => thresholdFor('ks', [1, 2], 10, 0.1, { input: 'counts' })).toThrow(ValidationError);
    expect(() => thresholdFor('kl' as 'ks', [1, 2], 10)).toThrow(ValidationError);
    expect(() => thresholdFor('psi', [1, -2], 10, 0.1, { input: 'counts' })).toThrow(ValidationError);
  });
});

type Threshold = ReturnType<typeof thresholdFor>;

describe('drawing counts', () => {
  it('has the means and variances of a multinomial', () => {
    const generator = new SeededGenerator(9);
    const from = Float64Array.of(1, 0, 30, 969, 0);
    const into = new Float64Array(5);
    const sums = new Float64Array(5);
    const squares = new Float64Array(5);
    for (let run = 0; run < 2000; run++) {
      drawCounts(from, 200, into, generator);
      expect(into.reduce((a, b) => a + b, 0)).toBe(200);
      into.forEach((count, k) => {
        sums[k]! += count / 2000;
        squares[k]! += count ** 2 / 2000;
      });
    }
    from.forEach((count, k) => {
      const p = count / 1000;
      const variance = 200 * p * (1 - p);
      expect(Math.abs(sums[k]! - 200 * p)).toBeLessThan(4 * Math.sqrt(variance / 2000) + 1e-9);
      if (p > 0) expect((squares[k]! - sums[k]! ** 2) / variance).toBeCloseTo(1, 0);
    });
  });
});
