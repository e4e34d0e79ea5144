import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import type { ColumnType } from '../core/column.ts';
import type { Digest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import { fingerprint } from '../core/fingerprint.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import { toTable, type Columns, type Row, type TableInput } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { checkName } from './metric-name.ts';
import { readSoundUnder, type DamageListener } from './read-each.ts';
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
    };

/** A dataset as it is logged: its name and role, and its contents as rows, columns, or any table. The contents are not stored, only what tells them apart. */
export type DatasetInput = {
  /** Such as `flights-2001-01`. */
  name: string;
  /** What it served for, such as `training`. */
  role: DatasetRole;
  /** Where it came from, such as a path or an address. */
  source?: string | undefined;
  /** Types of columns by name; the others are inferred. */
  types?: Readonly<Record<string, ColumnType>> | undefined;
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
  /** Epoch milliseconds. */
  readonly loggedAt: number;
}

/** Records which data a run used. The same contents under the same name and role are recorded once. */
export async function writeDataset(storage: StorageAdapter, clock: Clock, runId: string, dataset: DatasetInput, options: OperationOptions): Promise<DatasetRecord> {
  if (typeof dataset !== 'object' || dataset === null) throw new ValidationError(`dataset is ${shown(dataset, 80)}; give { name, role, rows }.`, { path: 'dataset' });
  const name = checkName(dataset.name, 'A dataset');
  const role = checkName(dataset.role, `The role of dataset '${name}'`);
  if (dataset.source !== undefined && typeof dataset.source !== 'string') {
    throw new ValidationError(`The source of dataset '${name}' is ${shown(dataset.source, 80)}; give a text.`, { path: 'dataset.source' });
  }
  const table = toTable(contentsOf(dataset), { path: name, ...(dataset.types ? { types: dataset.types } : {}) });
  const stray = Object.keys(dataset.types ?? {}).find((column) => !Object.hasOwn(table.columns, column));
  if (stray !== undefined && table.rowCount > 0) {
    throw new ValidationError(`types of dataset '${name}' names column '${stray}', which it does not have.`, { path: `dataset.types.${stray}` });
  }
  const record: DatasetRecord = {
    name,
    role,
    source: dataset.source,
    fingerprint: fingerprint(table),
    rowCount: table.rowCount,
    schema: Object.fromEntries(Object.entries(table.columns).map(([column, { type }]) => [column, type])),
    loggedAt: clock.now(),
  };
  const edge = {
    from: { kind: 'run' as const, id: runId },
    relation: 'used' as const,
    to: { kind: 'dataset' as const, id: name, digest: record.fingerprint },
    at: record.loggedAt,
  };
  const key = keys.dataset(runId, [name, role, record.fingerprint]);
  await storage.write([{ kind: 'put', key, bytes: encode(record) }, ...lineageOperations([edge])], options);
  return record;
}

/** The datasets that a run used, in the order of their logging; records that cannot be read are told of and left out. */
export async function readDatasets(storage: StorageAdapter, runId: string, onDamage: DamageListener, options: OperationOptions): Promise<DatasetRecord[]> {
  const found: DatasetRecord[] = [];
  for await (const record of readSoundUnder<DatasetRecord>(storage, keys.datasets(runId), onDamage, options)) found.push(record);
  return found.sort((a, b) => a.loggedAt - b.loggedAt);
}

function contentsOf(dataset: DatasetInput): TableInput {
  const given = dataset as { rows?: readonly Row[]; columns?: Columns; table?: TableInput };
  const contents = [given.rows, given.columns, given.table].filter((each) => each !== undefined);
  if (contents.length === 1) return contents[0]!;
  throw new ValidationError(`Dataset '${dataset.name}' comes with ${contents.length === 0 ? 'no contents' : 'several contents'}; give one of rows, columns and table.`, {
    path: 'dataset',
  });
}
