import { html, type Html } from '../markup/html.ts';
import type { Scale, ScaleMaker, Tick } from './scale.ts';
import { px } from './shapes.ts';
import { textWidth, truncated } from './text.ts';

/** Size of the texts in a picture, in pixels. */
export const fontSize = 12;

/** What an axis shows. */
export interface Axis {
  readonly label?: string | undefined;
  readonly scale: ScaleMaker;
}

/** The room of a picture and its axes. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly x: Scale;
  readonly y: Scale;
  /** Grid, ticks and labels, to be drawn first. */
  readonly axes: Html;
}

/** Lays out two axes in a picture. */
export function plotOf({ width, height, x, y }: { readonly width: number; readonly height: number; readonly x: Axis; readonly y: Axis }): Plot {
  const top = y.label === undefined ? 10 : 26;
  const bottom = height - 22 - (x.label === undefined ? 0 : 18);
  const up = y.scale({ range: [bottom, top], gap: 34 });
  const labelWidth = Math.max(...up.ticks.map(({ label }) => textWidth(label ?? '', fontSize)), 8);
  const left = Math.min(Math.ceil(labelWidth) + 10, Math.floor(width * 0.32));
  const right = width - 14;
  const along = x.scale({ range: [left, right], gap: 76 });
  const plot = { left, right, top, bottom, x: along, y: up };
  const axes = html`<g class="grid" stroke="#8884" fill="none">${grid(plot)}</g><path d="M${px(left)} ${px(bottom)}H${px(right)}" stroke="#888"/><g class="ticks">${xLabels(plot)}${yLabels(plot)}${axisNames(plot, width, height, x.label, y.label)}</g>`;
  return { ...plot, axes };
}

type Placed = Omit<Plot, 'axes'>;

function grid({ left, right, top, bottom, x, y }: Placed): Html {
  const major = ({ label }: Tick): boolean => label !== undefined;
  const across = y.ticks.filter(major).map(({ value }) => `M${px(left)} ${px(y.at(value))}H${px(right)}`).join('');
  const upright = x.kind === 'band' ? '' : x.ticks.filter(major).map(({ value }) => `M${px(x.at(value))} ${px(top)}V${px(bottom)}`).join('');
  const minor = [
    ...y.ticks.filter((tick) => !major(tick)).map(({ value }) => `M${px(left)} ${px(y.at(value))}h5`),
    ...x.ticks.filter((tick) => !major(tick)).map(({ value }) => `M${px(x.at(value))} ${px(bottom)}v-5`),
  ].join('');
  return html`<path d="${across}${upright}"/>${minor && html`<path d="${minor}" stroke="#888"/>`}`;
}

function xLabels({ left, right, bottom, x }: Placed): Html[] {
  let free = -Infinity;
  const gap = 6;
  return x.ticks.flatMap(({ value, label }) => {
    if (label === undefined) return [];
    const room = x.kind === 'band' ? Math.max(30, (right - left) / x.ticks.length - gap) : 120;
    const text = truncated(label, room, fontSize);
    const half = textWidth(text, fontSize) / 2;
    // A label at the end is moved inwards rather than cut; one that would touch the one before it is left out.
    const at = Math.min(Math.max(x.at(value), half + 1), right + 13 - half);
    if (at - half < free) return [];
    free = at + half + gap;
    return [html`<text x="${px(at)}" y="${px(bottom + 16)}" text-anchor="middle">${text}${text !== label && html`<title>${label}</title>`}</text>`];
  });
}

function yLabels({ left, y }: Placed): Html[] {
  return y.ticks.flatMap(({ value, label }) => {
    if (label === undefined) return [];
    const text = truncated(label, left - 8, fontSize);
    return [html`<text x="${px(left - 7)}" y="${px(y.at(value) + 4)}" text-anchor="end">${text}${text !== label && html`<title>${label}</title>`}</text>`];
  });
}

function axisNames({ left, right }: Placed, width: number, height: number, xLabel: string | undefined, yLabel: string | undefined): Html[] {
  const names: Html[] = [];
  if (xLabel !== undefined) names.push(html`<text x="${px((left + right) / 2)}" y="${px(height - 6)}" text-anchor="middle" class="name">${truncated(xLabel, right - left, fontSize)}</text>`);
  if (yLabel !== undefined) names.push(html`<text x="2" y="13" class="name">${truncated(yLabel, width - 10, fontSize)}</text>`);
  return names;
}
