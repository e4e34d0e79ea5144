import { canonicalJson } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { IntegrityError, isModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ImportDamage, ImportedDataset, ImportedParent, ImportedRun } from '../../tracking/interchange/imported-run.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';
import { wholeNumber } from '../../tracking/interchange/metric-number.ts';
import type { YamlNode } from '../../tracking/interchange/parse-yaml.ts';
import { readText } from '../../tracking/interchange/read-text.ts';
import { filesWithin, type SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { yamlText } from '../../tracking/interchange/yaml-value.ts';
import { readArtifacts } from './read-artifacts.ts';
import { readMeta } from './read-meta.ts';
import { readMetrics } from './read-metrics.ts';

/** Where a run is in an `mlruns` directory. */
export interface RunPlace {
  /** The folder of its experiment. */
  readonly experiment: string;
  /** The name of its experiment. */
  readonly name: string;
  /** The name of its folder, which is its id. */
  readonly run: string;
}

const statuses: Readonly<Record<string, ImportedRun['status']>> = {
  '1': 'running', RUNNING: 'running', '2': 'running', SCHEDULED: 'running', '3': 'finished', FINISHED: 'finished', '4': 'failed', FAILED: 'failed', '5': 'killed', KILLED: 'killed',
};
const safeId = /^[\w-]+$/;

/** A run, after what could not be read of it but its points and artifacts. Throws `IntegrityError` when its `meta.yaml` cannot be read. */
export async function* readRun(directory: SourceDirectory, place: RunPlace, options: OperationOptions): AsyncGenerator<ImportedRun | ImportDamage> {
  const folder = `${place.experiment}/${place.run}`;
  const meta = await readMeta(directory, folder, options);
  const source = `mlflow:${yamlText(meta, 'run_id') ?? yamlText(meta, 'run_uuid') ?? place.run}`;
  const damaged: ImportDamage[] = [];
  const told = (where: string, message: string): void => void damaged.push({ source, where, message });
  const startedAt = timeIn(meta, 'start_time');
  if (startedAt === undefined) told(`${folder}/meta.yaml`, 'It has no start_time; the run is imported as if it had started in 1970.');
  const status = statuses[yamlText(meta, 'status') ?? ''];
  if (status === undefined) told(`${folder}/meta.yaml`, `Its status is '${yamlText(meta, 'status') ?? ''}', which is none; the run is imported as finished.`);
  const params = await readTexts(directory, `${folder}/params`, source, damaged, options);
  const { 'mlflow.note.content': notes, ...tags } = await readTexts(directory, `${folder}/tags`, source, damaged, options);
  const name = yamlText(meta, 'run_name') || tags['mlflow.runName'];
  const parent = await readParent(directory, place, tags['mlflow.parentRunId'], options);
  if (parent === undefined && tags['mlflow.parentRunId'] !== undefined) told(`${folder}/tags/mlflow.parentRunId`, 'The run that it names is not there; the tag is kept.');
  const start = startedAt ?? 0;
  const datasets = await readDatasets(directory, place, start, source, damaged, options);
  yield* damaged;
  const endedAt = timeIn(meta, 'end_time');
  const deleted = yamlText(meta, 'lifecycle_stage') === 'deleted' || place.experiment.startsWith('.trash/');
  const commit = tags['mlflow.source.git.commit'];
  const branch = tags['mlflow.source.git.branch'];
  const entry = tags['mlflow.source.name'];
  yield {
    source,
    experiment: place.name,
    ...(name ? { name } : {}),
    status: status ?? 'finished',
    startedAt: start,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(deleted ? { deletedAt: timeIn(meta, 'deleted_time') ?? endedAt ?? start } : {}),
    params,
    tags,
    ...(notes === undefined ? {} : { notes }),
    ...(parent === undefined ? {} : { parent }),
    ...(commit || entry ? { code: { ...(commit ? { commit } : {}), ...(branch ? { branch } : {}), ...(entry ? { entry } : {}) } } : {}),
    datasets,
    metrics: (reading) => readMetrics(directory, `${folder}/metrics`, source, reading),
    artifacts: (reading) => readArtifacts(directory, place, source, yamlText(meta, 'artifact_uri') ?? '', reading),
  };
}

function timeIn(meta: YamlNode, key: string): number | undefined {
  const time = wholeNumber(yamlText(meta, key) ?? '');
  return time !== undefined && time >= 0 ? time : undefined;
}

/** The files of a folder by their path. They are read exactly, since MLflow writes exactly what was logged. */
async function readTexts(directory: SourceDirectory, folder: string, source: string, damaged: ImportDamage[], options: OperationOptions): Promise<Record<string, string>> {
  const texts: [string, string][] = [];
  for await (const path of filesWithin(directory, folder, (path, error) => damaged.push(fileDamage(source, path, error)), options)) {
    try {
      const text = await readText(directory, `${folder}/${path}`, options);
      if (text !== undefined) texts.push([path, text]);
    } catch (error) {
      damaged.push(fileDamage(source, `${folder}/${path}`, error));
    }
  }
  return Object.fromEntries(texts);
}

/** Looked for in its own experiment first, then in all, as MLflow allows either. */
async function readParent(directory: SourceDirectory, place: RunPlace, id: string | undefined, options: OperationOptions): Promise<ImportedParent | undefined> {
  if (id === undefined || !safeId.test(id)) return undefined;
  const folders = [place.experiment];
  for (const above of ['', '.trash/']) for await (const entry of directory.list(above.slice(0, -1), options)) if (entry.kind === 'directory') folders.push(`${above}${entry.name}`);
  for (const folder of folders) {
    if ((await directory.size(`${folder}/${id}/meta.yaml`, options)) === undefined) continue;
    try {
      return { source: `mlflow:${id}`, startedAt: timeIn(await readMeta(directory, `${folder}/${id}`, options), 'start_time') ?? 0 };
    } catch (error) {
      if (!isModelkeepError(error, 'integrity')) throw error;
      return undefined;
    }
  }
  return undefined;
}

async function readDatasets(directory: SourceDirectory, place: RunPlace, at: number, source: string, damaged: ImportDamage[], options: OperationOptions): Promise<ImportedDataset[]> {
  const folder = `${place.experiment}/${place.run}/inputs`;
  const datasets: ImportedDataset[] = [];
  const inputs: string[] = [];
  try {
    for await (const entry of directory.list(folder, options)) if (entry.kind === 'directory') inputs.push(entry.name);
  } catch (error) {
    damaged.push(fileDamage(source, folder, error));
  }
  for (const name of inputs) {
    const path = `${folder}/${name}`;
    try {
      const input = await readMeta(directory, path, options);
      if (yamlText(input, 'source_type') !== 'DATASET') continue;
      const id = yamlText(input, 'source_id') ?? '';
      if (!safeId.test(id)) throw new IntegrityError(`${path}/meta.yaml names no dataset.`, { key: `${path}/meta.yaml` });
      const tags = (input as ReadonlyMap<string, YamlNode>).get('tags');
      const meta = await readMeta(directory, `${place.experiment}/datasets/${id}`, options);
      datasets.push(datasetOf(meta, (tags === undefined ? undefined : yamlText(tags, 'mlflow.data.context')) ?? 'training', at));
    } catch (error) {
      damaged.push(fileDamage(source, path, error));
    }
  }
  return datasets;
}

function datasetOf(meta: YamlNode, role: string, loggedAt: number): ImportedDataset {
  const text = (key: string): string => yamlText(meta, key) ?? '';
  const [name, digest] = [text('name'), text('digest')];
  const json = (key: string): Record<string, unknown> => {
    try {
      return Object(JSON.parse(text(key))) as Record<string, unknown>;
    } catch {
      return {};
    }
  };
  const rows = json('profile')['num_rows'];
  const origin = json('source');
  const address = ['uri', 'url', 'path'].map((key) => origin[key]).find((value) => typeof value === 'string') ?? text('source');
  return {
    name: name || 'dataset',
    role,
    ...(address === '' || address === '{}' ? {} : { source: address }),
    // MLflow's digest is one of its own; the same one gives the same fingerprint.
    fingerprint: digestOf(canonicalJson(['mlflow', name, digest])),
    rowCount: typeof rows === 'number' ? rows : NaN,
    schema: schemaOf(json('schema')['mlflow_colspec']),
    loggedAt,
    sourceDigest: digest,
  };
}

const columnTypes: Readonly<Record<string, ImportedDataset['schema'][string]>> = {
  double: 'float64', float: 'float64', long: 'int64', integer: 'int64', boolean: 'bool', string: 'string', datetime: 'timestamp',
};

function schemaOf(columns: unknown): ImportedDataset['schema'] {
  if (!Array.isArray(columns)) return {};
  const known = (columns as { name?: unknown; type?: unknown }[]).flatMap((column) => {
    const type = columnTypes[String(column?.type)];
    return typeof column?.name === 'string' && type !== undefined ? [[column.name, type] as const] : [];
  });
  return Object.fromEntries(known);
}
