import { readFileSync } from 'node:fs';
import {
  alwaysValid,
  banditWeights,
  bayesianComparison,
  benjaminiHochberg,
  chiSquareTest,
  compareArms,
  experimentPower,
  experimentSampleSize,
  groupSequentialBounds,
  holm,
  minimumDetectableEffect,
  proportionDifference,
  proportionPosterior,
  sampleRatioTest,
  type ArmSummary,
  type MeanSums,
  type ProportionSums,
  type RatioArm,
} from 'modelkeep/stats';
import { afterAll, describe, expect, it } from 'vitest';
import { estimateArm } from '../../../src/stats/experiments/arm-estimate.ts';
import { armEffect } from '../../../src/stats/experiments/arm-effect.ts';
import { momentsOf } from '../../../src/stats/experiments/effect-moments.ts';
import { meanAbove0 } from '../../../src/stats/experiments/mean-above-0.ts';

interface Case<Input, Expected> {
  readonly id: string;
  readonly kind: string;
  readonly input: Input;
  readonly expected: Expected;
  readonly tolerance: { readonly decimals?: number };
}

const { cases } = JSON.parse(readFileSync(new URL('../../fixtures/abtest.json', import.meta.url), 'utf8')) as { cases: Case<unknown, unknown>[] };
const looked = new Set<string>();

/** The cases whose kind or id begins so. */
function casesOf<Input, Expected>(...begins: readonly string[]): readonly (readonly [string, Case<Input, Expected>])[] {
  const found = cases.filter(({ id, kind }) => begins.some((begin) => kind.startsWith(begin) || id === begin)) as Case<Input, Expected>[];
  for (const { id } of found) looked.add(id);
  return found.map((each) => [each.id, each]);
}

// Kept as the sources write them.
type Sums = { readonly type: 'mean'; readonly n: number; readonly sum: number; readonly sumSquares: number } | { readonly type: 'proportion'; readonly n: number; readonly sum: number };
interface RatioCuped {
  readonly type: 'ratio-cuped';
  readonly n: number;
  readonly mPost: Sums;
  readonly dPost: Sums;
  readonly mPre: Sums;
  readonly dPre: Sums;
  readonly mPostMPre: number;
  readonly dPostDPre: number;
  readonly mPreDPre: number;
  readonly mPostDPost: number;
  readonly mPostDPre: number;
  readonly mPreDPost: number;
}
type Given =
  | Sums
  | { readonly type: 'mean-cuped'; readonly n: number; readonly post: Sums; readonly pre: Sums; readonly postPreSumOfProducts: number }
  | { readonly type: 'ratio'; readonly n: number; readonly m: Sums; readonly d: Sums; readonly mdSumOfProducts: number }
  | RatioCuped
  | { readonly type: 'quantile'; readonly n: number; readonly nStar: number; readonly nu: number; readonly quantileHat: number; readonly quantileLower: number; readonly quantileUpper: number };

const sumsOf = (sums: Sums): ProportionSums | MeanSums => (sums.type === 'proportion' ? { kind: 'proportion', successes: sums.sum } : { kind: 'mean', sum: sums.sum, sumSquares: sums.sumSquares });

function armOf(given: Given): ArmSummary {
  const { n } = given;
  switch (given.type) {
    case 'mean-cuped':
      return { ...sumsOf(given.post), n, before: { sums: sumsOf(given.pre), sumOfProducts: given.postPreSumOfProducts } };
    case 'ratio':
      return { kind: 'ratio', n, numerator: sumsOf(given.m), denominator: sumsOf(given.d), sumOfProducts: given.mdSumOfProducts };
    case 'ratio-cuped': {
      const withNumerator = { numerator: given.mPostMPre, denominator: given.mPostDPre };
      const withDenominator = { numerator: given.mPreDPost, denominator: given.dPostDPre };
      const before = { numerator: sumsOf(given.mPre), denominator: sumsOf(given.dPre), sumOfProducts: given.mPreDPre, withNumerator, withDenominator };
      return { kind: 'ratio', n, numerator: sumsOf(given.mPost), denominator: sumsOf(given.dPost), sumOfProducts: given.mPostDPost, before };
    }
    case 'quantile':
      return { kind: 'quantile', n, sampled: given.nStar, probability: given.nu, value: given.quantileHat, low: given.quantileLower, high: given.quantileUpper };
    default:
      return { ...sumsOf(given), n };
  }
}

