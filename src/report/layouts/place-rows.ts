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
  const least = rows.reduce((a, b) => Math.min(a, b), Infinity);
  return rows.map((row) => row - least);

  function wanted(node: number, ...sides: readonly (readonly (readonly number[])[])[]): number {
    let [sum, count] = [0, 0];
    for (const side of sides) {
      for (const each of side[node]!) sum += rows[each]!;
      count += side[node]!.length;
    }
    return count === 0 ? rows[node]! : sum / count;
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
  const sums: number[] = [];
  const counts: number[] = [];
  for (const value of values) {
    let [sum, count] = [value, 1];
    while (sums.length > 0 && sums.at(-1)! / counts.at(-1)! > sum / count) {
      sum += sums.pop()!;
      count += counts.pop()!;
    }
    sums.push(sum);
    counts.push(count);
  }
  return sums.flatMap((sum, i) => new Array<number>(counts[i]!).fill(sum / counts[i]!));
}
