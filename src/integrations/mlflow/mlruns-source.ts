import { throwIfAborted } from '../../core/abort.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ImportDamage, ImportedRun, RunSource } from '../../tracking/interchange/imported-run.ts';
import { yamlText } from '../../tracking/interchange/yaml-value.ts';
import type { SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { readMeta } from './read-meta.ts';
import { readRun } from './read-run.ts';

/** Which part of an `mlruns` directory is read. */
export interface MlrunsSourceOptions extends OperationOptions {
  /** Names of experiments. @default all */
  experiments?: readonly string[] | undefined;
}

/** Folders of an experiment that are no runs. */
const reserved: ReadonlySet<string> = /* @__PURE__ */ new Set(['tags', 'datasets', 'models', 'traces', 'evaluations']);

/**
 * The runs of an MLflow file store (`mlruns`), deleted ones too, experiment by experiment: params, metrics with their steps (those of lines that name a dataset too, which MLflow's own reader drops), tags, notes, parents, datasets and
 * artifacts, and models that a run logged, as artifacts under `models/<model id>/`. Models of the registry are not runs, and are not read.
 *
 * An experiment, run or line that cannot be read is told as damage, with file and byte, and hides nothing else. A last line without a line break was torn, and is damage even where it could be read: its step may be cut.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { mlrunsSource, sourceDirectory } from 'modelkeep/interchange';
 *
 * // In Node, nodeDirectory('mlruns') of 'modelkeep/node' reads a directory of the disk.
 * const directory = sourceDirectory({
 *   '1/meta.yaml': "experiment_id: '1'\nname: flight-delay\n",
 *   '1/0f3c/meta.yaml': 'run_id: 0f3c\nrun_name: first\nstart_time: 1700000000000\nstatus: 3\n',
 *   '1/0f3c/metrics/loss': '1700000000000 0.5 0\n',
 * });
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const report = await tracker.importRuns(mlrunsSource(directory));
 * console.log(report.imported.length, report.damaged); // 1 []
 * ```
 */
export async function* mlrunsSource(directory: SourceDirectory, options: MlrunsSourceOptions = {}): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  for (const folder of ['', '.trash/']) {
    for await (const entry of directory.list(folder.slice(0, -1), options)) {
      if (entry.kind !== 'directory' || entry.name.startsWith('.') || entry.name === 'models') continue;
      try {
        yield* experimentRuns(directory, `${folder}${entry.name}`, options);
      } catch (error) {
        yield damageOf(`mlflow:experiment:${entry.name}`, `${folder}${entry.name}`, error, 'no more of its runs are imported');
      }
    }
  }
}

async function* experimentRuns(directory: SourceDirectory, experiment: string, options: MlrunsSourceOptions): RunSource & AsyncGenerator<ImportedRun | ImportDamage> {
  const id = experiment.slice(experiment.lastIndexOf('/') + 1);
  let name = id;
  let fault: ImportDamage | undefined;
  try {
    name = yamlText(await readMeta(directory, experiment, options), 'name') ?? id;
  } catch (error) {
    fault = damageOf(`mlflow:experiment:${id}`, experiment, error, `its runs are imported into an experiment '${id}'`);
  }
  if (options.experiments !== undefined && !options.experiments.includes(name)) return;
  for await (const entry of directory.list(experiment, options)) {
    throwIfAborted(options.signal, 'Reading mlruns');
    if (entry.kind !== 'directory' || reserved.has(entry.name) || entry.name.startsWith('.')) continue;
    // A folder that is no experiment at all has no runs, and is nothing to complain of.
    if (fault !== undefined && (await directory.size(`${experiment}/${entry.name}/meta.yaml`, options)) === undefined) continue;
    try {
      yield* readRun(directory, { experiment, name, run: entry.name }, options);
    } catch (error) {
      yield damageOf(`mlflow:${entry.name}`, `${experiment}/${entry.name}`, error, 'the run is left out');
    }
    if (fault !== undefined) yield fault;
    fault = undefined;
  }
}

function damageOf(source: string, folder: string, error: unknown, consequence: string): ImportDamage {
  if (!isModelkeepError(error, 'integrity', 'validation')) throw error;
  const { offset, key } = error.details;
  return { source, where: typeof key === 'string' ? key : `${folder}/meta.yaml`, ...(typeof offset === 'number' ? { offset } : {}), message: `${error.message} So ${consequence}.` };
}
