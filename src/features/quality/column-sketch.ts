import { canonicalJson } from '../../core/codec.ts';
import { embeddingSize, isPresent, valueAt, type Column, type ColumnType } from '../../core/column.ts';
import { HyperLogLog, type HyperLogLogState } from '../../stats/sketches/hyper-log-log.ts';
import { KllSketch, type KllSketchState } from '../../stats/sketches/kll-sketch.ts';
import { Moments, type MomentsState } from '../../stats/sketches/moments.ts';
import type { ScalarValue } from '../../stats/sketches/scalar-value.ts';
import { SortedSample } from '../../stats/samples/sorted-sample.ts';
import { TopK, type TopKState } from '../../stats/sketches/top-k.ts';
import type { DriftSample } from './measure-drift.ts';

/** What the values of a column were over some rows. */
export interface ColumnStatistics {
  /** The type of the column. */
  readonly type: ColumnType;
  /** Rows with a value, NaN included. */
  readonly count: number;
  /** Rows without one. */
  readonly nulls: number;
  /** Rows with NaN; they take no part in what follows. */
  readonly nan: number;
  /** Of numbers and timestamps (epoch milliseconds): the mean of the finite ones; `null` of none. */
  readonly mean?: number | null | undefined;
  /** Their standard deviation, unbiased; `null` of fewer than two. */
  readonly std?: number | null | undefined;
  /** The smallest finite one. */
  readonly min?: number | null | undefined;
  /** The largest finite one. */
  readonly max?: number | null | undefined;
  /** Quantiles by a KLL sketch: exact of up to 200 values, otherwise with a rank within about 1.2 %. */
  readonly quantiles?: Readonly<Record<'p01' | 'p05' | 'p25' | 'p50' | 'p75' | 'p95' | 'p99', number | null>> | undefined;
  /** How many different values there are, by HyperLogLog: nearly exact of a few hundred, otherwise with a standard error of 1.6 %; absent for embeddings. */
  readonly distinct?: number | undefined;
  /** The most frequent values of texts, truth values and integers, at most ten, with how often each was seen at least; exact of up to 256 different ones. */
  readonly top?: readonly FrequentValue[] | undefined;
}

/** A frequent value. */
export interface FrequentValue {
  /** The value. */
  readonly value: string | number | boolean | bigint;
  /** How often it was seen, at least. */
  readonly count: number;
}

/** A stored {@link ColumnSketch}. */
export interface ColumnSketchState {
  readonly type: ColumnType;
  readonly count: number;
  readonly nulls: number;
  readonly moments?: MomentsState | undefined;
  readonly quantiles?: KllSketchState | undefined;
  readonly distinct?: HyperLogLogState | undefined;
  readonly top?: TopKState | undefined;
}

const shares = { p01: 0.01, p05: 0.05, p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const;
const maxTop = 10;
const mostQuantiles = 1000;

/** Statistics of a column that can be stored and merged. */
export class ColumnSketch {
  readonly #type: ColumnType;
  #count = 0;
  #nulls = 0;
  readonly #moments: Moments | undefined;
  readonly #quantiles: KllSketch | undefined;
  readonly #distinct: HyperLogLog | undefined;
  readonly #top: TopK | undefined;

  constructor(type: ColumnType, state?: ColumnSketchState) {
    this.#type = type;
    const numeric = type === 'float64' || type === 'int64' || type === 'timestamp';
    this.#count = state?.count ?? 0;
    this.#nulls = state?.nulls ?? 0;
    this.#moments = numeric ? (state ? Moments.fromJSON(state.moments) : new Moments()) : undefined;
    this.#quantiles = numeric ? (state ? KllSketch.fromJSON(state.quantiles) : new KllSketch()) : undefined;
    this.#distinct = embeddingSize(type) !== undefined ? undefined : state ? HyperLogLog.fromJSON(state.distinct) : new HyperLogLog();
    this.#top = type === 'string' || type === 'bool' || type === 'int64' ? (state ? TopK.fromJSON(state.top) : new TopK()) : undefined;
  }

  /** Takes in some rows of a column; without the column, they have no value. */
  add(column: Column | undefined, rows: readonly number[]): void {
    const present = column ? rows.filter((row) => isPresent(column, row)) : [];
    this.#count += present.length;
    this.#nulls += rows.length - present.length;
    if (column === undefined) return;
    if (this.#moments) {
      const numbers = Float64Array.from(present, (row) => Number(column.values[row]));
      this.#moments.updateAll(numbers);
      this.#quantiles!.updateAll(numbers.filter(Number.isFinite));
    }
    for (const row of present) {
      const value = valueAt(column, row);
      this.#distinct?.update(typeof value === 'object' && !(value instanceof Uint8Array) ? canonicalJson(value) : (value as ScalarValue | Uint8Array));
      this.#top?.update(value as ScalarValue);
    }
  }

  /** Takes in what another has seen of the same column. */
  merge(other: ColumnSketch): void {
    this.#count += other.#count;
    this.#nulls += other.#nulls;
    if (this.#moments) this.#moments.merge(other.#moments!);
    if (this.#quantiles) this.#quantiles.merge(other.#quantiles!);
    if (this.#distinct) this.#distinct.merge(other.#distinct!);
    if (this.#top) this.#top.merge(other.#top!);
  }

  /** The whole state as plain data. */
  toJSON(): ColumnSketchState {
    return { type: this.#type, count: this.#count, nulls: this.#nulls, moments: this.#moments?.toJSON(), quantiles: this.#quantiles?.toJSON(), distinct: this.#distinct?.toJSON(), top: this.#top?.toJSON() };
  }

  /** The values as far as they are known, for others to be compared with: numbers, or categories. Of columns of numbers, texts and truth values only. */
  driftSample(): DriftSample {
    const sketch = this.#quantiles;
    if (sketch === undefined) {
      const { items, total } = this.#top!.top();
      return { kind: 'category', size: total, counts: new Map(items.map(({ value, count }) => [String(value), count])), exact: this.#top!.error === 0 };
    }
    const known = Math.min(sketch.count, mostQuantiles);
    return { kind: 'number', size: sketch.count, sorted: SortedSample.of(Float64Array.from({ length: known }, (_, i) => sketch.quantile((i + 0.5) / known))) };
  }

  /** The statistics. */
  statistics(): ColumnStatistics {
    const [moments, quantiles] = [this.#moments, this.#quantiles];
    return {
      type: this.#type,
      count: this.#count,
      nulls: this.#nulls,
      nan: moments?.nan ?? 0,
      ...(moments && { mean: finite(moments.mean), std: finite(moments.standardDeviation), min: finite(moments.min), max: finite(moments.max) }),
      ...(quantiles && { quantiles: Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, finite(quantiles.quantile(share))])) as never }),
      ...(this.#distinct && { distinct: Math.round(this.#distinct.estimate()) }),
      ...(this.#top && { top: this.#top.top(maxTop).items.map(({ value, count }) => ({ value, count })) }),
    };
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