const numberOf = (value: number | string): number => (typeof value === 'number' ? value : value === '+Infinity' ? Infinity : -Infinity);

interface Compared {
  readonly control: Given;
  readonly treatment: Given;
  readonly config: { readonly differenceType: 'relative' | 'absolute'; readonly alpha: number; readonly sequentialTuningParameter?: number };
}

const alternativeOf = (kind: string): 'greater' | 'less' | 'two-sided' => (kind.endsWith('greater') ? 'greater' : kind.endsWith('lesser') ? 'less' : 'two-sided');

describe('two arms are compared as GrowthBook does', () => {
  it.each(casesOf<Compared, Record<string, number | string>>('welch-t', 'asymptotic-confidence-sequence'))('%s', (_, { kind, input, expected, tolerance }) => {
    const { differenceType: effect, alpha, sequentialTuningParameter: tunedFor } = input.config;
    const method = kind.startsWith('welch') ? 'fixed' : 'sequential';
    const found = compareArms(armOf(input.control), armOf(input.treatment), { effect, method, alternative: alternativeOf(kind), confidence: 1 - alpha, tunedFor });
    const names = { expected: found.effect, ciLower: found.low, ciUpper: found.high, stderr: found.standardError, pValue: found.pValue };
    for (const [name, value] of Object.entries(names)) {
      const wanted = expected[name];
      if (wanted === undefined) continue;
      // Its one-sided sequential p-values are found by twelve halvings of [1e-5, 0.4999], so they end there and are that coarse.
      if (name === 'pValue' && method === 'sequential' && kind.includes('one-sided')) expect(Math.min(0.4999, value)).toBeCloseTo(wanted as number, 3);
      else if (Number.isFinite(numberOf(wanted))) expect(value, name).toBeCloseTo(wanted as number, tolerance.decimals ?? 12);
      else expect(value, name).toBe(numberOf(wanted));
    }
    expect(found.reason).toBe(expected['errorMessage'] === 'ZERO_NEGATIVE_VARIANCE' ? 'no-variance' : undefined);
  });

  it.each(casesOf<{ config: Compared['config']; control: Given; treatment: Given; tuning: Record<'below' | 'near' | 'above', number> }, unknown>('gb-seq-06-tuning-ordering'))('%s', (_, { input }) => {
    const [below, near, above] = [input.tuning.below, input.tuning.near, input.tuning.above].map((tunedFor) => compareArms(armOf(input.control), armOf(input.treatment), { tunedFor }));
    for (const [narrow, wide] of [[near!, above!], [above!, below!]] as const) {
      expect(wide.low).toBeLessThan(narrow.low);
      expect(wide.high).toBeGreaterThan(narrow.high);
    }
  });

  it.each(casesOf<{ control: Given; treatment: Given }, { theta: number }>('cuped-theta'))('%s', (_, { input, expected }) => {
    expect(compareArms(armOf(input.control), armOf(input.treatment)).theta).toBeCloseTo(expected.theta, 5);
  });

  interface Rows {
    readonly dPost: readonly number[];
    readonly dPre: readonly number[];
    readonly mPost: readonly number[];
    readonly mPre: readonly number[];
  }
  it.each(casesOf<{ theta: number; control: Rows; treatment: Rows }, Record<string, number>>('effect-moments+ratio+cuped'))('%s', (_, { input, expected }) => {
    const arm = ({ dPost, dPre, mPost, mPre }: Rows, sign: number): RatioArm => {
      const [m, q] = [mPost.map((v) => sign * v), mPre.map((v) => sign * v)];
      const sums = (list: readonly number[]): MeanSums => ({ kind: 'mean', sum: list.reduce((a, b) => a + b, 0), sumSquares: products(list, list) });
      const products = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
      const withNumerator = { numerator: products(m, q), denominator: products(m, dPre) };
      const withDenominator = { numerator: products(dPost, q), denominator: products(dPost, dPre) };
      const before = { numerator: sums(q), denominator: sums(dPre), sumOfProducts: products(q, dPre), withNumerator, withDenominator };
      return { kind: 'ratio', n: m.length, numerator: sums(m), denominator: sums(dPost), sumOfProducts: products(m, dPost), before };
    };
    for (const [sign, effect, error] of [[1, 'pointEstimate', 'standardError'], [-1, 'negatedPointEstimate', 'negatedStandardError']] as const) {
      const found = momentsOf(estimateArm(arm(input.control, sign)), estimateArm(arm(input.treatment, sign)), input.theta, 'relative');
      expect(found).toMatchObject({ effect: expect.closeTo(expected[effect]!, 7) as number, standardError: expect.closeTo(expected[error]!, 7) as number });
    }
  });

  it.each(casesOf<Record<'varA' | 'meanA' | 'nA' | 'varB' | 'meanB' | 'nB', number>, { absolute: number; relative: number }>('delta-variance'))('%s', (_, { input, expected }) => {
    const arm = (mean: number, variance: number, n: number): ArmSummary => ({ kind: 'mean', n, sum: n * mean, sumSquares: (n - 1) * variance + n * mean * mean });
    for (const effect of ['absolute', 'relative'] as const) {
      const found = armEffect(arm(input.meanA, input.varA, input.nA), arm(input.meanB, input.varB, input.nB), effect);
      if (typeof found === 'string') throw new Error(found);
      expect(found.standardError ** 2).toBeCloseTo(expected[effect], 5);
    }
  });
});

