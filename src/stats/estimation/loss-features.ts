import { valueAt, type Column } from '../../core/column.ts';
import type { Table } from '../../core/table.ts';
import { binOf } from '../samples/count-in-bins.ts';
import { finitePart } from '../samples/finite-part.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';

/** A column as trees ask about it, with the bins that a reference gave it. */
export type LossFeature =
  | {
      /** The column; absent for the prediction. */
      readonly column?: string | undefined;
      /** What its values are. */
      readonly kind: 'number';
      /** Where one bin ends and the next begins, ascending. */
      readonly edges: readonly number[];
      /** The least finite number of the reference. */
      readonly low: number;
      /** The largest. */
      readonly high: number;
    }
  | {
      /** The column. */
      readonly column: string;
      /** What its values are. */
      readonly kind: 'category';
      /** The most frequent categories of the reference; all others share one bin. */
      readonly categories: readonly string[];
      /** Whether the reference has others. */
      readonly others: boolean;
    };

/** About as many bins as numbers are cut into, and the most categories that are told apart. */
const numberParts = 32;
export const mostCategories = 60;

/** A feature of numbers; `undefined` where none is finite. */
export function numberFeature(values: Float64Array, column?: string): LossFeature | undefined {
  const sorted = finitePart(sortDoubles(values.filter((value) => !Number.isNaN(value))));
  if (sorted.length === 0) return undefined;
  return { ...(column !== undefined && { column }), kind: 'number', edges: [...edgesOfSorted(sorted, numberParts)], low: sorted[0]! + 0, high: sorted[sorted.length - 1]! + 0 };
}

/** The features of a table: its columns of numbers, truth values and texts that have any value. */
export function featuresOf({ columns }: Table): LossFeature[] {
  return Object.entries(columns).flatMap(([name, column]): LossFeature[] => {
    const feature = featureOf(name, column);
    return feature === undefined ? [] : [feature];
  });
}

function featureOf(name: string, column: Column): LossFeature | undefined {
  if (column.type === 'float64' || column.type === 'int64') return numberFeature(Float64Array.from({ length: column.values.length }, (_, i) => numberOf(valueAt(column, i))), name);
  if (column.type !== 'string' && column.type !== 'bool') return undefined;
  const rows = new Map<string, number>();
  for (let i = 0; i < column.values.length; i++) {
    const category = categoryOf(valueAt(column, i));
    if (category !== undefined) rows.set(category, (rows.get(category) ?? 0) + 1);
  }
  if (rows.size === 0) return undefined;
  const kept = [...rows].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1)).slice(0, mostCategories);
  return { column: name, kind: 'category', categories: kept.map(([category]) => category), others: rows.size > kept.length };
}

/** Bins of a feature: 0 for what is missing or of another kind, and one after the last of numbers or categories for other categories. */
export function binCount(feature: LossFeature): number {
  return feature.kind === 'number' ? feature.edges.length + 2 : feature.categories.length + 2;
}

/** What says which bin a value of the feature lies in; below 0, less 1, where it is unlike all of the reference. */
export function binnerOf(feature: LossFeature): (value: unknown) => number {
  if (feature.kind === 'number') {
    const edges = Float64Array.from(feature.edges);
    const { low, high } = feature;
    return (value) => {
      const number = numberOf(value);
      if (Number.isNaN(number)) return 0;
      const bin = 1 + binOf(edges, number);
      return number < low || number > high ? -1 - bin : bin;
    };
  }
  const { categories, others } = feature;
  const bins = new Map(categories.map((category, i) => [category, i + 1]));
  return (value) => {
    const category = categoryOf(value);
    if (category === undefined) return 0;
    return bins.get(category) ?? (others ? categories.length + 1 : -2 - categories.length);
  };
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : NaN;
}

function categoryOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'boolean' ? String(value) : undefined;
}
