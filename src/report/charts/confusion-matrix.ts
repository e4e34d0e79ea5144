import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';
import type { ConfusionMatrix } from '../../stats/metrics/confusion-matrix.ts';
import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { px } from '../svg/shapes.ts';
import { shortName, textWidth, truncated } from '../svg/text.ts';
import { DrawnChart, type Chart } from './chart.ts';

/** How a confusion matrix is drawn. */
export interface ConfusionMatrixChartOptions {
  /** What the chart is called. */
  readonly title: string;
  /** At most so many classes, those that were observed most. @default 20 */
  readonly maxClasses?: number | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({
  title: /* @__PURE__ */ z.string(),
  maxClasses: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.gte(1), /* @__PURE__ */ z.lte(60))),
});

interface Cells {
  readonly names: readonly string[];
  readonly counts: readonly (readonly number[])[];
  /** How often each class was observed, whatever was predicted. */
  readonly observed: readonly number[];
}

/**
 * A confusion matrix as `confusionMatrix` of `modelkeep/stats` counts it: a cell for each observed class (rows) and predicted class (columns), as dark as its share of the observed class,
 * with its count in it.
 *
 * Throws `ValidationError` for options that are none.
 *
 * @example
 * ```ts
 * import { confusionMatrixChart } from 'modelkeep/report';
 * import { confusionMatrix } from 'modelkeep/stats';
 *
 * const chart = confusionMatrixChart(confusionMatrix(['cat', 'dog', 'cat'], ['cat', 'dog', 'dog']), { title: 'Pets' });
 * console.log(chart.summary); // 2 of 3 rows (66.7 %) are predicted right. The most frequent confusion is cat taken for dog: 1 (50 % of cat).
 * ```
 */
export function confusionMatrixChart(matrix: ConfusionMatrix, options: ConfusionMatrixChartOptions): Chart {
  const { title, maxClasses = 20 } = check(optionsSchema, options, 'options');
  const cells = largest(matrix, maxClasses);
  const { names, counts } = cells;
  const leftOut = names.length < matrix.labels.length ? `Showing the ${names.length} classes of ${matrix.labels.length} that were observed most.` : undefined;
  const cell = names.length > 12 ? 28 : names.length > 6 ? 40 : 56;
  // What its rows are stands beside what its columns are.
  const left = Math.max(66, Math.min(140, Math.max(0, ...names.map((name) => textWidth(name, fontSize))) + 14)) + 16;
  const top = 40;
  const width = Math.max(220, left + cell * names.length + 14);
  const height = top + cell * Math.max(1, names.length) + 8;
  return new DrawnChart({
    title,
    summary: [describe(matrix), leftOut, matrix.dropped > 0 && `${formatCount(matrix.dropped, 'row was', 'rows were')} left out of the counts.`].filter(Boolean).join(' '),
    table: { columns: ['observed', ...names.map((name) => `predicted ${name}`)], rows: names.map((name, i) => [name, ...counts[i]!]), leftOut },
    width,
    height,
    marks: html`<text class="name" x="${px(left)}" y="13">predicted</text><text class="name" x="2" y="13">observed</text>${names.map((name, i) => headsOf(name, i, left, top, cell))}<g data-marks="" text-anchor="middle"${cell < 40 && html` font-size="10"`}>${counts.map((row, i) => row.map((count, j) => cellAt(cells, i, j, count, { left, top, cell })))}</g>`,
    vegaLite: () => ({
      data: { values: counts.flatMap((row, i) => row.map((count, j) => ({ observed: names[i]!, predicted: names[j]!, count, share: cells.observed[i]! > 0 ? count / cells.observed[i]! : 0 }))) },
      encoding: { x: { field: 'predicted', type: 'nominal', sort: null }, y: { field: 'observed', type: 'nominal', sort: null } },
      layer: [{ mark: { type: 'rect', tooltip: { content: 'data' } }, encoding: { color: { field: 'share', type: 'quantitative', scale: { domain: [0, 1] } } } }, { mark: 'text', encoding: { text: { field: 'count', type: 'quantitative' } } }],
    }),
  });
}

function largest({ labels, counts }: ConfusionMatrix, most: number): Cells {
  const observed = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const order = labels.map((_, i) => i);
  // Of many classes the largest are shown, in the order in which they were.
  const kept = labels.length <= most ? order : order.toSorted((a, b) => observed[b]! - observed[a]! || a - b).slice(0, most).sort((a, b) => a - b);
  return { names: kept.map((i) => String(labels[i])), counts: kept.map((i) => kept.map((j) => counts[i]![j]!)), observed: kept.map((i) => observed[i]!) };
}

function describe({ labels, counts }: ConfusionMatrix): string {
  const total = counts.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);
  if (total === 0) return 'There are no rows.';
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  const worst = { count: 0, i: 0, j: 0 };
  counts.forEach((row, i) => row.forEach((count, j) => i !== j && count > worst.count && Object.assign(worst, { count, i, j })));
  const accuracy = `${formatNumber(right)} of ${formatCount(total, 'row')} (${formatPercent(right / total)}) are predicted right.`;
  if (worst.count === 0) return accuracy;
  const observed = counts[worst.i]!.reduce((a, b) => a + b, 0);
  return `${accuracy} The most frequent confusion is ${shortName(String(labels[worst.i]))} taken for ${shortName(String(labels[worst.j]))}: ${formatNumber(worst.count)} (${formatPercent(worst.count / observed)} of ${shortName(String(labels[worst.i]))}).`;
}

function headsOf(name: string, i: number, left: number, top: number, cell: number): Html {
  const middle = (i + 0.5) * cell;
  const above = truncated(name, cell - 4, fontSize);
  const beside = truncated(name, left - 22, fontSize);
  return html`<text x="${px(left + middle)}" y="${px(top - 6)}" text-anchor="middle">${above}${above !== name && html`<title>${name}</title>`}</text><text x="${px(left - 8)}" y="${px(top + middle + 4)}" text-anchor="end">${beside}${beside !== name && html`<title>${name}</title>`}</text>`;
}

function cellAt({ names, observed }: Cells, i: number, j: number, count: number, { left, top, cell }: { readonly left: number; readonly top: number; readonly cell: number }): Html {
  const share = observed[i]! > 0 ? count / observed[i]! : 0;
  const text = cell < 40 ? truncated(formatNumber(count, 2), cell - 2, 10) : formatNumber(count);
  const x = left + j * cell;
  const y = top + i * cell;
  // Never darker than a number in the colour of texts can be read on.
  const shade = (share * 0.45).toFixed(2);
  const title = count > 0 && html`<title>${`observed ${names[i]!}, predicted ${names[j]!}: ${formatNumber(count)} (${formatPercent(share)} of observed ${names[i]!})`}</title>`;
  const box = html`<path class="s0" color="#0072b2" d="M${px(x)} ${px(y)}h${cell - 1}v${cell - 1}h${1 - cell}z" fill="currentColor" fill-opacity="${shade}" stroke="${i === j ? 'currentColor' : '#8886'}"/>`;
  return html`<g>${title}${box}<text x="${px(x + cell / 2)}" y="${px(y + cell / 2 + 4)}"${count === 0 && html` fill-opacity=".6"`}>${text}</text></g>`;
}
