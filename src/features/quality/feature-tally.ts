import { isPresent, valueAt, type Column, type ColumnType } from '../../core/column.ts';
import type { Row } from '../../core/table.ts';
import { quantileSorted } from '../../stats/samples/quantile-sorted.ts';
import { ownValue } from '../own-values.ts';
import type { FeatureStatus } from '../record-answer.ts';
import { compareValues } from './compare-values.ts';
import type { SkewCause, SkewDistance, SkewExample } from './skew-report.ts';

/** One feature of rows that were served alike, beside what the replay gives. */
export interface ServedColumn {
  readonly served: Column;
  readonly replayed: Column;
  readonly at: Float64Array;
  readonly entityAt: (row: number) => Row;
  readonly statusAt: (row: number) => FeatureStatus | undefined;
  readonly causeAt: (row: number) => SkewCause;
}

/** Counts how one feature differs between serving and training. */
export class FeatureTally {
  readonly name: string;
  readonly feature: string;
  readonly type: ColumnType;
  readonly #tolerance: number;
  readonly #maxExamples: number;
  readonly causes: Partial<Record<SkewCause, number>> = {};
  rows = 0;
  compared = 0;
  mismatch = 0;
  missing = 0;
  extra = 0;
  #distances = 0;
  #symmetric = 0;
  /** Those that are not 0. */
  readonly #absolute: number[] = [];
  readonly #relative: number[] = [];
  #examples: { readonly rank: number; readonly example: SkewExample }[] = [];

  constructor(name: string, feature: string, type: ColumnType, tolerance: number, maxExamples: number) {
    this.name = name;
    this.feature = feature;
    this.type = type;
    this.#tolerance = tolerance;
    this.#maxExamples = maxExamples;
  }

  /** Rows that differ. */
  get different(): number {
    return this.mismatch + this.missing + this.extra;
  }

  /** Counts rows. */
  add({ served, replayed, at, entityAt, statusAt, causeAt }: ServedColumn): void {
    for (let row = 0; row < at.length; row++) {
      this.rows++;
      const [isServed, isReplayed] = [isPresent(served, row), isPresent(replayed, row)];
      let apart = 1;
      if (isServed && isReplayed) {
        this.compared++;
        const gap = compareValues(served, replayed, row, this.#tolerance);
        if (gap.absolute !== undefined) this.#measure(gap.absolute, gap.relative!, gap.symmetric!);
        if (gap.same) continue;
        this.mismatch++;
        apart = gap.relative ?? 1;
      } else if (isServed) this.extra++;
      else if (isReplayed) this.missing++;
      else continue;
      const cause = causeAt(row);
      this.causes[cause] = (this.causes[cause] ?? 0) + 1;
      this.#keep(apart + (cause === 'late' ? 0 : 10), () => ({
        entity: entityAt(row),
        at: at[row]!,
        served: ownValue(valueAt(served, row)),
        status: statusAt(row),
        replayed: ownValue(valueAt(replayed, row)),
        cause,
      }));
    }
  }

  /** The examples, the worst first. */
  get examples(): readonly SkewExample[] {
    return this.#examples.map(({ example }) => example);
  }

  /** The distances; nothing where no two numbers were compared. */
  distances(): { readonly absolute: SkewDistance; readonly relative: SkewDistance; readonly smape: number } | undefined {
    if (this.#distances === 0) return undefined;
    return { absolute: this.#summary(this.#absolute), relative: this.#summary(this.#relative), smape: this.#symmetric / this.#distances };
  }

  #measure(absolute: number, relative: number, symmetric: number): void {
    this.#distances++;
    if (absolute === 0) return;
    this.#symmetric += symmetric;
    this.#absolute.push(absolute);
    this.#relative.push(relative);
  }

  #summary(positive: readonly number[]): SkewDistance {
    const sorted = new Float64Array(this.#distances);
    sorted.set(positive, this.#distances - positive.length);
    sorted.sort();
    const mean = positive.reduce((sum, each) => sum + each / this.#distances, 0);
    return { mean, p50: quantileSorted(sorted, 0.5), p95: quantileSorted(sorted, 0.95), max: sorted.at(-1)! };
  }

  #keep(rank: number, make: () => SkewExample): void {
    if (this.#examples.length >= this.#maxExamples && !(rank > (this.#examples.at(-1)?.rank ?? Infinity))) return;
    const place = this.#examples.findIndex((each) => rank > each.rank);
    this.#examples.splice(place < 0 ? this.#examples.length : place, 0, { rank, example: make() });
    this.#examples = this.#examples.slice(0, this.#maxExamples);
  }
}
