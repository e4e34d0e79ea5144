import { isPresent, type Column } from '../../core/column.ts';
import { hellingerDistance } from '../../stats/distances/hellinger-distance.ts';
import { jensenShannonDistance } from '../../stats/distances/jensen-shannon-distance.ts';
import { lInfinity } from '../../stats/distances/l-infinity.ts';
import { psi } from '../../stats/distances/psi.ts';
import { totalVariation } from '../../stats/distances/total-variation.ts';
import { wassersteinDistance } from '../../stats/distances/wasserstein-distance.ts';
import { countInBins } from '../../stats/samples/count-in-bins.ts';
import { quantileEdges } from '../../stats/samples/quantile-edges.ts';
import { SortedSample } from '../../stats/samples/sorted-sample.ts';
import { gapOf } from '../../stats/tests/ks-gap.ts';
import { defaultMinRows, type DriftCheck } from './drift-check.ts';

/** Numbers of a reference, in order. */
export interface NumberSample {
  readonly kind: 'number';
  /** How many values there are. */
  readonly size: number;
  /** They, or as many quantiles of them as are known. */
  readonly sorted: SortedSample;
}

/** Texts or truth values of a reference. */
export interface CategorySample {
  readonly kind: 'category';
  readonly size: number;
  readonly counts: ReadonlyMap<string, number>;
  /** Whether there are no others, and each count is exact. */
  readonly exact: boolean;
}

/** What the values of columns are compared with. */
export type DriftSample = NumberSample | CategorySample;

/** What was found of a column. */
export interface DriftFinding {
  readonly status: 'passed' | 'failed' | 'insufficient';
  /** Absent when there was not enough to measure. */
  readonly distance?: number | undefined;
  /** In words. */
  readonly message: string;
}

const bins = 10;

/** The sample that the values of columns are, in the order of their rows; all are of one kind. */
export function sampleOf(columns: readonly Column[], kind: DriftSample['kind']): DriftSample {
  if (kind === 'number') {
    const numbers = numbersOf(columns);
    return { kind, size: numbers.length, sorted: SortedSample.of(numbers) };
  }
  const counts = countCategories(columns);
  return { kind, size: sum(counts.values()), counts, exact: true };
}

/** Compares the values of a column of the sample's kind with it; `what` names the column. */
export function measureDrift(check: DriftCheck, reference: DriftSample, column: Column, what: string): DriftFinding {
  const { method, max, minRows = defaultMinRows } = check;
  const current = reference.kind === 'number' ? numbersOf([column]) : countCategories([column]);
  const size = current instanceof Map ? sum(current.values()) : current.length;
  if (size < minRows || reference.size < minRows) {
    const [few, whose] = size < minRows ? [size, what] : [reference.size, `the reference of ${what}`];
    return { status: 'insufficient', message: `${whose} has ${few} values, fewer than the ${minRows} that ${method} is measured of.` };
  }
  if (reference.kind === 'category' && !reference.exact) {
    return { status: 'insufficient', message: `The reference of ${what} has more different texts than the statistics of a day count; compare with a saved dataset.` };
  }
  const distance = current instanceof Map ? categoryDistance(method, reference as CategorySample, current) : numberDistance(method, reference as NumberSample, current);
  const told = `${what} is ${Number(distance.toPrecision(6))} from its reference by ${method}`;
  return distance <= max ? { status: 'passed', distance, message: `${told}, at most the ${max} that it may be.` } : { status: 'failed', distance, message: `${told}, more than the ${max} that it may be.` };
}

function numberDistance(method: DriftCheck['method'], { sorted }: NumberSample, current: Float64Array): number {
  if (method === 'kolmogorov-smirnov') {
    const { greater, less, n, m } = gapOf(sorted, current);
    return Math.max(greater, less) / (n * m);
  }
  // An infinite value is infinitely far from any other.
  if (method === 'wasserstein') return current.every(Number.isFinite) ? wassersteinDistance(sorted, current, { scale: 'reference-sd' }) : Infinity;
  const edges = quantileEdges(sorted, bins);
  return binnedDistance(method, countInBins(sorted, edges), countInBins(current, edges));
}

function categoryDistance(method: DriftCheck['method'], reference: CategorySample, current: ReadonlyMap<string, number>): number {
  const before = [...reference.counts.values(), 0];
  const now = [...reference.counts.keys()].map((category) => current.get(category) ?? 0);
  // What the reference does not have is one category.
  return binnedDistance(method, before, [...now, sum(current.values()) - sum(now)]);
}

function binnedDistance(method: DriftCheck['method'], before: ArrayLike<number>, now: ArrayLike<number>): number {
  switch (method) {
    case 'psi':
      return psi(before, now).value;
    case 'jensen-shannon':
      return jensenShannonDistance(before, now, { base: 2 });
    case 'hellinger':
      return hellingerDistance(before, now);
    case 'total-variation':
      return totalVariation(before, now);
    default:
      return lInfinity(before, now);
  }
}

/** The numbers of columns, without what is missing or NaN. */
function numbersOf(columns: readonly Column[]): Float64Array {
  const numbers = new Float64Array(columns.reduce((size, { values }) => size + values.length, 0));
  let size = 0;
  for (const column of columns) {
    for (let i = 0; i < column.values.length; i++) {
      const number = isPresent(column, i) ? Number(column.values[i]) : NaN;
      if (number === number) numbers[size++] = number;
    }
  }
  return numbers.subarray(0, size);
}

function countCategories(columns: readonly Column[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const column of columns) {
    const names = column.type === 'string' ? column.dictionary : ['false', 'true'];
    const byCode = new Float64Array(names.length);
    for (let i = 0; i < column.values.length; i++) if (isPresent(column, i)) byCode[column.values[i] as number]!++;
    names.forEach((name, code) => {
      if (byCode[code]! > 0) counts.set(name, (counts.get(name) ?? 0) + byCode[code]!);
    });
  }
  return counts;
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
