import { formatNumber } from './format.ts';

/** A mark on an axis. */
export interface Tick {
  readonly value: number;
  /** What stands beside it; minor ticks have no label. */
  readonly label?: string | undefined;
}

/** Where values stand in a picture. */
export interface Scale {
  readonly kind: 'linear' | 'log' | 'time' | 'band';
  /** The values at both ends. */
  readonly domain: readonly [number, number];
  /** The coordinates of both ends; falling for an axis that goes up. */
  readonly range: readonly [number, number];
  /** Coordinate of a value; NaN where it has none. */
  readonly at: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** Where a scale stands and how close its ticks may be. */
export interface ScalePlace {
  readonly range: readonly [number, number];
  /** Least distance of two labels. */
  readonly gap: number;
}

/** Makes a scale once it is known where it stands. */
export type ScaleMaker = (place: ScalePlace) => Scale;

/** The least and the greatest finite value; undefined where there is none. */
export function extent(lists: Iterable<ArrayLike<number>>, positive = false): [number, number] | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i]!;
      if (value - value !== 0 || (positive && value <= 0)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  return min <= max ? [min, max] : undefined;
}

/** A domain that has some width: what is one value gets room on both sides. */
export function widened([min, max]: readonly [number, number]): [number, number] {
  if (max - min > 4 * Number.EPSILON * Math.max(Math.abs(min), Math.abs(max)) && max - min > 1e-300) return [min, max];
  const room = Math.max(Math.abs(min) / 10, Math.abs(min) < 1e-290 ? 1 : 0);
  return [Math.max(min - room, -Number.MAX_VALUE), Math.min(max + room, Number.MAX_VALUE)];
}

/** A linear scale; `nice` widens the domain to whole steps, and of `whole` values there are no ticks between two. */
export function linear(domain: readonly [number, number], nice = false, whole = false): ScaleMaker {
  return ({ range, gap }) => {
    let [low, high] = whole && domain[0] === domain[1] ? [domain[0] - 1, domain[1] + 1] : widened(domain);
    const steps = Math.max(1, Math.floor(Math.abs(range[1] - range[0]) / gap));
    const step = Math.max(whole ? 1 : 0, niceStep(low, high, steps));
    if (nice && step > 0) {
      low = finite(Math.floor(low / step + 1e-9) * step, low);
      high = finite(Math.ceil(high / step - 1e-9) * step, high);
    }
    return { kind: 'linear', domain: [low, high], range, at: (value) => place(value, low, high, range), ticks: linearTicks(low, high, step) };
  };
}

/** A logarithmic scale to base 10, of positive values. Ticks at 2 to 9 times a power of ten are minor ones where they have room. */
export function logarithmic(domain: readonly [number, number]): ScaleMaker {
  return ({ range, gap }) => {
    const isOne = Math.log10(domain[1]) === Math.log10(domain[0]);
    const [low, high] = isOne ? [Math.max(domain[0] / 2, Number.MIN_VALUE), Math.min(domain[1] * 2, Number.MAX_VALUE)] : domain;
    const [from, to] = [Math.log10(low), Math.log10(high)];
    return { kind: 'log', domain: [low, high], range, at: (value) => (value > 0 ? place(Math.log10(value), from, to, range) : NaN), ticks: logTicks(low, high, Math.abs(range[1] - range[0]), gap) };
  };
}

/** Where a value stands between two others; halves keep a difference of huge values finite. */
function place(value: number, low: number, high: number, [start, end]: readonly [number, number]): number {
  const span = high - low;
  const share = span < Infinity ? (value - low) / span : (value / 2 - low / 2) / (high / 2 - low / 2);
  return share - share === 0 ? start + share * (end - start) : NaN;
}

/** The step of 1, 2 or 5 times a power of ten that cuts a domain into at most so many parts. */
export function niceStep(low: number, high: number, steps: number): number {
  const raw = high / steps - low / steps;
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = [1, 2, 5, 10].find((each) => each * power * (1 + 1e-9) >= raw) ?? 10;
  return finite(factor * power, raw);
}

function linearTicks(low: number, high: number, step: number): Tick[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Where steps are finer than doubles are, counting would not end; of the smallest there is no reciprocal to divide by.
  if (!(last - first < 1_000) || Math.abs(last) > 2 ** 52 || 1 / step === Infinity) return [low, high].map((value) => ({ value, label: formatNumber(value) }));
  const label = tickLabels(Math.max(Math.abs(low), Math.abs(high)), step);
  return Array.from({ length: last - first + 1 }, (_, i) => {
    // Division by a whole number gives the double that is meant by 0.3, where multiplication by 0.1 does not.
    const value = step < 1 ? (first + i) / Math.round(1 / step) : (first + i) * step;
    const tick = step < 1 && Math.abs(1 / step - Math.round(1 / step)) > 1e-6 ? (first + i) * step : value;
    return { value: tick + 0, label: label(tick + 0) };
  });
}

/** Labels that tell ticks apart at this step. */
function tickLabels(size: number, step: number): (value: number) => string {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (size < 1e4 && decimals <= 4) return (value) => value.toFixed(decimals);
  const digits = Math.min(12, Math.max(1, Math.floor(Math.log10(size / step) + 1e-9) + 2));
  const [unit, name] = size >= 1e4 && size < 1e15 ? prefixes.find(([each]) => size >= each)! : [1, ''];
  return (value) => (value === 0 ? '0' : `${formatNumber(value / unit, digits)}${name}`);
}

const prefixes: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

function logTicks(low: number, high: number, length: number, gap: number): Tick[] {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const decades = Math.log10(high) - Math.log10(low);
  const perDecade = length / decades;
  // Less than a decade has no power of ten inside; then even steps say more.
  if (decades < 0.7) return linearTicks(low, high, niceStep(low, high, Math.max(1, Math.floor(length / gap))));
  const every = Math.max(1, Math.ceil(gap / perDecade));
  const labelled = perDecade > 5 * gap ? [1, 2, 5] : perDecade > 3 * gap ? [1, 3] : [1];
  const ticks: Tick[] = [];
  for (let power = first; power <= last; power++) {
    for (let factor = 1; factor < 10; factor++) {
      // A text is read to the nearest double, where a power is not.
      const value = Number(`${factor}e${power}`);
      if (value < low * (1 - 1e-9) || value > Math.min(high * (1 + 1e-9), Number.MAX_VALUE) || value === 0) continue;
      const major = labelled.includes(factor) && (factor > 1 || (((power % every) + every) % every === 0));
      if (major) ticks.push({ value, label: logLabel(value) });
      else if (every === 1 ? perDecade > 20 : factor === 1) ticks.push({ value });
    }
  }
  return ticks;
}

function logLabel(value: number): string {
  return value >= 1e-3 && value < 1e5 ? formatNumber(value) : value.toExponential().replace('+', '');
}

function finite(value: number, otherwise: number): number {
  return Number.isFinite(value) ? value : otherwise;
}