describe('beliefs', () => {
  interface Bayes {
    readonly control: Given;
    readonly treatment: Given;
    readonly config: { readonly differenceType: 'relative' | 'absolute'; readonly inverse?: boolean; readonly prior: { readonly proper: boolean; readonly mean?: number; readonly variance?: number } };
  }
  it.each(casesOf<Bayes, Record<string, number>>('bayesian-normal'))('%s', (_, { input, expected, tolerance }) => {
    const { differenceType: effect, inverse: lowerIsBetter, prior } = input.config;
    const found = bayesianComparison(armOf(input.control), armOf(input.treatment), { effect, lowerIsBetter, ...(prior.proper && { prior: { mean: prior.mean, sd: Math.sqrt(prior.variance!) } }) });
    const names = { expected: found.effect, ciLower: found.low, ciUpper: found.high, stddev: found.sd, chanceToWin: found.chanceToWin, riskControl: found.risk.control, riskTreatment: found.risk.treatment };
    for (const [name, value] of Object.entries(names)) if (expected[name] !== undefined) expect(value, name).toBeCloseTo(expected[name], tolerance.decimals ?? 11);
  });

  it.each(casesOf<{ rows: { mu: number; sigma: number }[] }, { rows: [number, number][] }>('bayesian-risk'))('%s', (_, { input, expected }) => {
    for (const [i, { mu, sigma }] of input.rows.entries()) {
      expect(meanAbove0(mu, sigma)).toBeCloseTo(expected.rows[i]![0], 10);
      expect(meanAbove0(-mu, sigma)).toBeCloseTo(expected.rows[i]![1], 10);
    }
  });

  interface Counts {
    readonly success: number;
    readonly total: number;
  }
  const shareOf = ({ success, total }: Counts): { successes: number; trials: number } => ({ successes: success, trials: total });
  it.each(casesOf<{ rows: Counts[] }, { rows: [number, number][] }>('beta-binomial-credible'))('%s', (_, { input, expected }) => {
    for (const [i, row] of input.rows.entries()) {
      const { low, high } = proportionPosterior(shareOf(row));
      expect([low, high]).toEqual(expected.rows[i]!.map((each) => expect.closeTo(each, 7) as number));
    }
  });

  it.each(casesOf<{ control: Counts; treatment: Counts }, Record<string, number>>('beta-binomial-difference'))('%s', (_, { input, expected }) => {
    const found = proportionDifference(shareOf(input.control), shareOf(input.treatment));
    const names = { difference: found.mean, ciLower: found.low, ciUpper: found.high, probTreatmentBetter: found.chanceToWin, potentialLossTreatment: -found.risk.treatment };
    for (const [name, value] of Object.entries(names)) expect(Math.abs(value - expected[name]!), name).toBeLessThan(0.002);
  });

  it.each(casesOf<{ arms: { n: number; sum: number; sumSquares: number }[] }, unknown>('bandit-weights-property'))('%s', (_, { input }) => {
    const arms = input.arms.map((arm) => ({ kind: 'mean', ...arm }) as const);
    const free = banditWeights(arms, { floor: 0 });
    // Its own figures are from 10,000 draws.
    expect(free.chanceToBeBest).toEqual([0.0113, 0.0156, 0.0195, 0.9536].map((share) => expect.closeTo(share, 1.5) as number));
    expect(free.weights).toEqual([0.12785, 0.1696, 0.216, 0.48655].map((share) => expect.closeTo(share, 1.5) as number));
    for (const floor of [0.1, 0.25]) {
      expect(banditWeights(arms, { floor }).weights).toEqual(free.weights.map((share) => expect.closeTo(floor + (1 - arms.length * floor) * share, 12) as number));
    }
    expect(() => banditWeights(arms, { floor: 0.5 })).toThrow('from 0 to 1 / 4');
    expect(() => banditWeights(arms, { floor: -0.3 })).toThrow('from 0 to 1 / 4');
  });

  it.each(casesOf<{ armMeans: number[] }, unknown>('bandit-reference-bug'))('%s', (_, { input }) => {
    const arms = input.armMeans.map((mean) => ({ kind: 'mean', n: 100, sum: 100 * mean, sumSquares: 100 * mean * mean + 99 * 100 }) as const);
    const { weights } = banditWeights(arms, { floor: 0, lowerIsBetter: true });
    expect(weights).toEqual([0.5, 0.5, 0].map((share) => expect.closeTo(share, 2) as number));
    expect(banditWeights(arms.slice(0, 2), { floor: 0, lowerIsBetter: true }).weights).toHaveLength(2);
  });
});

