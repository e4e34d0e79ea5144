import { analyzeUnits, baselineOf, planExperiment, type AnalyzedDefinition, type AnalyzeOptions, type MetricOptions, type UnitTable } from 'modelkeep';
import { compareArms, type MeanArm } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';
import { column, Draws, tableOf } from './unit-tables.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 20_260_102);
const draws = new Draws(seed);

const definitionOf = (...metrics: readonly MetricOptions[]): AnalyzedDefinition => ({ variants: [{ name: 'A' }, { name: 'B' }], metrics });

/** Fails when so many hits would be surprising, at 1 in 1000, were their chance at most `most` and at least `least`. */
function expectShare(hits: number, trials: number, least: number, most: number): void {
  const { low, high } = clopperPearsonInterval(hits, trials, 0.001);
  expect(low, `${hits} of ${trials} (seed ${seed})`).toBeLessThanOrEqual(most);
  expect(high, `${hits} of ${trials} (seed ${seed})`).toBeGreaterThanOrEqual(least);
}

function count(trials: number, hit: () => boolean): number {
  let hits = 0;
  for (let trial = 0; trial < trials; trial++) hits += Number(hit());
  return hits;
}

const misses = (metric: MetricOptions, table: () => UnitTable, trials: number): number =>
  count(trials, () => {
    const { difference } = analyzeUnits(definitionOf(metric), table(), { method: 'fixed' }).metrics[0]!.comparisons[0]!;
    return difference.low > 0 || difference.high < 0;
  });

describe(`an experiment between equal arms (seed ${seed})`, () => {
  const most = 2180;
  const metric: MetricOptions = { name: 'm', kind: 'mean', role: 'primary' };

  /** Whether any of a hundred looks ships or stops, and whether a test for one look would have found a difference at any of them. */
  function decides(alike: Float64Array): { readonly sequential: boolean; readonly fixed: boolean } {
    const table = tableOf(most, { m: { kind: 'mean', value: alike } });
    let [sequential, fixed] = [false, false];
    for (let units = 200; units <= most && !(sequential && fixed); units += 20) {
      const looked = { ...table, units, variant: table.variant.subarray(0, units), exposedAt: table.exposedAt.subarray(0, units), metrics: { m: { kind: 'mean' as const, value: alike.subarray(0, units) } } };
      const { decision, metrics } = analyzeUnits(definitionOf(metric), looked, { method: 'sequential' });
      sequential ||= decision.action !== 'keep running';
      const { difference, standardError } = metrics[0]!.comparisons[0]!;
      // With less than 1.9 standard errors its p-value is above 0.057, and it need not be asked.
      fixed ||= Math.abs(difference.effect) >= 1.9 * standardError && analyzeUnits(definitionOf(metric), looked, { method: 'fixed' }).metrics[0]!.comparisons[0]!.verdict !== 'unclear';
    }
    return { sequential, fixed };
  }

  it('that is looked at a hundred times ends in a false decision at most as often as alpha says; by a test for one look far more often', () => {
    const trials = 40;
    let [sequential, fixed] = [0, 0];
    for (let trial = 0; trial < trials; trial++) {
      const found = decides(column(most, () => (trial % 2 === 0 ? draws.exponential() : draws.uniform() < 0.1 ? 1 : 0)));
      sequential += Number(found.sequential);
      fixed += Number(found.fixed);
    }
    expectShare(sequential, trials, 0, 0.05);
    expect(fixed, `seed ${seed}`).toBeGreaterThan(trials * 0.15);
  });

  it('with three metrics and two treatments has any false verdict at most as often as alpha says', () => {
    const names = ['m1', 'm2', 'm3'];
    const definition: AnalyzedDefinition = { variants: [{ name: 'A' }, { name: 'B' }, { name: 'C' }], metrics: names.map((name) => ({ name, kind: 'mean', role: 'primary' })) };
    const any = (options: AnalyzeOptions): number =>
      count(200, () => {
        const metrics = Object.fromEntries(names.map((name) => [name, { kind: 'mean' as const, value: column(600, () => draws.exponential()) }]));
        return analyzeUnits(definition, tableOf(600, metrics, { variants: 3 }), { method: 'fixed', ...options }).metrics.some(({ comparisons }) => comparisons.some(({ verdict }) => verdict !== 'unclear'));
      });
    expectShare(any({}), 200, 0, 0.05);
    expect(any({ correction: 'none' }), `seed ${seed}`).toBeGreaterThan(200 * 0.12);
  });
});

describe(`intervals of one look (seed ${seed})`, () => {
  const [units, trials] = [400, 600];

  const draws = new Draws(seed);

  it('of ratios miss as often as they say', () => {
    const table = (): UnitTable => {
      const orders = column(units, () => draws.below(5));
      return tableOf(units, { m: { kind: 'ratio', numerator: orders.map((each) => each * (5 + 3 * draws.bell())), denominator: orders } });
    };
    expectShare(misses({ name: 'm', kind: 'ratio', numerator: 'a', denominator: 'b' }, table, trials), trials, 0.05, 0.05);
  });

  it('with what was before taken out miss as often as they say', () => {
    const table = (): UnitTable => {
      const before = column(units, () => draws.exponential());
      return tableOf(units, { m: { kind: 'mean', value: before.map((each) => 2 * each + draws.bell()), before } });
    };
    expectShare(misses({ name: 'm', kind: 'mean', before: '7d' }, table, trials), trials, 0.05, 0.05);
  });

  it('of quantiles of units with several events miss as often as they say', () => {
    const unit = Uint32Array.from({ length: units * 4 }, (_, i) => i >> 2);
    const table = (): UnitTable => {
      const own = column(units, () => draws.bell());
      return tableOf(units, { m: { kind: 'quantile', value: column(unit.length, (i) => own[i >> 2]! + draws.bell()), unit } });
    };
    expectShare(misses({ name: 'm', kind: 'quantile', probability: 0.75 }, table, trials), trials, 0.05, 0.05);
  });
});

