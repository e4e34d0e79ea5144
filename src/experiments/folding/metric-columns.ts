import { durationMs } from '../../core/duration.ts';
import type { MetricOptions } from '../experiment-definition.ts';
import type { MetricColumns } from '../unit-table.ts';
import type { OrderedValues } from './unit-order.ts';

/** The values of units, and when these were exposed, by row of the table. */
export interface ValuesByUnit extends OrderedValues {
  readonly exposedAt: Float64Array;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly names: Uint16Array;
  /** The index of a recorded name. */
  readonly nameOf: (name: string) => number;
  /** Epoch milliseconds: windows that end later have not passed. */
  readonly now: number;
}

type Visit = (value: number, unit: number) => void;

/** The names that a metric is made of. */
export function namesOf(metric: MetricOptions): readonly string[] {
  return metric.kind === 'ratio' ? [metric.numerator, metric.denominator] : [metric.of ?? metric.name];
}

/** What the units came to in a metric. */
export function metricColumns(metric: MetricOptions, by: ValuesByUnit): MetricColumns {
  const windowMs = metric.window === undefined ? Infinity : durationMs(metric.window);
  const after = { from: 0, to: windowMs };
  const beforeMs = 'before' in metric && metric.before !== undefined ? durationMs(metric.before) : undefined;
  const before = beforeMs === undefined ? undefined : { from: -beforeMs, to: 0 };
  if (metric.kind === 'quantile') return eventColumn(by, namesOf(metric)[0]!, after);
  const column = (name: string, stretch: Stretch): Float64Array => unitColumn(metric.kind, by, name, stretch);
  if (metric.kind === 'ratio') {
    const { numerator, denominator } = metric;
    const columns = { kind: 'ratio', numerator: column(numerator, after), denominator: column(denominator, after) } as const;
    return before === undefined ? columns : { ...columns, before: { numerator: column(numerator, before), denominator: column(denominator, before) } };
  }
  const name = namesOf(metric)[0]!;
  const columns = { kind: metric.kind, value: column(name, after) };
  return before === undefined ? columns : { ...columns, before: column(name, before) };
}

/** From when (included) to when (excluded) values count, in milliseconds from the exposure. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

function unitColumn(kind: MetricOptions['kind'], by: ValuesByUnit, name: string, stretch: Stretch): Float64Array {
  const column = new Float64Array(by.exposedAt.length);
  if (kind === 'proportion') eachValue(by, name, stretch, (value, unit) => value !== 0 && (column[unit] = 1));
  else if (kind === 'count') eachValue(by, name, stretch, (_, unit) => column[unit]!++);
  else eachValue(by, name, stretch, (value, unit) => (column[unit]! += value));
  if (stretch.to > 0 && stretch.to < Infinity) for (let unit = 0; unit < column.length; unit++) if (!hasPassed(by, unit, stretch)) column[unit] = NaN;
  return column;
}

function eventColumn(by: ValuesByUnit, name: string, stretch: Stretch): MetricColumns {
  let count = 0;
  eachValue(by, name, stretch, (_, unit) => hasPassed(by, unit, stretch) && count++);
  const [value, unit] = [new Float64Array(count), new Uint32Array(count)];
  let at = 0;
  eachValue(by, name, stretch, (each, of) => {
    if (!hasPassed(by, of, stretch)) return;
    value[at] = each;
    unit[at++] = of;
  });
  return { kind: 'quantile', value, unit };
}

function hasPassed({ exposedAt, now }: ValuesByUnit, unit: number, { to }: Stretch): boolean {
  return to === Infinity || exposedAt[unit]! + to <= now;
}

function eachValue({ starts, places, exposedAt, times, values, names, nameOf }: ValuesByUnit, name: string, { from, to }: Stretch, visit: Visit): void {
  const wanted = nameOf(name);
  for (let unit = 0; unit < exposedAt.length; unit++) {
    const exposed = exposedAt[unit]!;
    for (let i = starts[unit]!; i < starts[unit + 1]!; i++) {
      const place = places[i]!;
      if (names[place] !== wanted) continue;
      const since = times[place]! - exposed;
      if (since >= from && since < to) visit(values[place]!, unit);
    }
  }
}
