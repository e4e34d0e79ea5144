import { throwIfAborted } from '../../core/abort.ts';
import { columnValues, hasObjects, takeRows, type Column } from '../../core/column.ts';
import { ConflictError, IntegrityError, isModelkeepError, NotFoundError, ValidationError } from '../../core/errors.ts';
import { fingerprint } from '../../core/fingerprint.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { concatTables, type Row, type Table } from '../../core/table.ts';
import type { DatasetColumnProfile } from '../../stats/samples/dataset-profile.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { sliceTable } from '../batch.ts';
import { missingColumn } from '../missing-column.ts';
import { ownValues } from '../own-values.ts';
import type { ChunkRef } from './dataset-chunk.ts';
import type { DatasetFacts } from './dataset-facts.ts';
import { demandChunk, readAssignment, readDetails, type DatasetDetails } from './dataset-rows.ts';
import { keyOf, type BodyRecord, type DatasetEntry, type DatasetVersions, type SavedContents } from './dataset-versions.ts';

/** What is read of a dataset. */
export interface ReadDatasetOptions extends OperationOptions {
  /** Only the rows of that split. @default all rows */
  split?: string | undefined;
  /** Only these columns, in this order. @default all */
  columns?: readonly string[] | undefined;
}

/** How a dataset is read piece by piece. */
export interface StreamDatasetOptions extends ReadDatasetOptions {
  /** Rows of each piece, but for the last. @default as they are stored, some ten thousand */
  chunkRows?: number | undefined;
}

/** Rows of a dataset. */
export interface DatasetChunk {
  /** How many. */
  readonly rowCount: number;
  /** The values by column, yours to change: typed arrays where nothing is missing and there is one for the type, otherwise arrays with `null`. */
  readonly columns: Readonly<Record<string, ArrayLike<unknown>>>;
}

/**
 * A saved dataset: what is known of it, and its rows in the order in which they were saved. Every byte is checked against its digest when it is read; what is damaged is an `IntegrityError` that names its rows. When rows
 * are forgotten while it is read, reading ends with a `ConflictError`.
 */
export interface SavedDataset extends DatasetFacts {
  /** What each column is like, as `run.logDataset` tells it: missing values, extremes, means, quantiles, the most frequent texts. */
  readonly statistics: Readonly<Record<string, DatasetColumnProfile>>;
  /** The rows, one by one. Holds one stored piece at a time. */
  rows(options?: ReadDatasetOptions): AsyncGenerator<Row>;
  /** The rows in pieces, column by column. Holds one stored piece at a time, and one of those that it gives. */
  columns(options?: StreamDatasetOptions): AsyncGenerator<DatasetChunk>;
  /** All rows at once. Read whole, they are checked against the digest of the dataset too. */
  read(options?: ReadDatasetOptions): Promise<DatasetChunk>;
}

/** What is known of a version. */
export function factsOf(name: string, { version }: DatasetEntry, saved: SavedContents): DatasetFacts {
  const { columns, details: _, splits, ...facts } = saved;
  return {
    ...facts,
    name,
    version,
    schema: Object.fromEntries(columns.map((column) => [column.name, column.type])),
    ...(splits && { splits: { ...splits, rows: Object.fromEntries(splits.names.map((split) => [split, splits.rows[split]!])) } }),
  };
}

/** A dataset to be read. */
export async function openDataset(storage: StorageAdapter, versions: DatasetVersions, entry: DatasetEntry, body: BodyRecord, options: OperationOptions): Promise<SavedDataset> {
  const { name, saved } = body.value;
  const reader = new DatasetReader(storage, versions, entry, name, saved!);
  const { statistics } = await reader.details(options);
  return {
    ...factsOf(name, entry, saved!),
    statistics: Object.fromEntries(saved!.columns.map((column) => [column.name, statistics[column.name]!])),
    rows: (each = {}) => reader.rows(each),
    columns: (each = {}) => reader.columns(each),
    read: (each = {}) => reader.read(each),
  };
}

class DatasetReader {
  readonly #storage: StorageAdapter;
  readonly #versions: DatasetVersions;
  readonly #entry: DatasetEntry;
  readonly #name: string;
  readonly #saved: SavedContents;
  #details: DatasetDetails | undefined;

  constructor(storage: StorageAdapter, versions: DatasetVersions, entry: DatasetEntry, name: string, saved: SavedContents) {
    this.#storage = storage;
    this.#versions = versions;
    this.#entry = entry;
    this.#name = name;
    this.#saved = saved;
  }

  async *rows(options: ReadDatasetOptions): AsyncGenerator<Row> {
    for await (const table of this.#tables(options)) {
      const columns = Object.entries(chunkOf(table).columns);
      for (let i = 0; i < table.rowCount; i++) yield Object.fromEntries(columns.map(([name, values]) => [name, values[i]]));
    }
  }

  async *columns({ chunkRows, ...options }: StreamDatasetOptions): AsyncGenerator<DatasetChunk> {
    if (chunkRows !== undefined && !(Number.isSafeInteger(chunkRows) && chunkRows > 0)) throw new ValidationError(`chunkRows is ${shown(chunkRows)}; give a whole number from 1.`, { path: 'chunkRows' });
    let waiting: Table[] = [];
    let rows = 0;
    for await (const table of this.#tables(options)) {
      if (table.rowCount === 0) continue;
      if (chunkRows === undefined) {
        yield chunkOf(table);
        continue;
      }
      waiting.push(table);
      rows += table.rowCount;
      if (rows < chunkRows) continue;
      const all = concatTables(waiting);
      let from = 0;
      for (; from + chunkRows <= rows; from += chunkRows) yield chunkOf(sliceTable(all, from, from + chunkRows));
      waiting = from === rows ? [] : [sliceTable(all, from, rows)];
      rows -= from;
    }
    if (rows > 0) yield chunkOf(concatTables(waiting));
  }

