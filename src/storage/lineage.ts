import { canonicalJson, encode } from '../core/codec.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { describeRef, type LineageEdge, type RecordKind, type RecordRef } from '../core/record-ref.ts';
import type { PutOperation, StorageAdapter } from './contract.ts';
import { listAll, readValues } from './records.ts';

/**
 * The writes that record edges, for the batch that writes what they tell of. Each edge is found from both of its ends; recording it again changes only its
 * time.
 */
export function lineageOperations(edges: readonly LineageEdge[]): PutOperation[] {
  return edges.flatMap((edge) => {
    const bytes = encode(edge);
    const name = digestOf(canonicalJson([edge.from, edge.relation, edge.to])).slice('sha256:'.length);
    return [
      { kind: 'put' as const, key: `${prefixOf('from', edge.from)}${name}`, bytes },
      { kind: 'put' as const, key: `${prefixOf('to', edge.to)}${name}`, bytes },
    ];
  });
}

/** The edges that leave (`from`) or reach (`to`) a thing, oldest first. The digest of `ref` does not take part: edges are found by kind, id and version. */
export async function readLineage(storage: StorageAdapter, end: 'from' | 'to', ref: RecordRef, options?: OperationOptions): Promise<LineageEdge[]> {
  const keys: Key[] = [];
  for await (const entry of listAll(storage, { prefix: prefixOf(end, ref) }, options)) keys.push(entry.key);
  const records = await readValues<LineageEdge>(storage, keys, options);
  return records.flatMap((record) => (record ? [record.value] : [])).sort((a, b) => a.at - b.at);
}

/** The things of a kind that edges reach and whose contents have that digest, under whatever name. Reads every edge that reaches a thing of that kind. */
export async function findByDigest(storage: StorageAdapter, kind: RecordKind, digest: Digest, options?: OperationOptions): Promise<RecordRef[]> {
  const found = new Map<string, RecordRef>();
  // Names that are too long for a key are kept as their hash, which does not tell the kind.
  for (const prefix of [`lineage/to/_${kind}_20`, 'lineage/to/__']) {
    let after: Key | undefined;
    do {
      const { entries, next } = await storage.list({ prefix, after, limit: 1_000 }, options);
      for (const record of await readValues<LineageEdge>(storage, entries.map(({ key }) => key), options)) {
        if (record?.value.to.kind === kind && record.value.to.digest === digest) found.set(describeRef(record.value.to), record.value.to);
      }
      after = next;
    } while (after !== undefined);
  }
  return [...found.values()];
}

/** Removes every edge that leaves or reaches a thing, at both of its ends. */
export async function deleteLineage(storage: StorageAdapter, ref: RecordRef, options?: OperationOptions): Promise<void> {
  for (const end of ['from', 'to'] as const) {
    const edges = await readLineage(storage, end, ref, options);
    const operations = lineageOperations(edges).map(({ key }) => ({ kind: 'delete' as const, key }));
    if (operations.length > 0) await storage.write(operations, options);
  }
}

function prefixOf(end: 'from' | 'to', ref: RecordRef): string {
  return `lineage/${end}/${escapeSegment(describeRef(ref))}/`;
}
