/** Texts of more than this are read to here. */
const longestText = 20_000;

/** In fewer of the texts than this a word is no feature. */
const leastShare = 0.01;

/** The different words of a text: runs of letters, marks and digits of any script, in lower case. */
export function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.slice(0, longestText).toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []);
}

/** The words that most texts have, of those that a hundredth of them has at least and not every one; none where texts are of one word, as names and identifiers are. */
export function frequentWords(texts: readonly (ReadonlySet<string> | undefined)[], most: number): string[] {
  const present = texts.filter((words) => words !== undefined);
  if (2 * present.filter(({ size }) => size > 1).length < present.length) return [];
  const rows = new Map<string, number>();
  for (const words of present) for (const word of words) rows.set(word, (rows.get(word) ?? 0) + 1);
  return [...rows]
    .filter(([, count]) => count >= leastShare * present.length && count < present.length)
    .sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([word]) => word);
}
