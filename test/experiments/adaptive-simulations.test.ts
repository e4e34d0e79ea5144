import { analyzeUnits, type UnitMetricOptions, type UnitTable } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { adaptedWeights } from '../../src/experiments/adaptation/adapted-weights.ts';
import type { AdaptivePlan } from '../../src/experiments/experiment-definition.ts';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';
import { Draws } from './unit-tables.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 20_260_103);
const draws = new Draws(seed);

/** A world in which each variant converts by a chance that may change with time, from 0 to 1. */
type World = readonly ((time: number) => number)[];

const metric: UnitMetricOptions = { name: 'm', kind: 'proportion', role: 'primary' };
const epochs = 20;

/** A test whose units come by weights that it chooses anew `epochs` times, by what came of them; without a plan they stay equal. Each look is given its table. */
function run(world: World, perEpoch: number, plan: AdaptivePlan | undefined, look: (table: UnitTable) => void = () => undefined): { readonly table: UnitTable; readonly weights: readonly (readonly number[])[] } {
  const variants = world.map((_, v) => `v${v}`);
  const [variant, epoch, value] = [new Uint16Array(epochs * perEpoch), new Uint16Array(epochs * perEpoch), new Float64Array(epochs * perEpoch)];
  const weights: (readonly number[])[] = [world.map(() => 1 / world.length)];
  const tableOf = (units: number): UnitTable => ({
    units, variant: variant.subarray(0, units), exposedAt: Float64Array.from({ length: units }, (_, i) => i), metrics: { m: { kind: 'proportion', value: value.subarray(0, units) } }, segments: {}, crossed: 0, unknown: 0,
    ...(weights.length > 1 && { allocation: { weights: [...weights], epoch: epoch.subarray(0, units) } }),
  });
  for (let unit = 0; unit < variant.length; unit++) {
    const now = weights.at(-1)!;
    let [at, rest] = [0, draws.uniform()];
    while (at < now.length - 1 && rest >= now[at]!) rest -= now[at++]!;
    variant[unit] = at;
    epoch[unit] = weights.length - 1;
    value[unit] = draws.uniform() < world[at]!(unit / variant.length) ? 1 : 0;
    if ((unit + 1) % perEpoch !== 0) continue;
    look(tableOf(unit + 1));
    const found = plan && unit + 1 < variant.length ? adaptedWeights({ variants, metric, plan }, tableOf(unit + 1)) : undefined;
    if (found) weights.push(found.weights);
  }
  return { table: tableOf(variant.length), weights };
}

/** How many units had a variant other than the best. */
function lost({ variant }: UnitTable, best: number): number {
  return variant.filter((each) => each !== best).length;
}

const definition = { variants: [{ name: 'v0' }, { name: 'v1' }], metrics: [metric] };
const differenceIn = (table: UnitTable): number => analyzeUnits(definition, table, { minPerArm: 2 }).metrics[0]!.comparisons[0]!.difference.effect;

function meanOf(values: readonly number[]): { readonly mean: number; readonly error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, error: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length) };
}

describe(`a test that changes its weights by what came of its units (seed ${seed})`, () => {
  it.each(['thompson', 'ucb'] as const)('loses less than one with equal weights, and leaves each variant its floor: %s', (method) => {
    const world: World = [() => 0.2, () => 0.2, () => 0.3];
    const floor = 0.05;
    let [adaptive, equal] = [0, 0];
    for (let trial = 0; trial < 8; trial++) {
      const { table, weights } = run(world, 300, { every: '1h', method, floor });
      adaptive += lost(table, 2);
      equal += lost(run(world, 300, undefined).table, 2);
      expect(weights.length).toBeGreaterThan(10);
      for (const row of weights) {
        expect(Math.min(...row)).toBeGreaterThanOrEqual(floor);
        expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      }
    }
    expect(adaptive / equal, `seed ${seed}`).toBeLessThan(0.6);
  });

  it('estimates differences without bias though all variants change with time, where plain means are far off', () => {
    // Everybody converts more and more; the second variant always by a tenth more.
    const world: World = [(time) => 0.1 + 0.5 * time, (time) => 0.2 + 0.5 * time];
    const [byEpoch, plain]: [number[], number[]] = [[], []];
    for (let trial = 0; trial < 30; trial++) {
      const { table } = run(world, 250, { every: '1h', method: 'thompson', floor: 0.1 });
      byEpoch.push(differenceIn(table));
      plain.push(differenceIn({ ...table, allocation: undefined }));
    }
    const [right, wrong] = [meanOf(byEpoch), meanOf(plain)];
    expect(Math.abs(right.mean - 0.1), `${right.mean} ± ${right.error} (seed ${seed})`).toBeLessThan(3.3 * right.error);
    expect(wrong.mean, `${wrong.mean} ± ${wrong.error} (seed ${seed})`).toBeGreaterThan(0.1 + 10 * wrong.error);
  });

  it('estimates the value of each variant without the bias of one that was given up after bad luck', () => {
    const world: World = [() => 0.3, () => 0.3];
    const valueIn = (table: UnitTable): number => analyzeUnits(definition, table).metrics[0]!.arms.reduce((sum, { value }) => sum + value / 2, 0);
    const [byEpoch, apart]: [number[], number[]] = [[], []];
    for (let trial = 0; trial < 80; trial++) {
      const { table } = run(world, 100, { every: '1h', method: 'thompson', floor: 0.1 });
      byEpoch.push(valueIn(table));
      apart.push(valueIn({ ...table, allocation: undefined }) - byEpoch.at(-1)!);
    }
    const [right, wrong] = [meanOf(byEpoch), meanOf(apart)];
    expect(Math.abs(right.mean - 0.3), `${right.mean} ± ${right.error} (seed ${seed})`).toBeLessThan(3.3 * right.error);
    expect(wrong.mean, `${wrong.mean} ± ${wrong.error} (seed ${seed})`).toBeLessThan(-3.3 * wrong.error);
  });

  it('calls equal variants different at most as often as alpha says, over all looks, though both change with time', () => {
    const world: World = [(time) => 0.1 + 0.4 * time, (time) => 0.1 + 0.4 * time];
    const trials = 30;
    let [found, plain] = [0, 0];
    for (let trial = 0; trial < trials; trial++) {
      let [any, anyPlain] = [false, false];
      run(world, 400, { every: '1h', method: 'thompson', floor: 0.1 }, (table) => {
        any ||= analyzeUnits(definition, table).metrics[0]!.comparisons[0]!.verdict !== 'unclear';
        anyPlain ||= analyzeUnits(definition, { ...table, allocation: undefined }).metrics[0]!.comparisons[0]!.verdict !== 'unclear';
      });
      found += Number(any);
      plain += Number(anyPlain);
    }
    expect(clopperPearsonInterval(found, trials, 0.001).low, `${found} of ${trials} (seed ${seed})`).toBeLessThanOrEqual(0.05);
    expect(plain, `seed ${seed}`).toBeGreaterThan(trials / 4);
  });
});
