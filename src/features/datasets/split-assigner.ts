import { concatBytes } from '../../core/bytes.ts';
import { canonicalJson } from '../../core/codec.ts';
import { valueAt, type Column } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Table } from '../../core/table.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import { withGap, type SplitDefinition, type TimeRange } from './split-options.ts';

/** How a dataset was divided. */
export interface DatasetSplits {
  /** By what. */
  readonly by: 'entity' | 'hash' | 'time';
  /** Their names, in their order. */
  readonly names: readonly string[];
  /** How many rows each has. */
  readonly rows: Readonly<Record<string, number>>;
  /** How many rows are in none: what the shares leave, the gaps, and what lies outside the ranges. */
  readonly unassigned: number;
  /** The shares that were asked for, in the order of the names. */
  readonly fractions?: readonly number[] | undefined;
  /** The columns whose values decide. */
  readonly columns?: readonly string[] | undefined;
  /** The salt. */
  readonly salt?: string | undefined;
  /** The time left free before each split but the first, milliseconds. */
  readonly gap?: number | undefined;
  /** Where each begins and ends, in the order of the names. */
  readonly ranges?: readonly TimeRange[] | undefined;
}

/** Stands for a row in no split. */
const noSplit = 255;

/** Finds the split of each row, part by part; a byte a row, and for shares of time eight more, are in memory. */
export class SplitAssigner {
  readonly #definition: SplitDefinition;
  readonly #times: Float64Array[] = [];
  readonly #codes: Uint8Array[] = [];

  constructor(definition: SplitDefinition) {
    this.#definition = definition;
  }

  /** Takes the next rows: their columns that came with the entities, and their moments. */
  add(table: Table, times: Float64Array): void {
    const { by, ranges, columns, fractions, salt } = this.#definition;
    if (by !== 'time') this.#codes.push(hashSplits(columns!.map((name) => table.columns[name]!), table.rowCount, fractions!, salt ?? ''));
    else if (ranges !== undefined) this.#codes.push(timeSplits(times, ranges));
    else this.#times.push(times.slice());
  }

  /** The split of each row by its number, and how they came about. Throws `ValidationError` when there are too few moments for shares of time. */
  finish(): { codes: Uint8Array; splits: Omit<DatasetSplits, 'rows' | 'unassigned'> } {
    const { by, names, fractions, gap = 0 } = this.#definition;
    if (by !== 'time' || fractions === undefined || !this.#times.some(({ length }) => length > 0)) return { codes: concatBytes(this.#codes), splits: this.#definition };
    const ranges = withGap(names, rangesOf(names, fractions, this.#times), gap);
    const codes = concatBytes(this.#times.map((times) => timeSplits(times, ranges)));
    const empty = names.find((_, i) => codes.length > 0 && !codes.includes(i));
    if (empty !== undefined) throw new ValidationError(`The gap leaves no row in the split '${empty}'; make the gap smaller, or the split larger.`, { path: 'query.splits.gap' });
    return { codes, splits: { ...this.#definition, ranges } };
  }
}

/** How many rows each split has. */
export function countSplits(names: readonly string[], codes: Uint8Array): Pick<DatasetSplits, 'rows' | 'unassigned'> {
  const counts = new Float64Array(256);
  for (const code of codes) counts[code]! += 1;
  return { rows: Object.fromEntries(names.map((name, i) => [name, counts[i]!])), unassigned: counts[noSplit]! };
}

/** Each row's split by 53 bits of a hash of its values: as stable as the values, the salt and the shares. */
function hashSplits(columns: readonly Column[], rowCount: number, fractions: readonly number[], salt: string): Uint8Array {
  let sum = 0;
  const bounds = fractions.map((part) => (sum += part));
  // Shares that add up to 1 but for their rounding leave no row out.
  if (sum > 1 - 1e-9) bounds[bounds.length - 1] = 1;
  const hasher = new ValueHasher();
  return Uint8Array.from({ length: rowCount }, (_, row) => {
    let text = `${salt.length}:${salt}`;
    for (const column of columns) {
      const value = textOf(valueAt(column, row));
      text += `${value.length}:${value}`;
    }
    hasher.hash(text);
    const share = ((hasher.high >>> 5) * 2 ** 26 + (hasher.low >>> 6)) / 2 ** 53;
    const found = bounds.findIndex((bound) => share < bound);
    return found < 0 ? noSplit : found;
  });
}

/** Numbers, bigints and moments of one value are one; a text is never a number, and a missing value is one of its own. */
function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'bigint':
      return `n${value}`;
    case 'number':
      return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
    case 'boolean':
      return value ? 't' : 'f';
    default:
      return value === null ? '-' : `j${canonicalJson(value instanceof Float32Array ? [...value] : value)}`;
  }
}

function timeSplits(times: Float64Array, ranges: readonly TimeRange[]): Uint8Array {
  return Uint8Array.from(times, (time) => {
    const found = ranges.findIndex(({ from = -Infinity, until = Infinity }) => time >= from && time < until);
    return found < 0 ? noSplit : found;
  });
}

/** Where shares of the rows begin and end: at a moment that leaves as near to so many rows before it as moments that several rows have allow. */
function rangesOf(names: readonly string[], fractions: readonly number[], parts: readonly Float64Array[]): TimeRange[] {
  const times = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    times.set(part, at);
    at += part.length;
  }
  times.sort();
  const size = times.length;
  let share = 0;
  let before = 0;
  let from: number | undefined;
  return fractions.map((part, i) => {
    share += part;
    const last = i === fractions.length - 1;
    const end = last && share > 1 - 1e-9 ? size : nearestStart(times, Math.round(share * size));
    if (end <= before) {
      throw new ValidationError(`The split '${names[i]}' would have no row: there are ${size} rows, and those of one moment belong to one split. Make it larger, or split by hash.`, { path: 'query.splits.fractions' });
    }
    const range = { from, until: end === size ? undefined : times[end]! };
    if (!last && end === size) throw new ValidationError(`The split '${names[i + 1]}' would have no row: the last moment has too many of them. Make it larger, or split by hash.`, { path: 'query.splits.fractions' });
    before = end;
    from = range.until;
    return range;
  });
}

/** The number of rows before a moment that is nearest to `target`. */
function nearestStart(times: Float64Array, target: number): number {
  if (target >= times.length) return times.length;
  let low = target;
  while (low > 0 && times[low - 1] === times[target]) low--;
  let high = target;
  while (high < times.length && times[high] === times[target]) high++;
  if (high === times.length && low > 0) return low;
  return low === 0 || high - target < target - low ? high : low;
}
