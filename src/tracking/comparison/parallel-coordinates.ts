import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { RunRecord } from '../run-record.ts';
import { paramColumn, paramNames, type ParamColumn } from './param-value.ts';

/** An axis of numbers. */
export interface NumericAxis {
  /** What it shows. */
  readonly of: 'param' | 'metric';
  /** Name of the param or metric. */
  readonly name: string;
  /** Tells it from an axis of categories. */
  readonly kind: 'number';
  /** The least finite value; `null` when there is none. */
  readonly min: number | null;
  /** The greatest finite value; `null` when there is none. */
  readonly max: number | null;
  /** Whether a logarithmic scale suits it: all values are positive, and the greatest is at least a hundred times the least. */
  readonly log: boolean;
}

/** An axis of categories. */
export interface CategoryAxis {
  /** What it shows. */
  readonly of: 'param';
  /** Name of the param. */
  readonly name: string;
  /** Tells it from an axis of numbers. */
  readonly kind: 'category';
  /** Its values in order; those that are no texts as JSON. */
  readonly levels: readonly string[];
}

/** One run across all axes. */
export interface ParallelLine {
  /** Id of the run. */
  readonly run: string;
  /** Name of the run. */
  readonly name?: string | undefined;
  /** Where the line crosses each axis: a number, or the index of a level; `null` where the run has no finite value. */
  readonly values: readonly (number | null)[];
}

/** What a plot of parallel coordinates is drawn from; JSON can hold it. */
export interface ParallelCoordinates {
  /** Params first, then metrics. */
  readonly axes: readonly (NumericAxis | CategoryAxis)[];
  /** One for each run, in the order of the runs. */
  readonly lines: readonly ParallelLine[];
}

/** Which axes there are. */
export interface ParallelCoordinatesOptions {
  /** Names of params. @default all that any run has */
  params?: readonly string[] | undefined;
  /** Names of metrics. @default all that any run has */
  metrics?: readonly string[] | undefined;
}

const logRatio = 100;

/**
 * The params and latest metrics of runs as axes and lines. A param is numeric when it is a number, or a text that is one, in every run that has it.
 *
 * Throws `ValidationError` for options that are no lists of names. Costs O(runs · axes).
 *
 * @example
 * ```ts
 * import { MemoryStorage, parallelCoordinates, Tracker } from 'modelkeep';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const runs = [];
 * for (const lr of [0.001, 0.1]) {
 *   const run = await tracker.startRun({ experiment: 'demo', params: { lr } });
 *   run.logMetrics({ loss: lr * 2 });
 *   runs.push(await run.end());
 * }
 * const { axes, lines } = parallelCoordinates(runs);
 * console.log(axes.map(({ name }) => name), lines[1]?.values); // [ 'lr', 'loss' ] [ 0.1, 0.2 ]
 * ```
 */
export function parallelCoordinates(runs: readonly RunRecord[], options: ParallelCoordinatesOptions = {}): ParallelCoordinates {
  const params = names(options.params, 'params') ?? paramNames(runs);
  const metrics = names(options.metrics, 'metrics') ?? [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))];
  const columns = [
    ...params.map((name) => axisOf('param', name, paramColumn(runs, name))),
    ...metrics.map((name) => {
      const values = runs.map((run) => (Object.hasOwn(run.metrics, name) ? run.metrics[name]!.value : undefined));
      return axisOf('metric', name, { kind: 'number', values });
    }),
  ];
  return {
    axes: columns.map(({ axis }) => axis),
    lines: runs.map(({ id, name }, i) => ({ run: id, ...(name === undefined ? {} : { name }), values: columns.map(({ values }) => values[i]!) })),
  };
}

function axisOf(of: 'param' | 'metric', name: string, column: ParamColumn): { axis: NumericAxis | CategoryAxis; values: readonly (number | null)[] } {
  if (column.kind === 'category') {
    const levels = [...new Set(column.values.filter((value) => value !== undefined))].sort();
    const codes = new Map(levels.map((level, i) => [level, i]));
    return { axis: { of: 'param', name, kind: 'category', levels }, values: column.values.map((value) => (value === undefined ? null : codes.get(value)!)) };
  }
  const values = column.values.map((value) => (value !== undefined && Number.isFinite(value) ? value : null));
  let min: number | null = null;
  let max: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
  }
  return { axis: { of, name, kind: 'number', min, max, log: min !== null && max !== null && min > 0 && max >= logRatio * min }, values };
}

function names(given: readonly string[] | undefined, path: string): readonly string[] | undefined {
  if (given === undefined || (Array.isArray(given) && given.every((name) => typeof name === 'string'))) return given;
  throw new ValidationError(`${path} is ${shown(given, 80)}; give an array of names.`, { path });
}
