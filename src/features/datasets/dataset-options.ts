import * as z from 'zod/mini';
import type { ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { progressOption, signalOption } from '../../core/option-schemas.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { TableSource } from '../../core/table.ts';
import { featureTypeSchema } from '../definitions/feature-type.ts';
import type { HistoricalQuery } from '../feature-store-options.ts';
import type { SplitOptions } from './split-options.ts';

/** What a dataset is made of, and how it is told apart and divided. */
export interface SaveDatasetQuery extends Omit<HistoricalQuery, 'entities'>, LongOperationOptions {
  /** The rows to find features for: entity keys, moments, labels and whatever else, which passes through. A stream of them is joined piece by piece, and never whole in memory. */
  entities: TableSource;
  /** Types of columns of the entities by name. @default inferred from the first rows */
  types?: Readonly<Record<string, ColumnType>> | undefined;
  /** How the rows are divided, such as `{ fractions: { train: 0.8, test: 0.2 } }`. @default not at all */
  splits?: SplitOptions | undefined;
  /** What it is, for people. @default none */
  description?: string | undefined;
  /** Texts by name. @default none */
  tags?: Readonly<Record<string, string>> | undefined;
}

/** Which datasets are listed. */
export interface ListDatasetsQuery extends OperationOptions {
  /** Only the versions of that name. @default of all names */
  name?: string | undefined;
  /** The `next` of the page before. @default from the first */
  after?: string | undefined;
  /** At most this many. @default 100 */
  limit?: number | undefined;
}

const text = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.string());
const flag = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.boolean());
const saveSchema = /* @__PURE__ */ z.strictObject({
  entities: z.optional(z.unknown()),
  timestamp: z.string(),
  features: z.optional(z.unknown()),
  asOf: z.optional(z.enum(['knowledge', 'event'])),
  onTransformError: z.optional(z.enum(['stop', 'null'])),
  fullFeatureNames: flag,
  types: z.optional(z.record(z.string(), featureTypeSchema)),
  splits: z.optional(z.unknown()),
  description: text,
  tags: z.optional(z.record(z.string(), z.string())),
  signal: signalOption,
  onProgress: progressOption,
});
const listSchema = /* @__PURE__ */ z.strictObject({ name: text, after: text, limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))), signal: signalOption });

/** Checks what a dataset is to be made of, but for its entities, features and splits, which are looked at one by one. */
export function checkSaveQuery(query: SaveDatasetQuery): void {
  check(saveSchema, query, 'query');
  if (query.entities === undefined) throw new ValidationError('query.entities is missing; give the rows to find features for.', { path: 'query.entities' });
}

/** Checks which datasets are to be listed. */
export function checkListQuery(query: ListDatasetsQuery): void {
  check(listSchema, query, 'query');
}
