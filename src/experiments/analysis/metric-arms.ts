import type { ArmSummary } from '../../stats/experiments/arm-summary.ts';
import { quantileArm } from '../../stats/experiments/quantile-arm.ts';
import type { MetricOptions, Winsorizing } from '../experiment-definition.ts';
import type { AllocationColumn, EventColumn, MetricColumns } from '../unit-table.ts';
import type { WinsorBounds } from './ab-analysis.ts';
import { armsByEpoch, type ArmEpochs } from './allocation-epochs.ts';
import { finiteArm, meanArm, proportionArm, ratioArm } from './arm-of-sums.ts';
import { sumUnits, type BoundedColumn, type Grouping, type UnitSums } from './unit-sums.ts';
import { winsorBounds } from './winsorize.ts';

/** A group of units in a metric. */
export interface MetricArm {
  /** Units that are known; of a quantile, those that have values. */
  readonly units: number;
  /** What they come to; absent where sums of their numbers are beyond what a number can be. */
  readonly summary?: ArmSummary | undefined;
  /** The sums that it comes from; absent of a quantile. */
  readonly sums?: UnitSums | undefined;
  /** The same by the weights that units came by, where these were changed; `summary` then has each part as often as units came by its weights. */
  readonly epochs?: ArmEpochs | undefined;
}

/** A metric whose columns are made ready to be summed up by one grouping after another. */
export interface ReadyMetric {
  readonly winsorized?: Readonly<Record<string, WinsorBounds>> | undefined;
  readonly armsBy: (grouping: Grouping) => readonly MetricArm[];
}

/** Makes a metric ready: takes its extremes in, by bounds that are the same for whatever is summed up. */
export function readyMetric(metric: MetricOptions, columns: MetricColumns, allocation?: AllocationColumn): ReadyMetric {
  const ready = readyColumns(metric, columns);
  if (allocation === undefined || allocation.weights.length < 2) return ready;
  return { ...ready, armsBy: (grouping) => armsByEpoch(grouping, allocation, ready.armsBy) };
}

function readyColumns(metric: MetricOptions, columns: MetricColumns): ReadyMetric {
  if (columns.kind === 'quantile') return { armsBy: (grouping) => quantileArms(columns, metric.kind === 'quantile' ? metric.probability : 0.5, grouping) };
  const winsorize = metric.kind === 'quantile' ? undefined : metric.winsorize;
  if (columns.kind === 'proportion') {
    const ready = [columns.value, columns.before].filter((column) => column !== undefined).map((column) => bounded(zerosAndOnes(column)));
    return { armsBy: (grouping) => sumUnits(ready, grouping).map((sums) => finiteArm(sums, proportionArm)) };
  }
  const named = columns.kind === 'ratio' ? { numerator: columns.numerator, denominator: columns.denominator } : { value: columns.value };
  const before = columns.kind === 'ratio' ? columns.before && [columns.before.numerator, columns.before.denominator] : columns.before && [columns.before];
  const bounds = winsorize && Object.fromEntries(Object.entries(named).map(([name, column]) => [name, winsorBounds(column, winsorize)]));
  const ready = [...Object.entries(named).map(([name, column]) => bounded(column, bounds?.[name])), ...(before ?? []).map((column) => bounded(column, boundsBefore(column, winsorize)))];
  const armOf = columns.kind === 'ratio' ? ratioArm : meanArm;
  return { winsorized: bounds, armsBy: (grouping) => sumUnits(ready, grouping).map((sums) => finiteArm(sums, armOf)) };
}

// What was before is taken in by the same rule, with quantiles of its own: the time before may be longer or shorter.
function boundsBefore(column: Float64Array, winsorize: Winsorizing | undefined): WinsorBounds | undefined {
  return winsorize && winsorBounds(column, winsorize);
}

function bounded(values: Float64Array, { lower = -Infinity, upper = Infinity }: WinsorBounds = {}): BoundedColumn {
  return { values, lower, upper };
}

/** The column with 1 for all that is not 0; itself where it has nothing else. */
function zerosAndOnes(column: Float64Array): Float64Array {
  if (hasOnlyZerosAndOnes(column)) return column;
  const ready = new Float64Array(column.length);
  for (let i = 0; i < column.length; i++) {
    const value = column[i]!;
    ready[i] = value !== value ? value : value === 0 ? 0 : 1;
  }
  return ready;
}

function hasOnlyZerosAndOnes(column: Float64Array): boolean {
  for (let i = 0; i < column.length; i++) {
    const value = column[i]!;
    // One question that is always answered alike, where those for 0 and for 1 cannot be foretold.
    if (value * (value - 1) !== 0 && value === value) return false;
  }
  return true;
}

function quantileArms({ value, unit }: EventColumn, probability: number, { of, groups }: Grouping): readonly MetricArm[] {
  const sizes = new Uint32Array(groups);
  for (let i = 0; i < value.length; i++) {
    const group = of[unit[i]!]!;
    if (group >= 0 && value[i]! === value[i]!) sizes[group]!++;
  }
  const values = Array.from(sizes, (size) => new Float64Array(size));
  const units = Array.from(sizes, (size) => new Uint32Array(size));
  const seen = new Uint8Array(of.length);
  const known = new Float64Array(groups);
  sizes.fill(0);
  for (let i = 0; i < value.length; i++) {
    const at = unit[i]!;
    const group = of[at]!;
    if (group < 0 || value[i]! !== value[i]!) continue;
    const place = sizes[group]!++;
    values[group]![place] = value[i]!;
    units[group]![place] = at;
    if (seen[at] === 0) known[group]!++;
    seen[at] = 1;
  }
  return values.map((each, group) => ({ units: known[group]!, summary: quantileArm(each, probability, { units: units[group] }) }));
}
