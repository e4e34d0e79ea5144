import { canonicalJson, type Encodable } from '../../core/codec.ts';
import type { CodeRecord, EnvironmentRecord } from '../../core/environment.ts';
import { ValidationError } from '../../core/errors.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { MetricPoint } from '../latest-metric.ts';
import type { ArtifactRecord } from '../artifacts/artifact-record.ts';
import type { LoggedModel } from '../models/logged-model.ts';
import type { DatasetRecord } from '../run-datasets.ts';
import type { RunRecord } from '../run-record.ts';
import { comparedItem, comparedItems, type ComparedItem } from '../../core/compared-item.ts';
import { guessDirection, type MetricDirection } from './metric-direction.ts';
import type { RunDetails } from './run-details.ts';

/** A metric in several runs: its latest values, which the verdict is about, and its best ones. */
export interface ComparedMetric extends ComparedItem<MetricPoint> {
  /** Whether less or more is better, as given or as its name suggests; absent where neither says. */
  readonly direction?: MetricDirection | undefined;
  /** The best point of each run in that direction; `undefined` where no direction, or no best point of that run, is known. */
  readonly best: readonly (MetricPoint | undefined)[];
}

/** Several runs side by side. */
export interface RunComparison {
  /** The runs, in the order in which all values are. */
  readonly runs: readonly Pick<RunRecord, 'id' | 'name' | 'experiment'>[];
  /** What the runs are: `experiment`, `group`, `status`, `seed`, `parent`. */
  readonly attributes: readonly ComparedItem<Encodable>[];
  /** Params by name. */
  readonly params: readonly ComparedItem<Encodable>[];
  /** Tags by name. */
  readonly tags: readonly ComparedItem<string>[];
  /** Metrics by name. The values count, not their steps; NaN is the same as NaN. */
  readonly metrics: readonly ComparedMetric[];
  /** Datasets by role: the same when their fingerprints are, whatever they are called. */
  readonly datasets: readonly ComparedItem<readonly DatasetRecord[]>[];
  /** The code: `commit`, `branch`, `remote`, `dirty`, `diff`, `directory`, `entry`, `command`. */
  readonly code: readonly ComparedItem<Encodable>[];
  /** The environment: `runtime`, `runtimeVersion`, `platform`, `architecture`, `cpu`, `memoryBytes`, `lockfile`. */
  readonly environment: readonly ComparedItem<Encodable>[];
  /** Installed versions by package. */
  readonly packages: readonly ComparedItem<string>[];
  /** Logged models by name: the same when they have the same contents, in whatever order they were logged. */
  readonly models: readonly ComparedItem<readonly LoggedModel[]>[];
  /** Artifacts by name, but those that are files of models: the same when their digests are. */
  readonly artifacts: readonly ComparedItem<ArtifactRecord>[];
}

/** What a comparison shows. */
export interface CompareRunsOptions {
  /** Everything, or only what is not the same in all runs; the load of their hosts (metrics under `system/`), which never is, is no such difference. @default 'all' */
  only?: 'differences' | 'all' | undefined;
  /** Whether less or more of a metric is better, by name. @default what the names suggest */
  directions?: Readonly<Record<string, MetricDirection>> | undefined;
}

const names: OptionNames<CompareRunsOptions & OperationOptions> = { only: true, directions: true, signal: true };

/** Checks what is to be compared, before any of it is read. Throws `ValidationError`. */
export function checkComparison(ids: readonly string[], options: CompareRunsOptions & OperationOptions): void {
  if (!Array.isArray(ids)) throw new ValidationError(`compareRuns was given ${shown(ids, 80)}; give an array of ids of runs.`, { path: 'ids' });
  checkOptionNames(options, names, 'compareRuns');
}

/**
 * Puts runs side by side, item by item. Costs O(items · runs).
 *
 * Throws `ValidationError` for fewer than two runs and for options that are none.
 */
