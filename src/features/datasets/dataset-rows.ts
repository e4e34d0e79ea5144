import { collectBytes } from '../../core/bytes.ts';
import { decode, encode } from '../../core/codec.ts';
import type { Digest } from '../../core/digest.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Table } from '../../core/table.ts';
import type { BlobRef, StorageAdapter } from '../../storage/contract.ts';
import type { DatasetColumnProfile } from '../../stats/samples/dataset-profile.ts';
import type { FeatureColumn } from '../feature-schema.ts';
import { readChunk, streamOf, type ChunkRef } from './dataset-chunk.ts';
import { summarize } from './dataset-summary.ts';
import type { SavedContents } from './dataset-versions.ts';
import { countSplits, type DatasetSplits } from './split-assigner.ts';

/** The rows of a dataset where they lie, and the split of each. */
export interface StoredRows {
  readonly columns: readonly FeatureColumn[];
  readonly chunks: readonly ChunkRef[];
  readonly codes?: Uint8Array | undefined;
  readonly splits?: Omit<DatasetSplits, 'rows' | 'unassigned'> | undefined;
}

/** What is stored of a dataset beside its record: where its rows are, and what they are like. */
export interface DatasetDetails {
  readonly chunks: readonly ChunkRef[];
  /** The blob with a byte per row: the number of its split. */
  readonly assignment?: BlobRef | undefined;
  readonly statistics: Readonly<Record<string, DatasetColumnProfile>>;
}

/** What rows come to, for the record of their dataset. */
export interface StoredSummary {
  readonly contents: Pick<SavedContents, 'digest' | 'rowCount' | 'size' | 'columns' | 'splits' | 'details'>;
  /** Every blob that the record must keep. */
  readonly blobs: readonly Digest[];
}

const format = 'modelkeep.dataset/1';

/** Sums rows up, and stores what is to be stored of them beside their record. */
export async function storeSummary(storage: StorageAdapter, name: string, rows: StoredRows, options: OperationOptions): Promise<StoredSummary> {
  const { columns, chunks, codes, splits } = rows;
  const { digest, statistics } = await summarize(columns, chunks, (chunk, names) => demandChunk(storage, chunks, chunk, names, `'${name}'`, options), options);
  const assignment = codes && (await storage.writeBlob(streamOf([codes]), { signal: options.signal }));
  const details = await storage.writeBlob(streamOf([encode({ format, chunks, assignment, statistics } satisfies DatasetDetails & { format: string })]), { signal: options.signal });
  return {
    contents: {
      digest,
      rowCount: chunks.reduce((sum, chunk) => sum + chunk.rows, 0),
      size: chunks.reduce((sum, chunk) => sum + chunk.size, 0),
      columns,
      splits: splits && { ...splits, ...countSplits(splits.names, codes!) },
      details: details.digest,
    },
    blobs: [...new Set([details.digest, ...(assignment ? [assignment.digest] : []), ...chunks.map((chunk) => chunk.digest)])],
  };
}

/** The details of a dataset. Throws `IntegrityError`, naming the dataset, when they are not there. */
export async function readDetails(storage: StorageAdapter, digest: Digest, dataset: string, options: OperationOptions): Promise<DatasetDetails> {
  return decode(await demandBlob(storage, digest, `The details of the dataset ${dataset}`, options), digest) as DatasetDetails;
}

/** The splits of all rows, by number. Throws `IntegrityError`, naming the dataset, when they are not there. */
export async function readAssignment(storage: StorageAdapter, { digest }: BlobRef, dataset: string, options: OperationOptions): Promise<Uint8Array> {
  return demandBlob(storage, digest, `The splits of the dataset ${dataset}`, options);
}

async function demandBlob(storage: StorageAdapter, digest: Digest, what: string, { signal }: OperationOptions): Promise<Uint8Array> {
  const stream = await storage.readBlob(digest, { signal });
  if (stream !== undefined) return collectBytes(stream);
  throw lostBlob(digest, what);
}

/** That a blob is not there. */
function lostBlob(digest: Digest, what: string): IntegrityError {
  return new IntegrityError(`${what} are gone: there is no blob ${digest}. Restore it from a copy, or save the dataset again.`, { key: digest });
}

/** Columns of a chunk. Throws `IntegrityError` when it is not there. */
export async function demandChunk(storage: StorageAdapter, chunks: readonly ChunkRef[], chunk: ChunkRef, names: readonly string[] | undefined, dataset: string, { signal }: OperationOptions): Promise<Table> {
  const where = whereOf(chunks, chunk, dataset);
  const table = await readChunk(storage, chunk, names, where, { signal });
  if (table === undefined) throw lostBlob(chunk.digest, where);
  return table;
}

/** Which rows a chunk has, for messages. */
function whereOf(chunks: readonly ChunkRef[], chunk: ChunkRef, dataset: string): string {
  let from = 0;
  for (const each of chunks) {
    if (each === chunk) break;
    from += each.rows;
  }
  return `The rows ${from} to ${from + chunk.rows - 1} of the dataset ${dataset}`;
}
