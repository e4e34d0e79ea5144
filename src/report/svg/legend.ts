import { html, type Html } from '../markup/html.ts';
import { fontSize } from './axes.ts';
import { seriesStyle } from './palette.ts';
import { markerAt, px } from './shapes.ts';
import { textWidth, truncated } from './text.ts';

/** One entry of a legend. */
export interface LegendEntry {
  readonly name: string;
  /** Index of its look; see `seriesStyle`. */
  readonly index: number;
  /** What stands before the name. */
  readonly sign: 'line' | 'marker' | 'area' | 'line and marker';
}

/** A legend in rows, and how high it is. */
export interface Legend {
  readonly height: number;
  readonly draw: (top: number) => Html;
}

const rowHeight = 18;
const signWidth = 30;
const mostNameWidth = 230;

/** Lays out entries side by side, in as many rows as they take. */
export function legendOf(entries: readonly LegendEntry[], width: number): Legend {
  let x = 2;
  let row = 0;
  const placed = entries.map((entry) => {
    const text = truncated(entry.name, Math.min(mostNameWidth, width - signWidth - 6), fontSize);
    const size = signWidth + textWidth(text, fontSize) + 14;
    if (x > 2 && x + size > width) {
      x = 2;
      row++;
    }
    const at = { entry, text, x, row };
    x += size;
    return at;
  });
  const draw = (top: number): Html =>
    html`<g class="legend">${placed.map(({ entry, text, x: left, row: line }) => {
      const middle = top + line * rowHeight + rowHeight / 2;
      return html`${signAt(entry, left, middle)}<text x="${px(left + signWidth)}" y="${px(middle + 4)}">${text}${text !== entry.name && html`<title>${entry.name}</title>`}</text>`;
    })}</g>`;
  return { height: entries.length === 0 ? 0 : (row + 1) * rowHeight + 4, draw };
}

function signAt({ index, sign }: LegendEntry, x: number, y: number): Html {
  const { className, color, dash, marker } = seriesStyle(index);
  const line = sign === 'line' || sign === 'line and marker';
  return html`<g class="${className}" color="${color}">${line && html`<path d="M${px(x)} ${px(y)}h24" fill="none" stroke="currentColor" stroke-width="2"${dash && html` stroke-dasharray="${dash}"`}/>`}${
    sign === 'area' && html`<path d="M${px(x + 4)} ${px(y - 6)}h16v12h-16z" fill="currentColor" fill-opacity=".75"/>`
  }${(sign === 'marker' || sign === 'line and marker') && markerAt(marker, x + 12, y)}</g>`;
}
