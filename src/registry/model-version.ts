import type { Digest } from '../core/digest.ts';
import type { LineageEdge, RecordRef } from '../core/record-ref.ts';
import type { DatasetRef } from './evaluation.ts';
import type { ModelFile } from './model-files.ts';
import { stageOf, type Stage, type StageState } from './stages.ts';

/** What is stored of a version. It never changes; where the version stands is kept with its model. */
export interface VersionRecord {
  readonly version: number;
  readonly digest: Digest;
  readonly size: number;
  readonly files: readonly ModelFile[];
  readonly run?: string | undefined;
  readonly dataset?: DatasetRef | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly createdBy?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly description?: string | undefined;
  /** The model's revision when it was registered, which orders it among the evaluations. */
  readonly revision: number;
}

/** A version of a model as it was registered, and where it stands now. */
export interface ModelVersion {
  /** Name of the model. */
  readonly model: string;
  /** From 1, never reused. */
  readonly version: number;
  /** Where it stood when it was read. */
  readonly stage: Stage;
  /** Identity of the contents: the digest over the paths, sizes and digests of all files. */
  readonly digest: Digest;
  /** Bytes of all files. */
  readonly size: number;
  /** In the order of their paths. */
  readonly files: readonly ModelFile[];
  /** Id of the run that made it. */
  readonly run?: string | undefined;
  /** What it was trained or, with `metrics`, measured on. */
  readonly dataset?: DatasetRef | undefined;
  /** As its author measured them; what others measured is in the evaluations. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Who made it. */
  readonly createdBy?: string | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
  /** What is new in it, for people. */
  readonly description?: string | undefined;
}

/** A version as callers see it. */
export function viewOf(model: string, record: VersionRecord, state: StageState): ModelVersion {
  const { revision: _, version, ...rest } = record;
  return { model, version, stage: stageOf(state, version), ...rest };
}

/** What points at a version. */
export function versionRef(model: string, version: number, digest?: Digest): RecordRef {
  return { kind: 'model-version', id: model, version, ...(digest ? { digest } : {}) };
}

/** Where a version came from. */
export function lineageOf(model: string, record: VersionRecord): LineageEdge[] {
  const from = versionRef(model, record.version, record.digest);
  const at = record.createdAt;
  const edges: LineageEdge[] = [];
  if (record.run !== undefined) edges.push({ from, relation: 'derivedFrom', to: { kind: 'run', id: record.run }, at });
  if (record.dataset) edges.push({ from, relation: 'used', to: datasetRecordRef(record.dataset), at });
  return edges;
}

/** What points at a dataset: by its name where it has one, as runs do, and by its contents. */
export function datasetRecordRef({ digest, name }: DatasetRef): RecordRef {
  return { kind: 'dataset', id: name ?? digest, digest };
}
