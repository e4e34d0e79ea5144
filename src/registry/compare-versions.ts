import * as z from 'zod/mini';
import { canonicalJson, type Encodable } from '../core/codec.ts';
import { comparedItem, comparedItems, type ComparedItem } from '../core/compared-item.ts';
import { ValidationError } from '../core/errors.ts';
import { signalOption } from '../core/option-schemas.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { measurementsOf, type DatasetRef, type Measurement } from './evaluation.ts';
import type { ModelFile } from '../core/model-manifest.ts';
import { parseReference } from './model-name.ts';
import type { ModelStore } from './model-store.ts';
import { viewOf, type ModelVersion } from './model-version.ts';
import { datasetsOf } from './search/version-vocabulary.ts';
import type { VersionDataset } from './version-facts.ts';

/** What a comparison of versions shows. */
export interface CompareVersionsOptions extends OperationOptions {
  /** Everything, or only what is not the same in all versions. @default 'all' */
  readonly only?: 'differences' | 'all' | undefined;
}

/** A metric of several versions on one dataset. */
export interface ComparedEvaluation extends ComparedItem<number> {
  /** What it was measured on. */
  readonly dataset: DatasetRef;
}

/** Several versions side by side. */
export interface VersionComparison {
  /** The versions, in the order in which all values are. */
  readonly versions: readonly Pick<ModelVersion, 'model' | 'version' | 'stage'>[];
  /** What the versions are: `stage`, `aliases`, `retired`, `digest`, `size`, `createdBy`, `description`, `run`, `pipelineRun`, `features`, `flavor`, `framework`, `licence`, `signature`. */
  readonly attributes: readonly ComparedItem<Encodable>[];
  /** What was measured at registration, by name. NaN is the same as NaN. */
  readonly metrics: readonly ComparedItem<number>[];
  /** What was measured last on each dataset, at registration or afterwards, by dataset and name: only these compare like with like. */
  readonly evaluations: readonly ComparedEvaluation[];
  /** Files by path: the same when their digests are. */
  readonly files: readonly ComparedItem<ModelFile>[];
  /** Datasets by role (`''` where none was told): the same when their fingerprints are, whatever they are called. */
  readonly datasets: readonly ComparedItem<readonly VersionDataset[]>[];
  /** What the flavor keeps, by name. */
  readonly flavorData: readonly ComparedItem<Encodable>[];
  /** Tags by name. */
  readonly tags: readonly ComparedItem<string>[];
}

interface Details {
  readonly version: ModelVersion;
  readonly measurements: readonly Measurement[];
}

const schema = z.strictObject({ only: z.optional(z.enum(['all', 'differences'])), signal: signalOption });

/** Reads the versions that references point at, and puts them side by side. */
export async function compareVersionsAt(store: ModelStore, refs: readonly string[], options: CompareVersionsOptions): Promise<VersionComparison> {
  const { only = 'all', signal } = check(schema, options, 'options');
  if (!Array.isArray(refs) || refs.length < 2) throw new ValidationError('refs must be an array of at least two references, such as [\'fraud@3\', \'fraud@4\'].', { path: 'refs' });
  const references = (refs as readonly string[]).map((ref, i) => parseReference(ref, `refs[${i}]`));
  const details = await Promise.all(
    references.map(async (reference): Promise<Details> => {
      const { state, record } = await store.find(reference, { signal });
      return { version: viewOf(state, record), measurements: measurementsOf(record, await store.evaluations(state, record.version, { signal })) };
    }),
  );
  return compareVersionDetails(details, only);
}

function compareVersionDetails(details: readonly Details[], only: 'all' | 'differences'): VersionComparison {
  const wanted = <I extends ComparedItem<unknown>>(items: readonly I[]): I[] => (only === 'all' ? [...items] : items.filter(({ verdict }) => verdict !== 'same'));
  const each = <T>(pick: (version: ModelVersion) => ReadonlyMap<string, T>, identityOf: (value: T) => string): ComparedItem<T>[] => {
    return wanted(comparedItems(details.map(({ version }) => pick(version)), identityOf));
  };
  return {
    versions: details.map(({ version: { model, version, stage } }) => ({ model, version, stage })),
    attributes: each((version) => present(attributesOf(version)), canonicalJson),
    metrics: each(({ metrics }) => new Map(Object.entries(metrics)), numberText),
    evaluations: wanted(comparedEvaluations(details)),
    files: each(({ files }) => new Map(files.map((file) => [file.path, file])), ({ digest }) => digest),
    datasets: each(byRole, (datasets) => [...new Set(datasets.map(({ digest }) => digest))].sort().join()),
    flavorData: each(({ flavorData = {} }) => present(flavorData), canonicalJson),
    tags: each(({ tags }) => new Map(Object.entries(tags)), (text) => text),
  };
}

function attributesOf({ stage, aliases, retired, digest, size, createdBy, description, run, pipelineRun, features, flavor, framework, licence, signature }: ModelVersion): Readonly<Record<string, unknown>> {
  return { stage, aliases, retired, digest, size, createdBy, description, run, pipelineRun, features, flavor, framework, licence, signature };
}

/** The last measurement of each metric on each dataset. */
function comparedEvaluations(details: readonly Details[]): ComparedEvaluation[] {
  const datasets = new Map<string, DatasetRef>();
  const byVersion = details.map(({ measurements }) => {
    const found = new Map<string, Map<string, number>>();
    for (const { dataset, metrics } of [...measurements].sort((a, b) => a.order - b.order)) {
      if (dataset === undefined) continue;
      // A later evaluation may know the name that an earlier one did not.
      datasets.set(dataset.digest, { ...datasets.get(dataset.digest), ...dataset });
      found.set(dataset.digest, new Map([...(found.get(dataset.digest) ?? []), ...Object.entries(metrics)]));
    }
    return found;
  });
  return [...datasets].flatMap(([digest, dataset]) => {
    const names = new Set(byVersion.flatMap((found) => [...(found.get(digest)?.keys() ?? [])]));
    return [...names].map((name) => ({ ...comparedItem(name, byVersion.map((found) => found.get(digest)?.get(name)), numberText), dataset }));
  });
}

function byRole(version: ModelVersion): Map<string, VersionDataset[]> {
  const roles = new Map<string, VersionDataset[]>();
  for (const dataset of datasetsOf(version)) roles.set(dataset.role ?? '', [...(roles.get(dataset.role ?? '') ?? []), dataset]);
  return roles;
}

function present(fields: Readonly<Record<string, unknown>>): Map<string, Encodable> {
  return new Map(Object.entries(fields).filter((entry): entry is [string, Encodable] => entry[1] !== undefined));
}

// A sum with 0 makes 0 of -0, which is the same number.
function numberText(value: number): string {
  return String(value + 0);
}
