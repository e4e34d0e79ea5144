import type { OperationOptions } from '../core/progress.ts';
import { describeRef, type LineageEdge, type RecordRef } from '../core/record-ref.ts';
import type { StorageAdapter } from './contract.ts';
import { readLineage } from './lineage.ts';

/** What something came from, or what came from it, as a graph. */
export interface LineageGraph {
  /** Where the graph begins, then everything that is reached from there, nearest first; none where nothing is known of it. */
  readonly nodes: readonly RecordRef[];
  /** Each from a node to another, in the order in which they were followed. */
  readonly edges: readonly LineageEdge[];
}

/** Which way edges are followed: to what something came from, or to what came from it. */
export type LineageDirection = 'upstream' | 'downstream';

/** Follows the edges that leave `starts` (or, downstream, reach them), and those of what they lead to, to the end. */
export async function traceLineage(storage: StorageAdapter, starts: readonly RecordRef[], direction: LineageDirection, options?: OperationOptions): Promise<LineageGraph> {
  const nodes = new Map<string, RecordRef>(starts.map((start) => [nodeName(start), start]));
  const edges: LineageEdge[] = [];
  const [here, there] = direction === 'upstream' ? (['from', 'to'] as const) : (['to', 'from'] as const);
  // A Map is walked in the order of insertion, what is added on the way included.
  for (const node of nodes.values()) {
    for (const edge of await readLineage(storage, here, node, options)) {
      // One name may have had several contents: an edge tells of the contents that it names.
      if (node.digest !== undefined && edge[here].digest !== undefined && edge[here].digest !== node.digest) continue;
      edges.push(edge);
      if (!nodes.has(nodeName(edge[there]))) nodes.set(nodeName(edge[there]), edge[there]);
    }
  }
  return { nodes: [...nodes.values()], edges };
}

function nodeName(ref: RecordRef): string {
  return `${describeRef(ref)} ${ref.digest ?? ''}`;
}
