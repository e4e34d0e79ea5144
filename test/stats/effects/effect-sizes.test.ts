import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { cliffsDelta } from '../../../src/stats/effects/cliffs-delta.ts';
import { cohensD } from '../../../src/stats/effects/cohens-d.ts';
import { cramersVInterval } from '../../../src/stats/effects/cramers-v-interval.ts';
import { noncentralChiSquaredInterval } from '../../../src/stats/effects/noncentral-chi-squared.ts';
import { noncentralTInterval } from '../../../src/stats/effects/noncentral-t.ts';
import { standardizedWasserstein } from '../../../src/stats/effects/standardized-wasserstein.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const seed = 20_261_128;

function gaussian(n: number, mean: number, generator: SeededGenerator): Float64Array {
  return Float64Array.from({ length: n }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - generator.uniform()));
    return mean + radius * Math.cos(2 * Math.PI * generator.uniform());
  });
}

/** The share of runs whose interval holds the truth. */
function coverage(runs: number, truth: number, interval: (run: number) => { low: number; high: number }): number {
  let covered = 0;
  for (let run = 0; run < runs; run++) {
    const { low, high } = interval(run);
    if (low <= truth && truth <= high) covered++;
  }
  return covered / runs;
}

describe('noncentral intervals', () => {
  it.each([
    [0.5, 3, -1.534376297056731, 2.45895581178241],
    [2, 8, -0.23314404921344645, 4.134881616275482],
    [5, 18, 2.4151316048750506, 7.502097824905378],
    [-3, 40, -5.049730021991975, -0.9165076409730196],
    [20, 198, 17.208961340868527, 22.76465742737593],
    [0, 10, -1.9599639845400538, 1.9599639845400545],
    [4, 1, -0.7688609519167694, 9.241540195462717],
  ])('of t = %f with %f degrees of freedom are those of scipy', (t, df, low, high) => {
    const interval = noncentralTInterval(t, df, 0.95);
    expect(interval.low).toBeCloseTo(low, 8);
    expect(interval.high).toBeCloseTo(high, 8);
  });

  it.each([
    [3, 2, 0, 12.152786162659565],
    [10, 4, 0, 22.393251063939243],
    [50, 6, 21.883435606886245, 75.90124191038738],
    [500, 9, 408.5485083178366, 583.1497151826125],
    [0.01, 5, 0, 0],
  ])('of χ² = %f with %f degrees of freedom are those of scipy', (x, df, low, high) => {
    const interval = noncentralChiSquaredInterval(x, df, 0.95);
    expect(interval.low).toBeCloseTo(low, 7);
    expect(interval.high).toBeCloseTo(high, 7);
  });

  it('pass over to the approximation without a step that shows', () => {
    const { low, high } = noncentralChiSquaredInterval(40_000, 3, 0.95);
    expect(Math.abs(low / 39_217.86568868191 - 1)).toBeLessThan(1e-6);
    expect(Math.abs(high / 40_785.81727631948 - 1)).toBeLessThan(1e-6);
  });
});

