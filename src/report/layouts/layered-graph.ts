import { breakCycles } from './break-cycles.ts';
import { orderLayers } from './order-layers.ts';
import { placeRows } from './place-rows.ts';

/** A directed graph: nodes by number, and edges between them. */
export interface Graph {
  /** How many nodes it has. */
  readonly nodes: number;
  /** Each from one node to another. Loops are left out, and so is what is there twice. */
  readonly edges: readonly (readonly [from: number, to: number])[];
}

/** Where something lies: in which layer, from 0, and at which height; nodes of a layer are at least 1 apart. */
export interface GraphPoint {
  readonly layer: number;
  readonly row: number;
}

/** An edge as it runs: through a point in every layer between its ends. */
export interface PlacedEdge {
  readonly from: number;
  readonly to: number;
  /** From the first end to the last one. */
  readonly points: readonly GraphPoint[];
  /** Whether it runs against the direction of the layers, as one of each cycle must. */
  readonly backward: boolean;
}

/** A graph in layers. */
export interface LayeredGraph {
  /** By the number of the node. */
  readonly nodes: readonly GraphPoint[];
  readonly edges: readonly PlacedEdge[];
  /** How many layers there are. */
  readonly layers: number;
  /** The height of all: rows run from 0 to one less. */
  readonly rows: number;
  /** How often edges cross. */
  readonly crossings: number;
}

/** Nodes, those of the graph first, with what stands in where an edge passes through a layer; edges lead from one layer to the next. */
export interface ProperGraph {
  /** Real nodes have the numbers of the graph. */
  readonly real: number;
  readonly layerOf: readonly number[];
  /** By node, the neighbours in the layer before and in the layer behind. */
  readonly before: readonly number[][];
  readonly behind: readonly number[][];
}

/**
 * Draws a directed graph in layers from left to right, as Sugiyama, Tagawa and Toda (1981) do: every edge leads to a later layer, long ones keep a place in each layer between, the order within layers is chosen for few crossings by
 * sweeps of barycentres, and nodes lie as near to the mean of their neighbours as that order allows. The same graph is always drawn the same way.
 */
export function layeredGraph({ nodes, edges: given }: Graph): LayeredGraph {
  const distinct = new Map(given.filter(([from, to]) => from !== to).map((edge) => [edge.join(' '), edge]));
  const edges = breakCycles(nodes, [...distinct.values()]);
  const layerOf = layersOf(nodes, edges);
  const { graph, paths } = withBends(layerOf, edges);
  const { layers, crossings } = orderLayers(graph);
  const rows = placeRows(layers, graph);
  const at = (node: number): GraphPoint => ({ layer: graph.layerOf[node]!, row: rows[node]! });
  const placed = edges.map(({ from, to, backward }, i): PlacedEdge => {
    const points = paths[i]!.map(at);
    return backward ? { from: to, to: from, points: points.reverse(), backward } : { from, to, points, backward };
  });
  return { nodes: Array.from({ length: nodes }, (_, node) => at(node)), edges: placed, layers: layers.length, rows: rows.reduce((most, row) => Math.max(most, row + 1), 0), crossings };
}

/** The longest path to each node; a node that nothing leads to is moved up to what it leads to. */
function layersOf(nodes: number, edges: readonly { readonly from: number; readonly to: number }[]): number[] {
  const layers = new Array<number>(nodes).fill(0);
  const waiting = new Array<number>(nodes).fill(0);
  const behind = Array.from({ length: nodes }, (): number[] => []);
  for (const { from, to } of edges) {
    behind[from]!.push(to);
    waiting[to]!++;
  }
  const sources = waiting.flatMap((count, node) => (count === 0 ? [node] : []));
  const ready = [...sources];
  // The list grows while it is walked.
  for (const node of ready) {
    for (const next of behind[node]!) {
      layers[next] = Math.max(layers[next]!, layers[node]! + 1);
      if (--waiting[next]! === 0) ready.push(next);
    }
  }
  for (const node of sources) if (behind[node]!.length > 0) layers[node] = Math.min(...behind[node]!.map((next) => layers[next]!)) - 1;
  return layers;
}

/** Gives every edge a node in each layer that it passes. */
function withBends(layerOf: readonly number[], edges: readonly { readonly from: number; readonly to: number }[]): { graph: ProperGraph; paths: number[][] } {
  const layers = [...layerOf];
  const before: number[][] = layerOf.map(() => []);
  const behind: number[][] = layerOf.map(() => []);
  const paths = edges.map(({ from, to }) => {
    const path = [from];
    for (let layer = layerOf[from]! + 1; layer < layerOf[to]!; layer++) {
      path.push(layers.length);
      layers.push(layer);
      before.push([]);
      behind.push([]);
    }
    path.push(to);
    for (let i = 1; i < path.length; i++) {
      behind[path[i - 1]!]!.push(path[i]!);
      before[path[i]!]!.push(path[i - 1]!);
    }
    return path;
  });
  return { graph: { real: layerOf.length, layerOf: layers, before, behind }, paths };
}
