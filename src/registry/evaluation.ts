import { isDigest, type Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { shown } from '../core/shown.ts';
import { datasetRecordRef, versionRef, type VersionRecord } from './model-version.ts';

/** A dataset by the fingerprint of its contents, with a name for people. */
export interface DatasetRef {
  /** Fingerprint of the contents. */
  readonly digest: Digest;
  /** What people call it. */
  readonly name?: string | undefined;
}

/** How callers point at a dataset: its fingerprint (`'sha256:…'`), or anything that has one, such as what `run.logDataset` returns. */
export type DatasetPointer = string | DatasetWithDigest | DatasetWithFingerprint;

/** A dataset whose fingerprint is called `digest`. */
export interface DatasetWithDigest {
  /** Fingerprint of the contents. */
  readonly digest: string;
  /** What people call it. */
  readonly name?: string | undefined;
}

/** A dataset whose fingerprint is called so. */
export interface DatasetWithFingerprint {
  /** Fingerprint of the contents. */
  readonly fingerprint: string;
  /** What people call it. */
  readonly name?: string | undefined;
}

/** What someone measured of a version on a dataset. */
export interface Evaluation {
  /** UUIDv7. */
  readonly id: string;
  /** Name of the model. */
  readonly model: string;
  /** Number of the version that was measured. */
  readonly version: number;
  /** What it was measured on. */
  readonly dataset: DatasetRef;
  /** What was measured: numbers by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Who measured it. */
  readonly by?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** An evaluation as it is stored. */
export interface EvaluationRecord extends Evaluation {
  /** The model's revision that this evaluation made: later ones are greater. */
  readonly revision: number;
}

/** What gates know of a measurement, whether it came with the version or afterwards. */
export interface Measurement {
  /** Id of the evaluation; absent for what was measured at registration. */
  readonly evaluation?: string | undefined;
  readonly dataset?: DatasetRef | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  /** Later ones are greater. */
  readonly order: number;
}

/** The dataset that a caller points at. A name alone does not say whether two evaluations saw the same rows, so it is refused. */
export function checkDataset(pointer: DatasetPointer, path: string): DatasetRef {
  const given = typeof pointer === 'string' ? { digest: pointer } : ((pointer ?? {}) as { digest?: unknown; fingerprint?: unknown; name?: unknown });
  const { digest, fingerprint, name } = { fingerprint: undefined, name: undefined, ...given };
  const found = digest ?? fingerprint;
  if (typeof found !== 'string' || !isDigest(found)) {
    throw new ValidationError(
      `${path} is ${shown(pointer)}, which does not identify a dataset; give its fingerprint ('sha256:…'), or an object that has it as 'digest' or 'fingerprint'.`,
      { path },
    );
  }
  if (name === undefined) return { digest: found };
  if (typeof name !== 'string' || name === '') throw new ValidationError(`${path}.name is ${shown(name)}; it must be a text that is not empty.`, { path: `${path}.name` });
  return { digest: found, name };
}

/** Everything that was measured of a version, oldest first. */
export function measurementsOf(record: VersionRecord, evaluations: readonly EvaluationRecord[]): Measurement[] {
  // A registration makes no revision of its own: it stands between two.
  const atRegistration: Measurement = { dataset: record.dataset, metrics: record.metrics, order: record.revision + 0.5 };
  const later = [...evaluations].sort((a, b) => a.revision - b.revision);
  return [atRegistration, ...later.map(({ id, dataset, metrics, revision }) => ({ evaluation: id, dataset, metrics, order: revision }))];
}

/** An evaluation as callers see it. */
export function evaluationView({ revision: _, ...evaluation }: EvaluationRecord): Evaluation {
  return evaluation;
}

/** What was evaluated on what. */
export function evaluationEdge({ model, version, dataset, at }: Evaluation): LineageEdge {
  return { from: versionRef(model, version), relation: 'evaluatedOn', to: datasetRecordRef(dataset), at };
}
