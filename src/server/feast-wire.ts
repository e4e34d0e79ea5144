import { fromBase64 } from '../core/bytes.ts';
import type { ColumnType } from '../core/column.ts';
import type { Row } from '../core/table.ts';
import type { FeatureView } from '../features/definitions/feature-view.ts';
import { viewColumns } from '../features/definitions/feature-view.ts';
import { Refusal } from './refusal.ts';

/** Columns as a request gives them, all of one length. */
export type WireColumns = Readonly<Record<string, readonly unknown[]>>;

/** Columns of a body, checked. `path` names them in messages. */
export function wireColumns(value: unknown, path: string): { columns: WireColumns; rowCount: number } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`body.${path} must be an object of columns, such as { "driver_id": [1001] }.`);
  const entries = Object.entries(value);
  const odd = entries.find(([, column]) => !Array.isArray(column));
  if (odd) throw invalid(`body.${path}.${odd[0]} must be a list of values.`);
  const rowCount = (entries[0]?.[1] as unknown[] | undefined)?.length ?? 0;
  const other = entries.find(([, column]) => (column as unknown[]).length !== rowCount);
  if (other) throw invalid(`body.${path}.${other[0]} has ${(other[1] as unknown[]).length} values where ${entries[0]![0]} has ${rowCount}.`);
  if (rowCount === 0) throw invalid(`body.${path} has no rows.`);
  return { columns: value as WireColumns, rowCount };
}

/** Columns as rows. */
export function rowsOf(columns: WireColumns, rowCount: number): Row[] {
  const names = Object.keys(columns);
  return Array.from({ length: rowCount }, (_, i) => Object.fromEntries(names.map((name) => [name, columns[name]![i]])));
}

/** Columns that are pushed, as the view takes them: `event_timestamp` and `created` stand for its own times, and values have its types. */
export function pushedColumns(view: FeatureView, pushed: WireColumns): Record<string, readonly unknown[]> {
  const columns: Record<string, readonly unknown[]> = { ...pushed };
  const times = [[view.timestamp, 'event_timestamp'], [view.createdTimestamp, 'created']] as const;
  for (const [own, theirs] of times) {
    if (own === undefined || Object.hasOwn(columns, own) || !Object.hasOwn(columns, theirs)) continue;
    columns[own] = columns[theirs]!;
  }
  for (const [own] of times) if (own !== undefined && Object.hasOwn(columns, own)) assertTexts(own, columns[own]!);
  for (const [name, type] of Object.entries<ColumnType>(viewColumns(view))) {
    if (!Object.hasOwn(columns, name)) continue;
    if (type === 'timestamp') assertTexts(name, columns[name]!);
    if (type === 'float64') columns[name] = columns[name]!.map(asFloat);
    if (type === 'bytes') columns[name] = columns[name]!.map((value, i) => (typeof value === 'string' ? base64(value, `body.df.${name}[${i}]`) : value));
  }
  // Integers of which some are large came as numbers and bigints mixed.
  for (const name of view.entity) {
    const values = columns[name];
    if (values?.some((value) => typeof value === 'bigint')) columns[name] = values.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value));
  }
  return columns;
}

/** Milliseconds, seconds and nanoseconds all look alike as numbers. */
function assertTexts(name: string, values: readonly unknown[]): void {
  const at = values.findIndex((value) => value !== null && typeof value !== 'string');
  if (at !== -1) throw invalid(`body.df.${name}[${at}] must be a time as ISO 8601 text, such as "2024-05-13T10:59:42Z".`);
}

function base64(text: string, path: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new Refusal(400, 'validation', `${path} must be bytes as base64.`, { cause });
  }
}

function asFloat(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value === 'NaN' ? NaN : value === 'Infinity' ? Infinity : value === '-Infinity' ? -Infinity : value;
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
