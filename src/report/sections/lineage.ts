import type { LineageGraph } from '../../storage/lineage-graph.ts';
import { lineageChart } from '../charts/lineage-graph-chart.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';

/** What something came from, or what came of it, as `registry.lineage` or `registry.impact` gives it. */
export function lineageSection(graph: LineageGraph, _context: ReportContext, id: string): Section {
  const chart = lineageChart(graph);
  return { id, title: chart.title, body: figureOf(chart, `${id}-graph`) };
}
