import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { progressOption, signalOption } from '../../core/option-schemas.ts';
import type { LongOperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { TableInput } from '../../core/table.ts';
import type { DriftOptions } from '../../stats/profiles/drift-settings.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { momentOf } from './served-answers.ts';

/** What is compared with what training would compute, and how strictly. */
export interface SkewOptions extends LongOperationOptions {
  /** What was served: rows or columns with the entities' keys, what on-demand views took from the request, the moments, and the features as the query names them. @default what `servingLog` kept */
  served?: TableInput | undefined;
  /** The column of `served` that says when each row was served. @default 'at' */
  timestamp?: string | undefined;
  /** Only what was served at this moment or later: epoch milliseconds, a date, or ISO 8601 text. @default from the first */
  from?: number | Date | string | undefined;
  /** Only what was served at this moment or earlier. @default up to the last */
  to?: number | Date | string | undefined;
  /** How far apart two numbers may be and count as the same: at most `tolerance · max(1, |a|, |b|)`; for all features, or by feature. @default 0: to the last bit */
  tolerance?: number | Readonly<Record<string, number>> | undefined;
  /** The share of rows in which a feature may differ before it is skewed. @default 0 */
  maxDifferent?: number | undefined;
  /** How many rows that differ are shown of each feature. @default 5 */
  examples?: number | undefined;
  /** At most so many rows are looked at, the newest. @default 200_000 */
  maxRows?: number | undefined;
  /** What was served is also compared with this: the columns that a model was trained on, or their `profileData`. @default nothing */
  reference?: TableInput | DataProfile | undefined;
  /** When a distribution counts as drifted, as for `compareData`. @default as there */
  drift?: DriftOptions | undefined;
}

/** {@link SkewOptions} with the defaults filled in. */
export interface SkewSettings {
  readonly from: number;
  readonly to: number;
  readonly maxDifferent: number;
  readonly examples: number;
  readonly maxRows: number;
  readonly timestamp: string;
  readonly toleranceOf: (feature: string) => number;
}

const share = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.minimum(0), /* @__PURE__ */ z.maximum(1)));
const anything = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const positive = /* @__PURE__ */ z.number().check(/* @__PURE__ */ z.minimum(0), /* @__PURE__ */ z.lt(Infinity));
const schema = /* @__PURE__ */ z.strictObject({
  served: anything,
  timestamp: z.optional(z.string()),
  from: anything,
  to: anything,
  tolerance: z.optional(z.union([positive, z.record(z.string(), positive)], 'must be a number of at least 0, or such numbers by feature')),
  maxDifferent: share,
  examples: z.optional(z.int().check(z.minimum(0), z.maximum(1000))),
  maxRows: z.optional(z.int().check(z.minimum(1))),
  reference: anything,
  drift: anything,
  signal: signalOption,
  onProgress: progressOption,
});

/** Checks the options as far as that takes no plan of the query. */
export function checkSkewOptions(options: SkewOptions): void {
  check(schema, options, 'options');
}

/** Checks the options and fills in the defaults; `columns` are those of the query. */
export function skewSettings(options: SkewOptions, columns: readonly string[]): SkewSettings {
  const { tolerance = 0, maxDifferent = 0, examples = 5, maxRows = 200_000, timestamp = 'at' } = check(schema, options, 'options') as SkewOptions;
  const stray = typeof tolerance === 'object' ? Object.keys(tolerance).find((name) => !columns.includes(name)) : undefined;
  if (stray !== undefined) {
    throw new ValidationError(`options.tolerance.${stray} is no feature of the query; it has ${columns.join(', ')}.`, { path: `options.tolerance.${stray}` });
  }
  const toleranceOf = (feature: string): number => (typeof tolerance === 'number' ? tolerance : Object.hasOwn(tolerance, feature) ? tolerance[feature]! : 0);
  return { from: momentOf(options.from, 'options.from', -Infinity), to: momentOf(options.to, 'options.to', Infinity), maxDifferent, examples, maxRows, timestamp, toleranceOf };
}
