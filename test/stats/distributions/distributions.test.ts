import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { beta } from '../../../src/stats/distributions/beta.ts';
import { binomial } from '../../../src/stats/distributions/binomial.ts';
import { chiSquared } from '../../../src/stats/distributions/chi-squared.ts';
import type { ContinuousDistribution, DiscreteDistribution } from '../../../src/stats/distributions/distribution.ts';
import { fisherF } from '../../../src/stats/distributions/fisher-f.ts';
import { gamma } from '../../../src/stats/distributions/gamma.ts';
import { kolmogorov } from '../../../src/stats/distributions/kolmogorov.ts';
import { normal } from '../../../src/stats/distributions/normal.ts';
import { poisson } from '../../../src/stats/distributions/poisson.ts';
import { studentT } from '../../../src/stats/distributions/student-t.ts';

type Law = ContinuousDistribution<number[]>;
type Counts = DiscreteDistribution<number[]>;

const settings = { seed: 20261128, numRuns: 150 };
const shape = fc.double({ min: 0.3, max: 2000, noNaN: true });
const chance = fc.double({ min: -12, max: 0, noNaN: true }).map((power) => 10 ** power * 0.999);

const laws: readonly [name: string, law: Law, parameters: number][] = [
  ['normal', normal, 0],
  ['studentT', studentT, 1],
  ['chiSquared', chiSquared, 1],
  ['fisherF', fisherF, 2],
  ['beta', beta, 2],
  ['gamma', gamma, 1],
  ['kolmogorov', kolmogorov, 0],
];

const close = (actual: number, expected: number, relative: number): void => {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
};

describe.each(laws)('%s', (name, law, count) => {
  const parameters = fc.array(shape, { minLength: count, maxLength: count });

  it('has a quantile that its cdf takes back, and tails that sum to one', () => {
    fc.assert(
      fc.property(chance, parameters, (p, given) => {
        const x = law.quantile(p, ...given);
        // A beta variable within rounding of 1 has no room for more.
        if (name === 'beta' && x > 0.99) return;
        close(law.cdf(x, ...given), p, 1e-9);
        close(law.cdf(x, ...given) + law.sf(x, ...given), 1, 1e-12);
      }),
      settings,
    );
  });

  it('grows, to within rounding', () => {
    fc.assert(
      fc.property(chance, chance, parameters, (p, q, given) => {
        const [low, high] = [law.quantile(Math.min(p, q), ...given), law.quantile(Math.max(p, q), ...given)];
        expect(low).toBeLessThanOrEqual(high + 1e-13 * Math.abs(high));
        expect(law.cdf(low, ...given)).toBeLessThanOrEqual(law.cdf(high, ...given) * (1 + 1e-12));
      }),
      settings,
    );
  });

  it('gives NaN for NaN, and throws for what is no probability', () => {
    const given = Array<number>(count).fill(3);
    for (const value of [law.pdf(NaN, ...given), law.cdf(NaN, ...given), law.sf(NaN, ...given), law.quantile(NaN, ...given)]) expect(value).toBeNaN();
    for (const p of [-0.1, 1.1]) expect(() => law.quantile(p, ...given)).toThrow(ValidationError);
    for (let i = 0; i < count; i++) {
      for (const wrong of [0, -1, NaN]) {
        const spoilt = given.with(i, wrong);
        expect(() => law.cdf(1, ...spoilt)).toThrow(ValidationError);
      }
    }
  });
});

describe('symmetries', () => {
  it('normal and t are even, beta and F have their mirror', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), shape, shape, (x, a, b) => {
        expect(normal.cdf(-x)).toBe(normal.sf(x));
        expect(studentT.cdf(-x, a)).toBe(studentT.sf(x, a));
        const y = Math.round(Math.abs(x) * 1024) / 31744 + 2 ** -12;
        close(beta.cdf(y, a, b), beta.sf(1 - y, b, a), 1e-11);
        close(fisherF.cdf(y, a, b), fisherF.sf(1 / y, b, a), 1e-9);
      }),
      settings,
    );
  });

  it('t of one degree is Cauchy far beyond what can be squared', () => {
    for (const t of [1, 1e10, 1e170, 1e299]) close(studentT.sf(t, 1), Math.atan(1 / t) / Math.PI, 1e-12);
    close(studentT.quantile(1e-300, 1), -1e300 / Math.PI, 1e-11);
  });
});

const countLaws: readonly [name: string, law: Counts, parameters: number[], last: number][] = [
  ['binomial', binomial, [40, 0.3], 40],
  ['binomial', binomial, [25, 0.999], 25],
  ['poisson', poisson, [7.5], 60],
  ['poisson', poisson, [0.01], 12],
];

describe.each(countLaws)('%s', (_name, law, given, last) => {
  it('sums its probabilities, and the quantile is the smallest count', () => {
    let below = 0;
    for (let k = 0; k <= last; k++) {
      below += law.pmf(k, ...given);
      const cdf = law.cdf(k, ...given);
      close(cdf, below, 1e-12);
      close(cdf + law.sf(k, ...given), 1, 1e-12);
      if (cdf < 1 - 1e-12) expect(law.quantile(cdf, ...given)).toBe(k);
    }
    expect(law.cdf(-1, ...given)).toBe(0);
    expect(law.sf(-1, ...given)).toBe(1);
    expect([law.cdf(Infinity, ...given), law.sf(Infinity, ...given)]).toEqual([1, 0]);
    expect([law.pmf(NaN, ...given), law.cdf(NaN, ...given), law.sf(NaN, ...given), law.quantile(NaN, ...given)]).toEqual([NaN, NaN, NaN, NaN]);
    expect(() => law.quantile(1.5, ...given)).toThrow(ValidationError);
    expect(() => law.cdf(1, ...given.with(0, -1))).toThrow(ValidationError);
  });
});

describe('quantiles near the end of what a double can say', () => {
  it('of counts are the smallest whose upper tail is 1 - p, to within what p was rounded by', () => {
    const ends = [20, 40, 48, 50, 52, 53].map((power) => 2 ** -power);
    for (const left of ends) {
      for (const [law, parameters] of [[poisson, [0.5]], [poisson, [300]], [poisson, [1e6]], [binomial, [100, 0.9]], [binomial, [1e5, 1e-4]], [binomial, [1e7, 0.2]]] as [Counts, number[]][]) {
        const k = law.quantile(1 - left, ...parameters);
        const room = 2 ** -54;
        expect(law.sf(k, ...parameters)).toBeLessThanOrEqual((left + room) * (1 + 1e-12));
        if (k > 0) expect(law.sf(k - 1, ...parameters)).toBeGreaterThanOrEqual((left + room) * (1 - 1e-12));
      }
    }
  });

  it('of Student hold for hardly any degrees of freedom', () => {
    // Where mpmath's betainc of forty digits is 2 |p - 1/2|.
    for (const [df, p, t] of [[0.0001, 0.499, -2474998.778697576], [0.0005, 0.5001, 0.009188179123663282], [0.001, 0.499, -0.11497779848721988], [0.002, 0.6, 6.380403988765899e46], [0.003, 0.49, -23.051865192442577]] as const) {
      close(studentT.quantile(p, df), t, 1e-12);
    }
  });
});
