// Controls (with those of C1, which some terminals obey), what turns the direction of text, separators of lines and paragraphs, lone surrogates, and characters that are not seen at all.
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\u{E0000}-\u{E007F}]/gu;
const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\x1b' };

/** A text on one line, fit for a terminal: what would move the cursor, change colours or hide is written as an escape. Names come from anybody. */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => named[character] ?? escaped(character));
}

/** The same of a text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON with the same characters as its own escapes; it means the same. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) => Array.from({ length: character.length }, (_, i) => `\\u${hex(character.charCodeAt(i), 4)}`).join(''));
}

function escaped(character: string): string {
  const point = character.codePointAt(0)!;
  if (point <= 0xff) return `\\x${hex(point, 2)}`;
  return point <= 0xffff ? `\\u${hex(point, 4)}` : `\\u{${point.toString(16)}}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
