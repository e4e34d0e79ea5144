import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll, readValue } from '../../storage/records.ts';
import type { ArtifactRecord } from '../artifacts/artifact-record.ts';
import { openArtifact } from '../artifacts/read-artifact.ts';
import { openBatch, type BatchColumns } from '../metric-batch.ts';
import { BatchIds } from '../metric-log.ts';
import { readDatasets } from '../run-datasets.ts';
import { readEnvironment } from '../run-environment.ts';
import type { RunRecord } from '../run-record.ts';
import { keys } from '../tracking-keys.ts';
import { fileDamage } from './file-damage.ts';
import { idTime, ownSource } from './imported-id.ts';
import type { ImportDamage, ImportedArtifact, ImportedParent, ImportedPoints, ImportedRun } from './imported-run.ts';

const chunkPoints = 8_192;

/**
 * Runs of a store in the form in which they go elsewhere: into a file (`exportRunsCsv`, `exportRunsJsonl`, `tensorboardEvents`) or into another store (`importRuns`), where they keep their ids. Points come in the order of their logging, each
 * batch once, and nothing is read before it is wanted. What cannot be read comes as damage among the points or artifacts, and hides nothing else.
 */
export async function* exportRuns(storage: StorageAdapter, runs: AsyncIterable<RunRecord> | Iterable<RunRecord>, options: OperationOptions = {}): AsyncGenerator<ImportedRun, void, undefined> {
  for await (const run of runs) yield exportedRun(storage, run, options);
}

/** One run in the form in which it goes elsewhere. */
async function exportedRun(storage: StorageAdapter, run: RunRecord, options: OperationOptions): Promise<ImportedRun> {
  const source = `${ownSource}${run.id}`;
  const damaged: ImportDamage[] = [];
  const sound = <T>(where: string, read: Promise<T>, otherwise: T): Promise<T> =>
    read.catch((error: unknown) => {
      damaged.push(fileDamage(source, where, error));
      return otherwise;
    });
  const [datasets, environment] = await Promise.all([
    readDatasets(storage, run.id, (error) => damaged.push(fileDamage(source, String(error.details.key), error)), options),
    sound('environment', readEnvironment(storage, run, options), undefined),
  ]);
  const parent = parentOf(run);
  const { id, parent: _parent, environment: _environment, metrics: _metrics, ...facts } = run;
  return {
    ...facts,
    source,
    ...(parent === undefined ? {} : { parent }),
    ...(environment === undefined ? {} : { environment }),
    datasets,
    async *metrics(reading = options) {
      yield* damaged;
      yield* points(storage, id, source, reading);
    },
    artifacts: (reading = options) => artifacts(storage, id, source, reading),
  };
}

/** A parent keeps its id, which has the time of its start in it. */
function parentOf({ parent }: RunRecord): ImportedParent | undefined {
  return parent === undefined ? undefined : { source: `${ownSource}${parent}`, startedAt: idTime(parent) };
}

async function* points(storage: StorageAdapter, id: string, source: string, { signal }: OperationOptions): AsyncGenerator<ImportedPoints | ImportDamage> {
  const log = keys.metrics(id);
  const seen = new BatchIds();
  try {
    for await (const { bytes, writer, sequence } of storage.readLog(log, { signal })) {
      try {
        const batch = openBatch(bytes, log);
        if (seen.add(batch)) yield* pieces(batch.names, batch.columns());
      } catch (error) {
        yield fileDamage(source, `${log}, entry ${sequence} of ${writer}`, error);
      }
    }
  } catch (error) {
    yield fileDamage(source, log, error);
  }
}

function* pieces(names: readonly string[], { codes, steps, times, since, values }: BatchColumns): Generator<ImportedPoints> {
  for (let from = 0; from < values.length; from += chunkPoints) {
    const to = Math.min(from + chunkPoints, values.length);
    const timestamps = new Float64Array(to - from);
    for (let i = from; i < to; i++) timestamps[i - from] = since + times[i]!;
    yield { names, codes: codes.subarray(from, to), steps: steps.subarray(from, to), timestamps, values: values.slice(from, to) };
  }
}

async function* artifacts(storage: StorageAdapter, id: string, source: string, options: OperationOptions): AsyncGenerator<ImportedArtifact | ImportDamage> {
  for await (const { key } of listAll(storage, { prefix: keys.artifacts(id) }, options)) {
    try {
      const found = await readValue<ArtifactRecord>(storage, key, options);
      if (found === undefined) continue;
      const { name, size, mediaType } = found.value;
      yield { name, size, mediaType, content: lazily(() => openArtifact(storage, id, name, options)) };
    } catch (error) {
      yield fileDamage(source, key, error);
    }
  }
}

async function* lazily(open: () => Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array> {
  yield* await open();
}
