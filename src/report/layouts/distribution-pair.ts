import type { CategoryProfile, ColumnProfile, RowCounts } from '../../stats/profiles/column-profile.ts';
import type { ColumnDrift } from '../../stats/profiles/data-drift.ts';
import type { GridCounts } from '../../stats/profiles/grid-counts.ts';
import { sumOf } from '../../stats/profiles/grid-counts.ts';

/** A bin of two distributions. */
export interface PairBin {
  readonly label: string;
  /** Share of each side's rows, 0 to 1. */
  readonly reference: number;
  readonly current: number;
}

/** Two distributions of a column in the same bins. */
export interface DistributionPair {
  /** What is counted, such as `values` or `length in characters`. */
  readonly of: string;
  /** `size`: bins of equal width along a scale; `kind`: one beside the other in no order that means anything. */
  readonly scale: 'size' | 'kind';
  /** The ends of the bins of a scale, one more than there are bins; what lies beyond is in the first and the last. Empty for kinds. */
  readonly edges: readonly number[];
  readonly bins: readonly PairBin[];
  /** What is not among the bins, in words. */
  readonly leftOut?: string | undefined;
}

const sizeBins = 20;
const kindBins = 12;
// So much of each side may lie beyond the scale at each end, so that single values do not press all others together.
const beyond = 0.005;

/** Both distributions of a column by its profiles, which must have been counted in the same bins; `undefined` where there is nothing to draw. */
export function pairOfProfiles(reference: ColumnProfile, current: ColumnProfile): DistributionPair | undefined {
  if (reference.kind === 'number' && current.kind === 'number') return pairOfGrids('values', reference, current);
  if (reference.kind === 'category' && current.kind === 'category') return pairOfCategories(reference, current);
  if (reference.kind === 'text' && current.kind === 'text') return pairOfGrids('length in characters', reference.lengths, current.lengths);
  if (reference.kind === 'embedding' && current.kind === 'embedding') return pairOfGrids('norm', reference.norms, current.norms);
  if (reference.kind === 'timestamp' && current.kind === 'timestamp' && reference.calendar && current.calendar) return pairOfHours(reference.calendar.hours, current.calendar.hours);
  return undefined;
}

/** What a verdict alone tells: the bins that moved most, and the rest together. */
export function pairOfMoved({ moved, effect }: Pick<ColumnDrift, 'moved' | 'effect'>): DistributionPair | undefined {
  if (moved.length === 0) return undefined;
  const ordered = effect?.binRule.endsWith('deciles') ? [...moved].sort((a, b) => startOf(a.bin) - startOf(b.bin)) : moved;
  const bins = ordered.map(({ bin, reference, current }) => ({ label: bin, reference, current }));
  const rest = (side: 'reference' | 'current'): number => Math.max(0, 1 - bins.reduce((sum, bin) => sum + bin[side], 0));
  const [reference, current] = [rest('reference'), rest('current')];
  const others = reference + current > 1e-9 ? [{ label: 'all others', reference, current }] : [];
  return { of: 'the bins that moved most', scale: 'kind', edges: [], bins: [...bins, ...others] };
}

/** Where a bin of numbers begins, as a verdict names it: "below 3", "3 to 5", "exactly 5", "above 5 to 9", "9 and above". */
function startOf(bin: string): number {
  if (bin.startsWith('below ')) return -Number.MAX_VALUE;
  const from = Number(/-?[\d.]+(?:e[-+]?\d+)?/.exec(bin)?.[0] ?? NaN);
  return Number.isNaN(from) ? Number.MAX_VALUE : from;
}

function pairOfCategories(reference: CategoryProfile, current: CategoryProfile): DistributionPair | undefined {
  if (reference.tooMany || current.tooMany) return undefined;
  const [a, b] = [new Map(reference.categories), new Map(current.categories)];
  const [ofA, ofB] = [rowsOf(a), rowsOf(b)];
  if (ofA + ofB === 0) return undefined;
  const all = [...new Set([...a.keys(), ...b.keys()])].map((label) => ({ label, reference: share(a.get(label), ofA), current: share(b.get(label), ofB) }));
  all.sort((one, other) => other.reference + other.current - one.reference - one.current || (one.label < other.label ? -1 : 1));
  if (all.length <= kindBins) return { of: 'categories', scale: 'kind', edges: [], bins: all };
  const rest = all.slice(kindBins - 1);
  const others = { label: `${rest.length} others`, reference: rest.reduce((sum, bin) => sum + bin.reference, 0), current: rest.reduce((sum, bin) => sum + bin.current, 0) };
  return { of: 'categories', scale: 'kind', edges: [], bins: [...all.slice(0, kindBins - 1), others], leftOut: `the ${kindBins - 1} most frequent of ${all.length} categories` };
}