  async read(options: ReadDatasetOptions): Promise<DatasetChunk> {
    const tables: Table[] = [];
    for await (const table of this.#tables(options)) tables.push(table);
    const table = tables.length > 0 ? concatTables(tables) : this.#none(options.columns);
    if (options.split === undefined && options.columns === undefined) {
      const found = fingerprint(table);
      if (found !== this.#saved.digest) {
        throw new IntegrityError(`The dataset '${this.#ref}' is damaged: its rows have the digest ${found}, and not ${this.#saved.digest}. Restore it from a copy, or save it again.`, { key: this.#ref, found });
      }
    }
    // Columns that were put together are nobody else's.
    return chunkOf(table, tables.length > 1);
  }

  /** Where the rows are, and what they are like; read once. */
  async details(options: OperationOptions): Promise<DatasetDetails> {
    return (this.#details ??= await this.#sound(() => readDetails(this.#storage, this.#saved.details, `'${this.#ref}'`, options), options));
  }

  /** What `read` gives; when a blob is not there or not well, whether that is because the dataset was changed or deleted by others. */
  async #sound<T>(read: () => Promise<T>, { signal }: OperationOptions): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!isModelkeepError(error, 'integrity')) throw error;
      const body = await this.#versions.body(keyOf(this.#name, this.#entry), { signal });
      if (body === undefined) throw new NotFoundError(`The dataset '${this.#ref}' was deleted while it was read.`, { key: this.#ref, cause: error });
      if (body.value.saved?.details === this.#saved.details) throw error;
      throw new ConflictError(`Rows of the dataset '${this.#ref}' were forgotten while it was read; get it again with getDataset('${this.#ref}') and begin anew.`, { key: this.#ref, cause: error });
    }
  }

  get #ref(): string {
    return `${this.#name}@${this.#entry.version}`;
  }

  async *#tables({ split, columns, signal }: ReadDatasetOptions): AsyncGenerator<Table> {
    const names = columns === undefined ? undefined : this.#checkColumns(columns);
    const code = split === undefined ? undefined : this.#codeOf(split);
    const { chunks, assignment } = await this.details({ signal });
    const codes = code === undefined ? undefined : await this.#sound(() => readAssignment(this.#storage, assignment!, `'${this.#ref}'`, { signal }), { signal });
    let from = 0;
    for (const chunk of chunks) {
      throwIfAborted(signal, `Reading the dataset '${this.#ref}'`);
      const to = from + chunk.rows;
      const wanted = codes && indicesOf(codes.subarray(from, to), code!);
      from = to;
      if (wanted?.length === 0) continue;
      const table = await this.#chunk(chunks, chunk, names, signal);
      yield wanted === undefined || wanted.length === chunk.rows ? table : take(table, wanted);
    }
  }

  async #chunk(chunks: readonly ChunkRef[], chunk: ChunkRef, names: readonly string[] | undefined, signal: AbortSignal | undefined): Promise<Table> {
    const table = await this.#sound(() => demandChunk(this.#storage, chunks, chunk, names, `'${this.#ref}'`, { signal }), { signal });
    const order = names ?? this.#saved.columns.map(({ name }) => name);
    return { rowCount: table.rowCount, columns: Object.fromEntries(order.map((name) => [name, table.columns[name]!])) };
  }

  #checkColumns(columns: readonly string[]): readonly string[] {
    const given: unknown = columns;
    if (!Array.isArray(given) || given.length === 0) throw new ValidationError(`columns is ${shown(columns, 80)}; give a list of names.`, { path: 'columns' });
    const stray = columns.find((name) => !this.#saved.columns.some((column) => column.name === name));
    if (stray === undefined) return columns;
    throw new ValidationError(`The dataset '${this.#ref}' has no column ${shown(stray, 80)}; it has ${this.#saved.columns.map(({ name }) => name).join(', ')}.`, { path: 'columns' });
  }

  #codeOf(split: string): number {
    const names = this.#saved.splits?.names ?? [];
    const code = names.indexOf(split);
    if (code >= 0) return code;
    throw new ValidationError(`The dataset '${this.#ref}' has no split ${shown(split, 80)}; it has ${names.join(', ') || 'none'}.`, { path: 'split' });
  }

  #none(columns: readonly string[] | undefined): Table {
    const wanted = columns ?? this.#saved.columns.map(({ name }) => name);
    return { rowCount: 0, columns: Object.fromEntries(wanted.map((name) => [name, { ...missingColumn(this.#saved.columns.find((column) => column.name === name)!.type, 0), valid: undefined }])) };
  }
}

function indicesOf(codes: Uint8Array, code: number): Int32Array {
  const found = new Int32Array(codes.length);
  let size = 0;
  for (let i = 0; i < codes.length; i++) if (codes[i] === code) found[size++] = i;
  return found.subarray(0, size);
}

function take(table: Table, indices: Int32Array): Table {
  return { rowCount: indices.length, columns: Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, takeRows(column, indices)])) };
}

function chunkOf(table: Table, own = false): DatasetChunk {
  const valuesOf = (column: Column): ArrayLike<unknown> => (own && !hasObjects(column) ? columnValues(column) : ownValues(column));
  return { rowCount: table.rowCount, columns: Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, valuesOf(column)])) };
}
