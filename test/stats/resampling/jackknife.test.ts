import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceleration } from '../../../src/stats/resampling/jackknife.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const settings = { seed: 20261128, numRuns: 60 };
// Eighths, whose sums are exact, so that no influence is mere rounding; and not all equal.
const values = fc.array(fc.integer({ min: -800, max: 800 }).map((eighths) => eighths / 8), { minLength: 3, maxLength: 25 }).filter((list) => new Set(list).size > 2);

type Statistic = (...samples: Float64Array[]) => number;

const mean: Statistic = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;
const median: Statistic = (x) => {
  const sorted = x.slice().sort();
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
};

/** What the bootstrap hands over: samples, buffers to fill, and the statistic of the buffers' first values. */
function accelerationOf(samples: readonly number[][], statistic: Statistic, together = false, seed = 1): number {
  const columns = samples.map((sample) => Float64Array.from(sample));
  const buffers = columns.map((column) => new Float64Array(column.length));
  const evaluate = (sizes: readonly number[]): number => statistic(...buffers.map((buffer, i) => buffer.subarray(0, sizes[i])));
  return acceleration(columns, buffers, together, evaluate, new SeededGenerator(seed));
}

/** Σ U³ / (6 (Σ U²)^(3/2)) of U = (n - 1) / n times the mean less each statistic without one value; a value of one sample leaves the others whole. */
function byDefinition(samples: readonly number[][], statistic: Statistic): number {
  const influences = samples.flatMap((sample, side) => {
    const without = sample.map((_, i) => statistic(...samples.map((other, s) => Float64Array.from(s === side ? other.filter((_value, j) => j !== i) : other))));
    const centre = without.reduce((sum, value) => sum + value, 0) / sample.length;
    return without.map((value) => ((sample.length - 1) / sample.length) * (centre - value));
  });
  const power = (p: number): number => influences.reduce((sum, influence) => sum + influence ** p, 0);
  return power(2) > 1e-12 ? power(3) / (6 * power(2) ** 1.5) : 0;
}

describe('acceleration', () => {
  it('is what its definition says for one sample', () => {
    fc.assert(
      fc.property(values, (x) => {
        for (const statistic of [mean, median]) expect(accelerationOf([x], statistic)).toBeCloseTo(byDefinition([x], statistic), 9);
      }),
      settings,
    );
  });

  it('of a mean is a sixth of the skewness over the root of n', () => {
    const x = [0, 1, 1, 2, 7, 12];
    const centre = 23 / 6;
    const moment = (p: number): number => x.reduce((sum, value) => sum + (value - centre) ** p, 0) / 6;
    expect(accelerationOf([x], mean)).toBeCloseTo(moment(3) / moment(2) ** 1.5 / 6 / Math.sqrt(6), 12);
  });

  it('takes the influences of several samples together, each with its own weight', () => {
    const difference: Statistic = (x, y) => mean(x) - mean(y);
    const scaled: Statistic = (x, y, z) => mean(x) * (1 + mean(y) ** 2) + median(z);
    fc.assert(
      fc.property(values, values, values, (x, y, z) => {
        expect(accelerationOf([x, y], difference)).toBeCloseTo(byDefinition([x, y], difference), 9);
        expect(accelerationOf([x, y, z], scaled)).toBeCloseTo(byDefinition([x, y, z], scaled), 9);
      }),
      settings,
    );
  });

  it('leaves a whole pair out where samples are paired', () => {
    const slope: Statistic = (x, y) => {
      const [mx, my] = [mean(x), mean(y)];
      return x.reduce((sum, value, i) => sum + (value - mx) * (y[i]! - my), 0) / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
    };
    const pairs = [3, 1, 4, 1, 5, 9, 2, 6].map((value, i) => [value, value * 2 + (i % 3) ** 2]);
    const without = pairs.map((_, out) => {
      const left = pairs.filter((_pair, i) => i !== out);
      return slope(Float64Array.from(left, ([value]) => value!), Float64Array.from(left, ([, value]) => value!));
    });
    const centre = without.reduce((sum, value) => sum + value, 0) / 8;
    const power = (p: number): number => without.reduce((sum, value) => sum + (centre - value) ** p, 0);
    expect(accelerationOf([pairs.map(([x]) => x!), pairs.map(([, y]) => y!)], slope, true)).toBeCloseTo(power(3) / (6 * power(2) ** 1.5), 12);
  });

  it('knows neither place nor scale of the values, and turns with their sign', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0.1, max: 1e6, noNaN: true }), (x, scale) => {
        const a = accelerationOf([x], mean);
        expect(accelerationOf([x.map((value) => value * scale)], mean)).toBeCloseTo(a, 9);
        expect(accelerationOf([x.map((value) => 7 - value)], mean)).toBeCloseTo(-a, 9);
      }),
      settings,
    );
  });

  it('takes groups where there are more than 1000 values, of sizes that differ by one at most', () => {
    const generator = new SeededGenerator(3);
    const x = Array.from({ length: 1201 }, () => -Math.log(1 - generator.uniform()));
    const sizes = new Map<number, number>();
    let calls = 0;
    const counted: Statistic = (part) => {
      calls++;
      sizes.set(1201 - part.length, (sizes.get(1201 - part.length) ?? 0) + 1);
      return mean(part);
    };
    accelerationOf([x], counted);
    expect(calls).toBe(500);
    expect(Object.fromEntries(sizes)).toEqual({ 2: 299, 3: 201 });
    // Every value is in one group: over all groups it is left out once, and present 499 times.
    let seen = 0;
    accelerationOf([x], (part) => (seen += mean(part) * part.length));
    expect(seen / (mean(Float64Array.from(x)) * 1201)).toBeCloseTo(499, 6);
    const seeds = [1, 2].map((seed) => accelerationOf([x], mean, false, seed));
    expect(seeds[0]).not.toBe(seeds[1]);
    // A sixth of the skewness 2 over √1201 is 0.0096, but for the skewness of this sample and the groups.
    for (const a of seeds) expect(Math.abs(a - 2 / 6 / Math.sqrt(1201))).toBeLessThan(0.006);
  });

  it('hands samples over whole again to a statistic that spoils them', () => {
    const spoiling: Statistic = (x, y) => {
      const value = mean(x) - mean(y);
      x.fill(NaN);
      y.fill(NaN);
      return value;
    };
    const [x, y] = [[1, 5, 2, 8], [3, 3, 9]];
    expect(accelerationOf([x, y], spoiling)).toBeCloseTo(byDefinition([x, y], (a, b) => mean(a) - mean(b)), 12);
  });

  it('is 0 where nothing has any influence, NaN where nothing can be left out, and passes over statistics that are not defined', () => {
    expect(accelerationOf([[4, 4, 4, 4]], mean)).toBe(0);
    expect(accelerationOf([[1, 2, 3]], () => 5)).toBe(0);
    expect(accelerationOf([[1, 2, 3]], () => NaN)).toBe(0);
    for (const small of [[], [1], [1, 2]]) expect(accelerationOf([small], mean)).toBeNaN();
    expect(accelerationOf([[1, 2, 3], [1, 2]], mean)).toBeNaN();
    // Without the 9 the statistic is not defined: what is left are three equal influences, as if nothing had any.
    expect(accelerationOf([[1, 1, 1, 9]], (x) => (x.includes(9) ? x.length : NaN))).toBe(0);
  });
});
