import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RunDetails } from './comparison/run-details.ts';
import type { ArtifactRecord } from './artifacts/artifact-record.ts';
import { readArtifacts } from './artifacts/list-artifacts.ts';
import { readModels } from './models/logged-model.ts';
import type { DamageListener } from './read-each.ts';
import { readDatasets } from './run-datasets.ts';
import { readEnvironment } from './run-environment.ts';
import { readExtremes } from './run-extremes.ts';
import { presentRun } from './run-list.ts';
import type { StoredRun } from './run-record.ts';

/** Everything about a run that is compared; what cannot be read of its datasets, artifacts, models and extremes is told of and left out. */
export async function readDetails(storage: StorageAdapter, stored: StoredRun, now: number, onDamage: DamageListener, options: OperationOptions): Promise<RunDetails> {
  const [run, datasets, models, environment, best] = await Promise.all([
    presentRun(storage, stored, now, options),
    readDatasets(storage, stored.id, onDamage, options),
    readModels(storage, stored.id, onDamage, options),
    readEnvironment(storage, stored, options),
    readExtremes(storage, stored, onDamage, options),
  ]);
  const artifacts: ArtifactRecord[] = [];
  for await (const artifact of readArtifacts(storage, stored.id, onDamage, options)) artifacts.push(artifact);
  return { run, datasets, artifacts, models, environment, best };
}
