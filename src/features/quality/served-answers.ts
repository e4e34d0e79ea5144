import * as z from 'zod/mini';
import { timestampOf, valueAt, type Column } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { Row } from '../../core/table.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { parseVersionedName } from '../definitions/feature-ref.ts';
import type { FeatureRequest } from '../definitions/query-plan.ts';
import { ownValue } from '../own-values.ts';
import type { FeatureStatus } from '../record-answer.ts';
import { readParts, servedKeys, type ServedPart } from './served-format.ts';
import { requestSegment } from './served-shape.ts';

/** Which of the rows that were served are asked for. */
export interface ServedQuery extends OperationOptions {
  /** Those that were served at this moment or later: epoch milliseconds, a date, or ISO 8601 text. @default from the first */
  from?: number | Date | string | undefined;
  /** Those that were served at this moment or earlier. @default up to the last */
  to?: number | Date | string | undefined;
}

/** A row as it was served. */
export interface ServedAnswer {
  /** The moment of the answer, epoch milliseconds. */
  readonly at: number;
  /** The version of the service that was asked for; absent when features were asked for one by one. */
  readonly serviceVersion?: number | undefined;
  /** Versions of the views that answered, on-demand views among them, by name. */
  readonly versions: Readonly<Record<string, number | string>>;
  /** What of the entity decided the answer: its keys, and what on-demand views took from the request. */
  readonly entity: Row;
  /** The features that were asked for, as columns of the answer. */
  readonly features: Row;
  /** By feature. */
  readonly statuses: Readonly<Record<string, FeatureStatus>>;
  /** By feature: the event time of what was served, epoch milliseconds; `null` when there was nothing. */
  readonly timestamps: Readonly<Record<string, number | null>>;
}

const moment = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const schema = /* @__PURE__ */ z.strictObject({ from: moment, to: moment, signal: signalOption });

/** A moment of an option in epoch milliseconds. Throws `ValidationError`, naming it, when it is none. */
export function momentOf(value: unknown, path: string, absent: number): number {
  if (value === undefined) return absent;
  const time = timestampOf(value);
  if (time !== undefined) return time;
  throw new ValidationError(`${path} is ${value instanceof Date ? 'an invalid Date' : shown(value, 80)}; give epoch milliseconds, a date or ISO 8601 text.`, { path });
}

/** Checks which rows are asked for. */
function checkServedQuery(query: ServedQuery): { readonly from: number; readonly to: number } {
  check(schema, query, 'query');
  return { from: momentOf(query.from, 'query.from', -Infinity), to: momentOf(query.to, 'query.to', Infinity) };
}

/** What was served of a query, as it was written, oldest part first; of the version that the query names, where it names one. */
export async function* servedAnswers(storage: StorageAdapter, features: FeatureRequest, query: ServedQuery): AsyncGenerator<ServedAnswer, void, undefined> {
  const range = { ...checkServedQuery(query), signal: query.signal };
  const keys = await servedKeys(storage, requestSegment(features), range);
  for await (const part of readParts(storage, keys, range)) {
    if (!isOfVersion(part, features)) continue;
    const moments = part.table.columns['t']!.values as Float64Array;
    for (let row = 0; row < moments.length; row++) if (moments[row]! >= range.from && moments[row]! <= range.to) yield answerOf(part, row);
  }
}

/** Whether a part is of the version of a service that a query names, if it names one. */
export function isOfVersion({ shape }: ServedPart, features: FeatureRequest): boolean {
  const version = typeof features === 'string' ? parseVersionedName(features, 'features').version : undefined;
  return version === undefined || String(shape.service?.version) === version;
}

function answerOf({ shape, table: { columns } }: ServedPart, row: number): ServedAnswer {
  const valueOf = (name: string): unknown => ownValue(valueAt(columns[name]!, row));
  const asked = shape.features.flatMap(({ column, group }, f) => (column === undefined ? [] : [{ column, group, f }]));
  return {
    at: (columns['t']!.values as Float64Array)[row]!,
    serviceVersion: shape.service?.version,
    versions: Object.fromEntries([...shape.views, ...shape.onDemand].map(({ name, version }) => [name, version])),
    entity: Object.fromEntries(shape.entities.map(({ column }, e) => [column, valueOf(`e${e}`)])),
    features: Object.fromEntries(asked.map(({ column, f }) => [column, valueOf(`v${f}`)])),
    statuses: Object.fromEntries(asked.map(({ column, f }) => [column, statusAt(columns[`s${f}`], row)])),
    timestamps: Object.fromEntries(asked.map(({ column, group }) => [column, valueOf(`a${group}`) as number | null])),
  };
}

/** The status of a feature in a row; a part has no column for what is `PRESENT` throughout. */
export function statusAt(column: Column | undefined, row: number): FeatureStatus {
  return column === undefined ? 'PRESENT' : (valueAt(column, row) as FeatureStatus);
}
