import type { LineRedraw, LineWay } from '../charts/line-ways.ts';
import { lineMarks, linesGroup } from '../charts/line-marks.ts';
import { lineScale } from '../charts/line-scale.ts';
import { plotOf } from '../svg/axes.ts';
import { linePath } from '../svg/shapes.ts';
import { wallClock } from '../svg/wall-time.ts';
import { valueAt, vertices, type PlotAxis } from './coordinates.ts';

type Values = readonly (readonly [x: number, y: number])[];

/** A line as values, which its path tells. */
interface Line {
  readonly name: string;
  readonly raw: Values;
  /** The least and the greatest of its values. */
  readonly range: readonly number[];
  readonly smooth: Values | undefined;
  readonly hasMarkers: boolean;
}

/** How a chart is drawn. */
interface Choices {
  way: number;
  log: boolean;
  smooth: boolean;
  readonly hidden: Set<number>;
}

/** Offers for charts of lines what they go along, a logarithmic scale, smoothing, and each line to be shown or not. */
export function offerWays(root: ParentNode): void {
  for (const svg of root.querySelectorAll<SVGSVGElement>('.plot > svg[data-lines]')) offer(svg.closest<HTMLElement>('.plot')!, svg);
}

function offer(plot: HTMLElement, svg: SVGSVGElement): void {
  const data = JSON.parse(svg.dataset['lines']!) as LineRedraw;
  const groups = [...svg.querySelectorAll<SVGGElement>('[data-marks] > g')];
  if (groups.length === 0) return;
  const axesText = svg.dataset['axes']!;
  const axes = JSON.parse(axesText) as [PlotAxis, PlotAxis];
  const choices: Choices = { way: data.way, log: data.y.kind === 'log', smooth: data.isSmoothed, hidden: new Set() };
  const legend = svg.querySelector('.legend');
  const title = plot.closest('figure')?.querySelector('figcaption')?.textContent ?? '';
  const keys = groups.length > 1 && legend !== null ? keysOf(svg, legend, groups) : undefined;
  if (keys) cutTo(svg, data.height);
  const first = svg.innerHTML;
  let lines: Line[] | undefined;
  const draw = (): void => {
    const isFirst = choices.hidden.size === 0 && choices.way === data.way && choices.smooth === data.isSmoothed && choices.log === (data.y.kind === 'log');
    if (isFirst) {
      svg.innerHTML = first;
      svg.dataset['axes'] = axesText;
    } else redraw(svg, (lines ??= linesOf(groups, data, axes)), data, axes[0], choices, keys ? '' : (legend?.outerHTML ?? ''));
    plot.dispatchEvent(new Event('redrawn'));
  };
  const tools = toolsOf(`How ${title} is drawn`);
  if (data.ways.length > 1) data.ways.forEach(({ name }, i) => tools.append(button(name, () => choices.way === i, () => (choices.way = i), tools, draw)));
  if (data.y.both) tools.append(button('Log scale', () => choices.log, () => (choices.log = !choices.log), tools, draw));
  if (data.isSmoothed || data.smooth) tools.append(button('Smoothed', () => choices.smooth, () => (choices.smooth = !choices.smooth), tools, draw));
  if (tools.childElementCount > 0) plot.before(tools);
  if (keys === undefined) return;
  const shown = toolsOf(`Lines of ${title}`, 'keys');
  keys.forEach(({ name, sign }, i) => {
    const toggle = (): unknown => choices.hidden.delete(i) || choices.hidden.add(i);
    const key = button(name, () => !choices.hidden.has(i), toggle, shown, draw);
    key.prepend(sign);
    shown.append(key);
  });
  plot.after(shown);
}

function toolsOf(label: string, className = 'tools'): HTMLElement {
  return Object.assign(document.createElement('div'), { className, role: 'group', ariaLabel: label });
}

/** A button that is pressed or not; those of its group are told anew when one is. */
function button(text: string, isPressed: () => boolean, press: () => unknown, group: HTMLElement, draw: () => void): HTMLButtonElement {
  const made = Object.assign(document.createElement('button'), { type: 'button', ariaPressed: String(isPressed()) });
  made.append(Object.assign(document.createElement('bdi'), { textContent: text, title: text }));
  made.addEventListener('tell', () => (made.ariaPressed = String(isPressed())));
  made.addEventListener('click', () => {
    press();
    for (const each of group.querySelectorAll('button')) each.dispatchEvent(new Event('tell'));
    draw();
  });
  return made;
}

