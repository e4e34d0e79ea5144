import { compareData, type ColumnDrift } from 'modelkeep';
import { evidentlyRules } from 'modelkeep/stats';
import { Sampler } from '../monitoring/samples.ts';

/** The level that is put to the proof. */
export const alpha = 0.05;

/** Draws a column of `n` rows. */
export type Draw = (sampler: Sampler, n: number) => ArrayLike<number> | string[];

/** Distributions whose both sides are drawn alike. */
export const laws: Readonly<Record<string, Draw>> = {
  normal: (sampler, n) => sampler.normals(n),
  'heavy-tailed (Cauchy)': (sampler, n) => Float64Array.from({ length: n }, () => Math.tan(Math.PI * (sampler.random() - 0.5))),
  'whole numbers 0 to 11': (sampler, n) => sampler.whole(n, 12),
  '5 categories': (sampler, n) => sampler.categories(n, 5),
  '30 categories': (sampler, n) => sampler.categories(n, 30),
  '200 categories': (sampler, n) => sampler.categories(n, 200),
};

/** What changed, and how the sides are drawn then. */
export const changes: Readonly<Record<string, readonly [reference: Draw, current: Draw]>> = {
  'normal moved by 0.2 σ': [(sampler, n) => sampler.normals(n), (sampler, n) => sampler.normals(n, 0.2)],
  '10 % of the rows in another of 5 categories': [
    (sampler, n) => sampler.categories(n, 5),
    (sampler, n) => sampler.categories(n, 5).map((category) => (category === 'c0' && sampler.random() < 0.1 / 5 ** (-2 / 3) ? 'c4' : category)),
  ],
  'normal with 1 % of the rows at 0': [(sampler, n) => sampler.normals(n), (sampler, n) => sampler.normals(n).map((value) => (sampler.random() < 0.01 ? 0 : value))],
};

/** How often a column was called changed, out of 1. */
export interface Rates {
  /** Our p-value at most alpha. */
  readonly significant: number;
  /** Our verdict with the smallest effect that counts at 0.01. */
  readonly small: number;
  /** Our verdict with the default, 0.1. */
  readonly drifted: number;
  /** Evidently's test by default. */
  readonly evidently: number;
}

/** How often a column is called changed. */
export function columnRates([before, after]: readonly [Draw, Draw], [n, m]: readonly [number, number], trials: number, seed: number): Rates {
  const sampler = new Sampler(seed);
  const hits = { significant: 0, small: 0, drifted: 0, evidently: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const sides = [before(sampler, n), after(sampler, m)] as const;
    const column = compareData({ x: sides[0] }, { x: sides[1] }, { alpha }).columns[0]!;
    if (isSignificant(column)) hits.significant++;
    if (isSignificant(column) && column.effect!.low >= 0.01) hits.small++;
    if (column.status === 'drifted') hits.drifted++;
    if (evidentlySays(...sides)) hits.evidently++;
  }
  return { significant: hits.significant / trials, small: hits.small / trials, drifted: hits.drifted / trials, evidently: hits.evidently / trials };
}

/** How often anything is called changed in a data set of twenty columns, the laws in turn. */
export interface DataSetRates {
  /** A column significant after the adjustment. */
  readonly significant: number;
  /** Our verdict. */
  readonly drifted: number;
  /** A column that Evidently's default calls drifted. */
  readonly evidentlyColumn: number;
  /** Its rule for a data set: half of the columns or more. */
  readonly evidentlyDataSet: number;
}

const width = 20;

/** How often anything is called changed when nothing did. */
export function dataSetRates([n, m]: readonly [number, number], trials: number, seed: number): DataSetRates {
  const sampler = new Sampler(seed);
  const draws = Object.values(laws);
  const hits = { significant: 0, drifted: 0, evidentlyColumn: 0, evidentlyDataSet: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const columns = Array.from({ length: width }, (_, i) => [draws[i % draws.length]!(sampler, n), draws[i % draws.length]!(sampler, m)] as const);
    const side = (of: 0 | 1): Record<string, ArrayLike<unknown>> => Object.fromEntries(columns.map((both, i) => [`x${i}`, both[of]]));
    const report = compareData(side(0), side(1), { alpha });
    if (report.columns.some(({ adjustedPValue }) => adjustedPValue !== undefined && adjustedPValue <= alpha)) hits.significant++;
    if (report.drifted) hits.drifted++;
    const called = columns.filter((both) => evidentlySays(...both)).length;
    if (called > 0) hits.evidentlyColumn++;
    if (called >= width / 2) hits.evidentlyDataSet++;
  }
  return {
    significant: hits.significant / trials,
    drifted: hits.drifted / trials,
    evidentlyColumn: hits.evidentlyColumn / trials,
    evidentlyDataSet: hits.evidentlyDataSet / trials,
  };
}

function isSignificant({ pValue }: ColumnDrift): boolean {
  return pValue !== undefined && pValue <= alpha;
}

function evidentlySays(reference: ReturnType<Draw>, current: ReturnType<Draw>): boolean {
  return evidentlyRules.score('default', reference, current, typeof reference[0] === 'string' ? 'cat' : 'num').drift;
}
