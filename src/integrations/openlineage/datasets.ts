import type { RecordRef } from '../../core/record-ref.ts';
import type { RelatedRecords } from '../../pipelines/history/round-records.ts';
import type { StepHistory } from '../../pipelines/history/read-run.ts';
import { jobName } from './names.ts';
import { facet, type EventTerms, type LineageDataset } from './run-event.ts';

/** What a run read and wrote. */
export interface Datasets {
  readonly inputs: readonly LineageDataset[];
  readonly outputs: readonly LineageDataset[];
}

/** The outputs of other steps that a step was given, what it put out, and the records that its tracked run names. */
export function datasetsOf(terms: EventTerms, pipeline: string, { name, inputs, output }: StepHistory, records: RelatedRecords | undefined): Datasets {
  const given = new Map(Object.values(inputs).map(({ step, digest }) => [step, digest]));
  const put = output ? [outputOf(terms, pipeline, name, output.digest)] : [];
  return {
    inputs: [...[...given].map(([step, digest]) => outputOf(terms, pipeline, step, digest)), ...(records?.used ?? []).map((ref) => datasetOf(terms, ref))],
    outputs: [...put, ...modelsOf(terms, records?.made ?? [])],
  };
}

/** Versions of models as datasets. */
export function modelsOf(terms: EventTerms, versions: readonly RecordRef[]): LineageDataset[] {
  return versions.map(({ id, version }) => dataset(terms, `models/${id}`, version === undefined ? undefined : String(version), 'MODEL'));
}

function outputOf(terms: EventTerms, pipeline: string, step: string, digest: string): LineageDataset {
  return dataset(terms, `steps/${jobName({ pipeline, step })}`, digest, 'JOB_OUTPUT');
}

function datasetOf(terms: EventTerms, { id, digest }: RecordRef): LineageDataset {
  return dataset(terms, `datasets/${id}`, digest);
}

function dataset({ namespace, producer }: EventTerms, name: string, version: string | undefined, type?: 'MODEL' | 'JOB_OUTPUT'): LineageDataset {
  return {
    namespace,
    name,
    facets: {
      ...(version !== undefined && { version: facet(producer, 'DatasetVersionDatasetFacet', { datasetVersion: version }) }),
      ...(type !== undefined && { datasetType: facet(producer, 'DatasetTypeDatasetFacet', { datasetType: type }) }),
    },
  };
}
