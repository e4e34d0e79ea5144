import { html, type Html } from '../markup/html.ts';
import type { Marker } from './palette.ts';

/** A coordinate to a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10 + 0);
}

/** A point of a series, filled with its colour. `tip` is what is said of it. */
export function markerAt(marker: Marker, x: number, y: number, tip?: string): Html {
  const title = tip === undefined ? undefined : html`<title>${tip}</title>`;
  if (marker === 'circle') return html`<circle cx="${px(x)}" cy="${px(y)}" r="3.5" fill="currentColor">${title}</circle>`;
  const at = `M${px(x)} ${px(y)}`;
  if (marker === 'cross' || marker === 'plus') return html`<path d="${at}${outlines[marker]}" fill="none" stroke="currentColor" stroke-width="2">${title}</path>`;
  return html`<path d="${at}${outlines[marker]}z" fill="currentColor">${title}</path>`;
}

const outlines: Readonly<Record<Exclude<Marker, 'circle'>, string>> = {
  square: 'm-3.2-3.2h6.4v6.4h-6.4',
  triangle: 'm0-4.3l4.2 7.4h-8.4',
  wedge: 'm0 4.3l4.2-7.4h-8.4',
  diamond: 'm0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6',
  cross: 'm-3.5-3.5l7 7m0-7l-7 7',
  plus: 'm-4.5 0h9m-4.5-4.5v9',
};

/**
 * Path data of lines through points: absolute where a line begins, relative from there, parted where a coordinate is NaN. A point alone is a line of no length, which a round cap makes seen.
 * Coordinates are to a tenth of a pixel, or `exact`, as whoever calls has rounded them, to six digits.
 */
export function linePath(points: Iterable<readonly [x: number, y: number, ...others: number[]]>, exact = false): string {
  // In whole units, so that what is relative adds up without drift.
  const units = exact ? 1e6 : 10;
  let path = '';
  let lastX = NaN;
  let lastY = NaN;
  let alone = false;
  for (const [x, y] of points) {
    const unitX = Math.round(x * units);
    const unitY = Math.round(y * units);
    if (unitX !== unitX || unitY !== unitY) {
      if (alone) path += 'h0';
      alone = false;
      lastX = NaN;
      continue;
    }
    const begins = lastX !== lastX;
    if (begins) path += `M${short(unitX / units)} ${short(unitY / units)}`;
    else path += stepTo((unitX - lastX) / units, (unitY - lastY) / units);
    alone = begins;
    lastX = unitX;
    lastY = unitY;
  }
  return alone ? `${path}h0` : path;
}

function stepTo(x: number, y: number): string {
  if (x === 0) return `v${short(y)}`;
  return y === 0 ? `h${short(x)}` : `l${short(x)}${y < 0 ? '' : ' '}${short(y)}`;
}

function short(value: number): string {
  return String(value).replace(/^(-?)0\./, '$1.');
}
