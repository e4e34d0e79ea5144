import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { categoryOf, numberOf } from '../../stats/profiles/read-column.ts';
import type { RowTally } from '../judging/judgement.ts';
import type { Observation } from '../monitor-options.ts';
import { nameMark, type Sums } from '../windows/window-sums.ts';
import type { NumberRange, QualitySettings } from './quality-options.ts';

/** Under which keys a window keeps what its columns do not count: rows with features, those with columns that the reference does not have, and, each behind a prefix, these by name, which come from outside. */
export const qualityKeys: Readonly<Record<'rows' | 'unknown' | 'named', string>> = { rows: 'rows', unknown: 'unknown', named: `${nameMark}unknown ` };

/** Under which keys a window keeps the finite numbers of a column, and those out of a range. The range is part of them: processes that hold a column to different ranges are not added up. */
export function rangeKeys({ column, min, max }: NumberRange): { readonly of: string; readonly below: string; readonly above: string } {
  const range = `range ${column} ${min} ${max}`;
  return { of: `${range} of`, below: `${range} below`, above: `${range} above` };
}

/** So many different unknown names are told apart in the life of a process; of others only the rows are counted. */
const namesKept = 20;
/** In a row with more unknown columns than this the others are not looked at. */
const unknownPerRow = 100;

/** Counts what the columns of a window do not: numbers out of their range, and columns that the reference does not have. */
export class QualityTally implements RowTally {
  readonly #known: Set<string>;
  /** Where known names were in the row before: rows mostly have theirs in the same order. */
  readonly #places: (string | undefined)[];
  readonly #unknown = new Map<string, number>();
  readonly #ranges: readonly NumberCount[];
  #rows = 0;
  #unknownRows = 0;

  constructor(reference: DataProfile, { columns, ranges }: QualitySettings) {
    this.#known = new Set([...reference.columns.map(({ name }) => name), ...columns.keys()]);
    this.#places = Array.from({ length: this.#known.size }, () => undefined);
    this.#ranges = ranges.map((range) => new NumberCount(range, reference));
  }

  observe({ features, prediction }: Observation): void {
    if (features === undefined) return;
    this.#rows++;
    this.#lookAtNames(features);
    for (let i = 0; i < this.#ranges.length; i++) this.#ranges[i]!.observe(features, prediction);
  }

  #lookAtNames(features: Readonly<Record<string, unknown>>): void {
    const places = this.#places;
    let at = 0;
    let unknown = 0;
    for (const name in features) {
      const place = at++;
      if (place < places.length && places[place] === name) continue;
      if (this.#known.has(name)) {
        if (place < places.length) places[place] = name;
      } else if (Object.hasOwn(features, name)) {
        if (unknown++ >= unknownPerRow) break;
        this.#name(categoryOf(name));
      }
    }
    if (unknown > 0) this.#unknownRows++;
  }

  #name(name: string): void {
    const rows = this.#unknown.get(name);
    if (rows !== undefined || this.#unknown.size < namesKept) this.#unknown.set(name, (rows ?? 0) + 1);
  }

  take(): Sums {
    const sums: [string, number][] = [[qualityKeys.rows, this.#rows]];
    if (this.#unknownRows > 0) sums.push([qualityKeys.unknown, this.#unknownRows]);
    for (const [name, rows] of this.#unknown) {
      if (rows > 0) sums.push([qualityKeys.named + name, rows]);
      this.#unknown.set(name, 0);
    }
    for (const range of this.#ranges) range.take(sums);
    this.#rows = this.#unknownRows = 0;
    return sums;
  }
}

/** Counts the finite numbers of a column, and those that are out of a range. */
class NumberCount {
  readonly #name: string;
  readonly #inherited: boolean;
  readonly #predicted: boolean;
  readonly #range: NumberRange;
  #numbers = 0;
  #below = 0;
  #above = 0;

  constructor(range: NumberRange, reference: DataProfile) {
    this.#name = reference.columns[range.column]!.name;
    this.#inherited = this.#name in Object.prototype;
    this.#predicted = this.#name === reference.prediction;
    this.#range = range;
  }

  observe(features: Readonly<Record<string, unknown>>, prediction: unknown): void {
    const given = this.#inherited && !Object.hasOwn(features, this.#name) ? undefined : features[this.#name];
    const value = this.#predicted && prediction !== undefined ? prediction : given;
    const number = typeof value === 'number' ? value : numberOf(value);
    // Neither NaN nor an infinite number.
    if (number === undefined || number - number !== 0) return;
    this.#numbers++;
    if (number < this.#range.min) this.#below++;
    else if (number > this.#range.max) this.#above++;
  }

  /** Adds what was counted since the last take, and starts anew. */
  take(sums: [string, number][]): void {
    const { of, below, above } = rangeKeys(this.#range);
    if (this.#numbers > 0) sums.push([of, this.#numbers]);
    if (this.#below > 0) sums.push([below, this.#below]);
    if (this.#above > 0) sums.push([above, this.#above]);
    this.#numbers = this.#below = this.#above = 0;
  }
}
