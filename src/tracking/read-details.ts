import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RunDetails } from './comparison/run-details.ts';
import type { ArtifactRecord } from './artifacts/artifact-record.ts';
import { readArtifacts } from './artifacts/list-artifacts.ts';
import type { LogTails } from './log-tails.ts';
import { readModels } from './models/logged-model.ts';
import type { DamageListener } from '../storage/read-each.ts';
import { readDatasets } from './run-datasets.ts';
import { readEnvironment } from './run-environment.ts';
import { readExtremes } from './run-extremes.ts';
import { presentRun } from './present-run.ts';
import type { StoredRun } from './run-record.ts';

/** Everything about a run that is compared; what cannot be read of its datasets, artifacts, models and extremes is told of and left out. */
export async function readDetails(storage: StorageAdapter, tails: LogTails, stored: StoredRun, now: number, onDamage: DamageListener, options: OperationOptions): Promise<RunDetails> {
  // Before the extremes, which then need not read the same part of the log at the same time.
  const run = await presentRun(storage, stored, now, options, tails);
  const [datasets, models, environment, best] = await Promise.all([
    readDatasets(storage, stored.id, onDamage, options),
    readModels(storage, stored.id, onDamage, options),
    readEnvironment(storage, stored, options),
    readExtremes(storage, stored, tails, onDamage, options),
  ]);
  const artifacts: ArtifactRecord[] = [];
  for await (const artifact of readArtifacts(storage, stored.id, onDamage, options)) artifacts.push(artifact);
  return { run, datasets, artifacts, models, environment, best };
}
