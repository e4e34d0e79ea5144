import { isWellFormed } from '../bytes.ts';
import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';

const space = /\s*/y;
const word = /[\p{L}\p{N}_][\p{L}\p{M}\p{N}_]*/uy;
const bareName = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy;
const bareKey = /[\p{L}\p{M}\p{N}_./:-]+/uy;
const nameEnd = /(?![\p{L}\p{M}\p{N}_.:/-])/uy;
const number = /[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?)/iy;
const symbol = /[=!<>~]+/y;
const maxLength = 1_000_000;
const windowSize = 60;

/** A place in a text that is read from left to right, with errors that show it. */
export class TextCursor {
  readonly text: string;
  readonly #path: string;
  readonly #what: string;
  /** Where to read next, in UTF-16 code units. */
  at = 0;

  /** `path` is what errors name; `what` is how they call the text. Throws `ValidationError` when it is no text, or one of more than a million characters. */
  constructor(text: string, path: string, what: string) {
    if (typeof text !== 'string') throw new ValidationError(`${path} is ${shown(text, 80)}; give a text.`, { path });
    if (text.length > maxLength) throw new ValidationError(`${path} has ${text.length} characters; at most ${maxLength} are allowed.`, { path });
    if (!isWellFormed(text)) throw new ValidationError(`${path} has a lone surrogate, which no stored text has.`, { path });
    this.text = text;
    this.#path = path;
    this.#what = what;
  }

  /** Moves to the next character that is no white space. */
  skipSpace(): void {
    this.#read(space);
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The character here, empty at the end. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  /** Takes a character when it is the next one. */
  take(character: string): boolean {
    if (this.next !== character || this.ended) return false;
    this.at++;
    return true;
  }

  /** Takes a keyword, in any case, when it is next and not the beginning of a longer name. */
  keyword(name: string): boolean {
    const end = this.at + name.length;
    if (this.text.slice(this.at, end).toUpperCase() !== name) return false;
    nameEnd.lastIndex = end;
    if (!nameEnd.test(this.text)) return false;
    this.at = end;
    this.skipSpace();
    return true;
  }

  /** Takes a name without quotes: letters, digits and `_`. */
  bareName(): string | undefined {
    return this.#read(bareName);
  }

  /** Takes a key without quotes: letters, digits, and `_`, `.`, `/`, `:`, `-`. */
  bareKey(): string | undefined {
    return this.#read(bareKey);
  }

  /** Takes an operator made of signs. */
  symbol(): string | undefined {
    return this.#read(symbol);
  }

  /** Takes a number, `nan`, `inf` and `-inf` included. */
  number(): number | undefined {
    const start = this.at;
    const text = this.#read(number);
    if (text === undefined) return undefined;
    nameEnd.lastIndex = this.at;
    if (!nameEnd.test(this.text)) {
      this.at = start;
      return undefined;
    }
    const [, sign, letter] = /^([+-]?)([ni]?)/i.exec(text)!;
    if (letter === '') return Number(text);
    if (letter!.toLowerCase() === 'n') return NaN;
    return sign === '-' ? -Infinity : Infinity;
  }

  /** Takes a text between quotes of the kind that is next, which stands twice for itself within. */
  quoted(): string {
    const start = this.at;
    const quote = this.next;
    let from = start + 1;
    let content = '';
    for (;;) {
      const end = this.text.indexOf(quote, from);
      if (end < 0) return this.fail(`the quote ${quote} is opened here and never closed`, start);
      content += this.text.slice(from, end);
      this.at = end + 1;
      if (this.next !== quote || this.ended) return content;
      content += quote;
      from = end + 2;
    }
  }

  /** What is here, for a message. */
  get found(): string {
    if (this.ended) return 'the end';
    word.lastIndex = this.at;
    return shown(word.exec(this.text)?.[0] ?? String.fromCodePoint(this.text.codePointAt(this.at)!), 40);
  }

  /** Throws a `ValidationError` that shows where; `details.position` is the index in UTF-16 code units. */
  fail(problem: string, at: number = this.at): never {
    throw new ValidationError(`${this.#what} cannot be read at character ${at + 1}: ${problem}${problem.endsWith('?') ? '' : '.'}\n${this.#shownAt(at)}`, { path: this.#path, position: at });
  }

  #shownAt(at: number): string {
    const from = Math.max(0, at - windowSize);
    const to = Math.min(this.text.length, at + windowSize);
    const start = from > 0 ? '…' : '';
    // Cut between surrogates, a character would be shown as two; the caret counts characters, not code units.
    const line = (text: string): string => text.replace(/[\p{C}\p{Z}]/gu, ' ');
    const before = `${start}${line(this.text.slice(from, at))}`;
    return `  ${before}${line(this.text.slice(at, to))}${to < this.text.length ? '…' : ''}\n  ${' '.repeat(Array.from(before).length)}^`;
  }

  #read(pattern: RegExp): string | undefined {
    // The patterns are shared, so each read says where it begins.
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match[0];
  }
}
