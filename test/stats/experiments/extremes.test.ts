import {
  alwaysValid,
  banditWeights,
  bayesianComparison,
  compareArms,
  experimentPower,
  experimentSampleSize,
  lgamma,
  minimumDetectableEffect,
  normal,
  proportionDifference,
  proportionPosterior,
  sampleRatioTest,
  type ArmSummary,
  type MeanArm,
  type RatioArm,
} from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';

const armOf = (n: number, mean: number, sd = 1): MeanArm => ({ kind: 'mean', n, sum: n * mean, sumSquares: (n - 1) * sd * sd + n * mean * mean });
const mean = (n: number, sum: number, sumSquares: number): MeanArm => ({ kind: 'mean', n, sum, sumSquares });

/** The paths at which a result holds NaN. */
const nansOf = (value: unknown, path = ''): string[] => (typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, each]) => nansOf(each, `${path}.${key}`)) : Number.isNaN(value) ? [path] : []);

const confidences = [1e-300, 1e-17, 0.3, 0.95, 0.9999999, 1 - Number.EPSILON / 2];

describe('at the ends of what numbers can be', () => {
  it('two arms are compared without NaN, and their intervals have their ends in order', () => {
    const arms = [armOf(2, 1), armOf(1e9, 1e6, 1e3), armOf(100, -2), mean(100, 5e-324, 100), mean(100, 1e-160, 1e-318), mean(1e9, 1e-155, 1e-310), mean(100, 1e150, 1e301), mean(100, 1e155, 1.7e308), armOf(100, 0)];
    const wrong: string[] = [];
    for (const [i, a] of arms.entries()) {
      for (const [j, b] of arms.entries()) {
        for (const effect of ['relative', 'absolute'] as const) {
          for (const prior of [undefined, { sd: 1e-300 }, { sd: 1e-170 }, { sd: 1 }, { sd: 1e200 }]) if (nansOf(bayesianComparison(a, b, { effect, prior })).length > 0) wrong.push(`${i} ${j} ${effect} ${prior?.sd}`);
          for (const method of ['fixed', 'sequential'] as const) {
            for (const alternative of ['two-sided', 'greater', 'less'] as const) {
              for (const confidence of confidences) {
                const found = compareArms(a, b, { effect, method, alternative, confidence });
                if (nansOf(found).length > 0 || found.low > found.high) wrong.push(`${i} ${j} ${effect} ${method} ${alternative} ${confidence}`);
              }
            }
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('always valid intervals have a reach and a p-value for any tuning', () => {
    for (const confidence of confidences) {
      for (const tunedFor of [5e-324, 1e-300, 1, 5000, 1e308]) {
        for (const n of [5e-324, 1, 1e15, 1e308]) {
          for (const z of [0, 1, -40, 1e200, Infinity, -Infinity]) expect(nansOf(alwaysValid(z, n, { confidence, tunedFor })), `${confidence} ${tunedFor} ${n} ${z}`).toEqual([]);
        }
      }
    }
    expect(alwaysValid(NaN, 100)).toEqual({ reach: Infinity, pValue: 1, eValue: 1 });
  });

  it('intervals of one look reach as far as the last digit of their confidence says', () => {
    const [a, b] = [armOf(1e6, 1), armOf(1e6, 1.001)];
    const confidence = 1 - Number.EPSILON / 2;
    for (const alternative of ['two-sided', 'greater'] as const) {
      const { low, effect, standardError } = compareArms(a, b, { method: 'fixed', alternative, confidence });
      expect((effect - low) / standardError).toBeCloseTo(-normal.quantile((1 - confidence) / (alternative === 'greater' ? 1 : 2)), 3);
    }
    const { low, effect, sd } = bayesianComparison(a, b, { credibility: confidence });
    expect((effect - low) / sd).toBeCloseTo(-normal.quantile((1 - confidence) / 2), 9);
    expect(experimentPower({ mean: 1, variance: 1 }, 1, 1e6, 1e6, { confidence })).toBe(1);
  });

  it('a prior decides alone where it is sure, and not at all where it knows nothing', () => {
    const [a, b] = [armOf(1000, 1), armOf(1000, 1.1)];
    const flat = bayesianComparison(a, b);
    expect(bayesianComparison(a, b, { prior: { sd: 1e200 } })).toEqual(flat);
    expect(bayesianComparison(a, b, { prior: { mean: 0.02, sd: 1e-170 } })).toMatchObject({ effect: 0.02, sd: 1e-170, chanceToWin: 1, risk: { treatment: 0 } });
  });
});

describe('signs of effects', () => {
  it('are those of the difference where the measure is negative, for evidence on one side as well', () => {
    const [low, high] = [armOf(1000, -2), armOf(1000, -1.8)];
    for (const method of ['fixed', 'sequential'] as const) {
      expect(compareArms(low, high, { method }).effect).toBeCloseTo(0.1, 12);
      expect(compareArms(low, high, { method, alternative: 'greater' }).pValue).toBeLessThan(0.01);
      expect(compareArms(low, high, { method, alternative: 'less' }).pValue).toBeGreaterThan(0.99);
    }
    expect(bayesianComparison(low, high).chanceToWin).toBeGreaterThan(0.99);
  });
});

describe('what was before', () => {
  const ratio = (below: number): RatioArm => {
    const sums = (sum: number): { kind: 'mean'; sum: number; sumSquares: number } => ({ kind: 'mean', sum, sumSquares: 2 * sum });
    const products = { numerator: 0, denominator: 0 };
    return { kind: 'ratio', n: 100, numerator: sums(50), denominator: sums(60), sumOfProducts: 40, before: { numerator: sums(0), denominator: sums(below), sumOfProducts: 0, withNumerator: products, withDenominator: products } };
  };

  it('is left out where a ratio had nothing below the line', () => {
    const without = compareArms({ ...ratio(0), before: undefined }, { ...ratio(0), before: undefined });
    expect(without.status).toBe('compared');
    for (const [a, b] of [[0, 0], [0, 30], [30, 0]] as const) expect(compareArms(ratio(a), ratio(b))).toEqual(without);
  });
});

describe('what belongs to nothing', () => {
  const quantile = (probability: number): ArmSummary => ({ kind: 'quantile', n: 1000, probability, value: 5, low: 4, high: 6 });

  it('is refused: two quantiles, a quantile in a bandit', () => {
    expect(() => compareArms(quantile(0.5), quantile(0.9))).toThrow('control is the quantile 0.5 and treatment the quantile 0.9');
    expect(() => banditWeights([quantile(0.5), quantile(0.5)] as never)).toThrow('arms[0].kind');
  });

  it('units of arms that all have no weight do not hold any shares', () => {
    expect(sampleRatioTest([5, 6], [0, 0])).toEqual({ status: 'insufficient', pValue: 1, statistic: 0, unexpected: 11, worst: -1 });
  });
});

describe('plans', () => {
  const baseline = { mean: 0.1 };

  it('have no effect to detect when no more power is asked for than false alarms have', () => {
    for (const power of [0.001, 0.02, 0.05]) for (const effect of ['relative', 'absolute'] as const) expect(minimumDetectableEffect(baseline, 1000, { power, effect })).toBe(0);
    expect(minimumDetectableEffect(baseline, 1000, { power: 0.051 })).toBeGreaterThan(0);
  });

  it('say that there is no effect exactly where none has the power', () => {
    for (const power of [0.06, 0.1, 0.8]) {
      for (let n = 2; n < 400; n += 3) {
        const found = minimumDetectableEffect(baseline, n, { power });
        if (found === undefined) expect(experimentPower(baseline, 1e9, n, n)).toBeLessThanOrEqual(power + 1e-6);
        else expect(experimentPower(baseline, found, n, n)).toBeCloseTo(power, 6);
      }
    }
  });

  it('ask for the same number of units for huge effects on either side', () => {
    expect([1e6, 1e160, -1e160, 1e300].map((effect) => experimentSampleSize(baseline, effect))).toEqual([71, 71, 71, 71]);
  });
});

describe('beliefs of shares', () => {
  it('have chances within [0, 1] that keep their digits when they are small', () => {
    // P(b > a) of two Beta laws with whole parameters is a sum of terms above 0 (Miller 2015).
    const chance = (a: { successes: number; trials: number }, b: { successes: number; trials: number }): number => {
      const logBeta = (p: number, q: number): number => lgamma(p) + lgamma(q) - lgamma(p + q);
      const [aYes, aNo, bYes, bNo] = [a.successes + 1, a.trials - a.successes + 1, b.successes + 1, b.trials - b.successes + 1];
      let sum = 0;
      for (let i = 0; i < bYes; i++) sum += Math.exp(logBeta(aYes + i, aNo + bNo) - Math.log(bNo + i) - logBeta(1 + i, bNo) - logBeta(aYes, aNo));
      return sum;
    };
    const prior = { successes: 1, failures: 1 };
    for (const successes of [60, 100, 150]) {
      const [few, many] = [{ successes: 50, trials: 1000 }, { successes, trials: 1000 }];
      expect(proportionDifference(many, few, { prior }).chanceToWin / chance(many, few), `${successes}`).toBeCloseTo(1, 8);
      expect(proportionDifference(few, many, { prior }).chanceToWin).toBeCloseTo(chance(few, many), 10);
    }
    expect(proportionDifference({ successes: 900, trials: 1000 }, { successes: 20, trials: 1000 }).chanceToWin).toBeGreaterThanOrEqual(0);
    expect(proportionDifference({ successes: 20, trials: 1000 }, { successes: 900, trials: 1000 }).chanceToWin).toBeLessThanOrEqual(1);
  });

  it('of counts next to none have the tails that are asked for', () => {
    const nothing = { successes: 0, trials: 0 };
    // Jeffreys' law is that of sin² of a uniform angle.
    const below = (d: number): number => {
      let sum = 0;
      const points = 200_000;
      for (let i = 0; i < points; i++) sum += Math.asin(Math.sqrt(Math.min(1, Math.max(0, Math.sin((Math.PI / 2) * ((i + 0.5) / points)) ** 2 + d))));
      return sum / points / (Math.PI / 2);
    };
    for (const credibility of [0.5, 0.95, 0.999]) {
      const { low, high } = proportionDifference(nothing, nothing, { credibility });
      expect(below(low)).toBeCloseTo((1 - credibility) / 2, 6);
      expect(high).toBeCloseTo(-low, 12);
    }
    const alike = proportionDifference({ successes: 0, trials: 10 }, { successes: 0, trials: 10 });
    expect(alike.high).toBeCloseTo(-alike.low, 12);
  });

  it('have intervals as wide as their credibility says, to the last digit of it', () => {
    const half = { successes: 5e6, trials: 1e7 };
    for (const credibility of confidences.slice(2)) {
      const { low, high } = proportionDifference(half, half, { credibility });
      const normally = -normal.quantile((1 - credibility) / 2) * Math.sqrt(0.5 / 1e7);
      expect(-low / normally).toBeCloseTo(1, 4);
      expect(high / normally).toBeCloseTo(1, 4);
    }
  });

  it('of no trials are those of the prior', () => {
    const nothing = { successes: 0, trials: 0 };
    const { low, high } = proportionPosterior(nothing);
    expect(low).toBeCloseTo(Math.sin((0.025 * Math.PI) / 2) ** 2, 12);
    expect(high).toBeCloseTo(1 - low, 12);
    const { mean: difference, chanceToWin } = proportionDifference(nothing, nothing);
    expect(difference).toBe(0);
    expect(chanceToWin).toBeCloseTo(0.5, 12);
  });
});
