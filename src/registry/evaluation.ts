import * as z from 'zod/mini';
import { isDigest, type Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import { datasetRecordRef, versionRef, type VersionRecord } from './model-version.ts';

const verdict = z.enum(['drifted', 'stable', 'insufficient']);
const driftSchema = z.looseObject({ status: verdict, driftedColumns: z.array(z.string()), columns: z.array(z.looseObject({ status: verdict })), summary: z.optional(z.string()) });
/** How drift is sent and stored. */
export const storedDriftSchema: z.ZodMiniType<DriftEvidence> = z.strictObject({
  status: verdict,
  driftedColumns: z.array(z.string()),
  judged: z.int().check(z.minimum(0)),
  summary: z.optional(z.string()),
});

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
  /** What was measured of parts of the dataset: numbers by name, by slice. */
  readonly slices?: Slices | undefined;
  /** Where its predictions are stored. */
  readonly predictions?: StoredPredictions | undefined;
  /** How far the dataset had drifted from what the version was trained on. */
  readonly drift?: DriftEvidence | undefined;
  /** Who measured it. */
  readonly by?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Metrics by slice, such as `{ 'country=FR': { auc: 0.81 } }`. */
export type Slices = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The predictions behind an evaluation, one row an example. */
export interface StoredPredictions {
  /** Digest of the table. */
  readonly digest: Digest;
  /** Bytes of the table. */
  readonly size: number;
  /** How many rows it has. */
  readonly rows: number;
}

/** What is kept of a comparison of two data sets. */
export interface DriftEvidence {
  /** The verdict: `insufficient` when no column could be judged. */
  readonly status: 'drifted' | 'stable' | 'insufficient';
  /** The columns that drifted, the most changed first. */
  readonly driftedColumns: readonly string[];
  /** How many columns could be judged. */
  readonly judged: number;
  /** The verdict in words. */
  readonly summary?: string | undefined;
}

/** A comparison of two data sets, such as what `compareData` returns. */
export interface DriftReport {
  /** The verdict: `insufficient` when no column could be judged. */
  readonly status: 'drifted' | 'stable' | 'insufficient';
  /** The columns that drifted, the most changed first. */
  readonly driftedColumns: readonly string[];
  /** Every column with its verdict. */
  readonly columns: readonly JudgedColumn[];
  /** The verdict in words. */
  readonly summary?: string | undefined;
}

/** A column of a {@link DriftReport}. */
export interface JudgedColumn {
  /** The verdict on it. */
  readonly status: 'drifted' | 'stable' | 'insufficient';
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
  readonly slices?: Slices | undefined;
  readonly predictions?: StoredPredictions | undefined;
  readonly drift?: DriftEvidence | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
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

/** What is kept of a comparison of data sets that a caller hands over. */
export function checkDrift(report: DriftReport, path: string): DriftEvidence {
  const { status, driftedColumns, columns, summary } = check(driftSchema, report, path);
  return { status, driftedColumns: [...driftedColumns], judged: columns.filter((column) => column.status !== 'insufficient').length, ...(summary === undefined ? {} : { summary }) };
}

/** Everything that was measured of a version, oldest first. */
export function measurementsOf(record: VersionRecord, evaluations: readonly EvaluationRecord[]): Measurement[] {
  // A registration makes no revision of its own: it stands between two.
  const atRegistration: Measurement = { dataset: record.dataset, metrics: record.metrics, at: record.createdAt, order: record.revision + 0.5 };
  const later = [...evaluations].sort((a, b) => a.revision - b.revision);
  return [atRegistration, ...later.map(({ id, revision, ...measured }) => ({ ...measured, evaluation: id, order: revision }))];
}

/** An evaluation as callers see it. */
export function evaluationView({ revision: _, ...evaluation }: EvaluationRecord): Evaluation {
  return evaluation;
}

/** What was evaluated on what. */
export function evaluationEdge({ model, version, dataset, at }: Evaluation): LineageEdge {
  return { from: versionRef(model, version), relation: 'evaluatedOn', to: datasetRecordRef(dataset), at };
}
