import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { layeredGraph, type Graph, type LayeredGraph } from '../../src/report/layouts/layered-graph.ts';

const seed = Number(process.env['SIMULATION_SEED'] ?? 5);

/** Edges from earlier nodes to later ones, and here and there one back. */
function randomGraph(generator: SeededGenerator, nodes: number, edges: number, backward = 0): Graph {
  return {
    nodes,
    edges: Array.from({ length: edges }, (): [number, number] => {
      const [a, b] = [generator.below(nodes), generator.below(nodes)];
      return generator.uniform() < backward ? [Math.max(a, b), Math.min(a, b)] : [Math.min(a, b), Math.max(a, b)];
    }),
  };
}

function gaps({ nodes }: LayeredGraph): number[] {
  const layers = new Map<number, number[]>();
  for (const { layer, row } of nodes) layers.set(layer, [...(layers.get(layer) ?? []), row]);
  return [...layers.values()].flatMap((rows) => rows.sort((a, b) => a - b).slice(1).map((row, i) => row - rows[i]!));
}

describe('layeredGraph', () => {
  it('leads every edge of a graph without cycles to a later layer, through each between, and keeps nodes of a layer apart', () => {
    const generator = new SeededGenerator(seed);
    for (let round = 0; round < 40; round++) {
      const graph = randomGraph(generator, 1 + generator.below(40), generator.below(90));
      const layout = layeredGraph(graph);
      const wanted = new Set(graph.edges.filter(([from, to]) => from !== to).map(([from, to]) => `${from} ${to}`));
      expect(new Set(layout.edges.map(({ from, to }) => `${from} ${to}`)), `seed ${seed}`).toEqual(wanted);
      for (const { from, to, points, backward } of layout.edges) {
        expect(backward).toBe(false);
        expect([points[0], points.at(-1)]).toEqual([layout.nodes[from], layout.nodes[to]]);
        expect(points.map(({ layer }) => layer)).toEqual(Array.from({ length: points.length }, (_, i) => layout.nodes[from]!.layer + i));
      }
      for (const gap of gaps(layout)) expect(gap).toBeGreaterThan(1 - 1e-9);
      for (const { row } of layout.nodes) expect(row).toBeGreaterThanOrEqual(-1e-9);
      expect(layout.rows).toBeGreaterThanOrEqual(1 - 1e-9 + Math.max(...layout.nodes.map(({ row }) => row)));
    }
  });

  it('has trees and a ladder without a crossing, and a chain in one line', () => {
    const tree = Array.from({ length: 62 }, (_, i): [number, number] => [Math.floor(i / 2), i + 1]);
    expect(layeredGraph({ nodes: 63, edges: tree }).crossings).toBe(0);
    const shuffled = tree.map(([from, to]): [number, number] => [62 - from, 62 - to]).sort(([, a], [, b]) => ((a * 37) % 63) - ((b * 37) % 63));
    expect(layeredGraph({ nodes: 63, edges: shuffled }).crossings).toBe(0);
    const chain = layeredGraph({ nodes: 9, edges: Array.from({ length: 8 }, (_, i) => [i, i + 1]) });
    expect(chain).toMatchObject({ layers: 9, rows: 1, crossings: 0 });
  });

  it('turns around what must run backward in a cycle, and says which', () => {
    const layout = layeredGraph({ nodes: 4, edges: [[0, 1], [1, 2], [2, 0], [3, 3], [0, 1]] });
    expect(layout.edges.filter(({ backward }) => backward).map(({ from, to }) => [from, to])).toEqual([[2, 0]]);
    expect(layout.edges).toHaveLength(3);
    const generator = new SeededGenerator(seed);
    for (let round = 0; round < 20; round++) {
      const { edges } = layeredGraph(randomGraph(generator, 30, 60, 0.3));
      for (const { points, backward } of edges) expect(points.at(-1)!.layer - points[0]!.layer).toSatisfy((steps: number) => (backward ? steps < 0 : steps > 0));
    }
  });

  it('takes no longer where every step needs all before it', () => {
    const chain = Array.from({ length: 119 }, (_, i): [number, number] => [i, i + 1]);
    const long = Array.from({ length: 460 }, (_, i): [number, number] => [i % 4, 119 - (i >> 2)]);
    const began = process.cpuUsage();
    layeredGraph({ nodes: 120, edges: [...chain, ...long] });
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(2);
  });

  it('draws the same graph the same way, nothing where there is nothing, and 120 nodes with 600 edges at once', () => {
    expect(layeredGraph({ nodes: 0, edges: [] })).toMatchObject({ nodes: [], layers: 0, rows: 0 });
    expect(layeredGraph({ nodes: 3, edges: [] })).toMatchObject({ layers: 1, rows: 3 });
    const graph = randomGraph(new SeededGenerator(seed), 120, 600);
    const began = process.cpuUsage();
    const layout = layeredGraph(graph);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(2);
    expect(layeredGraph(graph)).toEqual(layout);
  });
});