describe('p-values over several metrics, and shares of traffic', () => {
  it.each(casesOf<{ pValues: number[] }, Record<string, number[]>>('holm', 'benjamini-hochberg'))('%s', (_, { kind, input, expected }) => {
    const near = (list: readonly number[]): number[] => list.map((p) => expect.closeTo(p, 4) as number);
    if (kind.startsWith('holm')) expect([...holm(input.pValues)]).toEqual(near(expected['holm'] ?? expected['adjustedInInputOrder']!));
    if (kind !== 'holm-bonferroni') expect([...benjaminiHochberg(input.pValues)]).toEqual(near(expected['bh'] ?? expected['adjustedInInputOrder']!));
  });

  it.each(casesOf<{ users: number[]; weights: number[] }, { pValue?: number; pValueCorrectDf1?: number; mismatchAt0_001?: boolean }>('srm-chi2'))('%s', (_, { input, expected }) => {
    const { pValue, status } = sampleRatioTest(input.users, input.weights);
    expect(pValue).toBeCloseTo(expected.pValue ?? expected.pValueCorrectDf1!, 9);
    expect(status === 'mismatch').toBe(expected.mismatchAt0_001 ?? false);
  });

  interface Two {
    readonly control: { success: number; total: number };
    readonly treatment: { success: number; total: number };
  }
  it.each(casesOf<Two, { pValue: number }>('two-proportion-chi2'))('%s: the p-value', (_, { input, expected }) => {
    const table = [input.control, input.treatment].map(({ success, total }) => [success, total - success]);
    expect(chiSquareTest(table).pValue).toBeCloseTo(expected.pValue, 6);
  });

  it.each(casesOf<{ control: Given; treatment: Given }, { pValue: number }>('student/welch-t'))('%s', (_, { input, expected }) => {
    const [a, b] = [armOf(input.control), armOf(input.treatment)];
    const { pValue } = compareArms(a, b, { method: 'fixed', effect: 'absolute' });
    expect(Math.abs(pValue / expected.pValue - 1)).toBeLessThan(0.01);
    expect(compareArms(b, a, { method: 'fixed', effect: 'absolute' }).pValue).toBe(pValue);
  });
});

