import type { Digest } from '../../core/digest.ts';
import type { ColumnType } from '../../core/column.ts';
import type { FeatureSelection } from '../definitions/feature-ref.ts';
import type { ServicePin } from '../definitions/query-plan.ts';
import type { ViewReport } from '../feature-store-options.ts';
import type { DatasetSplits } from './split-assigner.ts';

/** A view whose features are in a dataset, or went into those that are. */
export interface DatasetView {
  /** Name of the view. */
  readonly name: string;
  /** Which version of it. */
  readonly version: number;
  /** Digest of its definition. */
  readonly digest: Digest;
  /** What the report calls it. */
  readonly as: string;
  /** Which column of the dataset holds which part of the view's key. */
  readonly keys: Readonly<Record<string, string>>;
  /** Types of the parts of the key, where the view's entity says them. */
  readonly keyTypes?: Readonly<Record<string, ColumnType>> | undefined;
}

/** An on-demand view whose features are in a dataset, or went into those that are. */
export interface DatasetComputation {
  /** Name of the on-demand view. */
  readonly name: string;
  /** The version that it names. */
  readonly version: string;
}

/** The query that a dataset is the answer to, bound to the versions that it was answered with. */
export interface DatasetQuery {
  /** The features as they were asked for: the name of a service, or references. */
  readonly features: string | readonly (string | FeatureSelection)[];
  /** The service, where one was asked for. */
  readonly service?: ServicePin | undefined;
  /** The views, those included that only go into others. */
  readonly views: readonly DatasetView[];
  /** The on-demand views. */
  readonly onDemandViews: readonly DatasetComputation[];
  /** The column that says for which moment each row is. */
  readonly timestamp: string;
  /** From when on rows counted: `knowledge` is from their created time, `event` from their event time. */
  readonly asOf: 'knowledge' | 'event';
  /** Whether columns are named `view__feature`. */
  readonly fullFeatureNames: boolean;
}

/** That rows of forgotten entities were taken out of a dataset. */
export interface ForgottenRows {
  /** When, epoch milliseconds. */
  readonly at: number;
  /** How many. */
  readonly rows: number;
  /** The digest that the dataset had until then. */
  readonly digest: Digest;
}

/** What is known of a saved dataset. Nothing of it ever changes but by the forgetting of entities. */
export interface DatasetFacts {
  /** Its name. */
  readonly name: string;
  /** From 1, never given twice. */
  readonly version: number;
  /** The fingerprint of its contents, which `run.logDataset` gives the same contents too. */
  readonly digest: Digest;
  /** Rows in all. */
  readonly rowCount: number;
  /** Bytes as it is stored. */
  readonly size: number;
  /** Types of its columns by name: those of the entities, then the features. */
  readonly schema: Readonly<Record<string, ColumnType>>;
  /** Which of the columns are features; the others came with the entities. */
  readonly features: readonly string[];
  /** The query that it is the answer to. */
  readonly query: DatasetQuery;
  /** For how many rows each view had what, when the dataset was saved. */
  readonly report: Readonly<Record<string, Readonly<ViewReport>>>;
  /** For how many rows an on-demand view failed, where the query lets its features be `null` then. */
  readonly failures: number;
  /** How it is divided, and how many rows each split has; absent when it is not. */
  readonly splits?: DatasetSplits | undefined;
  /** When it was saved, epoch milliseconds. */
  readonly createdAt: number;
  /** What it is, for people. */
  readonly description?: string | undefined;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
  /** When rows of forgotten entities were taken out, and what its digest was before; empty when none were. */
  readonly forgotten: readonly ForgottenRows[];
}