describe(`plans (seed ${seed})`, () => {
  type Arms = readonly [control: MeanArm, treatment: MeanArm];

  const finds = (arms: Arms, method: 'fixed' | 'sequential'): boolean => {
    const { effect, pValue } = compareArms(...arms, { effect: 'absolute', method });
    return effect > 0 && pValue <= 0.05;
  };

  /** The sums of so many normal numbers, by their distributions: the mean is normal, and the squares about it are a chi-square apart from it. */
  function sumsOf(n: number, mean: number, deviation: number): MeanArm {
    const sum = n * mean + Math.sqrt(n) * deviation * draws.bell();
    return { kind: 'mean', n, sum, sumSquares: (sum * sum) / n + deviation ** 2 * 2 * draws.gamma((n - 1) / 2) };
  }

  it.each([['fixed', 0.1], ['sequential', 0.2]] as const)('promise a power that analyses have, to two points: %s', (method, lift) => {
    const { units, power } = planExperiment({ baseline: { mean: 10, variance: 9 }, lift, method });
    expect(power).toBeGreaterThanOrEqual(0.8);
    const half = Math.ceil(units / 2);
    // Of so many trials the standard error is 0.4 points.
    const trials = 10_000;
    const found = count(trials, () => finds([sumsOf(half, 10, 3), sumsOf(half, 10 * (1 + lift), 3)], method));
    expect(Math.abs(found / trials - power), `${found} of ${trials} for ${power} (seed ${seed})`).toBeLessThan(0.02);
  });

  it.each([['fixed', 0.1], ['sequential', 0.2]] as const)('are of the analysis of units, which says of them what the comparison of their sums does: %s', (method, lift) => {
    const { units: planned, power } = planExperiment({ baseline: { mean: 10, variance: 9 }, lift, method });
    const units = planned + (planned % 2);
    const trials = 300;
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      const value = column(units, (i) => 10 * (1 + lift * (i % 2)) + 3 * draws.bell());
      const arms = [0, 1].map((arm): MeanArm => {
        const own = value.filter((_, i) => i % 2 === arm);
        return { kind: 'mean', n: own.length, sum: own.reduce((sum, each) => sum + each, 0), sumSquares: own.reduce((sum, each) => sum + each * each, 0) };
      }) as [MeanArm, MeanArm];
      const better = analyzeUnits(definitionOf({ name: 'm', kind: 'mean', role: 'primary' }), tableOf(units, { m: { kind: 'mean', value } }), { method, minPerArm: 2 }).metrics[0]!.comparisons[0]!.verdict === 'better';
      expect(better, `trial ${trial} (seed ${seed})`).toBe(finds(arms, method));
      found += Number(better);
    }
    expectShare(found, trials, power, power);
  });

  it('ask for more for several treatments, for several primary metrics and for unequal weights, and tell days', () => {
    const options = { baseline: { mean: 0.1 }, lift: 0.1, method: 'fixed' } as const;
    const plain = planExperiment({ ...options, unitsPerDay: 1000 });
    expect(plain.days).toBeCloseTo(plain.units / 1000, 9);
    expect(plain.perVariant).toEqual([Math.floor(plain.units / 2), Math.floor(plain.units / 2)]);
    for (const more of [{ weights: [1, 1, 1] }, { primaries: 3 }, { weights: [9, 1] }, { method: 'sequential' as const }]) expect(planExperiment({ ...options, ...more }).units).toBeGreaterThan(1.1 * plain.units);
    expect(() => planExperiment({ ...options, lift: 0 })).toThrow('options.lift is 0');
    expect(() => planExperiment({ ...options, lift: 1e-12 })).toThrow('too small for any number of units');
    expect(() => planExperiment({ ...options, mde: 1 } as never)).toThrow('unknown options: mde');
  });

  it('go by what earlier units did, less what CUPED takes out', () => {
    const before = column(20_000, () => 3 * draws.bell());
    const table = tableOf(20_000, { m: { kind: 'mean', value: before.map((each) => 10 + each + draws.bell()), before } });
    const baseline = baselineOf({ name: 'm', kind: 'mean' }, table);
    expect(baseline.mean).toBeCloseTo(10, 0);
    expect(baseline.variance).toBeCloseTo(1, 1);
    expect(baselineOf({ name: 'm', kind: 'mean' }, tableOf(20_000, { m: { kind: 'mean', value: before } })).variance).toBeCloseTo(9, 0);
    expect(() => baselineOf({ name: 'other', kind: 'mean' }, table)).toThrow('table.metrics.other is missing');
    expect(() => baselineOf({ name: 'm', kind: 'mean' }, tableOf(3, { m: { kind: 'mean', value: Float64Array.of(1, 1, 1) } }))).toThrow('do not vary');
  });
});
