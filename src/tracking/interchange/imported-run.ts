import type { Content } from '../../core/content.ts';
import type { CodeRecord, EnvironmentRecord } from '../../core/environment.ts';
import type { FailureRecord } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { DatasetRecord } from '../run-datasets.ts';
import type { ParamValues, RunStatus, TagValues } from '../run-record.ts';

/** A part of a source that could not be read, or not be taken over as it is. What came before it, and what else there is, is read. */
export interface ImportDamage {
  /** Identity of the run concerned, or of the source where no run is known. */
  readonly source: string;
  /** The file, or the place in the run. */
  readonly where: string;
  /** The byte of the file at which it begins, where one is known. */
  readonly offset?: number | undefined;
  /** What is wrong, and what it means for the import. */
  readonly message: string;
}

/** Points of metrics in the order of their logging, column by column; at most some ten thousand at once. */
export interface ImportedPoints {
  /** Names of the metrics in these points. */
  readonly names: readonly string[];
  /** Which metric each point is of, as an index into `names`. */
  readonly codes: ArrayLike<number>;
  /** The step of each point. */
  readonly steps: ArrayLike<number>;
  /** When each point was logged, in epoch milliseconds. */
  readonly timestamps: ArrayLike<number>;
  /** The value of each point. */
  readonly values: Float64Array;
}

/** A run by what identifies it in its source. */
export interface ImportedParent {
  /** Its stable identity. */
  readonly source: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** A file of a run. */
export interface ImportedArtifact {
  /** Its path in the run, with `/`. */
  readonly name: string;
  /** Its bytes; read only when they are not in the store. */
  readonly content: Content;
  /** Such as `image/png`. @default by its name */
  readonly mediaType?: string | undefined;
  /** Bytes, where they are known without reading it. */
  readonly size?: number | undefined;
}

/** A dataset that a run used. Where the source does not know the number of rows, it is NaN. */
export interface ImportedDataset extends DatasetRecord {
  /** The digest that the source has for it, which is of its own kind. */
  readonly sourceDigest?: string | undefined;
}

/** A run on its way from one system into another, whichever these are. What is large comes as a stream, and is read only when it is wanted. */
export interface ImportedRun {
  /** Stable identity, such as `mlflow:0f3c…`: a run that is imported again under the same one is the same run. */
  readonly source: string;
  /** Name of its experiment. */
  readonly experiment: string;
  /** For people. */
  readonly name?: string | undefined;
  /** The set that it belongs to. */
  readonly group?: string | undefined;
  /** Id of the run of a pipeline that it is part of. */
  readonly pipelineRun?: string | undefined;
  /** How it ended; `running` when the source does not know of an end. */
  readonly status: RunStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly endedAt?: number | undefined;
  /** Epoch milliseconds; present when it was deleted in its source. */
  readonly deletedAt?: number | undefined;
  /** Why it ended so. */
  readonly reason?: string | undefined;
  /** What it failed with. */
  readonly error?: FailureRecord | undefined;
  /** Plain data by name. */
  readonly params: ParamValues;
  /** Texts by name. */
  readonly tags: TagValues;
  /** What people wrote about it, as Markdown. */
  readonly notes?: string | undefined;
  /** What its random generators were seeded with. */
  readonly seed?: number | string | undefined;
  /** The run that it is part of. */
  readonly parent?: ImportedParent | undefined;
  /** The code it ran on, where its environment is not known. */
  readonly code?: Pick<CodeRecord, 'commit' | 'branch' | 'dirty' | 'entry'> | undefined;
  /** Where it took place. */
  readonly environment?: EnvironmentRecord | undefined;
  /** Points that its source has lost. @default 0 */
  readonly droppedPoints?: number | undefined;
  /** The data it used. */
  readonly datasets: readonly ImportedDataset[];
  /** Its points in an order that stays when more come, metric by metric, and what could not be read of them; called again when another import of the run came first. */
  readonly metrics: (options?: OperationOptions) => AsyncIterable<ImportedPoints | ImportDamage>;
  /** Its files, and what could not be read of them. */
  readonly artifacts: (options?: OperationOptions) => AsyncIterable<ImportedArtifact | ImportDamage>;
}

/** Runs from somewhere else, and what could not be read there. */
export type RunSource = AsyncIterable<ImportedRun | ImportDamage>;

/** Whether something that a source gave is what it could not read. */
export function isImportDamage(item: object): item is ImportDamage {
  return 'message' in item;
}
