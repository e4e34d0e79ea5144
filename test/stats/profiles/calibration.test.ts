import { compareData, profileData, type DataDrift } from 'modelkeep';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha as expectRate } from './false-alarms.ts';

const seed = 20010101;
const alpha = 0.05;

const expectAtMostAlpha = (hits: number, trials: number, what: string): void => expectRate(hits, trials, what, { alpha, seed });

type Draw = (sampler: Sampler, n: number) => ArrayLike<unknown>;

const same: Record<string, Draw> = {
  normal: (sampler, n) => sampler.normals(n),
  'heavy tails': (sampler, n) => Float64Array.from({ length: n }, () => Math.tan(Math.PI * (sampler.random() - 0.5))),
  'whole numbers with ties': (sampler, n) => sampler.whole(n, 6),
  'half zeros': (sampler, n) => sampler.normals(n).map((value) => Math.max(0, value)),
  'with missing values': (sampler, n) => Array.from(sampler.normals(n), (value) => (sampler.random() < 0.2 ? null : value)),
  '5 categories': (sampler, n) => sampler.categories(n, 5),
  '30 categories': (sampler, n) => sampler.categories(n, 30),
  '200 categories': (sampler, n) => sampler.categories(n, 200),
  '500 categories': (sampler, n) => sampler.categories(n, 500),
  'rare truth': (sampler, n) => Array.from({ length: n }, () => sampler.random() < 0.02),
};

const sizes: [reference: number, current: number, trials: number][] = [
  [50, 50, 1000],
  [50, 700, 200],
  [1000, 50, 150],
  [400, 400, 60],
  [5000, 300, 30],
  [5000, 5000, 40],
  [100_000, 30_000, 2],
];

describe('when nothing has changed', () => {
  // With minEffect 0 the p-values alone decide, so that these rates are those of the tests themselves.
  test.each(Object.entries(same))('a column of %s is significant at most as often as alpha says', (name, draw) => {
    const sampler = new Sampler(seed);
    let allHits = 0;
    let allTrials = 0;
    for (const [n, m, trials] of sizes) {
      let exact = 0;
      let binned = 0;
      for (let trial = 0; trial < trials; trial++) {
        const reference = { x: draw(sampler, n) };
        const current = { x: draw(sampler, m) };
        if (compareData(reference, current).columns[0]!.pValue! <= alpha) exact++;
        if (trial % 3 === 0 && compareData(profileData(reference), current).columns[0]!.pValue! <= alpha) binned++;
      }
      expectAtMostAlpha(exact, trials, `${name}, ${n} and ${m} rows`);
      expectAtMostAlpha(binned, Math.ceil(trials / 3), `${name}, ${n} and ${m} rows, from a profile`);
      allHits += exact;
      allTrials += trials;
    }
    expectAtMostAlpha(allHits, allTrials, `${name}, all sizes`);
  });

  test.each([
    [50, 50, 400],
    [500, 120, 100],
    [3000, 1500, 30],
  ])('a data set of 20 columns with %i and %i rows is called drifted at most as often as alpha says', (n, m, trials) => {
    const sampler = new Sampler(seed + n);
    const draws = Object.values(same);
    let significant = 0;
    let drifted = 0;
    for (let trial = 0; trial < trials; trial++) {
      const table = (rows: number): Record<string, ArrayLike<unknown>> =>
        Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i}`, draws[i % draws.length]!(sampler, rows)]));
      const report = compareData(table(n), table(m));
      if (report.columns.some(({ adjustedPValue }) => adjustedPValue! <= alpha)) significant++;
      if (report.drifted) drifted++;
    }
    expectAtMostAlpha(significant, trials, 'significant');
    expectAtMostAlpha(drifted, trials, 'drifted');
    expect(drifted).toBeLessThanOrEqual(significant);
  });
});

describe('when something has changed', () => {
  const shifts: Record<string, [reference: Draw, current: Draw]> = {
    'one deviation of shift': [same['normal']!, (sampler, n) => sampler.normals(n, 1)],
    'twice the spread': [same['normal']!, (sampler, n) => sampler.normals(n, 0, 2)],
    'whole numbers moved by two': [same['whole numbers with ties']!, (sampler, n) => sampler.whole(n, 6).map((value) => value + 2)],
    'a third of the values missing': [same['normal']!, (sampler, n) => Array.from(sampler.normals(n), (value) => (sampler.random() < 1 / 3 ? null : value))],
    'a third of the rows in a new category': [
      same['5 categories']!,
      (sampler, n) => sampler.categories(n, 5).map((value) => (sampler.random() < 1 / 3 ? 'new' : value)),
    ],
    'all rows in new categories': [same['30 categories']!, (sampler, n) => sampler.categories(n, 30).map((value) => `new ${value}`)],
  };
  test.each(Object.entries(shifts))('%s is found in 300 rows, nearly always', (_, [reference, current]) => {
    const sampler = new Sampler(seed);
    const reports: DataDrift[] = [];
    for (let trial = 0; trial < 40; trial++) reports.push(compareData({ x: reference(sampler, 2000) }, { x: current(sampler, 300) }));
    expect(reports.filter(({ drifted }) => drifted).length).toBeGreaterThanOrEqual(38);
  });
});

it('the interval of the effect holds the index of the populations, mostly', () => {
  const sampler = new Sampler(seed);
  const shift = 0.4;
  // On the deciles of a standard normal and the same moved by 0.4, by numerical integration.
  const truth = 0.15263;
  for (const [n, m] of [
    [20_000, 300],
    [1000, 1000],
    [20_000, 5000],
  ] as const) {
    let held = 0;
    const trials = 100;
    for (let trial = 0; trial < trials; trial++) {
      const { effect } = compareData({ x: sampler.normals(n) }, { x: sampler.normals(m, shift) }).columns[0]!;
      if (effect!.low <= truth && truth <= effect!.high) held++;
    }
    expect(held, `${n} and ${m} rows`).toBeGreaterThanOrEqual(87);
  }
});
