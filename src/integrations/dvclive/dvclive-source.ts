import type { Encodable } from '../../core/codec.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';
import { flatNumbers } from '../../tracking/interchange/flat-numbers.ts';
import type { ImportDamage, ImportedArtifact, ImportedPoints, ImportedRun } from '../../tracking/interchange/imported-run.ts';
import { lenientJson } from '../../tracking/interchange/lenient-json.ts';
import { parseYaml } from '../../tracking/interchange/parse-yaml.ts';
import { PointColumns } from '../../tracking/interchange/point-columns.ts';
import { readText } from '../../tracking/interchange/read-text.ts';
import { filesWithin, type SourceDirectory } from '../../tracking/interchange/source-directory.ts';
import { yamlValue } from '../../tracking/interchange/yaml-value.ts';
import { readTsv } from './read-tsv.ts';

/** What the files of DVCLive do not say of their run. */
export interface DvcliveSourceOptions extends OperationOptions {
  /** Name of the experiment that the run is put in. */
  experiment: string;
  /** Name of the run; imported again under the same experiment and name, it is the same run. */
  name: string;
  /** Epoch milliseconds of its start, which is the time of its points too where the files have none. */
  startedAt: number;
}

/**
 * The run of a DVCLive directory: `plots/metrics/**.tsv` as metrics, `params.yaml` as params (nested ones stay nested), values of `metrics.json` that no plot has as points at its step, and the other files under `plots/` and `artifacts/` as
 * artifacts. A line or file that cannot be read is damage with its byte, and hides nothing else; a last line without a line break was torn.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { dvcliveSource, sourceDirectory } from 'modelkeep/interchange';
 *
 * // In Node, nodeDirectory('dvclive') of 'modelkeep/node' reads a directory of the disk.
 * const directory = sourceDirectory({ 'plots/metrics/loss.tsv': 'step\tloss\n0\t0.5\n', 'params.yaml': 'lr: 0.1\n' });
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const startedAt = Date.parse('2026-01-31T10:00:00Z');
 * await tracker.importRuns(dvcliveSource(directory, { experiment: 'flight-delay', name: 'exp-1', startedAt }));
 * ```
 */
export async function* dvcliveSource(directory: SourceDirectory, options: DvcliveSourceOptions): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  const { experiment, name, startedAt } = options;
  const source = `dvclive:${experiment}/${name}`;
  let params: Record<string, Encodable> = {};
  try {
    params = await readParams(directory, options);
  } catch (error) {
    yield fileDamage(source, 'params.yaml', error);
  }
  yield {
    source,
    experiment,
    name,
    status: 'finished',
    startedAt,
    params,
    tags: {},
    datasets: [],
    metrics: (reading) => readPoints(directory, source, startedAt, reading),
    artifacts: (reading) => readFiles(directory, source, reading),
  };
}

async function readParams(directory: SourceDirectory, options: OperationOptions): Promise<Record<string, Encodable>> {
  const text = await readText(directory, 'params.yaml', options);
  if (text === undefined || text.trim() === '') return {};
  const params = yamlValue(parseYaml(text, 'params.yaml'));
  if (params === null) return {};
  if (typeof params !== 'object' || Array.isArray(params)) throw new IntegrityError('params.yaml is no mapping.', { key: 'params.yaml', offset: 0 });
  return params as Record<string, Encodable>;
}

const plots = 'plots/metrics';

async function* readPoints(directory: SourceDirectory, source: string, startedAt: number, options: OperationOptions = {}): AsyncGenerator<ImportedPoints | ImportDamage> {
  const columns = new PointColumns();
  const faults: ImportDamage[] = [];
  const onFault = (path: string, error: unknown): void => void faults.push(fileDamage(source, path, error));
  const seen = new Set<string>();
  let lastStep = 0;
  let lastTimestamp = startedAt;
  for await (const path of filesWithin(directory, plots, onFault, options)) {
    if (!path.endsWith('.tsv')) continue;
    const name = path.slice(0, -'.tsv'.length);
    try {
      for await (const rows of readTsv(directory, `${plots}/${path}`, startedAt, options)) {
        for (const row of rows) {
          if ('message' in row) {
            yield { source, where: `${plots}/${path}`, ...row };
            continue;
          }
          if (columns.full) yield columns.take();
          columns.add(name, row.step, row.timestamp, row.value);
          seen.add(name);
          lastStep = Math.max(lastStep, row.step);
          lastTimestamp = Math.max(lastTimestamp, row.timestamp);
        }
      }
    } catch (error) {
      yield fileDamage(source, `${plots}/${path}`, error);
    }
  }
  try {
    const summary = await readSummary(directory, options);
    for (const [name, value] of summary) if (name === 'step' && Number.isSafeInteger(value)) lastStep = Math.max(lastStep, value);
    for (const [name, value] of summary) {
      if (name === 'step' || seen.has(name)) continue;
      if (columns.full) yield columns.take();
      columns.add(name, lastStep, lastTimestamp, value);
    }
  } catch (error) {
    yield fileDamage(source, 'metrics.json', error);
  }
  if (columns.count > 0) yield columns.take();
  yield* faults;
}

/** The numbers of `metrics.json` by their paths. */
async function readSummary(directory: SourceDirectory, options: OperationOptions): Promise<[string, number][]> {
  const text = await readText(directory, 'metrics.json', options);
  if (text === undefined) return [];
  const summary = lenientJson(text);
  if (typeof summary !== 'object' || summary === null) throw new IntegrityError('metrics.json is no JSON object.', { key: 'metrics.json', offset: 0 });
  const numbers: [string, number][] = [];
  flatNumbers('', summary, { separator: '/', numberOf: (value) => (typeof value === 'number' ? value : undefined), take: (name, value) => numbers.push([name, value]) });
  return numbers;
}

async function* readFiles(directory: SourceDirectory, source: string, options: OperationOptions = {}): AsyncGenerator<ImportedArtifact | ImportDamage> {
  const faults: ImportDamage[] = [];
  for (const folder of ['artifacts', 'plots']) {
    for await (const inside of filesWithin(directory, folder, (path, error) => faults.push(fileDamage(source, path, error)), options)) {
      const name = `${folder}/${inside}`;
      if (name.startsWith(`${plots}/`)) continue;
      yield { name, content: directory.open(name, options), size: await directory.size(name, options) };
    }
  }
  yield* faults;
}
