import { analyzeUnits, type AnalyzedDefinition, type MetricComparison, type MetricOptions, type UnitTable } from 'modelkeep';
import { compareArms, groupSequentialBounds, normal, quantileArm, type MeanArm } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { column, Draws, notFinite, tableOf } from './unit-tables.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 11);
const draws = new Draws(seed);

const definitionOf = (metrics: readonly MetricOptions[], variants = ['A', 'B']): AnalyzedDefinition => ({ variants: variants.map((name) => ({ name })), metrics });
const first = (definition: AnalyzedDefinition, table: UnitTable, options = {}): MetricComparison => analyzeUnits(definition, table, options).metrics[0]!.comparisons[0]!;

/** Sums of the units of a variant, by their definition. */
function armOf(values: Float64Array, variant: number, before?: Float64Array): MeanArm {
  let [n, sum, sumSquares, sumBefore, squaresBefore, products] = [0, 0, 0, 0, 0, 0];
  for (let i = variant; i < values.length; i += 2) {
    n++;
    sum += values[i]!;
    sumSquares += values[i]! ** 2;
    sumBefore += before?.[i] ?? 0;
    squaresBefore += (before?.[i] ?? 0) ** 2;
    products += values[i]! * (before?.[i] ?? 0);
  }
  return { kind: 'mean', n, sum, sumSquares, before: before && { sums: { kind: 'mean', sum: sumBefore, sumSquares: squaresBefore }, sumOfProducts: products } };
}

