import { isPresent, type Column } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';

/** Of two codes side by side in one double: each below 2^26. */
const maxCodes = 2 ** 26;

/**
 * Entity keys as small integers. A key is its components, never their text run together, so (1, 12) and (11, 2) are two keys. Numbers, bigints and dates of
 * one value are one component; a text is never a number. A missing component, NaN included, is no key: its code is -1.
 */
export class KeyDictionary {
  readonly #width: number;
  readonly #components: Map<string, number>[];
  /** For each component after the first: code of the key so far and of the component, together, to the code of both. */
  readonly #pairs: Map<number, number>[];
  #empty = false;

  constructor(width: number) {
    this.#width = width;
    this.#components = Array.from({ length: width }, () => new Map<string, number>());
    this.#pairs = Array.from({ length: Math.max(0, width - 1) }, () => new Map<number, number>());
  }

  /** Number of codes given out. */
  get size(): number {
    if (this.#width === 0) return this.#empty ? 1 : 0;
    return this.#width === 1 ? this.#components[0]!.size : this.#pairs.at(-1)!.size;
  }

  /** Codes of keys, new ones added. */
  add(columns: readonly Column[], rowCount: number): Int32Array {
    if (this.#width === 0 && rowCount > 0) this.#empty = true;
    return this.#codes(columns, rowCount, true);
  }

  /** Codes of keys, -1 for those that were never added. */
  find(columns: readonly Column[], rowCount: number): Int32Array {
    return this.#codes(columns, rowCount, false);
  }

  /** The components of every key as canonical texts, by code. */
  keys(): string[][] {
    if (this.#width === 0) return this.#empty ? [[]] : [];
    let keys = [...this.#components[0]!.keys()].map((text) => [text]);
    this.#pairs.forEach((pairs, i) => {
      const texts = [...this.#components[i + 1]!.keys()];
      keys = [...pairs.keys()].map((pair) => [...keys[Math.floor(pair / maxCodes)]!, texts[pair % maxCodes]!]);
    });
    return keys;
  }

  #codes(columns: readonly Column[], rowCount: number, grow: boolean): Int32Array {
    if (this.#width === 0) return new Int32Array(rowCount).fill(this.#empty ? 0 : -1);
    const codes = componentCodes(columns[0]!, this.#components[0]!, grow);
    for (let c = 1; c < this.#width; c++) combine(codes, componentCodes(columns[c]!, this.#components[c]!, grow), this.#pairs[c - 1]!, grow);
    return codes;
  }
}

/** The canonical texts of one key's components, as {@link KeyDictionary.keys} gives them; `undefined` when a component is missing. */
export function keyTexts(values: readonly unknown[]): string[] | undefined {
  const texts: string[] = [];
  for (const value of values) {
    const text = componentText(value);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

function componentText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'bigint':
      return `n${value}`;
    case 'number':
      if (Number.isNaN(value)) return undefined;
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? `n${BigInt(value)}` : `n${value}`;
    case 'boolean':
      return value ? 't' : 'f';
    default:
      return value instanceof Date ? componentText(value.getTime()) : undefined;
  }
}

function codeOf(text: string | undefined, codes: Map<string, number>, grow: boolean): number {
  if (text === undefined) return -1;
  const code = codes.get(text);
  if (code !== undefined) return code;
  if (!grow) return -1;
  if (codes.size >= maxCodes) throw new ValidationError(`A view cannot have more than ${maxCodes} entities.`);
  codes.set(text, codes.size);
  return codes.size - 1;
}

function componentCodes(column: Column, codes: Map<string, number>, grow: boolean): Int32Array {
  const size = column.values.length;
  const out = new Int32Array(size);
  // Each distinct value is looked up by its text once.
  if (column.type === 'string') {
    const known = new Int32Array(column.dictionary.length).fill(-2);
    for (let i = 0; i < size; i++) {
      if (!isPresent(column, i)) {
        out[i] = -1;
        continue;
      }
      const local = column.values[i]!;
      if (known[local] === -2) known[local] = codeOf(`s${column.dictionary[local]!}`, codes, grow);
      out[i] = known[local]!;
    }
    return out;
  }
  const { values } = column;
  if (values instanceof Float64Array && column.valid === undefined) {
    const range = wholeRange(values);
    if (range) return wholeNumberCodes(values, range, codes, grow);
  }
  const bool = column.type === 'bool';
  const known = new Map<unknown, number>();
  for (let i = 0; i < size; i++) {
    if (!isPresent(column, i)) {
      out[i] = -1;
      continue;
    }
    const value = column.values[i];
    let code = known.get(value);
    if (code === undefined) {
      code = codeOf(componentText(bool ? value === 1 : value), codes, grow);
      known.set(value, code);
    }
    out[i] = code;
  }
  return out;
}

interface Range {
  readonly lowest: number;
  readonly highest: number;
}

/** From where to where numbers go, if all are whole and lie about as close as there are many. */
function wholeRange(values: Float64Array): Range | undefined {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value !== Math.floor(value)) return undefined;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return values.length > 0 && highest - lowest < 4 * values.length ? { lowest, highest } : undefined;
}

/** {@link componentCodes} of such numbers: a table is quicker than a map. */
function wholeNumberCodes(values: Float64Array, { lowest, highest }: Range, codes: Map<string, number>, grow: boolean): Int32Array {
  const known = new Int32Array(highest - lowest + 1).fill(-2);
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const at = values[i]! - lowest;
    if (known[at] === -2) known[at] = codeOf(componentText(values[i]!), codes, grow);
    out[i] = known[at]!;
  }
  return out;
}

/** Replaces the codes of keys so far by those of the keys one component longer. */
function combine(codes: Int32Array, next: Int32Array, pairs: Map<number, number>, grow: boolean): void {
  for (let i = 0; i < codes.length; i++) {
    if (codes[i]! < 0 || next[i]! < 0) {
      codes[i] = -1;
      continue;
    }
    const pair = codes[i]! * maxCodes + next[i]!;
    let code = pairs.get(pair);
    if (code === undefined) {
      if (!grow) code = -1;
      else {
        if (pairs.size >= maxCodes) throw new ValidationError(`A view cannot have more than ${maxCodes} entities.`);
        pairs.set(pair, (code = pairs.size));
      }
    }
    codes[i] = code;
  }
}
