import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import type { Scale, ScaleMaker } from '../svg/scale.ts';
import { px } from '../svg/shapes.ts';
import { textWidth, truncated } from '../svg/text.ts';

/** A picture above or below others that share its time. */
export interface TimePanel {
  /** What its axis shows. */
  readonly label: string;
  readonly height: number;
  readonly y: ScaleMaker;
}

/** Where a panel lies. */
export interface PlacedPanel {
  readonly top: number;
  readonly bottom: number;
  readonly y: Scale;
}

/** Panels over one axis of time. */
export interface TimePanels {
  readonly left: number;
  readonly right: number;
  readonly x: Scale;
  readonly panels: readonly PlacedPanel[];
  readonly height: number;
  readonly axes: Html;
}

const headHeight = 28;
const mostLabelWidth = 190;

/** Lays out panels one below the other over the same axis. */
export function timePanels({ width, x, xLabel, top, panels }: { readonly width: number; readonly x: ScaleMaker; readonly xLabel: string; readonly top: number; readonly panels: readonly TimePanel[] }): TimePanels {
  let at = top;
  const placed = panels.map(({ height, y }) => {
    const panel = { top: at + headHeight, bottom: at + headHeight + height, y: y({ range: [at + headHeight + height, at + headHeight], gap: 30 }) };
    at = panel.bottom + 6;
    return panel;
  });
  const labels = placed.flatMap(({ y }) => y.ticks.map(({ label }) => textWidth(label ?? '', fontSize)));
  const left = Math.ceil(Math.min(mostLabelWidth, Math.max(20, ...labels))) + 12;
  const right = width - 16;
  const across = x({ range: [left, right], gap: 90 });
  const bottom = placed.at(-1)!.bottom;
  const axes = html`${placed.map((panel, i) => panelAxes(panel, panels[i]!.label, { left, right, x: across }))}<g class="ticks">${xTicks(across, bottom, right)}<text x="${px((left + right) / 2)}" y="${px(bottom + 34)}" text-anchor="middle" class="name">${xLabel}</text></g>`;
  return { left, right, x: across, panels: placed, height: bottom + 42, axes };
}

function panelAxes({ top, bottom, y }: PlacedPanel, label: string, { left, right, x }: { readonly left: number; readonly right: number; readonly x: Scale }): Html {
  const across = y.ticks.map(({ value }) => `M${px(left)} ${px(y.at(value))}H${px(right)}`).join('');
  const upright = x.ticks.filter((tick) => tick.label !== undefined).map(({ value }) => `M${px(x.at(value))} ${px(top)}V${px(bottom)}`).join('');
  const labels = y.ticks.flatMap((tick) => {
    if (tick.label === undefined) return [];
    const text = truncated(tick.label, left - 10, fontSize);
    return [html`<text x="${px(left - 7)}" y="${px(y.at(tick.value) + 4)}" text-anchor="end">${text}${text !== tick.label && html`<title>${tick.label}</title>`}</text>`];
  });
  return html`<path class="grid" d="${across}${upright}" stroke="#8884" fill="none"/><path d="M${px(left)} ${px(bottom)}H${px(right)}" stroke="#888"/><g class="ticks">${labels}<text x="2" y="${px(top - 12)}" class="name">${label}</text></g>`;
}

function xTicks({ at, ticks }: Scale, bottom: number, right: number): Html[] {
  let free = -Infinity;
  return ticks.flatMap(({ value, label }) => {
    if (label === undefined) return [];
    const half = textWidth(label, fontSize) / 2;
    const middle = Math.min(Math.max(at(value), half + 1), right + 14 - half);
    if (middle - half < free) return [];
    free = middle + half + 8;
    return [html`<text x="${px(middle)}" y="${px(bottom + 16)}" text-anchor="middle">${label}</text>`];
  });
}
