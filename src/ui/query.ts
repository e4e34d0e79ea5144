import { Refusal } from './refusal.ts';

/** What the address of a page asks for. */
export class Query {
  readonly #search: URLSearchParams;

  constructor(search: URLSearchParams) {
    this.#search = search;
  }

  /** A value that may be absent; an empty one, which a form sends for an empty field, is too. */
  text(name: string): string | undefined {
    return this.#search.get(name) || undefined;
  }

  /** A value that the page cannot do without. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new Refusal(400, `The address has no '${name}'.`, { advice: 'Follow a link of the page before instead of writing the address by hand.' });
    return value;
  }

  /** All values of a name, each once. */
  all(name: string, most: number): readonly string[] {
    const values = [...new Set(this.#search.getAll(name).filter((value) => value !== ''))];
    if (values.length > most) throw new Refusal(400, `The address has ${values.length} times '${name}'; at most ${most} are taken.`);
    return values;
  }

  /** A whole number within bounds, or the default where it is absent. */
  count(name: string, fallback: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > most) throw new Refusal(400, `'${name}' in the address must be a whole number from 1 to ${most}.`);
    return value;
  }

  /** A whole number from 1, as the links between pages have it; `undefined` where it is absent. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined || /^[1-9]\d{0,14}$/.test(text)) return text === undefined ? undefined : Number(text);
    throw new Refusal(400, `'${name}' in the address must be a whole number from 1.`);
  }

  /** One of some words, or the first where it is absent. */
  choice<Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word {
    const text = this.text(name);
    if (text === undefined) return words[0];
    const word = words.find((each) => each === text);
    if (word === undefined) throw new Refusal(400, `'${name}' in the address must be one of: ${words.join(', ')}.`);
    return word;
  }
}
