import { throwIfAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { BatchIds, openBatches } from '../metric-log.ts';
import { ExtremeBuckets } from './extreme-buckets.ts';
import { KeySample } from './key-sample.ts';
import { OrderedBuckets } from './ordered-buckets.ts';
import { orderOf } from './point-order.ts';
import { copied, joined, keepable, partOf, type SeriesPart, type SeriesPoints } from './series-points.ts';

/** The points of one metric of a run, by step, then timestamp, then the order of logging. */
export interface MetricSeries {
  /** Whole numbers, ascending. */
  readonly steps: Float64Array;
  /** Any numbers, NaN and ±Infinity included. */
  readonly values: Float64Array;
  /** Epoch milliseconds. */
  readonly timestamps: Float64Array;
  /** How many points there are in the range of steps that was asked for. */
  readonly total: number;
  /** Whether all of them are here; otherwise these are the first, the last, and the extremes of buckets of about equally many points. */
  readonly exact: boolean;
}

/** Which points of a metric are read. */
export interface MetricSeriesOptions extends OperationOptions {
  /**
   * At most so many points, from 4. When there are more, the series is divided into buckets of about equally many points, and of each its least and its greatest
   * value are given (a NaN where it has nothing else), and the first and the last point of all.
   * @default all
   */
  maxPoints?: number | undefined;
  /** Points of this step and later ones. @default the first */
  from?: number | undefined;
  /** Points of this step and earlier ones. @default the last */
  to?: number | undefined;
}

/** So many points are held rather than read a second time, or as many as are asked for. */
const heldPoints = 1 << 15;
/** From more than so many, buckets are not made in one pass: it would take more than 50 MB. */
const mostInOnePass = 1 << 17;

/**
 * The points of one metric in a run's log: by step, then timestamp, then the order of logging.
 *
 * A batch that is in the log more than once, since an append was retried or two stores were replicated, counts once; batches are known by their session and
 * number. Points that a run has logged twice, equal ones too, are two points: within a millisecond, a loop may well log the same value again.
 *
 * With `maxPoints` the memory does not grow with the log, and points that were logged in order are read once. Where some were not, or more than 131,072 are asked for, more than 32,768 of them are
 * read twice, and what is appended between the readings is left out. Without it, costs 48 bytes for each point. O(n), and O(n log r) where the points stand in r ascending runs.
 *
 * Throws `ValidationError` for a range or `maxPoints` that are none.
 */
export async function readSeries(storage: StorageAdapter, log: Key, name: string, options: MetricSeriesOptions = {}): Promise<MetricSeries> {
  const { maxPoints = Infinity } = checked(options);
  const source: SeriesSource = { storage, log, name, options };
  return maxPoints === Infinity ? readAll(source) : readFew(source, maxPoints);
}

interface SeriesSource {
  readonly storage: StorageAdapter;
  readonly log: Key;
  readonly name: string;
  readonly options: MetricSeriesOptions;
}

async function readAll(source: SeriesSource): Promise<MetricSeries> {
  const parts: SeriesPart[] = [];
  for await (const part of partsIn(source, { seen: new BatchIds() })) parts.push(keepable(part));
  return allOf(parts);
}

async function readFew(source: SeriesSource, maxPoints: number): Promise<MetricSeries> {
  const seen = new BatchIds();
  const sample = new KeySample(bucketsFor(maxPoints));
  let ordered = maxPoints <= mostInOnePass ? new OrderedBuckets(bucketsFor(maxPoints)) : undefined;
  let held: SeriesPart[] | undefined = [];
  let total = 0;
  for await (const part of partsIn(source, { seen, transient: true })) {
    total += part.values.length;
    if (total > Math.max(heldPoints, maxPoints)) held = undefined;
    held?.push(copied(part));
    if (ordered?.add(part) === false) ordered = undefined;
    sample.add(part);
  }
  if (held !== undefined && total <= maxPoints) return allOf(held);
  if (ordered !== undefined) return { ...ordered.points(), total, exact: false };

  const buckets = new ExtremeBuckets(sample.bounds());
  if (held) for (const part of held) buckets.add(part);
  else for await (const part of partsIn(source, { within: seen, transient: true })) buckets.add(part);
  return { ...buckets.points(), total, exact: false };
}

function allOf(parts: readonly SeriesPart[]): MetricSeries {
  const total = parts.reduce((sum, { values }) => sum + values.length, 0);
  return { ...inOrder(joined(parts, total)), total, exact: true };
}

/** Two points for each bucket, and the two ends. */
function bucketsFor(maxPoints: number): number {
  return Math.floor((maxPoints - 2) / 2);
}

/** Which batches are read, and how. */
interface Reading {
  /** Is told the batches. */
  readonly seen?: BatchIds;
  /** Those that alone count, at a second reading. */
  readonly within?: BatchIds;
  /** Whether each part is done with before the next one is asked for. */
  readonly transient?: boolean;
}

/** The points batch by batch. */
async function* partsIn({ storage, log, name, options }: SeriesSource, { seen, within, transient }: Reading): AsyncGenerator<SeriesPart> {
  const { from = -Infinity, to = Infinity, signal } = options;
  for await (const batch of openBatches(storage, log, { signal, transient }, seen)) {
    throwIfAborted(signal, `Reading metric '${name}'`);
    const code = batch.names.indexOf(name);
    if (code < 0 || within?.has(batch) === false) continue;
    const part = partOf(batch, code, from, to);
    if (part.values.length > 0) yield part;
  }
}

function inOrder(points: SeriesPoints): SeriesPoints {
  const order = orderOf(points.steps, points.timestamps);
  if (order === undefined) return points;
  const pick = (column: Float64Array): Float64Array => {
    const picked = new Float64Array(order.length);
    for (let i = 0; i < order.length; i++) picked[i] = column[order[i]!]!;
    return picked;
  };
  return { steps: pick(points.steps), values: pick(points.values), timestamps: pick(points.timestamps) };
}

const names: OptionNames<MetricSeriesOptions> = { maxPoints: true, from: true, to: true, signal: true };

function checked(options: MetricSeriesOptions): MetricSeriesOptions {
  checkOptionNames(options, names, 'metricHistory');
  const { maxPoints, from = -Infinity, to = Infinity } = options;
  if (maxPoints !== undefined && maxPoints !== Infinity && !(Number.isSafeInteger(maxPoints) && maxPoints >= 4)) {
    throw new ValidationError(`maxPoints is ${shown(maxPoints)}; give a whole number of at least 4: the two ends, and the least and greatest value between them.`, {
      path: 'maxPoints',
    });
  }
  for (const [path, step] of [['from', from], ['to', to]] as const) {
    if (typeof step !== 'number' || Number.isNaN(step)) throw new ValidationError(`${path} is ${shown(step)}; give a step, which is a number.`, { path });
  }
  if (from > to) throw new ValidationError(`from is ${from} and to is ${to}; the range of steps must not end before it begins.`, { path: 'from' });
  return options;
}
