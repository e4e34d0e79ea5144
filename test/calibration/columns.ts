import { compareData, profileData, type ColumnDrift } from 'modelkeep';
import { evidentlyRules } from 'modelkeep/stats';
import type { Sampler } from '../monitoring/samples.ts';
import { alpha, count, countFalseAlarms, percent, samplerOf, type Counted, type Trial } from './counting.ts';
import { rowsText, table, type Part, type Report } from './part.ts';

/** Draws a column of `n` rows. */
type Draw = (sampler: Sampler, n: number) => ArrayLike<number> | string[];

const normal: Draw = (sampler, n) => sampler.normals(n);
const fiveCategories = (sampler: Sampler, n: number): string[] => sampler.categories(n, 5);

/** Distributions whose both sides are drawn alike. */
const laws: Readonly<Record<string, Draw>> = {
  normal,
  'heavy-tailed (Cauchy)': (sampler, n) => Float64Array.from({ length: n }, () => Math.tan(Math.PI * (sampler.random() - 0.5))),
  'whole numbers 0 to 11': (sampler, n) => sampler.whole(n, 12),
  '5 categories': fiveCategories,
  '30 categories': (sampler, n) => sampler.categories(n, 30),
  '200 categories': (sampler, n) => sampler.categories(n, 200),
};

/** What changed, and how the sides are drawn then. */
const changes: Readonly<Record<string, readonly [reference: Draw, current: Draw]>> = {
  'normal moved by 0.2 σ': [normal, (sampler, n) => sampler.normals(n, 0.2)],
  '10 % of the rows in another of 5 categories': [
    fiveCategories,
    (sampler, n) => fiveCategories(sampler, n).map((category) => (category === 'c0' && sampler.random() < 0.1 / 5 ** (-2 / 3) ? 'c4' : category)),
  ],
  'normal with 1 % of the rows at 0': [normal, (sampler, n) => sampler.normals(n).map((value) => (sampler.random() < 0.01 ? 0 : value))],
  'normal with 1 % of the rows at 3': [normal, (sampler, n) => sampler.normals(n).map((value) => (sampler.random() < 0.01 ? 3 : value))],
};

/** Rows of the reference and of the current side, and how many pairs of them are drawn. */
const sizes: readonly (readonly [reference: number, current: number, trials: number])[] = [
  [50, 50, 4000],
  [50, 1000, 2000],
  [1000, 100, 2000],
  [1000, 1000, 2000],
  [10_000, 1000, 1000],
  [1000, 10_000, 1000],
  [100_000, 100_000, 200],
];

/** A column by itself: our p-value at most alpha, the same of a profiled reference, our verdict with two bounds of the effect, and Evidently's default. */
function columnTrial([before, after]: readonly [Draw, Draw], [n, m]: readonly [number, number], sampler: Sampler): Trial<'significant' | 'profiled' | 'small' | 'drifted' | 'evidently'> {
  return () => {
    const sides = [before(sampler, n), after(sampler, m)] as const;
    const [reference, current] = [{ x: sides[0] }, { x: sides[1] }];
    const column = compareData(reference, current, { alpha }).columns[0]!;
    const significant = isSignificant(column);
    return {
      significant,
      profiled: isSignificant(compareData(profileData(reference), current, { alpha }).columns[0]!),
      small: significant && column.effect!.low >= 0.01,
      drifted: column.status === 'drifted',
      evidently: evidentlySays(...sides),
    };
  };
}

const width = 20;

/** A data set of twenty columns, the laws in turn. */
function dataSetTrial([n, m]: readonly [number, number], sampler: Sampler): Trial<'significant' | 'drifted' | 'evidentlyColumn' | 'evidentlyDataSet'> {
  const draws = Object.values(laws);
  return () => {
    const columns = Array.from({ length: width }, (_, i) => [draws[i % draws.length]!(sampler, n), draws[i % draws.length]!(sampler, m)] as const);
    const side = (of: 0 | 1): Record<string, ArrayLike<unknown>> => Object.fromEntries(columns.map((both, i) => [`x${i}`, both[of]]));
    const report = compareData(side(0), side(1), { alpha });
    const called = columns.filter((both) => evidentlySays(...both)).length;
    return {
      significant: report.columns.some(({ adjustedPValue }) => adjustedPValue !== undefined && adjustedPValue <= alpha),
      drifted: report.drifted,
      evidentlyColumn: called > 0,
      evidentlyDataSet: called >= width / 2,
    };
  };
}

