import type { Digest } from '../core/digest.ts';
import type { ModelFile } from '../core/model-manifest.ts';
import type { LineageEdge, RecordRef } from '../core/record-ref.ts';
import type { DatasetRef } from './evaluation.ts';
import type { VersionFacts } from './version-facts.ts';
import { hasMember } from './member-set.ts';
import { aliasesOf, type ModelState } from './model-state.ts';
import { stageOf, type Stage } from './stages.ts';

/** What is stored of a version. Its contents and where they come from never change, its texts may; where it stands is kept with its model. */
export interface VersionRecord extends VersionFacts {
  readonly version: number;
  readonly digest: Digest;
  readonly size: number;
  readonly files: readonly ModelFile[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly tags: Readonly<Record<string, string>>;
  /** The model's revision when it was registered, which orders it among the evaluations. */
  readonly revision: number;
  /** The model's revision that changed it last; absent while nothing did. */
  readonly edition?: number | undefined;
}

/** A version of a model as it was registered, and where it stands now. */
export interface ModelVersion extends VersionFacts {
  /** Name of the model. */
  readonly model: string;
  /** From 1, never reused. */
  readonly version: number;
  /** Where it stood when it was read. */
  readonly stage: Stage;
  /** The aliases that pointed at it when it was read, in order. */
  readonly aliases: readonly string[];
  /** Whether it was taken out of use: it cannot be promoted, and rollback never comes back to it. */
  readonly retired: boolean;
  /** Identity of the contents: the digest over the paths, sizes and digests of all files. */
  readonly digest: Digest;
  /** Bytes of all files. */
  readonly size: number;
  /** In the order of their paths. */
  readonly files: readonly ModelFile[];
  /** As its author measured them; what others measured is in the evaluations. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
}

/** A version as callers see it. */
export function viewOf(state: ModelState, { revision: _, edition: __, version, ...rest }: VersionRecord): ModelVersion {
  return { model: state.name, version, stage: stageOf(state.stages, version), aliases: aliasesOf(state, version), retired: hasMember(state.retired, version), ...rest };
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
  if (record.pipelineRun !== undefined) edges.push({ from, relation: 'derivedFrom', to: { kind: 'pipeline-run', id: record.pipelineRun }, at });
  const datasets = [...(record.dataset ? [record.dataset] : []), ...(record.datasets ?? [])];
  for (const dataset of new Map(datasets.map((each) => [`${each.name ?? ''} ${each.digest}`, each])).values()) {
    edges.push({ from, relation: 'used', to: datasetRecordRef(dataset), at });
  }
  if (record.features) {
    const { service, version, digest } = record.features;
    edges.push({ from, relation: 'used', to: { kind: 'feature-service', id: service, version, digest }, at });
  }
  return edges;
}

/** What points at a dataset: by its name where it has one, as runs do, and by its contents. */
export function datasetRecordRef({ digest, name }: DatasetRef): RecordRef {
  return { kind: 'dataset', id: name ?? digest, digest };
}
