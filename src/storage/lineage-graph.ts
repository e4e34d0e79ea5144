import type { OperationOptions } from '../core/progress.ts';
import { describeRef, type LineageEdge, type RecordRef } from '../core/record-ref.ts';
import type { StorageAdapter } from './contract.ts';
import { readLineage } from './lineage.ts';

/** What something came from, as a graph. */
export interface LineageGraph {
  /** Where the graph begins, then everything that is reached from there, nearest first. */
  readonly nodes: readonly RecordRef[];
  /** Each from a node to another, in the order in which they were followed. */
  readonly edges: readonly LineageEdge[];
}

/** Follows the edges that leave `start`, and those that leave what they reach, to the end. */
export async function traceLineage(storage: StorageAdapter, start: RecordRef, options?: OperationOptions): Promise<LineageGraph> {
  const nodes = new Map<string, RecordRef>([[nodeName(start), start]]);
  const edges: LineageEdge[] = [];
  // A Map is walked in the order of insertion, what is added on the way included.
  for (const node of nodes.values()) {
    for (const edge of await readLineage(storage, 'from', node, options)) {
      // One name may have had several contents: an edge tells of the contents that it names.
      if (node.digest !== undefined && edge.from.digest !== undefined && edge.from.digest !== node.digest) continue;
      edges.push(edge);
      if (!nodes.has(nodeName(edge.to))) nodes.set(nodeName(edge.to), edge.to);
    }
  }
  return { nodes: [...nodes.values()], edges };
}

function nodeName(ref: RecordRef): string {
  return `${describeRef(ref)} ${ref.digest ?? ''}`;
}
