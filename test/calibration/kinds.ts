import { compareData } from 'modelkeep';
import { domainClassifier } from 'modelkeep/stats';
import type { Sampler } from '../monitoring/samples.ts';
import { alpha } from './simulate.ts';

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
export const kinds: Readonly<Record<string, { readonly same: DrawColumn; readonly changed: DrawColumn; readonly change: string }>> = {
  text: { same: sentences, changed: (sampler, n) => sentences(sampler, n, 0.5), change: 'half of the texts of other words' },
  timestamp: { same: times, changed: (sampler, n) => times(sampler, n, 3), change: 'three hours later' },
  embedding: { same: vectors, changed: (sampler, n) => vectors(sampler, n, 1), change: 'every fourth component moved by 0.9 σ' },
};

/** How often a column of a kind is called changed, out of 1. */
export function kindRates([before, after]: readonly [DrawColumn, DrawColumn], [n, m]: readonly [number, number], trials: number, sampler: Sampler): { significant: number; drifted: number } {
  let significant = 0;
  let drifted = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { pValue, status } = compareData({ x: before(sampler, n) }, { x: after(sampler, m) }, { alpha }).columns[0]!;
    if (pValue !== undefined && pValue <= alpha) significant++;
    if (status === 'drifted') drifted++;
  }
  return { significant: significant / trials, drifted: drifted / trials };
}

/** Two columns that go together by so much, and a category. */
function correlated(sampler: Sampler, n: number, share: number): Record<string, ArrayLike<unknown>> {
  const x = sampler.normals(n);
  return { x, y: x.map((value) => share * value + Math.sqrt(1 - share * share) * sampler.normal()), origin: sampler.categories(n, 8) };
}

/** How often `domainClassifier` tells two sides apart, of one law and of columns that go together less than before. */
export function classifierRates([n, m]: readonly [number, number], correlation: readonly [number, number], trials: number, sampler: Sampler): { significant: number; drifted: number } {
  let significant = 0;
  let drifted = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { pValue, status } = domainClassifier(correlated(sampler, n, correlation[0]), correlated(sampler, m, correlation[1]), { alpha });
    if (pValue !== undefined && pValue <= alpha) significant++;
    if (status === 'drifted') drifted++;
  }
  return { significant: significant / trials, drifted: drifted / trials };
}
