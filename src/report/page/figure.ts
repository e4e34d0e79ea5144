import { DrawnChart, type Chart } from '../charts/chart.ts';
import { html, type Html } from '../markup/html.ts';
import { tableOf } from './table.ts';

/** A chart as a page shows it: its title, what is seen in words, the picture, and the numbers in a table that opens. `id` is unique in the page. A chart that is not of our making is shown as text and table. With `redrawn`, the page's script offers other ways to draw lines. */
export function figureOf(chart: Chart, id: string, { redrawn = false }: { readonly redrawn?: boolean } = {}): Html {
  const { title, summary, table } = chart;
  return html`<figure id="${id}"${chart instanceof DrawnChart && chart.width <= 400 && html` class="small"`}><figcaption id="${id}-title"><bdi>${title}</bdi></figcaption><p id="${id}-summary">${summary}</p>${
    chart instanceof DrawnChart && html`<div class="plot" tabindex="0" role="group" aria-labelledby="${id}-title">${chart.inPage(`${id}-title ${id}-summary`, { redrawn })}</div>`
  }<details><summary>Numbers</summary>${table.leftOut !== undefined && html`<p>${table.leftOut}</p>`}${tableOf({ caption: title, columns: table.columns, rows: table.rows })}</details></figure>`;
}
