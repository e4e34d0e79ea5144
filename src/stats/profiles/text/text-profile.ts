import { addCounts, isCount, isCounts, isGrid, mergeGrids, type GridCounts } from '../grid-counts.ts';
import { isDistinct, mergeDistinct, type DistinctValues } from '../distinct-values.ts';
import type { RowCounts } from '../column-profile.ts';
import { wordGroups } from './drawn-word.ts';

/** A column of free text: how long the texts are, and one word of each, by which vocabularies are compared. */
export interface TextProfile extends RowCounts, DistinctValues {
  /** The column. */
  readonly name: string;
  /** How the column is compared. */
  readonly kind: 'text';
  /** Lengths in UTF-16 code units. */
  readonly lengths: GridCounts;
  /** Rows by the group of the word that was drawn of their text: first those without any word, then 64 groups by the word's hash. */
  readonly groups: readonly number[];
  /** The words that were drawn most in the reference, fifty at most, and how many rows they were drawn in here. */
  readonly words: readonly (readonly [word: string, rows: number])[];
}

/** The sum of two; `undefined` when they were counted in different bins. */
export function mergeTexts(a: TextProfile, b: TextProfile, counts: RowCounts): TextProfile | undefined {
  const lengths = mergeGrids(a.lengths, b.lengths);
  if (lengths === undefined || a.words.length !== b.words.length || a.words.some(([word], i) => word !== b.words[i]![0])) return undefined;
  const words = a.words.map(([word, rows], i) => [word, rows + b.words[i]![1]] as const);
  return { ...a, ...counts, lengths, groups: addCounts(a.groups, b.groups), words, ...mergeDistinct(a, b) };
}

/** Whether a column that came from outside has what comparing and merging reads. */
export function isTextProfile(column: TextProfile): boolean {
  return isGrid(column.lengths) && isCounts(column.groups, wordGroups + 1) && Array.isArray(column.words) && column.words.every(isWord) && isDistinct(column);
}

function isWord(pair: unknown): boolean {
  return Array.isArray(pair) && typeof pair[0] === 'string' && isCount(pair[1]);
}
