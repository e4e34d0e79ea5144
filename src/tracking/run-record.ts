import type { Encodable } from '../core/codec.ts';
import type { Digest } from '../core/digest.ts';
import type { CodeRecord } from '../core/environment.ts';
import type { FailureRecord } from '../core/failure.ts';
import type { LatestMetrics } from './latest-metric.ts';

/** How a run ended. */
export type EndStatus = 'finished' | 'failed' | 'killed';

/** What a run is doing, or how it ended; `crashed` when whoever ran it has given no sign of life for long. */
export type RunStatus = 'running' | 'crashed' | EndStatus;

/** Values of params by name: plain data, written once. */
export type ParamValues = Readonly<Record<string, Encodable>>;

/** Values of tags by name: texts, the last one counts. */
export type TagValues = Readonly<Record<string, string>>;

/** A run as the store knows it. */
export interface RunRecord {
  /** UUIDv7. */
  readonly id: string;
  /** Name of its experiment. */
  readonly experiment: string;
  /** For people; need not be unique. */
  readonly name?: string | undefined;
  /** The set that it belongs to, such as the folds of one cross-validation. */
  readonly group?: string | undefined;
  /** What it is doing, or how it ended. */
  readonly status: RunStatus;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds; absent while it runs, the last sign of life of one that crashed. */
  readonly endedAt?: number | undefined;
  /** Epoch milliseconds; absent unless it was deleted and can be restored. */
  readonly deletedAt?: number | undefined;
  /** Id of the run that this one is part of. */
  readonly parent?: string | undefined;
  /** Id of the run of a pipeline that this one is part of. */
  readonly pipelineRun?: string | undefined;
  /** Why it ended so; `disposed` when it was left without `end()`. */
  readonly reason?: string | undefined;
  /** What it failed with. */
  readonly error?: FailureRecord | undefined;
  /** Written once each. */
  readonly params: ParamValues;
  /** The last value of each. */
  readonly tags: TagValues;
  /** What people wrote about it, as Markdown. */
  readonly notes?: string | undefined;
  /** What its random generators were seeded with. */
  readonly seed?: number | string | undefined;
  /** The latest value of each metric: the greatest by step, then timestamp, then value, where NaN is less than every number. */
  readonly metrics: LatestMetrics;
  /** Points that were dropped because the storage did not keep up and the buffer was full. */
  readonly droppedPoints: number;
  /** The code it ran on, in short; all that is known is in `tracker.environment(id)`. */
  readonly code?: Pick<CodeRecord, 'commit' | 'branch' | 'dirty' | 'entry'> | undefined;
  /** Digest of the environment, the same for runs in the same one. */
  readonly environment?: Digest | undefined;
}

/** An experiment: what its runs have in common. */
export interface ExperimentRecord {
  /** Unique in the store. */
  readonly name: string;
  /** Epoch milliseconds of its first run's start. */
  readonly createdAt: number;
}

/**
 * A run in its record. `metrics` are those of the sessions that have ended; a session is one handle on the run, in any process, and while some are open (or
 * died open) the log tells the rest. It says `crashed` only of a run that was imported so: of any other, that follows from the signs of life of its sessions.
 */
export interface StoredRun extends RunRecord {
  readonly openSessions: readonly string[];
  /** That a purge has begun to take it apart, so that it cannot be restored any more. */
  readonly purging?: true | undefined;
}

/** The run as callers see it, with the metrics that are the latest now. */
export function toRunRecord(stored: RunRecord & Partial<StoredRun>, metrics: LatestMetrics = stored.metrics): RunRecord {
  const { openSessions: _, purging: _purging, ...record } = stored;
  return metrics === stored.metrics ? record : { ...record, metrics };
}

/** The blobs that a run's record keeps. */
export function blobsOfRun(run: StoredRun): readonly Digest[] {
  return run.environment === undefined ? [] : [run.environment];
}
