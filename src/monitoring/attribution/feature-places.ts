import { encode } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { CategoryProfile, ColumnProfile, NumberProfile } from '../../stats/profiles/column-profile.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { categoryOf, numberOf } from '../../stats/profiles/read-column.ts';
import { binOf } from '../../stats/samples/count-in-bins.ts';
import type { MonitorAttributionOptions } from './attribution-options.ts';

/** How the features of a row are kept: a byte per column. */
export interface PlaceGrid {
  /** The same for the same bins of the same columns. */
  readonly id: string;
  readonly names: readonly string[];
  /** How many bins each column has. */
  readonly sizes: readonly number[];
}

const mostValues = 50;
const mostEdges = 100;

/** Says in which bin of the reference each feature of a row is: the bins that the stability index has of numbers, the most frequent categories, all others, and what is missing. */
export class FeaturePlaces {
  readonly grid: PlaceGrid;
  readonly #placeOf: readonly ((value: unknown) => number)[];
  readonly #inherited: readonly boolean[];
  readonly #places: Uint8Array;

  constructor(reference: DataProfile, { columns }: MonitorAttributionOptions, path: string) {
    const cut = columnsOf(reference, columns, path).map(cutColumn);
    const names = cut.map(({ name }) => name);
    const id = digestOf(encode(cut.map(({ name, bins }) => [name, bins] as const))).replace(/^.*:/, '').slice(0, 16);
    this.grid = { id, names, sizes: cut.map(({ size }) => size) };
    this.#placeOf = cut.map(({ placeOf }) => placeOf);
    this.#inherited = names.map((name) => name in Object.prototype);
    this.#places = new Uint8Array(names.length);
  }

  /** The place of each column; of use until the next call. */
  of(features: Readonly<Record<string, unknown>>): Uint8Array {
    const { names } = this.grid;
    for (let c = 0; c < names.length; c++) {
      const name = names[c]!;
      // A column called 'constructor' must not find what every object inherits.
      const value = this.#inherited[c] && !Object.hasOwn(features, name) ? undefined : features[name];
      this.#places[c] = this.#placeOf[c]!(value);
    }
    return this.#places;
  }
}

function columnsOf({ columns, prediction }: DataProfile, wanted: readonly string[] | undefined, path: string): (NumberProfile | CategoryProfile)[] {
  if (wanted === undefined) return columns.filter((column) => column.name !== prediction && canBeCut(column)) as (NumberProfile | CategoryProfile)[];
  const found = wanted.map((name, i) => {
    const column = columns.find((each) => each.name === name);
    if (column !== undefined && canBeCut(column)) return column;
    throw new ValidationError(`${path}.columns[${i}] is ${shown(name, 80)}, and the reference has no such column of numbers or of categories.`, { path: `${path}.columns[${i}]` });
  });
  return [...new Set(found)];
}

function canBeCut(column: ColumnProfile): column is NumberProfile | CategoryProfile {
  return column.kind === 'number' || (column.kind === 'category' && !column.tooMany);
}

interface CutColumn {
  readonly name: string;
  /** What the bins are made of. */
  readonly bins: readonly (number | string)[];
  readonly size: number;
  readonly placeOf: (value: unknown) => number;
}

function cutColumn(column: NumberProfile | CategoryProfile): CutColumn {
  const { name } = column;
  if (column.kind === 'number') {
    const edges = Float64Array.from(column.cuts.slice(0, mostEdges));
    const missing = edges.length + 1;
    const placeOf = (value: unknown): number => {
      const number = numberOf(value);
      return number === undefined || number !== number ? missing : binOf(edges, number);
    };
    return { name, bins: [...edges], size: missing + 1, placeOf };
  }
  const bins = column.categories.slice(0, mostValues).map(([category]) => category);
  const places = new Map(bins.map((category, i) => [category, i]));
  const missing = bins.length + 1;
  const placeOf = (value: unknown): number => (value === null || value === undefined || value !== value ? missing : (places.get(categoryOf(value)) ?? bins.length));
  return { name, bins, size: missing + 1, placeOf };
}
