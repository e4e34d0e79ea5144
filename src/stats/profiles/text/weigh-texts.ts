import { contingency } from '../bin-evidence.ts';
import type { ColumnEvidence, View } from '../drift-evidence.ts';
import { presenceIn, viewOfGrid, weighViews } from '../weigh-views.ts';
import { WordDraw, wordGroups } from './drawn-word.ts';
import type { TextProfile } from './text-profile.ts';

/** How the texts of two sides differ: in their lengths, and in the words that are drawn of them. */
export function weighTexts(before: TextProfile, after: TextProfile, minRows: number, designEffect: number): ColumnEvidence {
  const presence = presenceIn(before, after, ['missing', 'not a text']);
  return weighViews(before, after, { minRows, designEffect, noun: 'text', presence }, () => [viewOfGrid('length', 'length-deciles', 'length', before.lengths, after.lengths), viewOfWords(before, after)]);
}

function viewOfWords(before: TextProfile, after: TextProfile): View {
  const counts = [[...before.groups], [...after.groups]] as const;
  return { of: 'words', test: contingency(counts), counts, labels: labelsOf(before), binRule: 'words' };
}

/** Groups by the words that the reference has in them. */
function labelsOf({ words }: TextProfile): string[] {
  const draw = new WordDraw();
  const inGroup = Array.from({ length: wordGroups + 1 }, (): string[] => []);
  for (const [word] of words) inGroup[draw.groupOf(word)]!.push(word);
  return inGroup.map((known, group) => {
    if (group === 0) return 'no word';
    return known.length === 0 ? `rare words (group ${group})` : `words such as ${known.slice(0, 3).map((word) => `'${word}'`).join(', ')}`;
  });
}
