import { Tracker } from '../../tracking/tracker.ts';
import type { ArtifactRecord } from '../../tracking/artifacts/artifact-record.ts';
import type { Assessment } from './assessment.ts';

const mostArtifacts = 1000;

/** The artifacts of a run, the first by name where there are very many. */
export async function readArtifacts(assessment: Assessment, run: string): Promise<readonly ArtifactRecord[]> {
  const { storage, clock, options } = assessment;
  const { items, damaged } = await new Tracker({ storage, clock }).listArtifacts(run, { limit: mostArtifacts, ...options });
  for (const { name, error } of damaged) assessment.noteMessage(`artifact '${name}' of run ${run}`, error.message);
  return items;
}
