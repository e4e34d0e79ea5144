import type { Approval } from '../approval.ts';
import type { DatasetRef, Evaluation } from '../evaluation.ts';
import type { GateReport } from '../gate-report.ts';
import type { ModelInfo } from '../model-info.ts';
import type { ModelVersion } from '../model-version.ts';
import type { VersionDataset } from '../version-facts.ts';

/** What a document says that no record has. */
export interface DocumentOptions {
  /** What the model does, such as `tabular-classification` or `text-generation`. @default the version's tag `task` */
  readonly task?: string | undefined;
  /** What it is meant for, a line each. @default not told */
  readonly intendedUse?: readonly string[] | undefined;
  /** What it cannot do, or must not be used for, a line each. @default not told */
  readonly limitations?: readonly string[] | undefined;
}

/** What the records have of a version, for a document. */
export interface DocumentFacts {
  readonly version: ModelVersion;
  readonly model: Pick<ModelInfo, 'description' | 'owner'>;
  /** Oldest first. */
  readonly evaluations: readonly Evaluation[];
  readonly approvals: readonly Approval[];
  /** What the gates found when the version was promoted last. */
  readonly gates?: GateReport | undefined;
}

/** What was measured on one dataset, or, without one, at registration. */
export interface MeasuredOn {
  readonly dataset?: DatasetRef | undefined;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The last value of each metric by dataset, those of the registration first. */
export function measuredOn({ version, evaluations }: DocumentFacts): MeasuredOn[] {
  const found = new Map<string, MeasuredOn>();
  for (const { dataset, metrics } of [{ dataset: version.dataset, metrics: version.metrics }, ...evaluations]) {
    if (Object.keys(metrics).length === 0) continue;
    const before = found.get(dataset?.digest ?? '');
    // A later evaluation may know the name that an earlier one did not.
    found.set(dataset?.digest ?? '', { ...(dataset && { dataset: { ...before?.dataset, ...dataset } }), metrics: { ...before?.metrics, ...metrics } });
  }
  return [...found.values()];
}

/** Every dataset that the version is known to have met, each once, with what it was for. */
export function documentDatasets({ version, evaluations }: DocumentFacts): VersionDataset[] {
  const { dataset, datasets = [] } = version;
  const found = new Map<string, VersionDataset>();
  for (const each of [...(dataset ? [dataset] : []), ...datasets, ...evaluations.map((evaluation): VersionDataset => ({ ...evaluation.dataset, role: 'evaluation' }))]) {
    found.set(each.digest, { role: undefined, ...each, ...present(found.get(each.digest)) });
  }
  return [...found.values()];
}

/** What a dataset is called; its fingerprint, shortened, where it has no name. */
export function datasetName({ name, digest }: DatasetRef): string {
  return name ?? digest.slice(0, 'sha256:'.length + 12);
}

/** What the model does. */
export function taskOf({ version }: DocumentFacts, { task }: DocumentOptions): string | undefined {
  return task ?? version.tags['task'];
}

function present(dataset: VersionDataset | undefined): Partial<VersionDataset> {
  return Object.fromEntries(Object.entries(dataset ?? {}).filter(([, value]) => value !== undefined));
}
