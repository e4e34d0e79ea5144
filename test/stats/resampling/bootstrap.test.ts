import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { bootstrap } from '../../../src/stats/resampling/bootstrap.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: Float64Array): number => {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
};

function exponentials(n: number, generator: SeededGenerator): Float64Array {
  return Float64Array.from({ length: n }, () => -Math.log(1 - generator.uniform()));
}

describe('bootstrap', () => {
  const sample = exponentials(40, new SeededGenerator(11));

  it('knows the standard error of a mean', () => {
    const { value, standardError, bias, low, high, resamples, failed } = bootstrap(sample, mean);
    expect(value).toBeCloseTo(mean(sample), 12);
    expect(standardError / Math.sqrt(variance(sample) / 40)).toBeCloseTo(1, 1);
    expect(Math.abs(bias)).toBeLessThan(standardError / 10);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
    expect({ resamples, failed }).toEqual({ resamples: 2000, failed: 0 });
  });

  it('gives the same for the same seed and another for another', () => {
    expect(bootstrap(sample, mean, { seed: 4 })).toEqual(bootstrap(sample, mean, { seed: 4 }));
    expect(bootstrap(sample, mean, { seed: 5 }).low).not.toBe(bootstrap(sample, mean, { seed: 4 }).low);
  });

  it('reaches further on the side of the tail, as BCa should', () => {
    const { value, low, high } = bootstrap(sample, mean);
    expect(high - value).toBeGreaterThan(value - low);
    const percentile = bootstrap(sample, mean, { method: 'percentile' });
    expect(high).toBeGreaterThan(percentile.high);
    expect(percentile.method).toBe('percentile');
  });

  it.each([
    ['bca', 0.88, 0.97],
    ['percentile', 0.85, 0.97],
  ] as const)('covers the mean of a skew population with %s', (method, least, most) => {
    const generator = new SeededGenerator(99);
    let covered = 0;
    for (let run = 0; run < 300; run++) {
      const { low, high } = bootstrap(exponentials(30, generator), mean, { method, resamples: 600, seed: run });
      if (low <= 1 && 1 <= high) covered++;
    }
    expect(covered / 300).toBeGreaterThan(least);
    expect(covered / 300).toBeLessThan(most);
  });

  it('has a standard error in any unit', () => {
    const near = bootstrap(sample, mean, { resamples: 200 });
    for (const unit of [2 ** 700, 2 ** -700]) {
      const far = bootstrap(sample.map((value) => value * unit), mean, { resamples: 200 });
      expect(far.standardError / unit / near.standardError).toBeCloseTo(1, 12);
    }
  });

  it('draws independent samples each by itself and paired ones together', () => {
    const y = sample.map((value, i) => value + (i % 2) / 100);
    const difference = (a: Float64Array, b: Float64Array): number => mean(a) - mean(b);
    const apart = bootstrap([sample, y], (a, b) => difference(a, b));
    const together = bootstrap([sample, y], (a, b) => difference(a, b), { paired: true });
    expect(together.value).toBeCloseTo(apart.value, 12);
    expect(together.standardError).toBeLessThan(apart.standardError / 50);
    expect(bootstrap([sample, [1, 2, 3]], (a, b) => b.length + a.length).value).toBe(43);
  });

  it('keeps the share of every stratum', () => {
    const values = [...Array.from({ length: 90 }, () => 0), ...Array.from({ length: 10 }, () => 1)];
    const strata = values.map((value) => (value === 0 ? 'common' : 'rare'));
    expect(bootstrap(values, mean, { strata })).toMatchObject({ value: 0.1, standardError: 0 });
    expect(bootstrap(values, mean).standardError).toBeCloseTo(0.03, 2);
  });

  it('is one point when the statistic never changes', () => {
    expect(bootstrap([3, 3, 3, 3], mean)).toMatchObject({ value: 3, low: 3, high: 3, standardError: 0, bias: 0 });
  });

  it('leaves out what is not finite, of the values and of the draws', () => {
    expect(bootstrap([1, NaN, 2, Infinity, 3], mean)).toMatchObject({ value: 2, dropped: 2 });
    const result = bootstrap([1, 2, 3, 4], (values) => (values.includes(4) ? mean(values) : NaN));
    expect(result.failed).toBeGreaterThan(400);
    expect(result.failed + result.resamples).toBe(2000);
    expect(result.low).toBeLessThan(result.high);
  });

  it('has no interval where there is no statistic', () => {
    expect(bootstrap([], mean)).toMatchObject({ value: NaN, low: NaN, high: NaN, resamples: 0, failed: 2000 });
    expect(bootstrap([1, 2], mean).method).toBe('percentile');
  });

  it('lets the statistic sort what it gets', () => {
    const median = (values: Float64Array): number => values.sort()[values.length >> 1]!;
    const { value, low, high } = bootstrap(sample, median);
    expect(value).toBe(sample.slice().sort()[20]);
    expect(low).toBeLessThanOrEqual(value);
    expect(high).toBeGreaterThanOrEqual(value);
    expect(bootstrap([sample, sample], (a, b) => median(a) - median(b)).value).toBe(0);
  });

  it('takes the acceleration of large samples from groups', () => {
    const { value, low, high, method } = bootstrap(exponentials(3000, new SeededGenerator(2)), mean, { resamples: 500 });
    expect(method).toBe('bca');
    expect(high - value).toBeGreaterThan(0);
    expect(value - low).toBeGreaterThan(0);
  });

  it('refuses what makes no sense', () => {
    expect(() => bootstrap(sample, mean, { resamples: 0 })).toThrow(ValidationError);
    expect(() => bootstrap(sample, mean, { method: 'basic' as 'bca' })).toThrow(ValidationError);
    expect(() => bootstrap([sample, [1]], mean, { paired: true })).toThrow(ValidationError);
    expect(() => bootstrap([sample, sample], mean, { strata: sample })).toThrow(ValidationError);
    expect(() => bootstrap(sample, mean, { strata: [1] })).toThrow(ValidationError);
    expect(() => bootstrap(sample, mean, { seed: -1 })).toThrow(ValidationError);
  });
});
