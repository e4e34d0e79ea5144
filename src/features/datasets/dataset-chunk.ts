import { collectBytes, concatBytes } from '../../core/bytes.ts';
import { decode, encode } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { IntegrityError, isModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { decodeTable, encodeTable } from '../../core/table-codec.ts';
import type { Table } from '../../core/table.ts';
import type { BlobRange, StorageAdapter } from '../../storage/contract.ts';

/** Some rows of a dataset: a blob with a head, and a table for each column, so that one column is read without the others and is checked all the same. */
export interface ChunkRef {
  readonly digest: Digest;
  readonly size: number;
  readonly rows: number;
  /** Bytes of the head. */
  readonly headSize: number;
  /** Digest of the head, which has those of the columns. */
  readonly headDigest: Digest;
}

interface Section {
  readonly name: string;
  readonly size: number;
  readonly digest: Digest;
}

const format = 'modelkeep.dataset-chunk/1';
const maxChunkBytes = 32 * 1024 * 1024;

/** A chunk as it is stored, and what points at it; `undefined` when it would be too large and its rows can be divided. */
export function encodeChunk(table: Table): { readonly parts: readonly Uint8Array[]; readonly headSize: number; readonly headDigest: Digest } | undefined {
  const tables: Uint8Array[] = [];
  const columns: Section[] = [];
  let size = 0;
  for (const [name, column] of Object.entries(table.columns)) {
    const bytes = encodeTable({ rowCount: table.rowCount, columns: Object.fromEntries([[name, column]]) });
    size += bytes.length;
    if (size > maxChunkBytes && table.rowCount > 1) return undefined;
    tables.push(bytes);
    columns.push({ name, size: bytes.length, digest: digestOf(bytes) });
  }
  const text = encode({ format, rows: table.rowCount, columns });
  const start = new Uint8Array(8 + Math.ceil(text.length / 8) * 8);
  new DataView(start.buffer).setUint32(0, text.length, true);
  start.set(text, 8);
  return { parts: [start, ...tables], headSize: start.length, headDigest: digestOf(start) };
}

/** Stores a chunk. */
export async function storeChunk(storage: StorageAdapter, rows: number, chunk: NonNullable<ReturnType<typeof encodeChunk>>, options: OperationOptions): Promise<ChunkRef> {
  const { parts, headSize, headDigest } = chunk;
  const { digest, size } = await storage.writeBlob(streamOf(parts), options);
  return { digest, size, rows, headSize, headDigest };
}

/** Stores bytes as a blob. */
export async function* streamOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/**
 * The columns of a chunk by name, or all; `undefined` when the chunk is not there. Only what is asked for is read, and its digest is checked. Throws `IntegrityError`, which says that it is `where`, when it is not what was
 * stored.
 */
export async function readChunk(storage: StorageAdapter, ref: ChunkRef, names: readonly string[] | undefined, where: string, options: OperationOptions): Promise<Table | undefined> {
  try {
    const whole = await bytesOf(storage, ref.digest, names === undefined ? undefined : { start: 0, end: ref.headSize }, options);
    if (whole === undefined) return undefined;
    const head = whole.subarray(0, ref.headSize);
    if (digestOf(head) !== ref.headDigest) throw new IntegrityError(`The head of the blob ${ref.digest} is not what was stored.`, { key: ref.digest });
    const sections = sectionsOf(head, ref);
    const wanted = names ?? [...sections.keys()];
    const columns = new Map<string, Table['columns'][string]>();
    for (const run of runsOf(wanted, sections, ref)) {
      const bytes = names === undefined ? whole.subarray(run.start, run.end) : await bytesOf(storage, ref.digest, run, options);
      if (bytes === undefined) return undefined;
      for (const { name, start, size, digest } of run.sections) {
        const section = bytes.subarray(start - run.start, start - run.start + size);
        if (names !== undefined && digestOf(section) !== digest) throw new IntegrityError(`The column '${name}' in the blob ${ref.digest} is not what was stored.`, { key: ref.digest, column: name });
        columns.set(name, decodeTable(section, ref.digest).columns[name]!);
      }
    }
    return { rowCount: ref.rows, columns: Object.fromEntries(wanted.map((name) => [name, columns.get(name)!])) };
  } catch (error) {
    if (!isModelkeepError(error, 'integrity')) throw error;
    throw new IntegrityError(`${where} cannot be read: ${error.message} Restore the blob from a copy, or save the dataset again.`, { ...error.details, key: ref.digest, cause: error });
  }
}

async function bytesOf(storage: StorageAdapter, digest: Digest, range: BlobRange | undefined, { signal }: OperationOptions): Promise<Uint8Array | undefined> {
  const stream = await storage.readBlob(digest, { range, signal });
  if (stream === undefined) return undefined;
  const bytes = await collectBytes(stream);
  // Tables are read as they lie, which takes an aligned start.
  return bytes.byteOffset % 8 === 0 ? bytes : concatBytes([bytes]);
}

interface PlacedSection extends Section {
  readonly start: number;
}

function sectionsOf(head: Uint8Array, ref: ChunkRef): Map<string, PlacedSection> {
  const length = head.length < 8 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const { columns, rows } = decode(head.subarray(8, 8 + length), ref.digest) as { columns: readonly Section[]; rows: number };
  if (rows !== ref.rows) throw new IntegrityError(`The blob ${ref.digest} has ${rows} rows where ${ref.rows} were stored.`, { key: ref.digest });
  const sections = new Map<string, PlacedSection>();
  let start = ref.headSize;
  for (const column of columns) {
    sections.set(column.name, { ...column, start });
    start += column.size;
  }
  return sections;
}

/** The columns that lie side by side, to be read at once. */
function runsOf(names: readonly string[], sections: ReadonlyMap<string, PlacedSection>, ref: ChunkRef): { start: number; end: number; sections: PlacedSection[] }[] {
  const wanted = [...new Set(names)].map((name) => {
    const section = sections.get(name);
    if (section === undefined) throw new IntegrityError(`The blob ${ref.digest} has no column '${name}'.`, { key: ref.digest, column: name });
    return section;
  });
  const runs: { start: number; end: number; sections: PlacedSection[] }[] = [];
  for (const section of wanted.sort((a, b) => a.start - b.start)) {
    const last = runs.at(-1);
    if (last?.end === section.start) {
      last.end += section.size;
      last.sections.push(section);
    } else runs.push({ start: section.start, end: section.start + section.size, sections: [section] });
  }
  return runs;
}
