import { compareData } from 'modelkeep';
import type { Sampler } from '../monitoring/samples.ts';
import { alpha, count, countFalseAlarms, percent, samplerOf, type Counted, type Trial } from './counting.ts';
import { rowsText, table, type Part, type Report } from './part.ts';

/** Draws a column of `n` rows. */
type DrawColumn = (sampler: Sampler, n: number) => unknown[];

const hourMs = 3_600_000;

/** Sentences of words whose frequencies fall off as those of a language do; some are of other words, where `others` says how many. */
function sentences(sampler: Sampler, n: number, others = 0): string[] {
  return Array.from({ length: n }, () => {
    const word = sampler.random() < others ? 'x' : 'w';
    return Array.from({ length: 3 + Math.floor(-5 * Math.log(1 - sampler.random())) }, () => `${word}${Math.floor(2000 ** sampler.random())}`).join(' ');
  });
}

/** Times over eight weeks, more of them by day than by night. */
function times(sampler: Sampler, n: number, shift = 0): Date[] {
  return Array.from({ length: n }, () => new Date(Date.UTC(2001, 0, 1) + 24 * hourMs * Math.floor(56 * sampler.random()) + ((8 + 8 * (sampler.random() + sampler.random()) + shift) % 24) * hourMs));
}

/** Vectors of 32 components that four causes have in common. */
function vectors(sampler: Sampler, n: number, shift = 0): Float32Array[] {
  return Array.from({ length: n }, () => {
    const causes = sampler.normals(4);
    return Float32Array.from({ length: 32 }, (_, k) => causes[k % 4]! + 0.5 * sampler.normal() + (k % 4 === 0 ? shift : 0));
  });
}

/** Columns that are no numbers and no categories, as they are and changed. */
const kinds: Readonly<Record<string, { readonly same: DrawColumn; readonly changed: DrawColumn; readonly change: string }>> = {
  text: { same: sentences, changed: (sampler, n) => sentences(sampler, n, 0.5), change: 'half of the texts of other words' },
  timestamp: { same: times, changed: (sampler, n) => times(sampler, n, 3), change: 'three hours later' },
  embedding: { same: vectors, changed: (sampler, n) => vectors(sampler, n, 1), change: 'every fourth component moved by 0.9 σ' },
};

const sizes: readonly (readonly [reference: number, current: number, trials: number])[] = [
  [50, 50, 1000],
  [1000, 100, 1000],
  [1000, 1000, 500],
  [10_000, 1000, 200],
];

function kindTrial([before, after]: readonly [DrawColumn, DrawColumn], [n, m]: readonly [number, number], sampler: Sampler): Trial<'significant' | 'drifted'> {
  return () => {
    const { pValue, status } = compareData({ x: before(sampler, n) }, { x: after(sampler, m) }, { alpha }).columns[0]!;
    return { significant: pValue !== undefined && pValue <= alpha, drifted: status === 'drifted' };
  };
}

async function kindLines(report: Report): Promise<readonly (readonly string[])[]> {
  const bounded = ['significant', 'drifted'] as const;
  const lines: (readonly string[])[] = [];
  const add = (kind: string, what: string, [n, m]: readonly [number, number], counted: Counted<'significant' | 'drifted'>): void =>
    void lines.push(report.line(kind, what, rowsText(n, m), String(counted.trials), percent(counted, 'significant'), percent(counted, 'drifted')));
  for (const [kind, { same, changed, change }] of Object.entries(kinds)) {
    for (const [n, m, trials] of sizes) {
      const counted = await countFalseAlarms({ trials: report.trials(trials), seed: report.nextSeed(), bounded, trialOf: (sampler) => kindTrial([same, same], [n, m], sampler) });
      report.hold(counted, bounded, `${kind}, ${rowsText(n, m)} rows`);
      add(kind, 'none', [n, m], counted);
    }
    for (const [n, m, trials] of sizes) add(kind, change, [n, m], await count(report.trials(trials / 4), kindTrial([same, changed], [n, m], samplerOf(report.nextSeed()))));
  }
  return lines;
}

/** Texts, times and vectors. */
export const kindsPart: Part = {
  name: 'kinds',
  page: 'docs/monitoring.md',
  make: async (report) => table(['kind', 'change', 'rows', 'trials', 'significant', 'drifted'], await kindLines(report)),
};
