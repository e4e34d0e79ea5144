import type { Chart } from '../charts/chart.ts';
import { html } from '../markup/html.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';

/** Charts side by side, where there is room. */
export function chartsSection(charts: readonly Chart[]): Section {
  return { id: 'charts', title: 'Charts', body: charts.length === 0 ? html`<p>There are no charts.</p>` : html`<div class="figures">${charts.map((chart, i) => figureOf(chart, `chart-${i + 1}`, { redrawn: true }))}</div>` };
}
