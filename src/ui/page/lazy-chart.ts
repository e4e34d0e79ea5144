import { html, type Html } from '../../report/markup/html.ts';
import { seen } from './seen.ts';

/** A chart that is loaded when it comes into view. */
export interface LazyChart {
  /** The page of it, for readers without script. */
  readonly href: string;
  /** Where it comes from. */
  readonly part: string;
  readonly title: string;
}

/** Charts that a page shows at once; more of them open by a click. */
const mostOpen = 12;

/** The places of charts that are loaded when they come into view; without script, links to their pages. */
export function lazyCharts(charts: readonly LazyChart[]): Html {
  const further = charts.slice(mostOpen);
  return html`${grid(charts.slice(0, mostOpen))}${further.length > 0 && html`<details id="further-charts"><summary>${further.length === 1 ? 'One more curve' : `${further.length} more curves`}</summary>${grid(further)}</details>`}`;
}

function grid(charts: readonly LazyChart[]): Html {
  return html`<div class="charts">${charts.map(({ href, part, title }) => html`<div class="lazy" data-part="${part}"><a href="${href}" title="${title}"><bdi>${seen(title)}</bdi></a></div>`)}</div>`;
}
