import { analyzeUnits, type AnalyzedDefinition, type UnitTable } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { column, Draws, notFinite, picked, tableOf } from './unit-tables.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 13);
const draws = new Draws(seed);

const definition: AnalyzedDefinition = {
  variants: [{ name: 'A' }, { name: 'B' }],
  metrics: [
    { name: 'bought', kind: 'proportion', role: 'primary' },
    { name: 'spent', kind: 'mean', before: '14d', winsorize: { upper: { quantile: 0.95 } } },
    { name: 'basket', kind: 'ratio', numerator: 'spent', denominator: 'orders', before: '14d' },
    { name: 'visits', kind: 'count', role: 'guardrail', margin: 0.05 },
    { name: 'latency', kind: 'quantile', probability: 0.9, goal: 'decrease' },
  ],
};

/** A table with everything in it: conversions, windows still open, what was before, several events of a unit, a segment. */
function drawn(units: number): UnitTable {
  const own = column(units, () => draws.exponential());
  const orders = column(units, () => draws.below(4));
  const before = own.map((each) => each * (0.5 + draws.uniform()));
  const events = Array.from({ length: units }, (_, i) => Array.from({ length: draws.below(4) }, () => [own[i]! + draws.exponential(), i] as const)).flat();
  return tableOf(
    units,
    {
      bought: { kind: 'proportion', value: column(units, (i) => (draws.uniform() < 0.1 + 0.02 * (i % 2) ? 1 : 0)) },
      spent: { kind: 'mean', value: own.map((each) => (draws.uniform() < 0.1 ? NaN : 20 * each)), before },
      basket: { kind: 'ratio', numerator: orders.map((each) => each * (5 + draws.exponential())), denominator: orders, before: { numerator: before, denominator: column(units, () => 1 + draws.below(3)) } },
      visits: { kind: 'count', value: column(units, () => draws.below(10)) },
      latency: { kind: 'quantile', value: Float64Array.from(events, ([value]) => value), unit: Uint32Array.from(events, ([, unit]) => unit) },
    },
    { segments: { device: { values: ['phone', 'desk'], codes: Int32Array.from({ length: units }, () => draws.below(3) - 1) } } },
  );
}

