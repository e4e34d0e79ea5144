import type { LayeredGraph, PlacedEdge } from '../layouts/layered-graph.ts';
import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import { seriesStyle } from '../svg/palette.ts';
import { px } from '../svg/shapes.ts';
import { signAt, type Sign } from '../svg/signs.ts';
import { textWidth, truncated } from '../svg/text.ts';

/** How a node looks: a box with a name, and below it a sign and what that means in words. */
export interface GraphBox {
  readonly name: string;
  readonly detail: string;
  /** All that is known of it in a few words, for who points at it. */
  readonly title: string;
  readonly sign?: Sign | undefined;
  /** Index of its colour, as of a series; the colour of texts when absent. */
  readonly color?: number | undefined;
  readonly border: 'plain' | 'dashed' | 'thick';
}

/** How an edge looks. */
export interface GraphLine {
  readonly dashed: boolean;
  /** What stands on it; nothing when absent. */
  readonly label?: string | undefined;
}

/** A graph in pixels. */
export interface GraphDrawing {
  readonly width: number;
  readonly height: number;
  readonly marks: Html;
}

const boxHeight = 40;
const rowPitch = 54;
const margin = 4;
const mostBoxWidth = 200;

/** Draws a graph that was laid out in layers. `boxes` are by node, `lines` by edge of the layout. */
export function drawGraph(layout: LayeredGraph, boxes: readonly GraphBox[], lines: readonly GraphLine[]): GraphDrawing {
  const wanted = boxes.map(({ name, detail }) => Math.max(textWidth(name, fontSize * 1.1), textWidth(detail, fontSize) + 18) + 18);
  const boxWidth = Math.ceil(Math.min(mostBoxWidth, Math.max(70, ...wanted)));
  const labelled = Math.max(0, ...lines.map(({ label }) => (label === undefined ? 0 : textWidth(label, fontSize - 1))));
  const gap = Math.max(44, Math.ceil(labelled) + 28);
  const place: Placing = {
    left: (layer) => margin + layer * (boxWidth + gap),
    middle: (row) => margin + row * rowPitch + boxHeight / 2,
    boxWidth,
    gap,
  };
  const marks = html`<g class="edges" fill="none" stroke="currentColor" stroke-opacity=".55" stroke-width="1.3">${layout.edges.map((edge, i) => lineOf(edge, lines[i]!, place))}</g><g fill="currentColor">${layout.edges.map((edge) => headOf(edge, place))}</g>${layout.edges.map((edge, i) => labelOf(edge, lines[i]!, place))}${boxes.map((box, i) => boxOf(box, layout.nodes[i]!, place))}`;
  return {
    width: Math.ceil(place.left(Math.max(0, layout.layers - 1)) + boxWidth + margin),
    height: Math.ceil(2 * margin + Math.max(0, layout.rows - 1) * rowPitch + boxHeight),
    marks,
  };
}

interface Placing {
  readonly left: (layer: number) => number;
  readonly middle: (row: number) => number;
  readonly boxWidth: number;
  readonly gap: number;
}

/** From box to box in curves; past what lies in a layer between it goes straight. */
function lineOf({ points }: PlacedEdge, { dashed }: GraphLine, { left, middle, boxWidth }: Placing): Html {
  const forward = points[0]!.layer <= points.at(-1)!.layer;
  const [start, end] = forward ? [boxWidth, 0] : [0, boxWidth];
  const path = points.map(({ layer, row }, i) => {
    const y = middle(row);
    if (i === 0) return `M${px(left(layer) + start)} ${px(y)}`;
    const before = points[i - 1]!;
    const from = left(before.layer) + start;
    const to = left(layer) + end;
    const half = (from + to) / 2;
    const curve = `C${px(half)} ${px(middle(before.row))} ${px(half)} ${px(y)} ${px(to)} ${px(y)}`;
    return i === points.length - 1 ? curve : `${curve}H${px(left(layer) + start)}`;
  });
  return html`<path d="${path.join('')}"${dashed && html` stroke-dasharray="5 4"`}/>`;
}

function headOf({ points }: PlacedEdge, { left, middle, boxWidth }: Placing): Html {
  const end = points.at(-1)!;
  const forward = points[0]!.layer <= end.layer;
  return html`<path d="M${px(left(end.layer) + (forward ? 0 : boxWidth))} ${px(middle(end.row))}l${forward ? '-7' : '7'}-4v8z"/>`;
}

/** Stands beside the first box, where edges of one box are still apart from those of others. */
function labelOf({ points }: PlacedEdge, { label }: GraphLine, { left, middle, boxWidth, gap }: Placing): Html | undefined {
  if (label === undefined) return undefined;
  const [first, second] = points as unknown as readonly [{ layer: number; row: number }, { layer: number; row: number }];
  const x = first.layer <= second.layer ? left(first.layer) + boxWidth + gap / 2 : left(first.layer) - gap / 2;
  const y = (middle(first.row) + middle(second.row)) / 2;
  const width = textWidth(label, fontSize - 1) + 4;
  return html`<rect class="ground" x="${px(x - width / 2)}" y="${px(y - 8)}" width="${px(width)}" height="15" fill="#fff"/><text x="${px(x)}" y="${px(y + 3.5)}" text-anchor="middle" font-size="${fontSize - 1}">${label}</text>`;
}

function boxOf({ name, detail, title, sign, color, border }: GraphBox, { layer, row }: { readonly layer: number; readonly row: number }, { left, middle, boxWidth }: Placing): Html {
  const x = left(layer);
  const y = middle(row);
  const style = color === undefined ? undefined : seriesStyle(color);
  // Bold letters are wider.
  const shownName = truncated(name, boxWidth - 14, fontSize * 1.1);
  const shownDetail = truncated(detail, boxWidth - (sign === undefined ? 14 : 32), fontSize);
  const stroke = border === 'thick' ? html` stroke-width="2.5"` : border === 'dashed' ? html` stroke-dasharray="4 3"` : undefined;
  return html`<g${style && html` class="${style.className}" color="${style.color}"`}><title>${title}</title><rect class="ground" x="${px(x)}" y="${px(y - boxHeight / 2)}" width="${boxWidth}" height="${boxHeight}" rx="5" fill="#fff" stroke="currentColor"${stroke}/>${
    sign !== undefined && signAt(sign, x + 14, y + 9)
  }</g>${clipped(html`<text x="${px(x + 8)}" y="${px(y - 4)}" font-weight="600">${shownName}</text><text x="${px(x + (sign === undefined ? 8 : 25))}" y="${px(y + 13)}">${shownDetail}</text>`)}`;

  /** How wide letters are is known by the program alone that draws them: an inner picture cuts what does not fit. */
  function clipped(texts: Html): Html {
    return html`<svg x="${px(x)}" y="${px(y - boxHeight / 2)}" width="${boxWidth - 3}" height="${boxHeight}" viewBox="${px(x)} ${px(y - boxHeight / 2)} ${boxWidth - 3} ${boxHeight}" pointer-events="none">${texts}</svg>`;
  }
}
