import { describeRef, type LineageEdge, type RecordRef } from '../../core/record-ref.ts';
import type { LineageGraph } from '../../storage/lineage-graph.ts';
import { layeredGraph } from '../layouts/layered-graph.ts';
import { html } from '../markup/html.ts';
import { formatCount } from '../svg/format.ts';
import { isTime } from '../svg/wall-time.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { drawGraph, type GraphBox } from './drawn-graph.ts';

const mostNodes = 80;
const mostEdges = 400;

const relations = { used: 'used', produced: 'produced', derivedFrom: 'derived from', evaluatedOn: 'evaluated on', partOf: 'part of', triggeredBy: 'triggered by' } as const;

/**
 * What something came from, or what came from it, as a graph: an arrow leads from the subject of a relation to its object, and says which it is. Of a large graph what lies nearest is shown, and the chart says how much it left out.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, Tracker } from 'modelkeep';
 * import { lineageChart } from 'modelkeep/report';
 *
 * const storage = new MemoryStorage();
 * const [registry, tracker] = [new Registry({ storage }), new Tracker({ storage })];
 * const run = await tracker.withRun({ experiment: 'delays' }, async (each) => each.id);
 * await registry.createModel('flight-delay');
 * await registry.registerVersion('flight-delay', { files: { 'model.json': '{}' }, run });
 * const chart = lineageChart(await registry.lineage('flight-delay@1'));
 * console.log(chart.summary); // 1 relation between 2 things: 1 model version, 1 run.
 * ```
 */
export function lineageChart({ nodes, edges }: LineageGraph): Chart {
  const shown = nodes.slice(0, mostNodes);
  const numbers = new Map(shown.map((node, i) => [keyOf(node), i]));
  const links = new Map<string, LineageEdge>();
  for (const edge of edges) {
    const [from, to] = [numbers.get(keyOf(edge.from)) ?? nearest(numbers, shown, edge.from), numbers.get(keyOf(edge.to)) ?? nearest(numbers, shown, edge.to)];
    if (from !== undefined && to !== undefined && links.size < mostEdges) links.set(`${from} ${to}`, edge);
  }
  const layout = layeredGraph({ nodes: shown.length, edges: [...links.keys()].map((key) => key.split(' ').map(Number) as [number, number]) });
  const { width, height, marks } = drawGraph(layout, shown.map(boxOf), layout.edges.map(({ from, to }) => ({ dashed: false, label: relations[links.get(`${from} ${to}`)!.relation] })));
  const left = shown.length < nodes.length || links.size === mostEdges ? `The picture shows ${shown.length} of ${nodes.length} things and ${links.size} of ${edges.length} relations, the nearest first.` : undefined;
  return new DrawnChart({
    title: nodes[0] === undefined ? 'Lineage' : `Lineage of ${describeRef(nodes[0])}`,
    summary: `${summaryOf(nodes, edges)}${left === undefined ? '' : ` ${left}`}`,
    table: { columns: ['what', 'relation', 'to what', 'recorded, UTC'], rows: edges.slice(0, 500).map(({ from, relation, to, at }) => [refText(from), relations[relation], refText(to), isTime(at) ? new Date(at).toISOString() : String(at)]), leftOut: edges.length > 500 ? `500 of ${edges.length} relations.` : undefined },
    width,
    height,
    marks: shown.length === 0 ? html`<text x="4" y="24">Nothing is recorded.</text>` : marks,
    keepsSize: true,
    vegaLite: () => ({
      data: { values: layout.edges.map(({ from, to }) => ({ from: refText(shown[from]!), to: refText(shown[to]!), relation: relations[links.get(`${from} ${to}`)!.relation], x: layout.nodes[from]!.layer, y: layout.nodes[from]!.row, x2: layout.nodes[to]!.layer, y2: layout.nodes[to]!.row })) },
      mark: { type: 'rule' },
      encoding: {
        x: { field: 'x', type: 'quantitative', axis: null },
        y: { field: 'y', type: 'quantitative', axis: null, scale: { reverse: true } },
        x2: { field: 'x2' },
        y2: { field: 'y2' },
        color: { field: 'relation', type: 'nominal' },
        tooltip: [{ field: 'from' }, { field: 'relation' }, { field: 'to' }],
      },
    }),
  });
}

function keyOf(ref: RecordRef): string {
  return `${describeRef(ref)} ${ref.digest ?? ''}`;
}

/** An edge that names no contents may be of any of that name. */
function nearest(numbers: ReadonlyMap<string, number>, nodes: readonly RecordRef[], ref: RecordRef): number | undefined {
  const name = describeRef(ref);
  const node = nodes.find((each) => describeRef(each) === name && (each.digest === undefined || ref.digest === undefined || each.digest === ref.digest));
  return node && numbers.get(keyOf(node));
}

function refText(ref: RecordRef): string {
  return describeRef(ref);
}

function boxOf(ref: RecordRef): GraphBox {
  const version = ref.version === undefined ? '' : `@${ref.version}`;
  return { name: `${ref.id}${version}`, detail: ref.kind.replaceAll('-', ' '), title: `${describeRef(ref)}${ref.digest === undefined ? '' : ` (${ref.digest})`}`, border: 'plain', color: colors[ref.kind] };
}

/** Things of one kind have one colour; their kind is told in words too. */
const colors: Readonly<Partial<Record<RecordRef['kind'], number>>> = { 'model-version': 0, model: 0, run: 2, 'pipeline-run': 1, pipeline: 1, dataset: 4, 'feature-view': 3, 'feature-service': 3, entity: 3 };

function summaryOf(nodes: readonly RecordRef[], edges: readonly LineageEdge[]): string {
  if (nodes.length === 0) return 'Nothing is recorded of where it came from or what came of it.';
  const kinds = new Map<string, number>();
  for (const { kind } of nodes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return `${formatCount(edges.length, 'relation')} between ${formatCount(nodes.length, 'thing')}: ${[...kinds].map(([kind, count]) => formatCount(count, kind.replaceAll('-', ' '))).join(', ')}.`;
}
