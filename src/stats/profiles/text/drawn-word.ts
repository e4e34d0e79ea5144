import { isWellFormed } from '../../../core/bytes.ts';
import { ValueHasher } from '../../sketches/hash-value.ts';

/** Words are told apart by their hash in so many groups. */
export const wordGroups = 64;

const longestWord = 40;

/** Draws one word of each text, the same whenever and wherever the text is read. */
export class WordDraw {
  /** The word of the last text, in lower case; empty when it has none. */
  word = '';
  /** The group of that word, from 1; 0 for none. */
  group = 0;
  /** The hash of the last text. */
  readonly hash: ValueHasher = new ValueHasher();
  readonly #wordHash = new ValueHasher();

  /**
   * Takes the word at a place that the hash of the text draws, or the next one after it: a row then counts once, in one group, so that the groups of independent rows are independent draws, which the words of one text never are.
   * Long words are drawn more often than short ones.
   */
  draw(text: string): void {
    this.hash.hash(text);
    this.word = text === '' ? '' : wordFrom(text, (this.hash.low >>> 0) % text.length);
    this.group = this.groupOf(this.word);
  }

  /** The group of a word. */
  groupOf(word: string): number {
    if (word === '') return 0;
    this.#wordHash.hash(word);
    return 1 + ((this.#wordHash.high >>> 0) % wordGroups);
  }
}

function wordFrom(text: string, place: number): string {
  const found = nextInWord(text, place, text.length);
  const at = found < 0 ? nextInWord(text, 0, place) : found;
  if (at < 0) return '';
  const [from, to] = isIdeograph(text.charCodeAt(at)) ? pairAt(text, at) : runAt(text, at);
  const word = text.slice(from, to).toLowerCase();
  return isWellFormed(word) ? word : word.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function nextInWord(text: string, from: number, to: number): number {
  for (let i = from; i < to; i++) if (isWordUnit(text.charCodeAt(i))) return i;
  return -1;
}

/** Scripts that are written without spaces are read two characters at a time. */
function pairAt(text: string, at: number): [from: number, to: number] {
  return [at, at + 1 < text.length && isIdeograph(text.charCodeAt(at + 1)) ? at + 2 : at + 1];
}

function runAt(text: string, at: number): [from: number, to: number] {
  let from = at;
  let to = at + 1;
  while (from > 0 && at - from < longestWord && isRunUnit(text.charCodeAt(from - 1))) from--;
  while (to < text.length && to - from < longestWord && isRunUnit(text.charCodeAt(to))) to++;
  return [from, to];
}

function isRunUnit(unit: number): boolean {
  return isWordUnit(unit) && !isIdeograph(unit);
}

/** Han, kana and Thai, of the basic plane. */
function isIdeograph(unit: number): boolean {
  return (unit >= 0x3041 && unit <= 0x30ff) || (unit >= 0x3400 && unit <= 0x9fff) || (unit >= 0x0e00 && unit <= 0x0e7f);
}

/** Letters, digits, marks and signs of any script; not spaces and the punctuation of the basic planes. */
function isWordUnit(unit: number): boolean {
  if (unit < 0x80) return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39);
  if (unit < 0xc0) return unit === 0xaa || unit === 0xb5 || unit === 0xba;
  return !((unit >= 0x2000 && unit <= 0x206f) || (unit >= 0x3000 && unit <= 0x303f) || (unit >= 0xff00 && unit <= 0xff0f) || (unit >= 0xff1a && unit <= 0xff20) || unit === 0xfeff || unit === 0xd7 || unit === 0xf7);
}
