import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import type { Column, ColumnType } from '../core/column.ts';
import { isDigest, type Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { checkOptionNames } from '../core/option-names.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import { toTable, type Columns, type Row, type Table, type TableInput } from '../core/table.ts';
import type { StorageAdapter, WriteOperation } from '../storage/contract.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { profileColumn, type DatasetColumnProfile } from '../stats/samples/dataset-profile.ts';
import { checkName } from './metric-name.ts';
import { damageAt, readEach, readSoundUnder, type DamageListener } from '../storage/read-each.ts';
import { keys } from './tracking-keys.ts';

/** What a dataset served for. */
export type DatasetRole = 'training' | 'validation' | 'test' | (string & {});

/** The contents of a dataset, in one of the forms that a table has. */
export type DatasetContents =
  | {
      /** Objects of values by column. */
      rows: readonly Row[];
    }
  | {
      /** Arrays of values by column, all of one length. */
      columns: Columns;
    }
  | {
      /** Rows, columns or an Arrow table. */
      table: TableInput;
    }
  | KnownContents;

/** Contents that were told apart before, such as those of a dataset that a `FeatureStore` has saved. */
export interface KnownContents {
  /** Their fingerprint. */
  digest: string;
  /** Rows in all. */
  rowCount: number;
  /** Types of the columns by name. */
  schema: Readonly<Record<string, ColumnType>>;
  /** What the columns are like, by name. @default not known */
  statistics?: Readonly<Record<string, DatasetColumnProfile>> | undefined;
}

/** A dataset as it is logged: its name and role, and its contents as rows, columns, or any table. The contents are not stored, only what tells them apart and what they are like. */
export type DatasetInput = {
  /** Such as `flights-2001-01`. */
  name: string;
  /** What it served for, such as `training`. */
  role: DatasetRole;
  /** Where it came from, such as a path or an address. */
  source?: string | undefined;
  /** Types of columns by name; the others are inferred. */
  types?: Readonly<Record<string, ColumnType>> | undefined;
  /** Whether what its columns are like is recorded: missing values, extremes, means, quantiles, the most frequent categories. @default true, and false of contents that are known by their digest, whose statistics are kept elsewhere */
  profile?: boolean | undefined;
} & DatasetContents;

/** A dataset that a run used. */
export interface DatasetRecord {
  /** As it was given. */
  readonly name: string;
  /** What it served for. */
  readonly role: DatasetRole;
  /** Where it came from. */
  readonly source?: string | undefined;
  /** The same for the same contents, however they came. */
  readonly fingerprint: Digest;
  /** Rows in all. */
  readonly rowCount: number;
  /** Types of its columns by name. */
  readonly schema: Readonly<Record<string, ColumnType>>;
  /** What its columns are like, by name; absent where that was not wanted, or is not known. */
  readonly profile?: Readonly<Record<string, DatasetColumnProfile>> | undefined;
  /** Epoch milliseconds. */
  readonly loggedAt: number;
}

/** Records which data a run used. The same contents under the same name and role are recorded once. */
export async function writeDataset(storage: StorageAdapter, clock: Clock, runId: string, dataset: DatasetInput, options: OperationOptions): Promise<DatasetRecord> {
  if (typeof dataset !== 'object' || dataset === null) throw new ValidationError(`dataset is ${shown(dataset, 80)}; give { name, role, rows }.`, { path: 'dataset' });
  const name = checkName(dataset.name, 'A dataset');
  const role = checkName(dataset.role, `The role of dataset '${name}'`);
  if (dataset.profile !== undefined && typeof dataset.profile !== 'boolean') throw new ValidationError(`The profile of dataset '${name}' is ${shown(dataset.profile, 80)}; give true or false.`, { path: 'dataset.profile' });
  if (dataset.source !== undefined && typeof dataset.source !== 'string') {
    throw new ValidationError(`The source of dataset '${name}' is ${shown(dataset.source, 80)}; give a text.`, { path: 'dataset.source' });
  }
  const record: DatasetRecord = { name, role, source: dataset.source, ...(isKnown(dataset) ? knownFacts(dataset) : tableFacts(dataset)), loggedAt: clock.now() };
  await storage.write(datasetOperations(runId, record), options);
  return record;
}

/** The writes of a dataset that a run used. Its profile is a record of its own, for searches read those of all datasets. */
export function datasetOperations(runId: string, { profile, ...record }: DatasetRecord): WriteOperation[] {
  const { name, fingerprint: digest, loggedAt: at } = record;
  return [
    ...(profile === undefined ? [] : [{ kind: 'put' as const, key: keys.datasetProfile(runId, record), bytes: encode(profile) }]),
    { kind: 'put', key: keys.dataset(runId, record), bytes: encode(record) },
    ...lineageOperations([{ from: { kind: 'run', id: runId }, relation: 'used', to: { kind: 'dataset', id: name, digest }, at }]),
  ];
}

/** The datasets that a run used, with their profiles, in the order of their logging; records that cannot be read are told of and left out. */
export async function readDatasets(storage: StorageAdapter, runId: string, onDamage: DamageListener, options: OperationOptions): Promise<DatasetRecord[]> {
  const found: DatasetRecord[] = [];
  for await (const record of readSoundUnder<DatasetRecord>(storage, keys.datasets(runId), onDamage, options)) found.push(record);
  const profiles = await readEach<Readonly<Record<string, DatasetColumnProfile>>>(storage, found.map((record) => keys.datasetProfile(runId, record)), options);
  const whole = found.map((record, i): DatasetRecord => {
    const profile = profiles[i];
    if (profile === undefined) return record;
    if ('value' in profile) return { ...record, profile: profile.value };
    onDamage(damageAt(keys.datasetProfile(runId, record), profile.error));
    return record;
  });
  return whole.sort((a, b) => a.loggedAt - b.loggedAt);
}

function mapColumns<T>(table: Table, of: (column: Column) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, of(column)]));
}