export function compareRunDetails(details: readonly RunDetails[], options: CompareRunsOptions = {}): RunComparison {
  const { only = 'all', directions = {} } = options;
  if (details.length < 2) throw new ValidationError(`A comparison needs at least two runs, not ${details.length}.`, { path: 'runs' });
  if (only !== 'all' && only !== 'differences') throw new ValidationError(`only is ${shown(only, 80)}; give 'differences' or 'all'.`, { path: 'only' });
  for (const [name, direction] of Object.entries(directions)) {
    if (direction !== 'min' && direction !== 'max') throw new ValidationError(`The direction of metric '${name}' is ${shown(direction, 80)}; give 'min' or 'max'.`, { path: `directions.${name}` });
  }
  const wanted = <I extends ComparedItem<unknown>>(items: readonly I[]): I[] => (only === 'all' ? [...items] : items.filter(({ verdict }) => verdict !== 'same'));
  const fields = (pick: (run: RunDetails) => Readonly<Record<string, unknown>>): ComparedItem<Encodable>[] => {
    return wanted(comparedItems(details.map((each) => present(pick(each))), canonicalJson));
  };
  return {
    runs: details.map(({ run: { id, name, experiment } }) => ({ id, ...(name === undefined ? {} : { name }), experiment })),
    attributes: fields(({ run: { experiment, group, status, seed, parent } }) => ({ experiment, group, status, seed, parent })),
    params: fields(({ run }) => run.params),
    tags: wanted(comparedItems(details.map(({ run }) => new Map(Object.entries(run.tags))), asItIs)),
    metrics: wanted(comparedMetrics(details, directions).filter(({ name }) => only === 'all' || !name.startsWith('system/'))),
    datasets: wanted(comparedItems(details.map(({ datasets }) => byRole(datasets)), fingerprintsOf)),
    code: fields((each) => codeFields(codeOf(each))),
    environment: fields(({ environment }) => environmentFields(environment)),
    packages: wanted(comparedItems(details.map(({ environment }) => new Map(Object.entries(environment?.packages ?? {}))), asItIs)),
    models: wanted(comparedItems(details.map(({ models }) => modelsByName(models)), digestsOf)),
    artifacts: wanted(comparedItems<ArtifactRecord>(details.map(artifactsByName), ({ digest }) => digest)),
  };
}

/** All that is known of a run's code. */
export function codeOf({ environment, run }: RunDetails): CodeRecord {
  return environment?.code ?? run.code ?? {};
}

/** The fingerprints of datasets as one text, whatever their order. */
export function fingerprintsOf(datasets: readonly DatasetRecord[]): string {
  return [...new Set(datasets.map(({ fingerprint }) => fingerprint))].sort().join();
}

/** The datasets by what they served for. */
export function byRole(datasets: readonly DatasetRecord[]): Map<string, DatasetRecord[]> {
  const roles = new Map<string, DatasetRecord[]>();
  for (const dataset of datasets) roles.set(dataset.role, [...(roles.get(dataset.role) ?? []), dataset]);
  return roles;
}

/** Artifacts by name, but those that are files of models, whose names tell their contents. */
export function artifactsByName({ artifacts, models }: RunDetails): Map<string, ArtifactRecord> {
  const ofModels = new Set(models.flatMap(({ folder, files }) => files.map(({ path }) => `${folder}/${path}`)));
  return new Map(artifacts.flatMap((artifact) => (ofModels.has(artifact.name) ? [] : [[artifact.name, artifact]])));
}

/** Logged models by name. */
export function modelsByName(models: readonly LoggedModel[]): Map<string, LoggedModel[]> {
  const named = new Map<string, LoggedModel[]>();
  for (const model of models) named.set(model.name, [...(named.get(model.name) ?? []), model]);
  return named;
}

/** The digests of models as one text, whatever their order. */
export function digestsOf(models: readonly LoggedModel[]): string {
  return models.map(({ digest }) => digest).sort().join();
}

/** What is compared of code. */
export function codeFields({ commit, branch, remote, dirty, diff, directory, entry, command }: CodeRecord): Readonly<Record<string, unknown>> {
  return { commit, branch, remote, dirty, diff, directory, entry, command };
}

/** What is compared of an environment, but its packages. */
export function environmentFields(environment: EnvironmentRecord | undefined): Readonly<Record<string, unknown>> {
  const { runtime, runtimeVersion, platform, architecture, cpu, gpu, memoryBytes, lockfile } = environment ?? {};
  return { runtime, runtimeVersion, platform, architecture, cpu, gpu, memoryBytes, lockfile };
}

function comparedMetrics(details: readonly RunDetails[], directions: Readonly<Record<string, MetricDirection>>): ComparedMetric[] {
  const names = new Set(details.flatMap(({ run }) => Object.keys(run.metrics)));
  return [...names].map((name) => {
    const direction = Object.hasOwn(directions, name) ? directions[name] : guessDirection(name);
    const latest = details.map(({ run }) => own(run.metrics, name));
    const best = details.map((each) => (direction === undefined || each.best === undefined ? undefined : own(each.best, name)?.[direction]));
    // A sum with 0 makes 0 of -0, which is the same number.
    return { ...comparedItem(name, latest, ({ value }) => String(value + 0)), ...(direction === undefined ? {} : { direction }), best };
  });
}

function present(fields: Readonly<Record<string, unknown>>): Map<string, Encodable> {
  return new Map(Object.entries(fields).filter((entry): entry is [string, Encodable] => entry[1] !== undefined));
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function asItIs(text: string): string {
  return text;
}
