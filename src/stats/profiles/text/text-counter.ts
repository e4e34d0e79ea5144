import { isPresent, valueAt, type Column } from '../../../core/column.ts';
import { DistinctCounter } from '../distinct-values.ts';
import { freezeGrid, GridCounter } from '../grid-counts.ts';
import { RowTally } from '../row-tally.ts';
import { wordGroups, WordDraw } from './drawn-word.ts';
import type { TextProfile } from './text-profile.ts';

const fineBins = 200;
const keptWords = 50;
/** Texts that are looked at to tell whether a column is of sentences. */
const sampledTexts = 1000;

/** Counts texts as they come, in the bins of their reference. */
export class TextCounter {
  readonly #reference: TextProfile;
  readonly #tally = new RowTally();
  readonly #lengths: GridCounter;
  readonly #groups = new Float64Array(wordGroups + 1);
  readonly #words: Map<string, number>;
  readonly #distinct = new DistinctCounter();
  readonly #draw = new WordDraw();

  constructor(reference: TextProfile) {
    this.#reference = reference;
    this.#lengths = new GridCounter(reference.lengths);
    this.#words = new Map(reference.words.map(([word]) => [word, 0]));
  }

  /** Counts `rows` rows of one value. */
  observe(value: unknown, rows = 1): void {
    if (!this.#tally.sees(value, rows)) return;
    if (typeof value !== 'string') {
      this.#tally.mistyped += rows;
      return;
    }
    this.#lengths.add(value.length, rows);
    this.#draw.draw(value);
    this.#groups[this.#draw.group]! += rows;
    const known = this.#words.get(this.#draw.word);
    if (known !== undefined) this.#words.set(this.#draw.word, known + rows);
    this.#distinct.addHash(this.#draw.hash);
  }

  /** What was counted since the last take, and starts anew. */
  take(): TextProfile {
    const taken = { ...this.#reference, ...this.#tally.take(), lengths: this.#lengths.take(), groups: [...this.#groups], words: [...this.#words], ...this.#distinct.take() };
    this.#groups.fill(0);
    for (const word of this.#words.keys()) this.#words.set(word, 0);
    return taken;
  }
}

/** The profile of a reference: bins frozen from its lengths, and the words that are drawn most. */
export function textReference(name: string, column: Column): TextProfile {
  const draw = new WordDraw();
  const drawn = new Map<string, number>();
  const lengths = new Float64Array(column.values.length);
  let texts = 0;
  eachText(column, (value, rows) => {
    if (typeof value !== 'string') return;
    lengths.fill(value.length, texts, texts + rows);
    texts += rows;
    draw.draw(value);
    if (draw.word !== '') drawn.set(draw.word, (drawn.get(draw.word) ?? 0) + rows);
  });
  const words = [...drawn].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1)).slice(0, keptWords);
  const none = { rows: 0, missing: 0, nan: 0, infinite: 0, mistyped: 0, distinct: 0, registers: [], groups: [] };
  return countTexts({ name, kind: 'text', ...none, lengths: freezeGrid(lengths.subarray(0, texts), fineBins), words }, column);
}

/** The texts of a column in the bins of their reference. */
export function countTexts(reference: TextProfile, column: Column): TextProfile {
  const counter = new TextCounter(reference);
  eachText(column, (value, rows) => counter.observe(value, rows));
  return counter.take();
}

/** Every value with its number of rows; a text that many rows share comes once. */
function eachText(column: Column, visit: (value: unknown, rows: number) => void): void {
  if (column.type !== 'string') {
    for (let i = 0; i < column.values.length; i++) visit(valueAt(column, i), 1);
    return;
  }
  const { byCode, missing } = rowsByCode(column);
  byCode.forEach((rows, code) => rows > 0 && visit(column.dictionary[code], rows));
  if (missing > 0) visit(null, missing);
}

function rowsByCode(column: Extract<Column, { type: 'string' }>): { byCode: Uint32Array; missing: number } {
  const byCode = new Uint32Array(column.dictionary.length);
  let missing = 0;
  for (let i = 0; i < column.values.length; i++) {
    if (isPresent(column, i)) byCode[column.values[i]!]!++;
    else missing++;
  }
  return { byCode, missing };
}

/** Whether a column is of free text rather than of categories: more different texts than are told apart as categories, or more than half as many as rows, most of them of three words or more. */
export function isFreeText(column: Column, maxCategories: number): boolean {
  if (column.type !== 'string') return false;
  const { byCode, missing } = rowsByCode(column);
  const texts = column.dictionary.filter((_, code) => byCode[code]! > 0);
  if (texts.length <= Math.min(maxCategories, (column.values.length - missing) / 2)) return false;
  const step = Math.ceil(texts.length / sampledTexts);
  const sample = texts.filter((_, i) => i % step === 0);
  return 2 * sample.filter((text) => /\S\s+\S+\s+\S|[\u3041-\u30ff\u3400-\u9fff\u0e00-\u0e7f]{8}/.test(text)).length > sample.length;
}