describe('a metric', () => {
  const units = 4000;
  const spent = column(units, (i) => 10 + (i % 2) + 3 * draws.bell());
  const table = tableOf(units, { spent: { kind: 'mean', value: spent } });
  const metric: MetricOptions = { name: 'spent', kind: 'mean', role: 'primary' };

  it('is compared by its difference, with the lift beside it, as the sums of its units are', () => {
    for (const method of ['sequential', 'fixed'] as const) {
      const found = first(definitionOf([metric]), table, { method });
      const [a, b] = [armOf(spent, 0), armOf(spent, 1)];
      const [difference, lift] = (['absolute', 'relative'] as const).map((effect) => compareArms(a, b, { effect, method }));
      expect(found.difference.low).toBeCloseTo(difference!.low, 10);
      expect(found.lift!.high).toBeCloseTo(lift!.high, 10);
      expect(found.pValue).toBeCloseTo(difference!.pValue, 10);
      expect(found).toMatchObject({ variant: 'B', status: 'compared', verdict: 'better' });
    }
  });

  it('is told of those units only whose window has passed', () => {
    const value = spent.map((each, i) => (i % 10 < 4 ? NaN : each));
    const analysis = analyzeUnits(definitionOf([metric]), tableOf(units, { spent: { kind: 'mean', value } }));
    expect(analysis.metrics[0]!.arms.map((arm) => arm.units)).toEqual([1200, 1200]);
    expect(analysis.units).toBe(units);
  });

  it('is taken in by bounds of all variants together, among what is not 0, and says which', () => {
    const value = column(1000, (i) => (i < 500 ? 0 : i === 999 ? 1e6 : i - 499));
    const winsorized = (winsorize: object) => analyzeUnits(definitionOf([{ ...metric, winsorize }]), tableOf(1000, { spent: { kind: 'mean', value } })).metrics[0]!;
    const byQuantile = winsorized({ upper: { quantile: 0.9 }, lower: { value: 2 } });
    expect(byQuantile.winsorized).toEqual({ value: { lower: 2, upper: 450 } });
    const held = value.map((each) => Math.min(450, Math.max(2, each)));
    expect(byQuantile.comparisons[0]!.difference.effect).toBeCloseTo(compareArms(armOf(held, 0), armOf(held, 1), { effect: 'absolute' }).effect, 9);
    expect(winsorized({ upper: { value: 100 } }).winsorized).toEqual({ value: { upper: 100 } });
  });

  it('is freed of what its units did before, and says by how much', () => {
    const before = spent.map((each, i) => each - (i % 2) + draws.bell());
    const found = first(definitionOf([{ ...metric, before: '14d' }]), tableOf(units, { spent: { kind: 'mean', value: spent, before } }), { method: 'fixed' });
    const wanted = compareArms(armOf(spent, 0, before), armOf(spent, 1, before), { effect: 'absolute', method: 'fixed' });
    expect(found.difference.effect).toBeCloseTo(wanted.effect, 9);
    expect(found.cuped!.theta).toBeCloseTo(wanted.theta, 9);
    // Noise of 1 on a spread of 3: the correlation is 0.95, its square 0.9.
    expect(found.cuped!.varianceReduction).toBeCloseTo(0.9, 1);
  });

  it('of conversions counts whether anything was recorded', () => {
    const value = column(units, (i) => (i % 8 === 0 ? 3 : i % 8 === 1 || i % 8 === 3 ? -0.5 : 0));
    const analysis = analyzeUnits(definitionOf([{ name: 'bought', kind: 'proportion' }]), tableOf(units, { bought: { kind: 'proportion', value } }));
    expect(analysis.metrics[0]!.arms.map((arm) => arm.value)).toEqual([0.25, 0.5]);
  });

  it('that is a ratio takes in that numerator and denominator go together', () => {
    const orders = column(units, () => 1 + draws.below(5));
    const revenue = orders.map((each) => 20 * each);
    const found = first(definitionOf([{ name: 'basket', kind: 'ratio', numerator: 'revenue', denominator: 'orders' }]), tableOf(units, { basket: { kind: 'ratio', numerator: revenue, denominator: orders } }));
    // Every order costs the same, so nothing varies but by rounding.
    expect(found.standardError).toBeLessThan(1e-6);
    const noisy = revenue.map((each) => each + 40 * draws.bell());
    expect(first(definitionOf([{ name: 'basket', kind: 'ratio', numerator: 'revenue', denominator: 'orders' }]), tableOf(units, { basket: { kind: 'ratio', numerator: noisy, denominator: orders } })).standardError).toBeCloseTo((40 / 3) * Math.sqrt(2 / 2000), 1);
  });

  it('that is a quantile of events takes in that those of a unit go together', () => {
    const [value, unit] = [new Float64Array(units * 5), new Uint32Array(units * 5)];
    for (let i = 0; i < units; i++) {
      const own = draws.bell();
      for (let k = 0; k < 5; k++) [value[5 * i + k], unit[5 * i + k]] = [own + 0.2 * draws.bell(), i];
    }
    const found = first(definitionOf([{ name: 'latency', kind: 'quantile', probability: 0.9, goal: 'decrease' }]), tableOf(units, { latency: { kind: 'quantile', value, unit } }), { method: 'fixed' });
    const alone = compareArms(quantileArm(value.filter((_, i) => unit[i]! % 2 === 0), 0.9), quantileArm(value.filter((_, i) => unit[i]! % 2 === 1), 0.9), { effect: 'absolute', method: 'fixed' });
    // Nearly all of the spread is between units, so five events tell hardly more than one: √5 times as wide.
    expect(found.standardError / alone.standardError).toBeGreaterThan(1.8);
    expect(found.standardError / alone.standardError).toBeLessThan(2.6);
  });
});

