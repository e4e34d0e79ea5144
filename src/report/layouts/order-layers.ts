import type { ProperGraph } from './layered-graph.ts';

// More than so many sweeps change nothing any more in graphs of the size that a page can show.
const sweeps = 12;

// With long edges through many layers a graph has many more places than nodes; so many of them are looked at in all sweeps together.
const mostPlaces = 60_000;

/** An order of the nodes within each layer in which few edges cross, by sweeps there and back; the best of all is kept. */
export function orderLayers(graph: ProperGraph): { layers: number[][]; crossings: number } {
  let layers = initialOrder(graph);
  let best = { layers, crossings: crossingsOf(layers, graph) };
  const most = Math.min(sweeps, Math.ceil(mostPlaces / graph.layerOf.length));
  for (let sweep = 0; sweep < most && best.crossings > 0; sweep++) {
    layers = sweep % 2 === 0 ? swept(layers, graph.before, 1) : swept([...layers].reverse(), graph.behind, 1).reverse();
    const crossings = crossingsOf(layers, graph);
    if (crossings < best.crossings) best = { layers, crossings };
  }
  return best;
}

/** As a walk in depth comes to them: what hangs together lies together. */
function initialOrder({ layerOf, before, behind }: ProperGraph): number[][] {
  const layers: number[][] = Array.from({ length: layerOf.reduce((most, layer) => Math.max(most, layer + 1), 0) }, () => []);
  const seen = new Uint8Array(layerOf.length);
  for (let start = 0; start < layerOf.length; start++) {
    const stack = [start];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seen[node]) continue;
      seen[node] = 1;
      layers[layerOf[node]!]!.push(node);
      // The last one in comes out first.
      for (const near of [before[node]!, behind[node]!]) for (let i = near.length - 1; i >= 0; i--) stack.push(near[i]!);
    }
  }
  return layers;
}

/** Sorts every layer by the mean place of the neighbours in the one before it. */
function swept(layers: readonly (readonly number[])[], neighbours: readonly (readonly number[])[], from: number): number[][] {
  const next = layers.map((layer) => [...layer]);
  const places = new Float64Array(neighbours.length);
  const centres = new Float64Array(neighbours.length);
  for (let i = from; i < next.length; i++) {
    place(next[i - 1]!, places);
    const layer = next[i]!;
    for (const [at, node] of layer.entries()) centres[node] = meanOf(neighbours[node]!, places) ?? at;
    layer.sort((a, b) => centres[a]! - centres[b]!);
  }
  return next;
}

/** Writes down where each node of a layer is in it. */
function place(layer: readonly number[], places: Float64Array): void {
  for (const [at, node] of layer.entries()) places[node] = at;
}

function meanOf(nodes: readonly number[], places: Float64Array): number | undefined {
  if (nodes.length === 0) return undefined;
  let sum = 0;
  for (const node of nodes) sum += places[node]!;
  return sum / nodes.length;
}

/** How often edges cross between all layers. */
function crossingsOf(layers: readonly (readonly number[])[], { behind, layerOf }: ProperGraph): number {
  const places = new Float64Array(layerOf.length);
  let crossings = 0;
  for (let i = 1; i < layers.length; i++) {
    place(layers[i]!, places);
    const ends: number[] = [];
    for (const node of layers[i - 1]!) {
      const own = behind[node]!;
      // Most nodes are bends of long edges, which lead to one place.
      if (own.length === 1) ends.push(places[own[0]!]!);
      else for (const end of own.map((each) => places[each]!).sort((a, b) => a - b)) ends.push(end);
    }
    crossings += inversionsOf(ends, layers[i]!.length);
  }
  return crossings;
}

/** How many pairs are out of order, by a tree of partial sums (Barth, Jünger and Mutzel 2002). */
function inversionsOf(values: readonly number[], below: number): number {
  const sums = new Float64Array(below + 1);
  let inversions = 0;
  for (const [i, value] of values.entries()) {
    let smallerOrEqual = 0;
    for (let at = value + 1; at > 0; at -= at & -at) smallerOrEqual += sums[at]!;
    inversions += i - smallerOrEqual;
    for (let at = value + 1; at <= below; at += at & -at) sums[at]!++;
  }
  return inversions;
}
