import * as z from 'zod/mini';
import { timestampOf } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { Arm } from '../prediction.ts';
import type { StoredPrediction } from './logged-prediction.ts';

/** Which predictions are asked for. */
export interface PredictionQuery extends OperationOptions {
  /** Those that were asked at this moment or later: epoch milliseconds, a date, or ISO 8601 text. @default from the first */
  readonly from?: number | Date | string | undefined;
  /** Those that were asked at this moment or earlier. @default up to the last */
  readonly to?: number | Date | string | undefined;
  /** Those of a version. @default of all */
  readonly version?: number | undefined;
  /** Those that were counted so. @default all */
  readonly arm?: Arm | undefined;
  /** Those that were answered, or those that failed. @default both */
  readonly outcome?: 'answered' | 'failed' | undefined;
  /** Those of a variant of the experiment. @default all */
  readonly variant?: string | undefined;
  /** Copies for shadows alone, or none of them. @default both */
  readonly shadow?: boolean | undefined;
}

/** Which part of the predictions is asked for. */
export interface PredictionPageQuery extends PredictionQuery {
  /** At most this many, up to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** `next` of the page before. @default from the newest */
  readonly after?: string | undefined;
}

/** A place in the order of the log, which is by time, then by id, the newest first. */
export interface LogPlace {
  readonly at: number;
  readonly id: string;
}

/** A query with its defaults. */
export interface LogSelection {
  readonly from: number;
  readonly to: number;
  readonly after: LogPlace | undefined;
  readonly signal: AbortSignal | undefined;
  readonly selects: (prediction: StoredPrediction) => boolean;
}

const moment = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());

const shape = {
  from: moment,
  to: moment,
  version: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1))),
  arm: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['stable', 'control', 'candidate'])),
  outcome: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['answered', 'failed'])),
  variant: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
  shadow: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean()),
  signal: signalOption,
};

const querySchema = /* @__PURE__ */ z.strictObject(shape);

const pageSchema = /* @__PURE__ */ z.strictObject({
  ...shape,
  limit: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.int().check(/* @__PURE__ */ z.minimum(1), /* @__PURE__ */ z.maximum(1000))),
  after: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string()),
});

/** Checks which predictions are asked for. Throws `ValidationError`. */
export function checkPredictionQuery(query: PredictionQuery): LogSelection {
  check(querySchema, query, 'query');
  return selectionOf(query);
}

/** Checks which page is asked for. Throws `ValidationError`. */
export function checkPageQuery(query: PredictionPageQuery): LogSelection & { readonly limit: number } {
  const { limit = 100 } = check(pageSchema, query, 'query');
  return { ...selectionOf(query), limit };
}

function selectionOf(query: PredictionPageQuery): LogSelection {
  const { version, arm, outcome, variant, shadow, after, signal } = query;
  const selects = (prediction: StoredPrediction): boolean =>
    (version === undefined || prediction.version === version) &&
    (arm === undefined || prediction.arm === arm) &&
    (outcome === undefined || (outcome === 'failed') === (prediction.error !== undefined)) &&
    (variant === undefined || prediction.variant === variant) &&
    (shadow === undefined || prediction.shadow === shadow);
  return { from: momentOf(query.from, 'query.from', -Infinity), to: momentOf(query.to, 'query.to', Infinity), after: after === undefined ? undefined : placeOf(after), signal, selects };
}

/** What `next` of a page says. */
export function cursorOf(prediction: StoredPrediction): string {
  return `${prediction.at} ${placeId(prediction)}`;
}

/** What tells apart predictions of one moment: a shadow has the id of what it is a copy of. */
export function placeId({ id, shadow, version }: StoredPrediction): string {
  return shadow ? `${id} shadow ${version}` : id;
}

function placeOf(cursor: string): LogPlace {
  const space = cursor.indexOf(' ');
  const at = space < 0 ? NaN : Number(cursor.slice(0, space));
  if (!Number.isFinite(at)) throw new ValidationError(`query.after is ${shown(cursor, 80)}; give the next of the page before.`, { path: 'query.after' });
  return { at, id: cursor.slice(space + 1) };
}

function momentOf(value: unknown, path: string, absent: number): number {
  if (value === undefined) return absent;
  const time = timestampOf(value);
  if (time !== undefined) return time;
  throw new ValidationError(`${path} is ${value instanceof Date ? 'an invalid Date' : shown(value, 80)}; give epoch milliseconds, a date or ISO 8601 text.`, { path });
}
