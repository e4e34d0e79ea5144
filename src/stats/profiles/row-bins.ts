import { valueAt, type Column } from '../../core/column.ts';
import { binOf } from '../samples/count-in-bins.ts';
import { finitePart } from '../samples/finite-part.ts';
import { edgesOfSorted } from '../samples/quantile-edges.ts';
import { sortDoubles } from '../samples/sort-doubles.ts';
import { Projector, projectionSeed, vectorSize } from './embedding/projections.ts';
import { categoryOf, numberOf, readNumbers } from './read-column.ts';
import { WordDraw, wordGroups } from './text/drawn-word.ts';

/** The bin of every row of both sides. */
export interface RowBins {
  readonly reference: Uint32Array;
  readonly current: Uint32Array;
  readonly count: number;
}

/** Bins of about equal counts that numbers are cut into. */
const parts = 10;

/** Projections of vectors that are each cut in two. */
const halved = 4;

/** Every row in its bin: deciles of both sides together, so that they stay as they are when rows change sides, with bins for ±Infinity, what is missing and what is no number. */
export function numberBins(reference: Column, current: Column): RowBins {
  const sides = [readNumbers(reference).values, readNumbers(current).values] as const;
  const pooled = new Float64Array(sides[0].length + sides[1].length);
  pooled.set(sides[0]);
  pooled.set(sides[1], sides[0].length);
  const edges = edgesOfSorted(finitePart(sortDoubles(pooled)), parts);
  const infinite = edges.length + 1;
  const bin = (value: unknown): number => {
    const number = value === null ? NaN : numberOf(value);
    if (number === undefined) return infinite + 3;
    if (Number.isNaN(number)) return infinite + 2;
    if (Number.isFinite(number)) return binOf(edges, number);
    return number > 0 ? infinite + 1 : infinite;
  };
  return { reference: eachRow(reference, bin), current: eachRow(current, bin), count: infinite + 4 };
}

/** Every row in the bin of its category, those of both sides together; what is missing has one of its own. */
export function categoryBins(reference: Column, current: Column): RowBins {
  const known = new Map<string, number>();
  const bin = (value: unknown): number => {
    if (value === null || Number.isNaN(value)) return 0;
    const category = categoryOf(value);
    const found = known.get(category);
    if (found !== undefined) return found;
    known.set(category, known.size + 1);
    return known.size;
  };
  const sides = [eachRow(reference, bin), eachRow(current, bin)] as const;
  return { reference: sides[0], current: sides[1], count: known.size + 1 };
}

/** Every row in the group of the word that is drawn of its text; what is missing and what is no text have one of their own. */
export function textBins(reference: Column, current: Column): RowBins {
  const draw = new WordDraw();
  const bin = (value: unknown): number => {
    if (value === null || Number.isNaN(value)) return wordGroups + 1;
    if (typeof value !== 'string') return wordGroups + 2;
    draw.draw(value);
    return draw.group;
  };
  return { reference: eachRow(reference, bin), current: eachRow(current, bin), count: wordGroups + 3 };
}

/** Every row by the side of the median, of both sides together, on which its first projections lie; what is missing and what is no vector have bins of their own. */
export function embeddingBins(reference: Column, current: Column): RowBins {
  const values = [reference, current].map((column) => Array.from(column.values, (_, i) => valueAt(column, i)));
  const all = values.flat();
  const projector = new Projector(vectorSize(all), projectionSeed);
  const places = all.map((value) => (value !== null && projector.read(value) === 'vector' ? projector.places.slice(1, 1 + halved) : undefined));
  const known = places.filter((each) => each !== undefined);
  const medians = Array.from({ length: halved }, (_, p) => known.map((each) => each[p]!).sort((a, b) => a - b)[known.length >> 1] ?? 0);
  const bins = Uint32Array.from(places, (each, i) => {
    if (each !== undefined) return medians.reduce((bin, median, p) => 2 * bin + (each[p]! >= median ? 1 : 0), 0);
    return 2 ** halved + (all[i] === null ? 0 : 1);
  });
  return { reference: bins.subarray(0, values[0]!.length), current: bins.subarray(values[0]!.length), count: 2 ** halved + 2 };
}

function eachRow(column: Column, bin: (value: unknown) => number): Uint32Array {
  return Uint32Array.from({ length: column.values.length }, (_, i) => bin(valueAt(column, i)));
}
