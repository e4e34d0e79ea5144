import { valueAt, vertices, type PlotAxis } from './coordinates.ts';

/** A spot of a picture that something is told about. */
interface Spot {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/** Tells what is under the pointer in each picture, and at each spot that the arrow keys go to. */
export function followPlots(root: ParentNode): void {
  const tip = document.querySelector<HTMLElement>('body > .tip') ?? newTip();
  for (const plot of root.querySelectorAll<HTMLElement>('.plot')) {
    const svg = plot.querySelector('svg');
    if (svg !== null) follow(plot, svg, tip);
  }
}

/** One for the whole page, however often pictures come into it. */
function newTip(): HTMLElement {
  const tip = Object.assign(document.createElement('div'), { className: 'tip', role: 'status', hidden: true });
  document.body.append(tip);
  document.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') tip.hidden = true;
  });
  return tip;
}

function follow(plot: HTMLElement, svg: SVGSVGElement, tip: HTMLElement): void {
  let known: Spot[] | undefined;
  let at = -1;
  // Thousands of points are read when they are first asked for.
  const spots = (): Spot[] => (known ??= spotsOf(svg));
  const show = (spot: Spot | undefined): void => {
    tip.hidden = spot === undefined;
    if (spot === undefined) return;
    tip.textContent = spot.text;
    const { left, top, width } = svg.getBoundingClientRect();
    const scale = width / svg.viewBox.baseVal.width;
    const { offsetWidth, offsetHeight } = tip;
    const x = left + spot.x * scale;
    const y = top + spot.y * scale;
    tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - offsetWidth - 4))}px`;
    tip.style.top = `${y - offsetHeight - 10 < 4 ? y + 14 : y - offsetHeight - 10}px`;
  };
  svg.addEventListener('pointermove', ({ clientX, clientY }) => {
    const { left, top, width } = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / width;
    show(nearest(spots(), (clientX - left) * scale, (clientY - top) * scale));
  });
  plot.addEventListener('redrawn', () => {
    known = undefined;
    at = -1;
    show(undefined);
  });
  svg.addEventListener('pointerleave', () => show(undefined));
  plot.addEventListener('blur', () => show(undefined));
  plot.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || spots().length === 0) return;
    event.preventDefault();
    at = Math.max(0, Math.min(spots().length - 1, at + step));
    show(spots()[at]);
  });
}

function nearest(spots: readonly Spot[], x: number, y: number): Spot | undefined {
  let best: Spot | undefined;
  let least = 40 ** 2;
  for (const spot of spots) {
    const distance = (spot.x - x) ** 2 + (spot.y - y) ** 2;
    if (distance < least) [best, least] = [spot, distance];
  }
  return best;
}

function spotsOf(svg: SVGSVGElement): Spot[] {
  const titled = [...svg.querySelectorAll<SVGGraphicsElement>('[data-marks] :has(> title)')].map((mark) => {
    const { x, y, width, height } = mark.getBBox();
    const title = mark.querySelector('title')!;
    const text = title.textContent;
    // The browser's own tooltip would cover ours.
    title.remove();
    return { x: x + width / 2, y: y + height / 2, text };
  });
  if (svg.dataset['axes'] === undefined) return titled;
  const [x, y] = JSON.parse(svg.dataset['axes']) as [PlotAxis, PlotAxis];
  const lines = [...svg.querySelectorAll<SVGPathElement>('path[data-series]')].flatMap((path) => {
    const name = path.dataset['series']!;
    return vertices(path.getAttribute('d') ?? '').filter(([left]) => left === left).map(([left, top]) => ({ x: left, y: top, text: `${name}\n${valueText(x, left)}: ${valueText(y, top)}` }));
  });
  return [...titled, ...lines];
}

/** The value at a coordinate, as exact as a tenth of a pixel is. */
function valueText(axis: PlotAxis, at: number): string {
  const value = valueAt(axis, at);
  const [kind, low, high] = axis;
  if (kind === 'log') return rounded(value);
  if (kind !== 'time') return rounded(value, (high - low) / 2000);
  const timeZone = document.documentElement.dataset['timeZone'] ?? 'UTC';
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(value);
}

function rounded(value: number, step = Math.abs(value) / 1000): string {
  const digits = Math.max(1, Math.min(12, Math.ceil(Math.log10(Math.abs(value) / step)) + 1));
  return Math.abs(value) < step ? '0' : String(Number(value.toPrecision(Number.isFinite(digits) ? digits : 4)));
}
