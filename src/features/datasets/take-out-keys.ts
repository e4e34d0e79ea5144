import { concatBytes } from '../../core/bytes.ts';
import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { pickRows } from '../batch.ts';
import { KeyDictionary } from '../key-dictionary.ts';
import { keyColumn } from '../spine.ts';
import { ChunkWriter } from './chunk-writer.ts';
import type { ChunkRef } from './dataset-chunk.ts';
import type { DatasetView } from './dataset-facts.ts';
import { demandChunk, type StoredRows } from './dataset-rows.ts';

/** Entities of a view that are forgotten. */
export interface ForgottenEntities {
  readonly view: string;
  /** The parts of its keys. */
  readonly entity: readonly string[];
  /** Whether an entity is one of them, by the canonical texts of its key. */
  readonly has: (texts: readonly string[]) => boolean;
}

/** Names an entity without telling who it is. */
export function entityDigest(view: string, texts: readonly string[]): Digest {
  return digestOf(canonicalJson([view, ...texts]));
}

/** Rows without those of forgotten entities, found by the columns by which the views were joined, and how many these were. Chunks that have none stay what they are; the others are written anew. */
export async function takeOutKeys(storage: StorageAdapter, dataset: string, rows: StoredRows, views: readonly DatasetView[], forgotten: readonly ForgottenEntities[], options: OperationOptions): Promise<{ rows: StoredRows; dropped: number }> {
  const searches = forgotten.flatMap(({ view, entity, has }) =>
    views.filter(({ name, keys }) => name === view && entity.length > 0 && entity.every((key) => Object.hasOwn(keys, key))).map(({ keys, keyTypes }) => ({ columns: entity.map((key) => ({ name: keys[key]!, type: keyTypes?.[key] })), has })),
  );
  const names = [...new Set(searches.flatMap(({ columns }) => columns.map(({ name }) => name)))];
  if (names.length === 0) return { rows, dropped: 0 };
  const chunks: ChunkRef[] = [];
  const codes: Uint8Array[] = [];
  let from = 0;
  let dropped = 0;
  for (const chunk of rows.chunks) {
    const table = await demandChunk(storage, rows.chunks, chunk, names, dataset, options);
    const goes = new Uint8Array(chunk.rows);
    for (const { columns, has } of searches) {
      const keys = new KeyDictionary(columns.length);
      const found = keys.add(columns.map(({ name, type }) => keyColumn(table.columns[name]!, type, name)), chunk.rows);
      const wanted = keys.keys().map(has);
      for (let i = 0; i < goes.length; i++) if (found[i]! >= 0 && wanted[found[i]!]) goes[i] = 1;
    }
    const kept = Int32Array.from({ length: chunk.rows }, (_, i) => i).filter((i) => goes[i] === 0);
    const here = rows.codes?.subarray(from, from + chunk.rows);
    from += chunk.rows;
    dropped += chunk.rows - kept.length;
    if (kept.length === chunk.rows) chunks.push(chunk);
    else if (kept.length > 0) {
      const writer = new ChunkWriter(storage, options);
      await writer.add(pickRows(await demandChunk(storage, rows.chunks, chunk, undefined, dataset, options), kept));
      chunks.push(...(await writer.finish()));
    }
    if (here) codes.push(kept.length === chunk.rows ? here : Uint8Array.from(kept, (i) => here[i]!));
  }
  if (dropped === 0) return { rows, dropped };
  return { rows: { ...rows, chunks, ...(rows.codes && { codes: concatBytes(codes) }) }, dropped };
}