function pairOfHours(reference: readonly number[], current: readonly number[]): DistributionPair | undefined {
  const [ofA, ofB] = [sumOf(reference), sumOf(current)];
  if (ofA + ofB === 0) return undefined;
  const bins = reference.map((rows, hour) => ({ label: `${String(hour).padStart(2, '0')}:00`, reference: share(rows, ofA), current: share(current[hour], ofB) }));
  return { of: 'hour of the day, UTC', scale: 'kind', edges: [], bins };
}

function pairOfGrids(of: string, reference: GridCounts, current: GridCounts): DistributionPair | undefined {
  if (reference.edges.length !== current.edges.length || reference.edges.some((edge, i) => edge !== current.edges[i])) return undefined;
  const sides = [pieces(reference), pieces(current)].map((side) => ({ side, rows: side.reduce((sum, piece) => sum + piece.rows, 0) }));
  const ends = sides.flatMap(({ side, rows }) => (rows === 0 ? [] : [quantile(side, rows * beyond), quantile(side, rows * (1 - beyond))]));
  if (ends.length === 0) return undefined;
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  // Of one value that all rows have there is one bin.
  const count = low === high ? 1 : sizeBins;
  const edges = Array.from({ length: count + 1 }, (_, i) => (i === count ? high : low + ((high - low) * i) / count));
  const [a, b] = sides.map(({ side, rows }) => spread(side, edges).map((value) => share(value, rows)));
  const bins = a!.map((value, i) => ({ label: `${shortNumber(edges[i]!)} to ${shortNumber(edges[i + 1]!)}`, reference: value, current: b![i]! }));
  return { of, scale: 'size', edges, bins };
}

/** Rows that lie somewhere between two numbers. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

/** The bins of a grid that have rows. Those at its ends, which have no bound, reach to the least and the largest number. */
function pieces({ edges, counts, min, max }: GridCounts): Piece[] {
  if (min === null || max === null) return [];
  return counts.flatMap((rows, i) => {
    if (rows === 0) return [];
    const from = Math.max(min, edges[i - 1] ?? min);
    return [{ from, to: Math.max(from, Math.min(max, edges[i] ?? max)), rows }];
  });
}

/** The number below which so many rows lie, were those of each piece spread evenly. */
function quantile(side: readonly Piece[], rank: number): number {
  let below = 0;
  for (const { from, to, rows } of side) {
    if (below + rows >= rank) return from + ((to - from) * Math.max(0, rank - below)) / rows;
    below += rows;
  }
  return side.at(-1)!.to;
}

/** Rows between edges, those of each piece spread evenly; what lies beyond the edges is in the first and the last bin. */
function spread(side: readonly Piece[], edges: readonly number[]): number[] {
  const bins = new Array<number>(edges.length - 1).fill(0);
  const [low, high] = [edges[0]!, edges.at(-1)!];
  const width = (high - low) / bins.length;
  const binAt = (value: number): number => (width === 0 ? 0 : Math.min(bins.length - 1, Math.max(0, Math.floor((value - low) / width))));
  for (const { from, to, rows } of side) {
    const [first, last] = [binAt(from), binAt(to)];
    for (let i = first; i <= last; i++) {
      const start = i === first ? from : edges[i]!;
      const end = i === last ? to : edges[i + 1]!;
      bins[i]! += first === last ? rows : (rows * Math.max(0, end - start)) / (to - from);
    }
  }
  return bins;
}

function rowsOf(categories: ReadonlyMap<string, number>): number {
  return sumOf([...categories.values()]);
}

function share(rows: number | undefined, of: number): number {
  return of === 0 ? 0 : (rows ?? 0) / of;
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Rows without a value that a chart could show, in words; empty when there are none. */
export function besideValues({ rows, missing, nan, infinite, mistyped }: RowCounts): string[] {
  const parts = ([['missing', missing], ['NaN', nan], ['infinite', infinite], ['of another kind', mistyped]] as const).filter(([, count]) => count > 0);
  return parts.map(([what, count]) => `${count} of ${rows} ${what}`);
}