describe('cohensD', () => {
  it('is the difference of means in pooled standard deviations', () => {
    expect(cohensD([1, 2, 3], [2, 3, 4])).toMatchObject({ value: -1, n: 3, m: 3, dropped: [0, 0] });
    expect(cohensD([1, 2, 3, NaN, Infinity], [2, 3, 4, NaN])).toMatchObject({ value: -1, dropped: [2, 1] });
  });

  it('turns with its samples and does not change with units', () => {
    const value = fc.double({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 10 }), fc.array(value, { minLength: 2, maxLength: 10 }), (x, y) => {
        const d = cohensD(x, y);
        if (!Number.isFinite(d.value) || Math.abs(d.value) > 1e6) return;
        expect(d.low).toBeLessThanOrEqual(d.value);
        expect(d.high).toBeGreaterThanOrEqual(d.value);
        const turned = cohensD(y, x);
        expect(turned.value).toBeCloseTo(-d.value, 6);
        expect(Math.abs(turned.low + d.high)).toBeLessThan(1e-6 * (1 + Math.abs(d.high)));
        const scaled = cohensD(x.map((v) => v * 4), y.map((v) => v * 4));
        expect(scaled.value).toBeCloseTo(d.value, 6);
      }),
      { seed, numRuns: 50 },
    );
  });

  it('takes the bias off by the exact factor', () => {
    const exact = [[2, 0.56418958354775629], [3, 0.72360125455826766], [10, 0.9227456080530871], [39, 0.98062423868034151], [40, 0.98111219443669506], [1000, 0.99924978117971637]] as const;
    for (const [df, factor] of exact) {
      const x = Array.from({ length: Math.ceil(df / 2) + 1 }, (_, i) => i % 7);
      const y = Array.from({ length: df + 2 - x.length }, (_, i) => (i % 5) + 1.25);
      const [d, g] = [cohensD(x, y), cohensD(x, y, { correction: 'hedges' })];
      expect(Math.abs(g.value / d.value / factor - 1)).toBeLessThan(1e-13);
      expect(Math.abs(g.low / d.low / factor - 1)).toBeLessThan(1e-13);
    }
  });

  it('covers the effect of the population', () => {
    const generator = new SeededGenerator(1);
    const share = coverage(600, 1, () => cohensD(gaussian(8, 1, generator), gaussian(12, 0, generator), { confidence: 0.9 }));
    expect(Math.abs(share - 0.9)).toBeLessThan(0.035);
  });

  it('is not defined without spread, and infinite where constants differ', () => {
    for (const [x, y] of [[[], [1, 2]], [[1], [2]], [[3, 3], [3, 3]], [[0, 0], [0, 0]]] as const) expect(cohensD(x, y)).toMatchObject({ value: NaN, low: NaN, high: NaN });
    expect(cohensD([0.1, 0.1, 0.1], [0.3, 0.3])).toMatchObject({ value: -Infinity, low: -Infinity, high: -Infinity });
    expect(cohensD([1, 2], [1], { correction: 'hedges' }).value).toBeNaN();
  });

  it('ends on very large effects and samples', () => {
    const wide = Float64Array.from({ length: 200_000 }, (_, i) => i % 7);
    const far = cohensD(wide, wide.map((value) => value + 1000));
    expect(far.low).toBeLessThan(far.value);
    expect(far.high).toBeGreaterThan(far.value);
    const huge = cohensD([1e9, 1e9 + 1, 1e9 + 2], [1, 2, 3]);
    expect(huge.low).toBeLessThan(huge.value);
    expect(huge.high).toBeGreaterThan(huge.value);
    expect(cohensD([1e300, 2e300, 3e300], [2e300, 3e300, 4e300]).value).toBeCloseTo(-1, 12);
  });

  it('refuses unknown words and levels', () => {
    expect(() => cohensD([1], [2], { correction: 'glass' as 'none' })).toThrow(ValidationError);
    expect(() => cohensD([1], [2], { confidence: 95 })).toThrow(ValidationError);
  });
});

describe('cliffsDelta', () => {
  it('is what comparing all pairs gives, with the variance of Cliff', () => {
    const value = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 12 }), fc.array(value, { minLength: 2, maxLength: 12 }), (x, y) => {
        const { value: delta, low, high } = cliffsDelta(x, y);
        const [n, m] = [x.length, y.length];
        const signs = x.map((a) => y.map((b) => Math.sign(a - b)));
        const total = signs.flat().reduce((a, b) => a + b, 0);
        expect(delta).toBeCloseTo(total / (n * m), 12);
        expect(low).toBeLessThanOrEqual(delta + 1e-12);
        expect(high).toBeGreaterThanOrEqual(delta - 1e-12);
        if (Math.abs(delta) === 1) return;
        const d = total / (n * m);
        const rows = signs.map((row) => row.reduce((a, b) => a + b, 0) / m);
        const columns = y.map((_, j) => signs.reduce((sum, row) => sum + row[j]!, 0) / n);
        const squares = (list: readonly number[]): number => list.reduce((sum, v) => sum + (v - d) ** 2, 0);
        const unbiased = (m * m * squares(rows) + n * n * squares(columns) - squares(signs.flat())) / (n * m * (n - 1) * (m - 1));
        const variance = Math.max(unbiased, (1 - d * d) / (n * m - 1));
        const z = 1.959963984540054;
        const root = z * Math.sqrt(variance) * Math.sqrt((1 - d * d) ** 2 + z * z * variance);
        expect(low).toBeCloseTo(Math.max(-1, (d - d ** 3 - root) / (1 - d * d + z * z * variance)), 10);
        expect(high).toBeCloseTo(Math.min(1, (d - d ** 3 + root) / (1 - d * d + z * z * variance)), 10);
      }),
      { seed },
    );
  });

  it('keeps to its bounds where all pairs point one way', () => {
    const { value, low, high } = cliffsDelta([5, 6, 7, 8], [1, 2, 3, 4, 4]);
    expect([value, high]).toEqual([1, 1]);
    expect(low).toBeCloseTo((4 - 1.959963984540054 ** 2) / (4 + 1.959963984540054 ** 2), 12);
    expect(cliffsDelta([1, 2, 3, 4, 4], [5, 6, 7, 8])).toMatchObject({ value: -1, low: -1, high: -low });
  });

  it('covers the effect of the population', () => {
    const generator = new SeededGenerator(2);
    // P(X > Y) - P(X < Y) for normal X and Y that are 1 apart is erf(1/2).
    const share = coverage(1000, 0.5204998778130465, () => cliffsDelta(gaussian(25, 1, generator), gaussian(20, 0, generator)));
    expect(Math.abs(share - 0.95)).toBeLessThan(0.025);
  });

  it('leaves NaN out, takes infinities and sorted samples', () => {
    expect(cliffsDelta([1, NaN, Infinity], [0, 2])).toMatchObject({ value: 0.5, n: 2, m: 2, dropped: [1, 0] });
    expect(cliffsDelta(SortedSample.of([3, 1, 2]), [2, 2])).toEqual(cliffsDelta([1, 2, 3], [2, 2]));
    expect(cliffsDelta([], [1])).toMatchObject({ value: NaN, low: NaN, high: NaN });
    expect(cliffsDelta([1], [0, 2, 3])).toMatchObject({ low: -1, high: 1 });
    const [low, high] = [cliffsDelta([4, 4, 4], [4, 4]).low, cliffsDelta([4, 4, 4], [4, 4]).high];
    expect(low).toBeCloseTo(-high, 12);
    expect(() => cliffsDelta([1], [2], { confidence: 0 })).toThrow(ValidationError);
  });
});

