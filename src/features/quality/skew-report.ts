import type { ColumnType } from '../../core/column.ts';
import type { Row } from '../../core/table.ts';
import type { ColumnDrift, DataDrift } from '../../stats/profiles/data-drift.ts';
import type { TransformFailure } from '../compute-on-demand.ts';
import type { FeatureStatus } from '../record-answer.ts';

/**
 * Whether serving and training agree: `equal` when no more rows differ than may, `late` when those beyond that are all explained by rows that were ingested after they were served, `skewed` when not, `unjudged` when
 * there was nothing to compare.
 */
export type SkewStatus = 'equal' | 'late' | 'skewed' | 'unjudged';

/**
 * Why a value that was served is not what training computes. `late`: rows that were ingested after it was served. `stale`: the online record lacked rows that were ingested before. `unlogged`: it was served of a row that is
 * not in the log of rows (any more). `default`: both have no value, and what stands in its place is different. `version`: another version of its view answered. `function`: an on-demand view gave something else for the
 * same inputs, under the same version. `unknown`: none of these, or what was served does not say.
 */
export type SkewCause = 'late' | 'stale' | 'unlogged' | 'default' | 'version' | 'function' | 'unknown';

/** How far served numbers are from replayed ones, over all rows where both are numbers, equal ones included. */
export interface SkewDistance {
  /** The mean. */
  readonly mean: number;
  /** The median. */
  readonly p50: number;
  /** What 95 % of the rows do not exceed. */
  readonly p95: number;
  /** The largest. */
  readonly max: number;
}

/** A row in which serving and training differ. */
export interface SkewExample {
  /** What decided the answer: keys, and values of the request. */
  readonly entity: Row;
  /** When it was served, epoch milliseconds. */
  readonly at: number;
  /** What was served. */
  readonly served: unknown;
  /** How that was told; absent where rows were given that do not say. */
  readonly status?: FeatureStatus | undefined;
  /** What training computes for that moment. */
  readonly replayed: unknown;
  /** Why they differ. */
  readonly cause: SkewCause;
}

/** What became of one feature. */
export interface FeatureSkew {
  /** The column of the answer. */
  readonly name: string;
  /** What it is: `view:feature`. */
  readonly feature: string;
  /** The type of its values. */
  readonly type: ColumnType;
  /** The verdict. */
  readonly status: SkewStatus;
  /** The verdict in words. */
  readonly reason: string;
  /** Rows that were looked at. */
  readonly rows: number;
  /** Rows where both have a value. */
  readonly compared: number;
  /** Rows where both have a value, and not the same one. */
  readonly mismatch: number;
  /** Rows where nothing was served and training has a value. */
  readonly missing: number;
  /** Rows where something was served and training has no value. */
  readonly extra: number;
  /** Rows that differ, by what explains it; no entry for what explains none. */
  readonly causes: Readonly<Partial<Record<SkewCause, number>>>;
  /** Of numbers, timestamps (in milliseconds) and embeddings (their farthest component): `|served - replayed|`. */
  readonly absolute?: SkewDistance | undefined;
  /** The same, as a share of the larger of the two magnitudes. */
  readonly relative?: SkewDistance | undefined;
  /** Symmetric mean absolute percentage error, as Chronon has it: the mean of `2·|a - b| / (|a| + |b|)`, 0 where both are 0; from 0 to 2. */
  readonly smape?: number | undefined;
  /** Rows that differ, those without an innocent explanation first, then the farthest apart. */
  readonly examples: readonly SkewExample[];
  /** The distribution of what was served against that of what training computes. */
  readonly distribution?: ColumnDrift | undefined;
  /** The distribution of what was served against the reference that was given. */
  readonly againstReference?: ColumnDrift | undefined;
}

/** A definition that answered at another version than the one that was replayed. */
export interface SkewedVersion {
  /** Which sort of definition. */
  readonly kind: 'feature-service' | 'feature-view' | 'on-demand-view';
  /** Its name. */
  readonly name: string;
  /** The version that answered; `undefined` when it took no part then. */
  readonly served: number | string | undefined;
  /** The version that was replayed; `undefined` when it takes no part now. */
  readonly replayed: number | string | undefined;
  /** Rows that it answered. */
  readonly rows: number;
}

/** What {@link FeatureStore.checkSkew} found. */
export interface SkewReport {
  /** The worst of the features. */
  readonly status: SkewStatus;
  /** The verdict in words that name what differs and why. */
  readonly summary: string;
  /** Rows that were looked at. */
  readonly rows: number;
  /** Whether there were more, which were left out since `maxRows` was reached: the oldest. */
  readonly truncated: boolean;
  /** The moment of the first of them, epoch milliseconds; `null` when there is none. */
  readonly from: number | null;
  /** The moment of the last. */
  readonly to: number | null;
  /** The features of the query that were served. */
  readonly features: readonly FeatureSkew[];
  /** Columns of the query that were not served: they are new. */
  readonly notServed: readonly string[];
  /** Features that were served and are no longer asked for. */
  readonly notAsked: readonly string[];
  /** Definitions that answered at other versions. */
  readonly versions: readonly SkewedVersion[];
  /** Rows for which an on-demand view failed in the replay, at most a hundred of them; its features count as missing there. Numbered through all rows in the order in which they were replayed. */
  readonly failures: readonly TransformFailure[];
  /** The reference against what was served, over all columns that both have; absent without a reference. */
  readonly reference?: DataDrift | undefined;
}