describe('what cannot be compared', () => {
  const primary: MetricOptions = { name: 'm', kind: 'mean', role: 'primary' };
  const of = (values: readonly number[]): UnitTable => tableOf(values.length, { m: { kind: 'mean', value: Float64Array.from(values) } });

  it.each([
    ['no units', [], 'no units yet'],
    ['one unit', [1], 'no units yet'],
    ['one unit in an arm', [1, 2, 3], 'one unit'],
    ['units that are all the same', [5, 5, 5, 5], 'do not vary'],
    ['units whose windows are all open', [NaN, NaN, NaN, NaN], 'no units yet'],
    ['numbers beyond squares', [1e300, -1e300, 2e300, 1e299], 'beyond 1.8e308'],
  ])('says why, and is never NaN: %s', (_, values, why) => {
    for (const method of ['sequential', 'fixed'] as const) {
      const analysis = analyzeUnits(definitionOf([primary, { ...primary, name: 'm2', role: 'guardrail' }]), { ...of(values), metrics: { m: of(values).metrics['m']!, m2: of(values).metrics['m']! } }, { method });
      expect(notFinite(analysis)).toEqual([]);
      expect(analysis.metrics[0]!.comparisons[0]).toMatchObject({ status: 'undefined', pValue: 1, verdict: 'unclear', difference: { effect: 0, low: 0, high: 0 } });
      expect(analysis.metrics[0]!.comparisons[0]!.reason).toContain(why);
      expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
    }
  });

  it('does not go for an arm in which nothing happened: errors where there were none are found', () => {
    const errors = column(4000, (i) => (i % 2 === 1 && i % 40 === 1 ? 1 : 0));
    for (const kind of ['proportion', 'mean', 'count'] as const) {
      const found = first(definitionOf([{ name: 'errors', kind, role: 'guardrail', goal: 'decrease', margin: 0.1 }]), tableOf(4000, { errors: { kind, value: errors } }));
      expect(found, kind).toMatchObject({ status: 'compared', verdict: 'worse', guardrail: { status: 'harmed' } });
    }
  });

  it('gives no verdict with few units, however large the effect', () => {
    const found = first(definitionOf([primary]), of(Array.from({ length: 150 }, (_, i) => (i % 2) * 100 + draws.uniform())));
    expect(found).toMatchObject({ status: 'compared', verdict: 'unclear' });
    expect(found.reason).toContain('75 units');
  });

  it('a table that does not belong to the definition is refused', () => {
    const definition = definitionOf([primary]);
    expect(() => analyzeUnits(definition, { ...of([1, 2]), metrics: {} })).toThrow('table.metrics.m is missing');
    expect(() => analyzeUnits(definition, { ...of([1, 2]), variant: Uint16Array.of(0, 7) })).toThrow('table.variant[1] is 7');
    expect(() => analyzeUnits(definition, { ...of([1, 2]), metrics: { m: { kind: 'count', value: Float64Array.of(1, 2) } } })).toThrow('is of the kind count');
    expect(() => analyzeUnits({ ...definition, control: 'C' }, of([1, 2]))).toThrow("definition.control is 'C'");
    expect(() => analyzeUnits(definition, of([1, 2]), { mehtod: 'fixed' } as never)).toThrow('unknown options: mehtod');
    expect(() => analyzeUnits(definition, of([1, 2]), { method: 'group-sequential' })).toThrow('options.looks is missing');
    expect(() => analyzeUnits(definition, of([1, 2]), { segments: ['country'] })).toThrow("options.segments has 'country'");
  });
});

describe('many comparisons', () => {
  const units = 6000;
  const names = ['m1', 'm2', 'm3'];
  const metrics = Object.fromEntries(names.map((name, k) => [name, { kind: 'mean' as const, value: column(units, (i) => draws.bell() + (i % 3 === 1 ? 0.06 * (k + 1) : 0)) }]));
  const table = tableOf(units, metrics, { variants: 3 });
  const definition = definitionOf(names.map((name): MetricOptions => ({ name, kind: 'mean', role: 'primary' })), ['A', 'B', 'C']);
  const of = (correction: 'holm' | 'bh' | 'bonferroni' | 'none'): readonly MetricComparison[] => analyzeUnits(definition, table, { correction, method: 'fixed' }).metrics.flatMap(({ comparisons }) => comparisons);

  it('are corrected over metrics and variants, with intervals that hold together', () => {
    const alone = of('none');
    expect(alone.map(({ adjusted, pValue }) => adjusted.pValue === pValue)).toEqual(alone.map(() => true));
    const bonferroni = of('bonferroni');
    bonferroni.forEach(({ adjusted, pValue }, i) => {
      expect(adjusted.pValue).toBeCloseTo(Math.min(1, 6 * pValue), 12);
      expect(adjusted.confidence).toBeCloseTo(1 - 0.05 / 6, 12);
      expect(adjusted.low > 0 || adjusted.high < 0).toBe(adjusted.pValue <= 0.05);
      expect(pValue).toBe(alone[i]!.pValue);
    });
    of('holm').forEach(({ adjusted }, i) => expect(adjusted.pValue).toBeLessThanOrEqual(bonferroni[i]!.adjusted.pValue));
    const bh = of('bh');
    expect(bh[0]!.adjusted.confidence).toBeCloseTo(1 - (0.05 * Math.max(1, bh.filter(({ adjusted }) => adjusted.pValue <= 0.05).length)) / 6, 12);
  });
});

