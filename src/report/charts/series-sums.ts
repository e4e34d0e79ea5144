import { formatCount, formatNumber } from '../svg/format.ts';
import type { DataTable } from './chart.ts';
import type { LineSeries } from './line.ts';

/** A line in numbers. What cannot be drawn is counted apart. */
export interface SeriesSums {
  readonly name: string;
  /** Points before any thinning. */
  readonly total: number;
  /** Points here that can be drawn. */
  readonly shown: number;
  /** Points that are not finite. */
  readonly gaps: number;
  /** Finite points that a logarithmic axis has no place for. */
  readonly notPositive: number;
  readonly first: number;
  readonly last: number;
  readonly least: number;
  readonly leastAt: number;
  readonly greatest: number;
  readonly greatestAt: number;
}

/** Sums up a line over the points that can be drawn. O(n). */
export function sumUp({ name, x, y, total }: LineSeries, logX: boolean, logY: boolean): SeriesSums {
  const sums = { name, total: total ?? y.length, shown: 0, gaps: 0, notPositive: 0, first: NaN, last: NaN, least: NaN, leastAt: NaN, greatest: NaN, greatestAt: NaN };
  for (let i = 0; i < y.length; i++) {
    const value = y[i]!;
    const at = x[i]!;
    if (value - value !== 0 || at - at !== 0) {
      sums.gaps++;
      continue;
    }
    if ((logX && at <= 0) || (logY && value <= 0)) {
      sums.notPositive++;
      continue;
    }
    if (sums.shown++ === 0) sums.first = value;
    sums.last = value;
    if (!(value >= sums.least)) [sums.least, sums.leastAt] = [value, at];
    if (!(value <= sums.greatest)) [sums.greatest, sums.greatestAt] = [value, at];
  }
  return sums;
}

/** Up to so many points stand in a table one by one. */
const mostRows = 100;

/** The points of lines, or where these are many, each line summed up. */
export function seriesTable(series: readonly LineSeries[], sums: readonly SeriesSums[], leftOut: number, xName: string, describeX: (value: number) => string): DataTable {
  const points = series.reduce((sum, { x }) => sum + x.length, 0);
  const missing = leftOut > 0 ? ` ${formatCount(leftOut, 'series is', 'series are')} left out.` : '';
  const total = sums.reduce((sum, each) => sum + each.total, 0);
  if (total <= mostRows && points === total) {
    const rows = series.flatMap(({ name, x, y }) => Array.from({ length: x.length }, (_, i) => [name, describeX(x[i]!), y[i]!]));
    return { columns: ['series', xName, 'value'], rows, leftOut: missing.trim() || undefined };
  }
  const empty = (value: number): number | null => (value === value ? value : null);
  return {
    columns: ['series', 'points', 'gaps', 'first', 'last', 'least', `${xName} of least`, 'greatest', `${xName} of greatest`],
    rows: sums.map((each) => [
      each.name,
      each.total,
      each.gaps,
      empty(each.first),
      empty(each.last),
      empty(each.least),
      each.shown > 0 ? describeX(each.leastAt) : null,
      empty(each.greatest),
      each.shown > 0 ? describeX(each.greatestAt) : null,
    ]),
    leftOut: `Each series is summed up; it has ${formatNumber(total)} points in all.${missing}`,
  };
}
