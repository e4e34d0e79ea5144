import { throwIfAborted } from '../../core/abort.ts';
import { concatColumns, embeddingSize, type Column, type ColumnType } from '../../core/column.ts';
import type { Digest } from '../../core/digest.ts';
import { FingerprintHasher } from '../../core/fingerprint.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Table } from '../../core/table.ts';
import { profileColumn, type DatasetColumnProfile } from '../../stats/samples/dataset-profile.ts';
import type { FeatureColumn } from '../feature-schema.ts';
import { missingColumn } from '../missing-column.ts';
import type { ChunkRef } from './dataset-chunk.ts';

/** What rows come to: their fingerprint, and what their columns are like. */
export interface DatasetSummary {
  readonly digest: Digest;
  readonly statistics: Readonly<Record<string, DatasetColumnProfile>>;
}

/** Reads columns of a chunk. */
export type ReadColumns = (chunk: ChunkRef, names: readonly string[]) => Promise<Table>;

const bytesAtOnce = 64 * 1024 * 1024;

/** Sums up chunks, column by column: what is held is some columns of numbers or texts, one at least, or a chunk of anything larger. */
export async function summarize(columns: readonly FeatureColumn[], chunks: readonly ChunkRef[], readColumns: ReadColumns, options: OperationOptions): Promise<DatasetSummary> {
  const rowCount = chunks.reduce((sum, { rows }) => sum + rows, 0);
  const hasher = new FingerprintHasher(rowCount);
  const statistics = new Map<string, DatasetColumnProfile>();
  for (const group of groupsOf(columns, rowCount)) {
    const names = group.map(({ name }) => name);
    throwIfAborted(options.signal, `Summing up the columns ${names.join(', ')}`);
    const first = group[0]!;
    if (isLarge(first.type)) {
      statistics.set(first.name, await addPartByPart(hasher, first, async function* () {
        for (const chunk of chunks) yield (await readColumns(chunk, names)).columns[first.name]!;
      }));
      continue;
    }
    const tables: Table[] = [];
    for (const chunk of chunks) tables.push(await readColumns(chunk, names));
    for (const { name, type } of group) {
      const column = tables.length === 0 ? missingColumn(type, 0) : concatColumns(tables.map((table) => table.columns[name]!));
      const masked = column.valid?.includes(0) ?? false;
      hasher.begin(name, type, masked);
      if (masked) hasher.mask(column);
      hasher.values(column);
      statistics.set(name, profileColumn(column));
    }
  }
  return { digest: hasher.digest(), statistics: Object.fromEntries(columns.map(({ name }) => [name, statistics.get(name)!])) };
}

async function addPartByPart(hasher: FingerprintHasher, { name, type }: FeatureColumn, parts: () => AsyncIterable<Column>): Promise<DatasetColumnProfile> {
  let missing = 0;
  for await (const part of parts()) missing += profileColumn(part).missing;
  hasher.begin(name, type, missing > 0);
  if (missing > 0) for await (const part of parts()) hasher.mask(part);
  for await (const part of parts()) hasher.values(part);
  return { missing };
}

/** Columns in the order of their names, those of numbers and texts in groups that may be held together. */
function groupsOf(columns: readonly FeatureColumn[], rowCount: number): FeatureColumn[][] {
  const most = Math.max(1, Math.floor(bytesAtOnce / Math.max(1, rowCount * 8)));
  const groups: FeatureColumn[][] = [];
  for (const column of [...columns].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const last = groups.at(-1);
    if (last === undefined || isLarge(column.type) || isLarge(last[0]!.type) || last.length >= most) groups.push([column]);
    else last.push(column);
  }
  return groups;
}

function isLarge(type: ColumnType): boolean {
  return type === 'bytes' || type === 'json' || embeddingSize(type) !== undefined;
}