type ContentFacts = Pick<DatasetRecord, 'fingerprint' | 'rowCount' | 'schema' | 'profile'>;

function isKnown(dataset: DatasetInput): dataset is DatasetInput & KnownContents {
  return (dataset as Partial<KnownContents>).digest !== undefined;
}

function knownFacts({ name, profile, digest, rowCount, schema, statistics, ...rest }: DatasetInput & KnownContents): ContentFacts {
  const contents = rest as { rows?: unknown; columns?: unknown; table?: unknown };
  // A dataset of a FeatureStore has functions by these names.
  if ([contents.rows, contents.columns, contents.table].some((each) => typeof each === 'object')) throw new ValidationError(`Dataset '${name}' comes with a digest and with contents; give one of them.`, { path: 'dataset' });
  const path = 'dataset.digest';
  if (!isDigest(digest)) throw new ValidationError(`The digest of dataset '${name}' is ${shown(digest, 80)}; give 'sha256:' and 64 hexadecimal digits.`, { path });
  if (!(Number.isSafeInteger(rowCount) && rowCount >= 0)) throw new ValidationError(`The rowCount of dataset '${name}' is ${shown(rowCount, 80)}; give a whole number.`, { path: 'dataset.rowCount' });
  if (typeof schema !== 'object' || schema === null) throw new ValidationError(`The schema of dataset '${name}' is ${shown(schema, 80)}; give types by column.`, { path: 'dataset.schema' });
  return { fingerprint: digest, rowCount, schema, ...(profile === true && statistics !== undefined ? { profile: statistics } : {}) };
}

const names = { name: true, role: true, source: true, types: true, profile: true, rows: true, columns: true, table: true } as const;

function tableFacts(dataset: DatasetInput): ContentFacts {
  checkOptionNames<object>(dataset, names, `Dataset '${dataset.name}'`);
  const table = toTable(contentsOf(dataset), { path: dataset.name, ...(dataset.types ? { types: dataset.types } : {}) });
  const stray = Object.keys(dataset.types ?? {}).find((column) => !Object.hasOwn(table.columns, column));
  if (stray !== undefined && table.rowCount > 0) {
    throw new ValidationError(`types of dataset '${dataset.name}' names column '${stray}', which it does not have.`, { path: `dataset.types.${stray}` });
  }
  return {
    fingerprint: fingerprint(table),
    rowCount: table.rowCount,
    schema: mapColumns(table, ({ type }) => type),
    ...(dataset.profile === false ? {} : { profile: mapColumns(table, profileColumn) }),
  };
}

function contentsOf(dataset: DatasetInput): TableInput {
  const given = dataset as { rows?: readonly Row[]; columns?: Columns; table?: TableInput };
  const contents = [given.rows, given.columns, given.table].filter((each) => each !== undefined);
  if (contents.length === 1) return contents[0]!;
  throw new ValidationError(`Dataset '${dataset.name}' comes with ${contents.length === 0 ? 'no contents' : 'several contents'}; give one of rows, columns and table.`, {
    path: 'dataset',
  });
}
