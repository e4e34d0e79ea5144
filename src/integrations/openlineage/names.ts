import { runIdFor } from '../../pipelines/launching/launch.ts';

/** A round of a pipeline's run, or of one of its steps. */
export interface Subject {
  readonly pipeline: string;
  readonly run: string;
  readonly round: number;
  readonly step?: string | undefined;
}

/** The id of a run in OpenLineage, where each has one end: that of the pipeline run in its first round, and one of its own in each further round and for each step. */
export function lineageRunId({ pipeline, run, round, step }: Subject): string {
  if (step === undefined && round === 1) return run;
  const at = parseInt(run.slice(0, 8) + run.slice(9, 13), 16);
  return runIdFor(at, 'openlineage', pipeline, run, step ?? '', round);
}

/** The name of a job: `pipeline`, or `pipeline.step`. A dot in the name of a pipeline is escaped, so that no two jobs have one name. */
export function jobName({ pipeline, step }: Pick<Subject, 'pipeline' | 'step'>): string {
  const name = pipeline.replace(/[%.]/g, (character) => (character === '.' ? '%2E' : '%25'));
  return step === undefined ? name : `${name}.${step}`;
}
