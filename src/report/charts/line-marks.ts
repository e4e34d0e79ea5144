import { html, type Html } from '../markup/html.ts';
import { seriesStyle } from '../svg/palette.ts';
import { markerAt } from '../svg/shapes.ts';

/** A line as it is drawn. */
export interface DrawnLine {
  readonly name: string;
  /** Path data. */
  readonly path: string;
  /** Path data of the raw values behind a smoothed line; undefined where nothing is smoothed. */
  readonly faint?: string | undefined;
  /** Where its markers are; none of a line of many points. */
  readonly markers: readonly (readonly [x: number, y: number])[];
}

/** The marks of a line, in the look that the series with this index has. */
export function lineMarks({ name, path, faint, markers }: DrawnLine, index: number): Html {
  const { className, color, dash, marker } = seriesStyle(index);
  return html`<g class="${className}" color="${color}" stroke="currentColor">${
    faint !== undefined && html`<path d="${faint}" stroke-width="1" opacity=".3"/>`
  }<path data-series="${name}" d="${path}"${dash !== undefined && html` stroke-dasharray="${dash}"`}/>${markers.length > 0 && html`<g stroke="none">${markers.map(([x, y]) => markerAt(marker, x, y))}</g>`}</g>`;
}

/** The lines of a chart; what all of them have stands once. */
export function linesGroup(lines: readonly (Html | undefined)[]): Html {
  return html`<g data-marks="" fill="none" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round">${lines}</g>`;
}
