import { domainClassifier, mmd, reconstructionTest } from 'modelkeep/stats';
import type { Sampler } from '../monitoring/samples.ts';
import { alpha, count, countFalseAlarms, percent, samplerOf, type Trial } from './counting.ts';
import { rowsText, table, type Part, type Report } from './part.ts';

type Columns = Readonly<Record<string, Float64Array | string[]>>;

/** Three columns, each going together with the one before by so much, and a category. */
function correlated(sampler: Sampler, n: number, share: number): Columns {
  const next = (before: Float64Array): Float64Array => before.map((value) => share * value + Math.sqrt(1 - share * share) * sampler.normal());
  const x = sampler.normals(n);
  const y = next(x);
  return { x, y, z: next(y), origin: sampler.categories(n, 8) };
}

/** Whether a test finds its p-value to be at most alpha. */
const tests: Readonly<Record<string, { readonly sizes: readonly (readonly [number, number, number])[]; readonly judge: (reference: Columns, current: Columns) => { pValue: number; drifted: boolean } }>> = {
  domainClassifier: {
    sizes: [[100, 100, 400], [1000, 100, 300], [1000, 1000, 100]],
    judge: (reference, current) => {
      const { pValue, status } = domainClassifier(reference, current, { alpha });
      return { pValue, drifted: status === 'drifted' };
    },
  },
  reconstructionTest: {
    sizes: [[100, 100, 2000], [1000, 100, 2000], [1000, 1000, 1000], [100_000, 10_000, 100]],
    judge: (reference, current) => {
      const { pValue, status } = reconstructionTest(reference, current, { alpha });
      return { pValue, drifted: status === 'drifted' };
    },
  },
  mmd: {
    sizes: [[50, 50, 1000], [200, 100, 400]],
    judge: (reference, current) => {
      const rowsOf = ({ x, y, z }: Columns): number[][] => Array.from(x as Float64Array, (value, i) => [value, y![i] as number, z![i] as number]);
      const { pValue } = mmd(rowsOf(reference), rowsOf(current));
      return { pValue, drifted: pValue <= alpha };
    },
  },
};

const kept = 0.8;
const lost = 0.2;

function testTrial({ judge }: (typeof tests)[string], [n, m]: readonly [number, number], after: number, sampler: Sampler): Trial<'significant' | 'drifted'> {
  return () => {
    const { pValue, drifted } = judge(correlated(sampler, n, kept), correlated(sampler, m, after));
    return { significant: pValue <= alpha, drifted };
  };
}

async function testLines(report: Report): Promise<readonly (readonly string[])[]> {
  const bounded = ['significant', 'drifted'] as const;
  const lines: (readonly string[])[] = [];
  for (const [name, test] of Object.entries(tests)) {
    for (const [n, m, trials] of test.sizes) {
      const unchanged = await countFalseAlarms({ trials: report.trials(trials), seed: report.nextSeed(), bounded, trialOf: (sampler) => testTrial(test, [n, m], kept, sampler) });
      report.hold(unchanged, bounded, `${name}, ${rowsText(n, m)} rows`);
      const changed = await count(report.trials(trials / 4), testTrial(test, [n, m], lost, samplerOf(report.nextSeed())));
      lines.push(report.line(`\`${name}\``, rowsText(n, m), String(unchanged.trials), percent(unchanged, 'significant'), percent(unchanged, 'drifted'), String(changed.trials), percent(changed, 'significant'), percent(changed, 'drifted')));
    }
  }
  return lines;
}

/** Tests of all columns at once. */
export const multivariatePart: Part = {
  name: 'multivariate',
  page: 'docs/monitoring.md',
  make: async (report) => table(['test', 'rows', 'trials, nothing changed', 'significant', 'drifted', 'trials, correlation 0.8 to 0.2', 'significant', 'drifted'], await testLines(report)),
};