/** Compares plain data whose numbers may differ by rounding. */
function expectAlike(found: unknown, wanted: unknown, path = ''): void {
  if (typeof wanted === 'number' && typeof found === 'number') {
    expect(Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${path}: ${found}, not ${wanted} (seed ${seed})`).toBe(true);
  } else if (typeof wanted === 'object' && wanted !== null) {
    expect(Object.keys(found as object), path).toEqual(Object.keys(wanted));
    for (const [key, inside] of Object.entries(wanted)) expectAlike((found as Record<string, unknown>)[key], inside, `${path}.${key}`);
  } else expect(found, `${path} (seed ${seed})`).toEqual(wanted);
}

const options = { segments: ['device'] };
const shuffled = (units: number): readonly number[] => {
  const places = Array.from({ length: units }, (_, i) => i);
  for (let i = units - 1; i > 0; i--) {
    const j = draws.below(i + 1);
    [places[i], places[j]] = [places[j]!, places[i]!];
  }
  return places;
};

describe(`an analysis (seed ${seed})`, () => {
  it('is the same in any order of the units', () => {
    for (const units of [40, 700, 3000]) {
      const table = drawn(units);
      expectAlike(analyzeUnits(definition, picked(table, shuffled(units)), options), analyzeUnits(definition, table, options));
    }
  });

  it('of two tables that are put together is that of all their units', () => {
    const table = drawn(2000);
    const places = shuffled(2000);
    const [left, right] = [picked(table, places.slice(0, 900)), picked(table, places.slice(900))];
    expectAlike(analyzeUnits(definition, joined(left, right), options), analyzeUnits(definition, table, options));
  });

  it('has its differences the other way round when the arms are swapped, with the same p-values', () => {
    const table = drawn(3000);
    const swapped = { ...table, variant: table.variant.map((variant) => 1 - variant) };
    for (const method of ['sequential', 'fixed'] as const) {
      const [one, other] = [table, swapped].map((each) => analyzeUnits(definition, each, { method }).metrics.map(({ comparisons }) => comparisons[0]!));
      one!.forEach((found, m) => {
        const mirrored = other![m]!;
        expect(mirrored.pValue).toBeCloseTo(found.pValue, 9);
        expect(mirrored.difference.low).toBeCloseTo(-found.difference.high, 9);
        expect(mirrored.adjusted.high).toBeCloseTo(-found.adjusted.low, 9);
        expect(mirrored.standardError).toBeCloseTo(found.standardError, 9);
      });
    }
  });

  it('is plain data without NaN of any table, and says why where it says nothing', () => {
    const extremes = [0, -0, 1, -1, 5e-324, 1e-160, 1e150, -1e300, 1.7e308, NaN, 7];
    for (let trial = 0; trial < 200; trial++) {
      const units = draws.below(12) * draws.below(40);
      const kinds = [draws.below(extremes.length), draws.below(extremes.length), draws.below(extremes.length)];
      const any = (): Float64Array => column(units, () => extremes[kinds[draws.below(3)]!]!);
      const known = (): Float64Array => any().map((each) => (each === each ? each : 0));
      const table = tableOf(units, {
        bought: { kind: 'proportion', value: any() },
        spent: { kind: 'mean', value: any(), before: known() },
        basket: { kind: 'ratio', numerator: any(), denominator: known(), before: { numerator: known(), denominator: known() } },
        visits: { kind: 'count', value: any() },
        latency: { kind: 'quantile', value: any(), unit: Uint32Array.from({ length: units }, () => draws.below(Math.max(1, units))) },
      }, { variant: Uint16Array.from({ length: units }, () => (trial % 5 === 0 ? 1 : draws.below(2))), segments: { device: { values: ['phone'], codes: new Int32Array(units) } } });
      for (const method of trial % 50 < 2 ? (['group-sequential'] as const) : (['sequential', 'fixed'] as const)) {
        const looks = method === 'group-sequential' ? { units: 600, ...(trial % 2 === 0 && units > 60 ? { earlier: [60] } : {}) } : undefined;
        if (looks && analyzeUnits(definition, table).metrics[0]!.arms.reduce((sum, arm) => sum + arm.units, 0) <= (looks.earlier?.[0] ?? 0)) continue;
        const analysis = analyzeUnits(definition, table, { ...options, method, looks, minPerArm: 2, correction: (['holm', 'bh', 'bonferroni', 'none'] as const)[trial % 4] });
        expect(notFinite(analysis), `trial ${trial} (seed ${seed})`).toEqual([]);
        expect(JSON.parse(JSON.stringify(analysis))).toEqual(JSON.parse(JSON.stringify(analysis, (_, value: unknown) => (Object.is(value, -0) ? 0 : value))));
        for (const { comparisons } of analysis.metrics) for (const { status, reason, pValue } of comparisons) expect(status === 'compared' ? pValue >= 0 && pValue <= 1 : reason !== undefined && pValue === 1).toBe(true);
      }
    }
  });
});

function joined(a: UnitTable, b: UnitTable): UnitTable {
  const floats = (x: Float64Array, y: Float64Array): Float64Array => Float64Array.of(...x, ...y);
  const metrics = Object.fromEntries(
    Object.entries(a.metrics).map(([name, one]) => {
      const other = b.metrics[name]!;
      if (one.kind === 'quantile' && other.kind === 'quantile') return [name, { ...one, value: floats(one.value, other.value), unit: Uint32Array.of(...one.unit, ...other.unit.map((unit) => unit + a.units)) }];
      if (one.kind === 'ratio' && other.kind === 'ratio') {
        const before = { numerator: floats(one.before!.numerator, other.before!.numerator), denominator: floats(one.before!.denominator, other.before!.denominator) };
        return [name, { ...one, numerator: floats(one.numerator, other.numerator), denominator: floats(one.denominator, other.denominator), before }];
      }
      if (!('value' in one && 'value' in other) || one.kind === 'quantile' || other.kind === 'quantile') throw new Error(`${name} is of two kinds`);
      return [name, { ...one, value: floats(one.value, other.value), before: one.before && floats(one.before, other.before!) }];
    }),
  );
  const segments = Object.fromEntries(Object.entries(a.segments).map(([name, { values, codes }]) => [name, { values, codes: Int32Array.of(...codes, ...b.segments[name]!.codes) }]));
  return { ...a, units: a.units + b.units, variant: Uint16Array.of(...a.variant, ...b.variant), exposedAt: floats(a.exposedAt, b.exposedAt), metrics, segments };
}
