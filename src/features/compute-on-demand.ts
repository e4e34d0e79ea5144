import { throwIfAborted } from '../core/abort.ts';
import { hasObjects, toColumn, valueAt, type Column } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { FeatureType } from './definitions/feature-type.ts';
import type { AskedComputation } from './definitions/query-plan.ts';
import { ownValue } from './own-values.ts';

/** A row for which the function of an on-demand view threw, or gave what is no value of its features. */
export interface TransformFailure {
  /** The on-demand view. */
  readonly view: string;
  /** Which row of the entities, counted from 0. */
  readonly row: number;
  /** What went wrong. */
  readonly message: string;
}

/** What an on-demand view is computed over. */
export interface ComputeInput {
  readonly rowCount: number;
  /** Values of a feature that goes in. */
  readonly valuesOf: (id: string) => Column;
  /** A column of the entities. */
  readonly requestOf: (column: string, asked: AskedComputation) => Column;
  /** Whether the first failure ends it, or leaves `null` and goes on. */
  readonly onError: 'stop' | 'null';
  /** The row's key, for messages. */
  readonly describe: (row: number) => string;
  readonly signal?: AbortSignal | undefined;
}

const rowsBetweenChecks = 4096;

/** Computes an on-demand view's features row by row, in the order of {@link AskedComputation.features}. Throws `ValidationError` naming row and key where its function fails and `onError` says so. */
export function computeOnDemand(asked: AskedComputation, input: ComputeInput): { columns: Column[]; failures: TransformFailure[] } {
  const { view, features } = asked;
  const arguments_ = [
    ...asked.inputs.map(({ alias, id }) => [alias, input.valuesOf(id)] as const),
    ...asked.request.map(({ alias, column }) => [alias, input.requestOf(column, asked)] as const),
  ];
  const names = Object.keys(view.features);
  const values: Record<string, unknown[]> = Object.fromEntries(features.map(({ feature }) => [feature, new Array<unknown>(input.rowCount).fill(null)]));
  const failures: TransformFailure[] = [];
  for (let row = 0; row < input.rowCount; row++) {
    if (row % rowsBetweenChecks === 0) throwIfAborted(input.signal, `Computing ${view.name}`);
    try {
      const result = resultOf(asked, arguments_, row, names);
      for (const { feature } of features) values[feature]![row] = result[feature];
    } catch (cause) {
      const message = `The on-demand view '${view.name}' failed for row ${row} (${input.describe(row)}): ${cause instanceof Error ? cause.message : shown(cause)}`;
      if (input.onError === 'stop') throw new ValidationError(message, { path: `entities[${row}]`, key: view.name, cause });
      failures.push({ view: view.name, row, message });
    }
  }
  return { columns: features.map(({ feature }) => toColumn(values[feature]!, view.features[feature], `${view.name}.${feature}`)), failures };
}

function resultOf({ view, features }: AskedComputation, columns: readonly (readonly [string, Column])[], row: number, names: readonly string[]): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  // What is kept for later calls must not be the function's to change.
  for (const [name, column] of columns) given[name] = hasObjects(column) ? ownValue(valueAt(column, row)) : valueAt(column, row);
  const result: unknown = view.compute(given as never);
  if (typeof result !== 'object' || result === null) throw new ValidationError(`it gave ${shown(result, 80)}, and must give an object with ${names.join(', ')}.`);
  if (typeof (result as Partial<Promise<unknown>>).then === 'function') throw new ValidationError('it gave a promise; the function must not be asynchronous.');
  const found = result as Readonly<Record<string, unknown>>;
  const lacking = names.find((name) => found[name] === undefined);
  if (lacking !== undefined) throw new ValidationError(`it gave no ${lacking}; give null where there is no value.`);
  const stray = Object.keys(found).find((name) => !Object.hasOwn(view.features, name));
  if (stray !== undefined) throw new ValidationError(`it gave ${stray}, which is none of its features ${names.join(', ')}.`);
  for (const { feature } of features) if (!isPlainly(found[feature], view.features[feature]!)) toColumn([found[feature]], view.features[feature], feature);
  return found;
}

/** Whether a value is of its type at a glance, as nearly all are. */
function isPlainly(value: unknown, type: FeatureType): boolean {
  return value === null || (type === 'float64' && typeof value === 'number') || (type === 'bool' && typeof value === 'boolean') || (type === 'string' && typeof value === 'string');
}
