/** A text that can neither end its cell nor become markup: names and reasons come from whoever wrote them. */
export function inCell(text: string): string {
  const entities: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' };
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|~&]/g, (character) => entities[character] ?? `\\${character}`)
    // Nobody is to be called by a comment that only names someone.
    .replace(/(^|\W)@/g, '$1@\u200b');
}
