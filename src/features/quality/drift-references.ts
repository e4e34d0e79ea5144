import type { Clock } from '../../core/clock.ts';
import { isPresent, toColumn, type Column, type ColumnType } from '../../core/column.ts';
import { isModelkeepError, NotFoundError, ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { getDataset } from '../datasets/stored-datasets.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import type { RowSnapshot } from '../loaded-rows.ts';
import type { CheckedShape, MeasureColumn } from '../table-checks.ts';
import type { CheckPart } from './check-run.ts';
import { kindFor, type DatasetReference, type DriftCheck, type DriftKind, type ValuesReference } from './drift-check.ts';
import { measureDrift, sampleOf, type DriftSample } from './measure-drift.ts';
import { sketchesOfDay } from './view-statistics.ts';

/** Where references come from. */
export interface ReferenceSources {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly current: CurrentView;
  /** The rows of the view, for a day that was not counted yet. */
  readonly snapshot: () => Promise<RowSnapshot>;
}

/** Finds the references of all checks of drift, and gives what measures by them. Throws `NotFoundError` for one that is not there, `ValidationError` for one that does not go with its column. */
export async function loadReferences(parts: readonly CheckPart[], shape: CheckedShape, sources: ReferenceSources, options: OperationOptions): Promise<(part: CheckPart) => MeasureColumn> {
  const samples = new Map<DriftCheck, DriftSample>();
  for (const { checks, path } of parts) {
    for (const [name, { maxDrift }] of Object.entries(checks.columns ?? {})) {
      if (maxDrift === undefined) continue;
      const at = `${path}.columns.${name}.maxDrift`;
      const type = Object.hasOwn(shape.types, name) ? shape.types[name] : undefined;
      const sample = await sampleFor(maxDrift, name, type, `${at}.reference`, sources, options);
      if (type !== undefined) demandKind(sample, type, maxDrift, at);
      samples.set(maxDrift, sample);
    }
  }
  return ({ path }) => (name, column, drift) => {
    const sample = samples.get(drift)!;
    // A column of which nothing else is known has no type before it has a value.
    if (hasValue(column)) demandKind(sample, column.type, drift, `${path}.columns.${name}.maxDrift`);
    return measureDrift(drift, sample, column, `rows.${name}`);
  };
}

function hasValue(column: Column): boolean {
  for (let i = 0; i < column.values.length; i++) if (isPresent(column, i)) return true;
  return false;
}

function demandKind({ kind }: DriftSample, type: ColumnType, drift: DriftCheck, at: string): void {
  if (kindFor(type, drift, at) === kind) return;
  throw new ValidationError(`${at}.reference holds ${kind === 'number' ? 'numbers' : 'texts or truth values'}, and the column holds ${type} values; compare a column with values of its kind.`, { path: `${at}.reference` });
}

async function sampleFor({ reference }: DriftCheck, name: string, type: ColumnType | undefined, at: string, sources: ReferenceSources, options: OperationOptions): Promise<DriftSample> {
  if ('dataset' in reference) return datasetSample(reference, name, at, sources, options);
  if ('day' in reference) return daySample(reference.day, name, at, sources, options);
  return givenSample(reference, type, at);
}

function givenSample({ values }: ValuesReference, type: ColumnType | undefined, at: string): DriftSample {
  const column = toColumn(values, type, `${at}.values`);
  const kind = kindOf(column.type);
  if (kind === undefined) throw new ValidationError(`${at}.values holds values of several types; give numbers, texts or truth values alone.`, { path: `${at}.values` });
  return sampleOf([column], kind);
}

async function datasetSample({ dataset: ref, column: wanted, split }: DatasetReference, name: string, at: string, { storage, clock }: ReferenceSources, options: OperationOptions): Promise<DriftSample> {
  const column = wanted ?? name;
  const dataset = await naming(`${at}.dataset`, () => getDataset(storage, clock, ref, options));
  const type = Object.hasOwn(dataset.schema, column) ? dataset.schema[column] : undefined;
  const kind = type && kindOf(type);
  if (kind === undefined) {
    const what = type === undefined ? 'has no such column' : `holds ${type} values in it`;
    throw new ValidationError(`${at} is about the column '${column}', and the dataset '${ref}' ${what}; name one of ${Object.keys(dataset.schema).join(', ')} as column.`, { path: at });
  }
  const columns: Column[] = [];
  for await (const chunk of dataset.columns({ columns: [column], split, ...options })) columns.push(toColumn(chunk.columns[column]!, type, column));
  return sampleOf(columns, kind);
}

async function daySample(day: string, name: string, at: string, { storage, current, snapshot }: ReferenceSources, options: OperationOptions): Promise<DriftSample> {
  if (!Object.hasOwn(current.columns, name)) {
    throw new ValidationError(`${at}.day is about the column '${name}', of which '${current.view.name}' has no statistics; it has some of ${Object.keys(current.columns).join(', ')}.`, { path: `${at}.day` });
  }
  const sketches = await sketchesOfDay(storage, current, day, snapshot, options);
  if (sketches === undefined) throw new NotFoundError(`${at}.day: '${current.view.name}' has no rows of ${day}; name a day that it has rows of, as statistics('${current.view.name}') lists them.`, { key: day });
  return sketches.get(name)!.driftSample();
}

async function naming<T>(at: string, find: () => Promise<T>): Promise<T> {
  try {
    return await find();
  } catch (error) {
    if (!isModelkeepError(error, 'not-found')) throw error;
    throw new NotFoundError(`${at}: ${error.message}`, { ...error.details, cause: error });
  }
}

function kindOf(type: ColumnType): DriftKind | undefined {
  if (type === 'float64' || type === 'int64') return 'number';
  return type === 'string' || type === 'bool' ? 'category' : undefined;
}