describe('plans', () => {
  interface Metric {
    readonly type: 'binomial' | 'mean';
    readonly conversionRate?: number;
    readonly mean?: number;
    readonly variance?: number;
    readonly effectSize: number;
  }
  interface Weeks {
    readonly usersPerWeek: number;
    readonly variations: number;
    readonly metrics: { readonly click_through_rate: Metric; readonly revenue: Metric };
  }
  it.each(casesOf<Weeks, Record<string, number[]>>('power-weeks'))('%s', (_, { input, expected }) => {
    const rows = [[input.metrics.click_through_rate, 'powerCtr', 'mdeCtr'], [input.metrics.revenue, 'powerRevenue', 'mdeRevenue']] as const;
    for (const [{ conversionRate, mean = conversionRate!, variance, effectSize }, power, smallest] of rows) {
      for (const [week, wanted] of expected[power]!.entries()) {
        const n = ((week + 1) * input.usersPerWeek) / input.variations;
        expect(experimentPower({ mean, variance }, effectSize, n, n)).toBeCloseTo(wanted, 5);
        // It leaves out the far tail, which only the first week shows, in the fifth place.
        expect(minimumDetectableEffect({ mean, variance }, n)).toBeCloseTo(expected[smallest]![week]!, 4);
      }
    }
  });

  it.each(casesOf<{ absoluteMde: number; baseline: number; alpha: number; power: number }, { totalSampleSize: number }>('sample-size-total'))('%s', (_, { input, expected }) => {
    const each = experimentSampleSize({ mean: input.baseline }, input.absoluteMde, { effect: 'absolute', confidence: 1 - input.alpha, power: input.power });
    expect(Math.abs((2 * each) / expected.totalSampleSize - 1)).toBeLessThan(0.015);
  });

  it.each(casesOf<{ absoluteMde: number; variance: number; alpha: number; n1: number; n2: number }, { power: number }>('achieved-power'))('%s', (_, { input, expected }) => {
    expect(Math.abs(experimentPower({ mean: 0.34, variance: input.variance }, input.absoluteMde, input.n1, input.n2, { effect: 'absolute', confidence: 1 - input.alpha }) / expected.power - 1)).toBeLessThan(0.005);
  });

  it.each(casesOf<{ informationFraction?: number[]; counts?: [number, number][]; expectedTotal?: number; alpha: number }, { zBounds?: number[]; adjustedAlpha?: number[] }>('group-sequential-landemets'))('%s', (_, { input, expected }) => {
    const totals = input.counts?.map(([a, b]) => a + b);
    const fractions = input.informationFraction ?? totals!.map((total) => total / Math.max(input.expectedTotal!, ...totals!));
    const looks = groupSequentialBounds(fractions, { alpha: input.alpha, spending: 'power', exponent: 2 });
    if (expected.zBounds) expect(looks.map(({ z }) => z)).toEqual(expected.zBounds.map((z) => expect.closeTo(z, 3) as number));
    if (expected.adjustedAlpha) expect(looks.map(({ alpha }) => alpha)).toEqual(expected.adjustedAlpha.map((alpha) => expect.closeTo(alpha, 4) as number));
  });

  it.each(casesOf<unknown, { rows: { n: number; tuning: number; alpha: number; multiplierOfStdErr: number }[] }>('confidence-sequence-multiplier'))('%s', (_, { expected }) => {
    for (const { n, tuning, alpha, multiplierOfStdErr } of expected.rows) expect(alwaysValid(0, n, { confidence: 1 - alpha, tunedFor: tuning }).reach / multiplierOfStdErr).toBeCloseTo(1, 9);
  });

  it.each(casesOf<unknown, { rows: { z: number; n: number; tuning: number; eValue: number; alwaysValidP: number }[] }>('always-valid-p'))('%s', (_, { expected }) => {
    for (const row of expected.rows) {
      const { eValue, pValue } = alwaysValid(row.z, row.n, { tunedFor: row.tuning });
      expect(eValue / row.eValue).toBeCloseTo(1, 9);
      expect(pValue / row.alwaysValidP).toBeCloseTo(1, 9);
    }
  });
});

// What there is no function for; and a power of sequential intervals that a simulation contradicts (see the test of plans).
const left = ['gb-power-02-sequential', 'gb-power-04-mid-experiment'];

afterAll(() => {
  expect([...looked, ...left].sort()).toEqual(cases.map(({ id }) => id).sort());
});