describe('planned looks', () => {
  const definition = definitionOf([{ name: 'm', kind: 'mean', role: 'primary' }]);
  const value = column(4000, (i) => draws.bell() + 0.08 * (i % 2));
  const at = (units: number): UnitTable => tableOf(units, { m: { kind: 'mean', value: value.slice(0, units) } });

  it('are judged by the bounds of Lan and DeMets, with the level at which each would be passed as p-value', () => {
    const looks = { units: 4000, earlier: [1000, 2000] };
    const analysis = analyzeUnits(definition, at(3000), { method: 'group-sequential', looks });
    expect(analysis.look).toEqual({ number: 3, units: 3000, fraction: 0.75 });
    const { difference, standardError, pValue } = analysis.metrics[0]!.comparisons[0]!;
    const bound = groupSequentialBounds([0.25, 0.5, 0.75])[2]!.z;
    expect((difference.high - difference.effect) / standardError).toBeCloseTo(bound, 6);
    expect(groupSequentialBounds([0.25, 0.5, 0.75], { alpha: pValue }).at(-1)!.z).toBeCloseTo(difference.effect / standardError, 5);
    expect(pValue).toBeGreaterThan(2 * normal.sf(difference.effect / standardError));
  });

  it('are not taken while no primary metric is known of any unit', () => {
    const both = definitionOf([{ name: 'm', kind: 'mean', role: 'primary' }, { name: 'g', kind: 'mean', role: 'guardrail' }]);
    const early = tableOf(2000, { m: { kind: 'mean', value: column(2000, () => NaN) }, g: { kind: 'mean', value: column(2000, (i) => draws.bell() + 3 * (i % 2)) } });
    const none = tableOf(0, { m: { kind: 'mean', value: column(0, () => 0) }, g: { kind: 'mean', value: column(0, () => 0) } });
    for (const table of [early, none]) {
      const { look, metrics, decision } = analyzeUnits(both, table, { method: 'group-sequential', looks: { units: 4000 } });
      expect(look).toBeUndefined();
      expect(metrics.flatMap(({ comparisons }) => comparisons.map(({ status, pValue }) => [status, pValue]))).toEqual([['undefined', 1], ['undefined', 1]]);
      expect(decision).toMatchObject({ action: 'keep running', remaining: { units: 4000 } });
      expect(decision.reasons.at(-1)).toContain('0 of 4000 planned units are there.');
    }
  });

  it('end with the plan, and are refused behind it or out of order', () => {
    const ended = analyzeUnits(definition, at(4000), { method: 'group-sequential', looks: { units: 3800, earlier: [2000] } });
    expect(ended.look!.fraction).toBe(1);
    expect(['ship', 'stop']).toContain(ended.decision.action);
    expect(() => analyzeUnits(definition, at(4000), { method: 'group-sequential', looks: { units: 3800, earlier: [3900] } })).toThrow('the plan ended with 3800 units');
    expect(() => analyzeUnits(definition, at(2000), { method: 'group-sequential', looks: { units: 4000, earlier: [2000] } })).toThrow('a further look wants more');
  });
});

describe('segments', () => {
  it('are compared by the values of an attribute, corrected over all, and too small ones are told so', () => {
    const units = 9000;
    const codes = Int32Array.from({ length: units }, (_, i) => (i < 60 ? 2 : i < 100 ? -1 : i % 4 < 2 ? 0 : 1));
    const value = column(units, (i) => draws.bell() + (codes[i] === 0 ? 0.3 * (i % 2) : 0));
    const table = tableOf(units, { m: { kind: 'mean', value } }, { segments: { country: { values: ['DE', 'FR', 'IS'], codes } } });
    const { segments, decision } = analyzeUnits(definitionOf([{ name: 'm', kind: 'mean' }]), table, { segments: ['country'] });
    expect(segments.map(({ value: country, status, verdict, units: n }) => [country, status, verdict, n])).toEqual([['DE', 'compared', 'better', 4450], ['FR', 'compared', 'unclear', 4450], ['IS', 'insufficient', 'unclear', 60]]);
    expect(segments[0]!.adjustedPValue).toBeCloseTo(2 * segments[0]!.pValue, 12);
    expect(segments[0]!.lift === undefined || segments[0]!.lift.low <= segments[0]!.lift.high).toBe(true);
    expect(decision.action).toBe('keep running');
  });
});