/** What stands in a legend, for buttons: the sign of each line, and its whole name. */
function keysOf(svg: SVGSVGElement, legend: Element, groups: readonly SVGGElement[]): { readonly name: string; readonly sign: SVGElement }[] {
  const signs = legend.querySelectorAll<SVGGElement>(':scope > g');
  return groups.map((group, i) => {
    const sign = svg.cloneNode(false) as SVGSVGElement;
    for (const { name } of [...sign.attributes]) if (name !== 'class') sign.removeAttribute(name);
    const { x, y, width, height } = signs[i]!.getBBox();
    sign.setAttribute('viewBox', `${x + width / 2 - 13} ${y + height / 2 - 7} 26 14`);
    sign.setAttribute('aria-hidden', 'true');
    sign.append(signs[i]!.cloneNode(true));
    return { name: nameOf(group), sign };
  });
}

/** Without the legend, which the buttons are. */
function cutTo(svg: SVGSVGElement, height: number): void {
  svg.querySelector('.legend')!.remove();
  svg.setAttribute('viewBox', `0 0 ${svg.viewBox.baseVal.width} ${height}`);
  svg.setAttribute('height', String(height));
}

function nameOf(group: SVGGElement): string {
  return group.querySelector<SVGPathElement>('path[data-series]')!.dataset['series']!;
}

function linesOf(groups: readonly SVGGElement[], data: LineRedraw, [x, y]: readonly [PlotAxis, PlotAxis]): Line[] {
  const [, low, high] = x;
  const valuesOf = (path: string): Values => vertices(path).map(([left, top]) => [within(valueAt(x, left), low, high), valueAt(y, top)]);
  return groups.map((group, i) => {
    const seen = group.querySelector('path[data-series]')!.getAttribute('d')!;
    const faint = group.querySelector(':scope > path:not([data-series])')?.getAttribute('d');
    const smooth = data.isSmoothed ? seen : data.smooth?.[i];
    const range = data.ranges[i]!;
    // Coordinates were rounded, so that values may be a little beyond what there is.
    const raw = valuesOf(faint ?? seen).map(([at, value]) => [at, within(value, range[0]!, range[1]!)] as const);
    return { name: nameOf(group), raw, range, smooth: smooth === undefined ? undefined : valuesOf(smooth), hasMarkers: group.querySelector('g') !== null };
  });
}

function redraw(svg: SVGSVGElement, lines: readonly Line[], data: LineRedraw, first: PlotAxis, { way: chosen, log, smooth, hidden }: Choices, legend: string): void {
  const way = data.ways[chosen]!;
  const clock = wallClock(document.documentElement.dataset['timeZone'] ?? 'UTC');
  const moved = lines.map((line, i) => (hidden.has(i) ? undefined : { ...line, raw: along(line.raw, way, i), smooth: smooth ? line.smooth && along(line.smooth, way, i) : undefined }));
  const shown = moved.filter((line) => line !== undefined);
  const xs = way.maps?.filter((_, i) => !hidden.has(i)).map((map) => map.filter((_, i) => i % 2 === 1)) ?? [[first[1], first[2]]];
  const plot = plotOf({
    width: svg.viewBox.baseVal.width,
    height: data.height,
    x: { label: way.label, scale: lineScale(way.kind, xs, clock, { whole: way.whole }) },
    y: { label: data.y.label, scale: lineScale(log ? 'log' : 'linear', shown.map(({ raw, range }) => [...range, ...raw.map(([, value]) => value)]), clock, { up: true }) },
  });
  const placed = (values: Values): [number, number][] => values.map(([x, y]) => [plot.x.at(x), plot.y.at(y)]);
  const marks = moved.map((line, i) => {
    if (line === undefined) return undefined;
    const raw = placed(line.raw);
    const markers = line.hasMarkers ? raw.filter(([x, y]) => x === x && y === y) : [];
    return lineMarks({ name: line.name, path: linePath(line.smooth ? placed(line.smooth) : raw), faint: line.smooth && linePath(raw), markers }, i);
  });
  svg.innerHTML = `${plot.axes.toString()}${linesGroup(marks).toString()}${legend}`;
  svg.dataset['axes'] = JSON.stringify([plot.x, plot.y].map(({ kind, domain, range }) => [kind, ...domain, ...range]));
}

function within(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** Values put along something else, by the straight lines between what is known. */
function along(values: Values, { maps }: LineWay, index: number): Values {
  const map = maps?.[index];
  if (map === undefined) return values;
  let at = 0;
  return values.map(([x, y]) => {
    while (at + 4 < map.length && map[at + 2]! < x) at += 2;
    const [from, to, from2, to2] = [map[at]!, map[at + 1]!, map[at + 2] ?? map[at]!, map[at + 3] ?? map[at + 1]!];
    return [from2 === from ? to : to + ((x - from) / (from2 - from)) * (to2 - to), y];
  });
}
