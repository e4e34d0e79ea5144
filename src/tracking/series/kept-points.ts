import { PointColumns } from './point-columns.ts';
import { emptyPoints, type SeriesPoints } from './series-points.ts';

/** Which points of a series are kept of it: of each bucket the least and the greatest, and the first NaN; and the two ends of all. */
export interface KeptPoints {
  readonly least: PointColumns;
  readonly greatest: PointColumns;
  readonly nan: PointColumns;
  /** The first and the last point. */
  readonly ends: PointColumns;
}

/** Nothing yet, in so many buckets. */
export function keptPoints(buckets: number): KeptPoints {
  return { least: new PointColumns(buckets), greatest: new PointColumns(buckets), nan: new PointColumns(buckets), ends: new PointColumns(2) };
}

/** The points of the first `buckets`, in order and each once; a NaN where a bucket has nothing else. */
export function seriesOf({ least, greatest, nan, ends }: KeptPoints, buckets: number): SeriesPoints {
  const out = emptyPoints(2 * buckets + 2);
  let count = 0;
  let place = -1;
  const take = (columns: PointColumns, i: number): void => {
    if (!columns.has(i) || columns.places[i] === place) return;
    place = columns.places[i]!;
    out.steps[count] = columns.steps[i]!;
    out.values[count] = columns.values[i]!;
    out.timestamps[count++] = columns.timestamps[i]!;
  };
  take(ends, 0);
  for (let bucket = 0; bucket < buckets; bucket++) {
    if (!least.has(bucket)) {
      take(nan, bucket);
      continue;
    }
    const upwards = greatest.comesAfter(bucket, least);
    take(upwards ? least : greatest, bucket);
    take(upwards ? greatest : least, bucket);
  }
  take(ends, 1);
  return { steps: out.steps.slice(0, count), values: out.values.slice(0, count), timestamps: out.timestamps.slice(0, count) };
}
