import { throwIfAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** The bytes of a Parquet file, read in parts; a `Blob` or `File` is one, and so is what `asyncBufferFromFile` and `asyncBufferFromUrl` of hyparquet give. */
export interface ParquetFile {
  /** How many bytes it has. */
  readonly byteLength: number;
  /** The bytes from `start` (included) to `end` (excluded, by default the end of the file). */
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** What is read of the metadata of a Parquet file. */
export interface ParquetMetadata {
  /** The parts that it is written in. */
  readonly row_groups: readonly {
    /** How many rows the part has. */
    readonly num_rows: bigint;
  }[];
}

/** What is used of the package hyparquet: give the package itself. */
export interface ParquetPackage {
  /** Reads the metadata at the end of a file. */
  parquetMetadataAsync(file: ParquetFile): Promise<ParquetMetadata>;
  /** Reads rows. */
  parquetReadObjects(this: void, options: never): Promise<Record<string, unknown>[]>;
}

/** How a Parquet file is read. */
export interface ParquetTablesOptions {
  /** The package hyparquet. */
  parquet: ParquetPackage;
  /** Decompressors by codec, such as those of the package hyparquet-compressors. @default what hyparquet has, which is Snappy */
  compressors?: unknown;
  /** Which columns are read. @default all */
  columns?: readonly string[] | undefined;
  /** Ends the reading with `AbortedError` when it fires. */
  signal?: AbortSignal | undefined;
}

/**
 * The rows of a Parquet file, one row group after the other, for `FeatureStore.ingest` or any other call that takes a stream of tables: only the bytes of the columns asked for are read, and in memory are
 * the rows of one group. 64-bit integers are bigints, timestamps dates. The reader is the package hyparquet, which you install and give.
 *
 * Throws `ValidationError` when `parquet` is not the package; what hyparquet throws for a damaged file is thrown on.
 *
 * @example
 * ```ts
 * import { parquetTables } from 'modelkeep/interchange';
 *
 * // In a program: import * as parquet from 'hyparquet', and a file with openAsBlob('flights.parquet').
 * const parquet = {
 *   parquetMetadataAsync: async () => ({ row_groups: [{ num_rows: 2n }] }),
 *   parquetReadObjects: async () => [{ origin: 'ATL', delay: 12 }, { origin: 'ORD', delay: 3 }],
 * };
 * for await (const rows of parquetTables(new Blob(['a file']), { parquet, columns: ['origin', 'delay'] })) console.log(rows.length); // 2
 * ```
 */
export async function* parquetTables(file: ParquetFile | Blob, options: ParquetTablesOptions): AsyncGenerator<Record<string, unknown>[], void, undefined> {
  const { parquet, compressors, columns, signal } = options ?? {};
  if (typeof parquet?.parquetMetadataAsync !== 'function' || typeof parquet.parquetReadObjects !== 'function') {
    throw new ValidationError(`options.parquet is ${shown(parquet, 80)}; install the package hyparquet and give it: import * as parquet from 'hyparquet'.`, { path: 'options.parquet' });
  }
  const read = parquet.parquetReadObjects as (options: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>[]>;
  const bytes = file instanceof Blob ? { byteLength: file.size, slice: (start: number, end?: number) => file.slice(start, end).arrayBuffer() } : file;
  const metadata = await parquet.parquetMetadataAsync(bytes);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    throwIfAborted(signal, 'Reading the Parquet file');
    const rowEnd = rowStart + Number(group.num_rows);
    yield await read({ file: bytes, metadata, rowStart, rowEnd, columns, compressors });
    rowStart = rowEnd;
  }
}
