import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RunDetails } from './comparison/run-details.ts';
import type { ArtifactRecord } from './artifacts/artifact-record.ts';
import { readArtifacts } from './artifacts/list-artifacts.ts';
import { readDatasets } from './run-datasets.ts';
import { readEnvironment } from './run-environment.ts';
import { presentRun } from './run-list.ts';
import type { StoredRun } from './run-record.ts';

/** Everything about a run that is compared. The extremes of its metrics are known when no session is open. */
export async function readDetails(storage: StorageAdapter, stored: StoredRun, now: number, options: OperationOptions): Promise<RunDetails> {
  const [run, datasets, environment] = await Promise.all([
    presentRun(storage, stored, now, options),
    readDatasets(storage, stored.id, options),
    readEnvironment(storage, stored, options),
  ]);
  const artifacts: ArtifactRecord[] = [];
  for await (const artifact of readArtifacts(storage, stored.id, options)) artifacts.push(artifact);
  return { run, datasets, artifacts, environment, best: stored.openSessions.length === 0 ? stored.best : undefined };
}