describe('cramersVInterval', () => {
  it('begins at 0 when rows and columns may be independent', () => {
    const { value, low, high } = cramersVInterval([[50, 50], [50, 50]]);
    expect([value, low]).toEqual([0, 0]);
    expect(high).toBeLessThan(0.2);
    const clear = cramersVInterval([[90, 10], [10, 90]]);
    expect(clear.low).toBeGreaterThan(0.6);
    expect(clear.value).toBeCloseTo(0.8, 12);
    expect(clear.high).toBeLessThan(1);
  });

  it('covers V of the population', () => {
    const generator = new SeededGenerator(3);
    // Shares of 0.6, 0.4 and 0.4, 0.6 in two rows of equal size: V = 0.2.
    const share = coverage(600, 0.2, () => {
      const table = [[0, 0], [0, 0]];
      for (let i = 0; i < 400; i++) {
        const row = generator.below(2);
        table[row]![generator.uniform() < (row === 0 ? 0.6 : 0.4) ? 0 : 1]!++;
      }
      return cramersVInterval(table);
    });
    expect(Math.abs(share - 0.95)).toBeLessThan(0.025);
  });

  it('is not defined for one row, and refuses what is no table', () => {
    expect(cramersVInterval([[1, 2, 3], [0, 0, 0]])).toMatchObject({ value: NaN, low: NaN, high: NaN, n: 6 });
    expect(() => cramersVInterval([[1, 2], [1]])).toThrow(ValidationError);
    expect(() => cramersVInterval([[1, 2], [1, 2]], { confidence: 1 })).toThrow(ValidationError);
    expect(() => cramersVInterval([[1, 2], [1, 2]], { correction: 'yes' as 'none' })).toThrow(ValidationError);
  });
});

describe('standardizedWasserstein', () => {
  it('is the shift in standard deviations', () => {
    const x = gaussian(300, 0, new SeededGenerator(4));
    const mean = x.reduce((a, b) => a + b, 0) / 300;
    const sd = Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 299);
    const { value, low, high } = standardizedWasserstein(x, x.map((v) => v + 2), { resamples: 300 });
    expect(value).toBeCloseTo(2 / sd, 10);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  it('begins at 0 when nothing changed, and not when much did', () => {
    const generator = new SeededGenerator(5);
    let zeros = 0;
    for (let run = 0; run < 40; run++) {
      if (standardizedWasserstein(gaussian(60, 0, generator), gaussian(60, 0, generator), { resamples: 200, seed: run }).low === 0) zeros++;
    }
    expect(zeros).toBeGreaterThan(30);
    expect(standardizedWasserstein(gaussian(60, 0, generator), gaussian(60, 1.5, generator), { resamples: 200 }).low).toBeGreaterThan(0.5);
  });

  it('covers the distance of the populations', () => {
    const generator = new SeededGenerator(6);
    const share = coverage(300, 1, (run) => standardizedWasserstein(gaussian(80, 0, generator), gaussian(80, 1, generator), { resamples: 200, seed: run }));
    expect(share).toBeGreaterThan(0.9);
  });

  it('does not change with units, and gives the same for the same seed', () => {
    const [x, y] = [[1, 2, 3, 4, 7], [2, 3, 5, 8]];
    const result = standardizedWasserstein(x, y);
    expect(standardizedWasserstein(x, y)).toEqual(result);
    const scaled = standardizedWasserstein(x.map((v) => v * 1024), y.map((v) => v * 1024));
    expect(scaled.value).toBeCloseTo(result.value, 12);
    expect(scaled.high).toBeCloseTo(result.high, 12);
  });

  it('leaves out what is not finite and is not defined without a spread', () => {
    expect(standardizedWasserstein([1, 2, NaN], [1, 2, Infinity])).toMatchObject({ value: 0, n: 2, m: 2, dropped: [1, 1] });
    for (const [x, y] of [[[1], [2]], [[1, 2], []], [[0.1, 0.1, 0.1], [1, 2]]] as const) expect(standardizedWasserstein(x, y)).toMatchObject({ value: NaN, low: NaN, high: NaN });
    expect(() => standardizedWasserstein([1, 2], [1], { resamples: 0 })).toThrow(ValidationError);
  });
});
