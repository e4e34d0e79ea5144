import { html, type Html } from '../../report/markup/html.ts';
import { lineageSection } from '../../report/sections/lineage.ts';
import type { LineageGraph } from '../../storage/lineage-graph.ts';
import type { UiCall } from '../call.ts';
import { livePart, table } from '../page/table.ts';
import { recordLink } from './record-link.ts';

const mostEdges = 500;

/** Where something came from, edge by edge. */
export function lineagePart({ links, formats }: UiCall, graph: LineageGraph): Html {
  const { edges } = graph;
  const rows = edges.slice(0, mostEdges).map(({ from, relation, to, at }) => [recordLink(links, from), relation, recordLink(links, to), formats.time(at)]);
  return livePart(
    'lineage',
    'Lineage',
    html`${edges.length > 0 && lineageSection(graph, formats.context, 'lineage').body}${edges.length > mostEdges && html`<p class="muted">Showing ${formats.count(mostEdges)} of ${formats.count(edges.length)} edges.</p>`}${table({ caption: 'Lineage', columns: [{ head: 'What' }, { head: 'Relation' }, { head: 'To what' }, { head: 'When' }], rows, empty: 'Nothing is known of where it came from.' })}`,
  );
}
