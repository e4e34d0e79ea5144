import type { ProperGraph } from './layered-graph.ts';

// Each passes on where neighbours lie to one layer more, there and back.
const passes = 8;
// What an edge needs where it passes, beside a node.
const bendHeight = 0.5;

/** The height of every node: near the mean of its neighbours, in the order of its layer, and not nearer to the next than their sizes allow. The least is 0. */
export function placeRows(layers: readonly (readonly number[])[], { real, layerOf, before, behind }: ProperGraph): number[] {
  const rows = new Array<number>(layerOf.length).fill(0);
  const sizeOf = (node: number): number => (node < real ? 1 : bendHeight);
  for (const layer of layers) settle(layer, layer.map(() => 0));
  for (let pass = 0; pass < passes; pass++) {
    const down = pass % 2 === 0;
    for (const layer of down ? layers : layers.toReversed()) settle(layer, layer.map((node) => wanted(node, down ? before : behind)));
  }
  // At last by both sides, so that chains are straight.
  for (const layer of layers) settle(layer, layer.map((node) => wanted(node, before, behind)));
  const least = Math.min(...rows);
  return rows.map((row) => row - least);

  function wanted(node: number, ...sides: readonly (readonly (readonly number[])[])[]): number {
    const near = sides.flatMap((side) => side[node]!);
    return near.length === 0 ? rows[node]! : near.reduce((sum, each) => sum + rows[each]!, 0) / near.length;
  }

  function settle(layer: readonly number[], targets: readonly number[]): void {
    const offsets: number[] = [];
    for (const [i, node] of layer.entries()) offsets.push(i === 0 ? 0 : offsets[i - 1]! + (sizeOf(layer[i - 1]!) + sizeOf(node)) / 2);
    const placed = ascending(targets.map((target, i) => target - offsets[i]!));
    for (const [i, node] of layer.entries()) rows[node] = placed[i]! + offsets[i]!;
  }
}

/** The numbers that never fall and are nearest to these in squares, by pooling neighbours that do. */
function ascending(values: readonly number[]): number[] {
  const pools: { sum: number; count: number }[] = [];
  for (const value of values) {
    let pool = { sum: value, count: 1 };
    for (let last = pools.at(-1); last !== undefined && last.sum / last.count > pool.sum / pool.count; last = pools.at(-1)) {
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
      pools.pop();
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count));
}
