import { metricNumber } from './metric-number.ts';

/** The value of JSON that may have bare `NaN` and `Infinity`, as Python writes it; `undefined` when it is none. */
export function lenientJson(text: string): unknown {
  // Most lines are objects, and most values numbers.
  const number = text.startsWith('{') ? undefined : metricNumber(text);
  if (number !== undefined) return number;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return /NaN|Infinity/.test(text) ? withWords(text) : undefined;
  }
}

/** JSON whose bare words are put in quotes, behind a mark that no text of its own begins with. */
function withWords(text: string): unknown {
  let longest = 0;
  for (const [found] of text.matchAll(/#+/g)) longest = Math.max(longest, found.length);
  const mark = '#'.repeat(longest + 1);
  try {
    return JSON.parse(quoteWords(text, mark), (_, value: unknown) => (typeof value === 'string' && value.startsWith(mark) ? Number(value.slice(mark.length)) : value)) as unknown;
  } catch {
    return undefined;
  }
}

const words = ['NaN', 'Infinity', '-Infinity'];

function quoteWords(text: string, mark: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; ) {
    const first = text[i];
    const word = first === 'N' || first === 'I' || first === '-' ? words.find((each) => text.startsWith(each, i)) : undefined;
    if (word !== undefined) {
      parts.push(text.slice(from, i), `"${mark}${word}"`);
      from = i += word.length;
    } else if (first === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      i++;
    } else i++;
  }
  return parts.join('') + text.slice(from);
}
