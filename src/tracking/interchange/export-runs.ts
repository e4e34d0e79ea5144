import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { openArtifact } from '../artifacts/read-artifact.ts';
import { readArtifacts } from '../artifacts/list-artifacts.ts';
import { openBatches } from '../metric-log.ts';
import { readDatasets } from '../run-datasets.ts';
import { readEnvironment } from '../run-environment.ts';
import type { RunRecord } from '../run-record.ts';
import { keys } from '../tracking-keys.ts';
import { idTime, ownSource } from './imported-id.ts';
import type { ImportedArtifact, ImportedParent, ImportedPoints, ImportedRun } from './imported-run.ts';

const chunkPoints = 8_192;

/**
 * Runs of a store in the form in which they go elsewhere: into a file (`exportRunsCsv`, `exportRunsJsonl`, `tensorboardEvents`) or into another store (`importRuns`), where they keep their ids. Points come in the order of their logging, each
 * batch once, and nothing is read before it is wanted.
 */
export async function* exportRuns(storage: StorageAdapter, runs: AsyncIterable<RunRecord> | Iterable<RunRecord>, options: OperationOptions = {}): AsyncGenerator<ImportedRun, void, undefined> {
  for await (const run of runs) yield exportedRun(storage, run, options);
}

/** One run in the form in which it goes elsewhere. */
async function exportedRun(storage: StorageAdapter, run: RunRecord, options: OperationOptions): Promise<ImportedRun> {
  const [datasets, environment] = await Promise.all([readDatasets(storage, run.id, options), readEnvironment(storage, run, options)]);
  const parent = parentOf(run);
  const { id, parent: _parent, environment: _environment, metrics: _metrics, ...facts } = run;
  return {
    ...facts,
    source: `${ownSource}${id}`,
    ...(parent === undefined ? {} : { parent }),
    ...(environment === undefined ? {} : { environment }),
    datasets,
    metrics: (reading = options) => points(storage, id, reading),
    artifacts: (reading = options) => artifacts(storage, id, reading),
  };
}

/** A parent keeps its id, which has the time of its start in it. */
function parentOf({ parent }: RunRecord): ImportedParent | undefined {
  return parent === undefined ? undefined : { source: `${ownSource}${parent}`, startedAt: idTime(parent) };
}

async function* points(storage: StorageAdapter, id: string, options: OperationOptions): AsyncGenerator<ImportedPoints> {
  for await (const { names, columns } of openBatches(storage, keys.metrics(id), options)) {
    const { codes, steps, times, since, values } = columns();
    for (let from = 0; from < values.length; from += chunkPoints) {
      const to = Math.min(from + chunkPoints, values.length);
      const timestamps = new Float64Array(to - from);
      for (let i = from; i < to; i++) timestamps[i - from] = since + times[i]!;
      yield { names, codes: codes.subarray(from, to), steps: steps.subarray(from, to), timestamps, values: values.slice(from, to) };
    }
  }
}

async function* artifacts(storage: StorageAdapter, id: string, options: OperationOptions): AsyncGenerator<ImportedArtifact> {
  for await (const { name, size, mediaType } of readArtifacts(storage, id, options)) yield { name, size, mediaType, content: lazily(() => openArtifact(storage, id, name, options)) };
}

async function* lazily(open: () => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array> {
  yield* await open();
}
