import { DirectLossEstimator, directLossEstimator, type DirectLossEstimate } from 'modelkeep/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

const seed = 20261130;

interface Rows {
  readonly columns: { readonly x: Float64Array; readonly z: Float64Array; readonly kind: string[] };
  readonly labels: Float64Array;
  readonly predictions: Float64Array;
  readonly mae: number;
}

/** A model that knows the mean, and errors that grow with x and are twice as large in one kind of three. */
function drawRows(sampler: Sampler, n: number, mean = 0): Rows {
  const [x, z] = [sampler.normals(n, mean), sampler.normals(n)];
  const kind = Array.from({ length: n }, () => 'abc'[Math.floor(sampler.random() * 3)]!);
  const predictions = x.map((value, i) => value + z[i]!);
  const labels = predictions.map((value, i) => value + sampler.normal() * Math.exp(x[i]! / 2) * (kind[i] === 'a' ? 2 : 1));
  return { columns: { x, z, kind }, labels, predictions, mae: labels.reduce((sum, label, i) => sum + Math.abs(label - predictions[i]!) / n, 0) };
}

describe('directLossEstimator', () => {
  it('covers the mean absolute error as often as it says, when the inputs have moved', () => {
    const sampler = new Sampler(seed);
    let missed = 0;
    let trials = 0;
    for (const [reference, n, mean] of [[300, 200, 0], [500, 300, 0.4], [900, 150, -0.6]] as const) {
      for (let trial = 0; trial < 20; trial++, trials++) {
        const before = drawRows(sampler, reference);
        const rows = drawRows(sampler, n, mean);
        const { mae } = directLossEstimator(before.columns, before.labels, before.predictions, { seed: trial, rounds: 30 }).estimate(rows.columns, rows.predictions);
        if (rows.mae < mae.low! || rows.mae > mae.high!) missed++;
      }
    }
    expectAtMostAlpha(missed, trials, 'mean absolute error outside of its interval', { alpha: 0.05, seed });
  });

  it('follows the inputs to where errors are larger, by numbers and by categories', () => {
    const sampler = new Sampler(seed + 1);
    const before = drawRows(sampler, 2000);
    const estimator = directLossEstimator(before.columns, before.labels, before.predictions);
    const moved = drawRows(sampler, 1500, 0.8);
    const onlyA = drawRows(sampler, 1500);
    onlyA.columns.kind.fill('a');
    const [usual, later, ofA] = [before, moved, onlyA].map(({ columns, predictions }) => estimator.estimate(columns, predictions)) as [DirectLossEstimate, DirectLossEstimate, DirectLossEstimate];
    expect(Math.abs(usual.mae.value! - before.mae) / before.mae).toBeLessThan(0.05);
    expect(Math.abs(later.mae.value! - moved.mae) / moved.mae).toBeLessThan(0.1);
    expect(later.mae.low).toBeGreaterThan(usual.mae.high!);
    expect(ofA.mae.value! / usual.mae.value!).toBeGreaterThan(1.3);
    expect(later.rmse.value).toBe(Math.sqrt(later.mse.value!));
    expect(estimator.association.pValue).toBeLessThan(1e-6);
  });

  it('says that its columns tell nothing, where they do not, at its level', () => {
    const sampler = new Sampler(seed + 2);
    let sure = 0;
    for (let trial = 0; trial < 40; trial++) {
      const x = sampler.normals(200);
      const estimator = directLossEstimator({ x }, sampler.normals(200), new Float64Array(200), { seed: trial, rounds: 10 });
      if (!estimator.estimate({ x }, new Float64Array(200)).warnings.includes('uninformative')) sure++;
    }
    expectAtMostAlpha(sure, 40, 'columns without a meaning taken for one', { alpha: 0.05, seed });
  });

  it('goes on from what was stored, with texts of any kind', () => {
    const before = drawRows(new Sampler(seed + 3), 600);
    const columns = { ...before.columns, flag: Array.from(before.columns.x, (value) => value > 0), ['__proto__ 2']: before.columns.kind.map((kind, i) => (i % 3 === 0 ? null : `${kind}"\n`)) };
    const estimator = directLossEstimator(columns, before.labels, before.predictions, { depth: 3 });
    const stored = DirectLossEstimator.fromJSON(JSON.parse(JSON.stringify(estimator)));
    expect(stored.estimate(columns, before.predictions)).toEqual(estimator.estimate(columns, before.predictions));
    expect(JSON.stringify(stored)).toBe(JSON.stringify(estimator));
  });

  it('adds up counts of parts, of tables or row by row, to the estimate of the whole', () => {
    const sampler = new Sampler(seed + 5);
    const before = drawRows(sampler, 600);
    const estimator = directLossEstimator(before.columns, before.labels, before.predictions, { rounds: 20 });
    const value = fc.oneof(fc.double({ min: -4, max: 4, noNaN: true }), fc.constantFrom(NaN, Infinity, 99, null, 'text', true));
    const row = fc.record({ x: value, z: value, kind: fc.constantFrom('a', 'b', 'c', 'd', null), prediction: fc.oneof({ weight: 9, arbitrary: fc.double({ min: -3, max: 3, noNaN: true }) }, { weight: 1, arbitrary: fc.constantFrom(NaN, -Infinity) }) });
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.nat({ max: 2 })), { maxLength: 150 }), (rows) => {
        const table = (of: readonly (typeof rows)[number][]): { x: number[]; z: number[]; kind: (string | null)[] } => {
          const numbers = (name: 'x' | 'z'): number[] => of.map(([one]) => (typeof one[name] === 'number' ? one[name] : NaN));
          return { x: numbers('x'), z: numbers('z'), kind: of.map(([{ kind }]) => kind) };
        };
        const predictions = rows.map(([{ prediction }]) => prediction);
        const whole = new Float64Array(estimator.cells);
        estimator.count(table(rows), predictions, whole);
        const [tables, singly] = [new Float64Array(estimator.cells), new Float64Array(estimator.cells)];
        for (const part of [0, 1, 2]) {
          const own = rows.filter(([, of]) => of === part);
          estimator.count(table(own), own.map(([{ prediction }]) => prediction), tables);
          // What is no number is none to a column of numbers, however it comes.
          for (const [{ prediction, ...features }] of own) estimator.countRow({ features, prediction }, singly);
        }
        expect(tables).toEqual(whole);
        expect(singly).toEqual(whole);
        expect(estimator.estimateCounts(singly)).toEqual(estimator.estimate(table(rows), predictions));
      }),
      { seed, numRuns: 60 },
    );
  });

  it('says what it left out, what lies outside of the reference, and when there is too little', () => {
    const before = drawRows(new Sampler(seed + 4), 600);
    const estimator = directLossEstimator(before.columns, before.labels, before.predictions);
    const rows = (count: number, x: number, kind: string): DirectLossEstimate => estimator.estimate({ x: new Array(count).fill(x), z: new Array(count).fill(0), kind: new Array(count).fill(kind) }, new Float64Array(count));
    expect(rows(100, 0, 'b')).toMatchObject({ status: 'estimated', n: 100, outside: 0, warnings: [] });
    expect(rows(100, 0, 'never seen')).toMatchObject({ outside: 1, warnings: ['outside-reference'] });
    expect(rows(100, 99, 'b')).toMatchObject({ outside: 1, warnings: ['outside-reference'] });
    expect(rows(99, 0, 'b')).toMatchObject({ status: 'insufficient', n: 99, mae: { value: null, low: null, high: null } });
    expect(estimator.estimate({ x: [1, 2] }, [NaN, Infinity])).toMatchObject({ status: 'insufficient', n: 0, dropped: 2, outside: 0 });
    expect(estimator.estimate({}, []).n).toBe(0);
    expect(() => estimator.estimate({ x: [1, 2] }, [1])).toThrow(/belong together/);
    expect(() => directLossEstimator({ x: [1, 2] }, [1, 2], [1, 2])).toThrow(/2 rows with a finite label/);
  });
});