function isSignificant({ pValue }: ColumnDrift): boolean {
  return pValue !== undefined && pValue <= alpha;
}

function evidentlySays(reference: ReturnType<Draw>, current: ReturnType<Draw>): boolean {
  return evidentlyRules.score('default', reference, current, typeof reference[0] === 'string' ? 'cat' : 'num').drift;
}

async function columnLines(report: Report): Promise<readonly (readonly string[])[]> {
  const bounded = ['significant', 'profiled', 'drifted'] as const;
  const lines: (readonly string[])[] = [];
  for (const [name, draw] of Object.entries(laws)) {
    for (const [n, m, trials] of sizes) {
      const counted = await countFalseAlarms({ trials: report.trials(trials), seed: report.nextSeed(), bounded, trialOf: (sampler) => columnTrial([draw, draw], [n, m], sampler) });
      report.hold(counted, bounded, `${name}, ${rowsText(n, m)} rows`);
      lines.push(report.line(name, rowsText(n, m), String(counted.trials), ...(['significant', 'profiled', 'drifted', 'evidently'] as const).map((rate) => percent(counted, rate))));
    }
  }
  return lines;
}

async function dataSetLines(report: Report): Promise<readonly (readonly string[])[]> {
  const bounded = ['significant', 'drifted'] as const;
  const lines: (readonly string[])[] = [];
  for (const [n, m, trials] of sizes) {
    const counted = await countFalseAlarms({ trials: report.trials(trials / 4), seed: report.nextSeed(), bounded, trialOf: (sampler) => dataSetTrial([n, m], sampler) });
    report.hold(counted, bounded, `twenty columns, ${rowsText(n, m)} rows`);
    lines.push(report.line(rowsText(n, m), String(counted.trials), ...(['significant', 'drifted', 'evidentlyColumn', 'evidentlyDataSet'] as const).map((rate) => percent(counted, rate))));
  }
  return lines;
}

async function powerLines(report: Report): Promise<readonly (readonly string[])[]> {
  const lines: (readonly string[])[] = [];
  for (const [name, [before, after]] of Object.entries(changes)) {
    for (const [n, m, trials] of sizes.slice(2)) {
      const rates = (current: Draw): Promise<Counted<'significant' | 'small' | 'drifted' | 'evidently'>> => count(report.trials(trials / 2), columnTrial([before, current], [n, m], samplerOf(report.nextSeed())));
      const [changed, unchanged] = [await rates(after), await rates(before)];
      lines.push(report.line(name, rowsText(n, m), String(changed.trials), ...(['significant', 'small', 'drifted', 'evidently'] as const).map((rate) => `${percent(changed, rate)} (${percent(unchanged, rate)})`)));
    }
  }
  return lines;
}

/** False alarms by column. */
export const columnsPart: Part = {
  name: 'columns',
  page: 'docs/monitoring.md',
  make: async (report) => table(['law', 'rows', 'trials', 'significant', 'significant, reference a profile', 'drifted (`compareData`)', 'drift (`evidently:default`)'], await columnLines(report)),
};

/** False alarms by data set. */
export const dataSetsPart: Part = {
  name: 'data-sets',
  page: 'docs/monitoring.md',
  make: async (report) => table(['rows', 'trials', 'any column significant', 'drifted (`compareData`)', 'any column drifted (`evidently:default`)', 'half of the columns or more'], await dataSetLines(report)),
};

/** What is found of small changes, and how often the same is said of none. */
export const powerPart: Part = {
  name: 'power',
  page: 'docs/monitoring.md',
  make: async (report) => table(['change', 'rows', 'trials', 'significant', 'drifted, `minEffect` 0.01', 'drifted, `minEffect` 0.1', 'drift (`evidently:default`)'], await powerLines(report)),
};
