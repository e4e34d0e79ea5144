import * as z from 'zod/mini';
import type { ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';

/**
 * How the distance of two distributions is measured, as the functions of `modelkeep/stats` do. Of numbers and of texts and truth values: `psi` (half a value added to every bin), `jensen-shannon` (base 2),
 * `hellinger` and `total-variation`, all but the first from 0 to 1. Of texts and truth values: `l-infinity`, from 0 to 1. Of numbers: `kolmogorov-smirnov`, from 0 to 1, and `wasserstein`, in standard deviations of
 * the reference.
 */
export type DriftMethod = 'psi' | 'jensen-shannon' | 'hellinger' | 'total-variation' | 'l-infinity' | 'kolmogorov-smirnov' | 'wasserstein';

/** A column of a saved dataset. */
export interface DatasetReference {
  /** The dataset: `flights` for its newest version when rows come in, `flights@2` for that one. */
  readonly dataset: string;
  /** Which of its columns. @default the column that is checked */
  readonly column?: string | undefined;
  /** Only the rows of that split. @default all rows */
  readonly split?: string | undefined;
}

/** A day of the view that rows come into, as `statistics` last counted it. */
export interface DayReference {
  /** The day in UTC, such as `2024-05-01`. */
  readonly day: string;
}

/** Values that are given. */
export interface ValuesReference {
  /** At most 100,000 of them: numbers or bigints, texts, or truth values. */
  readonly values: readonly (number | bigint | string | boolean)[];
}

/** What the values of a column are compared with. */
export type DriftReference = DatasetReference | DayReference | ValuesReference;

/** How far the values of a column may be from a reference, all rows of a table taken together. */
export interface DriftCheck {
  /** How the distance is measured. */
  readonly method: DriftMethod;
  /** The largest distance that passes; where it is larger, the whole table is invalid. */
  readonly max: number;
  /** What the values are compared with. */
  readonly reference: DriftReference;
  /** With fewer values than this on either side, missing ones and NaN not among them, the check is `insufficient` and does not fail. @default 100 */
  readonly minRows?: number | undefined;
}

/** Values of a column as far as distances need them. */
export type DriftKind = 'number' | 'category';

/** How many values there must be on either side unless a check says otherwise. */
export const defaultMinRows = 100;

const mostValues = 100_000;
const methods = ['psi', 'jensen-shannon', 'hellinger', 'total-variation', 'l-infinity', 'kolmogorov-smirnov', 'wasserstein'] as const;
const word = /* @__PURE__ */ z.string().check(z.minLength(1));

/** Schema of a {@link DriftCheck}, but for what is looked at by {@link checkReference}. */
export const driftSchema: z.ZodMiniType = /* @__PURE__ */ z.strictObject({
  method: z.enum(methods),
  max: z.number().check(z.minimum(0)),
  reference: z.custom((value) => typeof value === 'object' && value !== null, "must be { dataset: 'flights@2' }, { day: '2024-05-01' } or { values: […] }"),
  minRows: z.optional(z.int().check(z.minimum(1))),
});
const datasetSchema = /* @__PURE__ */ z.strictObject({ dataset: word, column: z.optional(word), split: z.optional(word) });
const daySchema = /* @__PURE__ */ z.strictObject({ day: z.string().check(z.refine(isDay, 'must be a day such as 2024-05-01')) });
const value = /* @__PURE__ */ z.union([/* @__PURE__ */ z.number(), /* @__PURE__ */ z.bigint(), /* @__PURE__ */ z.string(), /* @__PURE__ */ z.boolean()], 'must be a number, bigint, text or truth value');
const valuesSchema = /* @__PURE__ */ z.strictObject({ values: z.array(value).check(z.minLength(1), z.maxLength(mostValues)) });

/** Throws `ValidationError` when a reference is none. */
export function checkReference(reference: DriftReference, path: string): void {
  if ('dataset' in reference) check(datasetSchema, reference, path);
  else if ('day' in reference) check(daySchema, reference, path);
  else check(valuesSchema, reference, path);
}

/** As what the values of a column of this type are compared. Throws `ValidationError`, naming the check by `at`, when they are not, or the method is of no use for them. */
export function kindFor(type: ColumnType, { method }: DriftCheck, at: string): DriftKind {
  const kind = type === 'float64' || type === 'int64' ? 'number' : type === 'string' || type === 'bool' ? 'category' : undefined;
  if (kind === undefined) {
    throw new ValidationError(`${at} is about numbers, texts or truth values, and the column holds ${type} values${type === 'timestamp' ? ', which move on by their nature' : ''}.`, { path: at });
  }
  const wanted = method === 'l-infinity' ? 'category' : method === 'kolmogorov-smirnov' || method === 'wasserstein' ? 'number' : kind;
  if (wanted === kind) return kind;
  throw new ValidationError(`${at}.method is ${shown(method)}, which is about ${wanted === 'number' ? 'numbers' : 'texts and truth values'}, and the column holds ${type} values; take one of ${methodsOf(kind).join(', ')}.`, { path: `${at}.method` });
}

function methodsOf(kind: DriftKind): readonly DriftMethod[] {
  return methods.filter((method) => (kind === 'number' ? method !== 'l-infinity' : method !== 'kolmogorov-smirnov' && method !== 'wasserstein'));
}

function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
