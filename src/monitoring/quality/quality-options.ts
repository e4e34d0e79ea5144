import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import type { ColumnProfile } from '../../stats/profiles/column-profile.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { Judgement } from '../judging/judgement.ts';
import type { MonitorDriftOptions } from '../monitor-options.ts';
import { QualityTally } from './quality-tally.ts';

/** What a monitor holds the quality of the data to: by the reference, where nothing else is said. */
export interface MonitorQualityOptions {
  /**
   * The chance that anything is called violated in any of `drift.horizon` windows, while rows are drawn as those of the reference were, and no share is above its bound, for independent rows. @default that of `drift`
   */
  readonly alpha?: number | undefined;
  /** By how much a share must surely be above that of the reference to matter: 0.01 for one row in a hundred. Where a bound is given, the bound decides. @default 0.01 */
  readonly minIncrease?: number | undefined;
  /** Of fewer rows nothing is said. @default that of `drift` */
  readonly minRows?: number | undefined;
  /** The largest share of rows that may have columns which the reference does not have. @default by the reference, which has none */
  readonly maxUnknown?: number | undefined;
  /** What single columns are held to. `false` leaves one out; one that the reference does not have may be sent then. @default all by the reference */
  readonly columns?: Readonly<Record<string, ColumnQualityOptions | false>> | undefined;
}

/** What the values of a column must be. A bound that is given takes the place of the reference's share. */
export interface ColumnQualityOptions {
  /** The largest share of rows that may have no value: `null`, `undefined` or NaN. @default by the reference */
  readonly maxMissing?: number | undefined;
  /** The largest share, of rows that have anything, that may be NaN or ±Infinity. @default by the reference */
  readonly maxNotFinite?: number | undefined;
  /** The largest share of values that may be of another type than the column's. @default by the reference */
  readonly maxMistyped?: number | undefined;
  /** The least number. With it or `max` the range of the reference does not count. @default the reference's */
  readonly min?: number | undefined;
  /** The greatest number. With it or `min` the range of the reference does not count. @default the reference's */
  readonly max?: number | undefined;
  /** The largest share of numbers that may be out of the range. @default 0 with `min` or `max`, else by the reference */
  readonly maxOutOfRange?: number | undefined;
  /** The only categories there are. @default those of the reference */
  readonly in?: readonly (string | number | boolean)[] | undefined;
  /** The largest share of values that may be of other categories. @default 0 with `in`, else by the reference */
  readonly maxUnseen?: number | undefined;
}

/** The range that the numbers of a column are held to. */
export interface NumberRange {
  /** Position of the column in the reference. */
  readonly column: number;
  readonly min: number;
  readonly max: number;
  /** Whether it is the reference's own, of which some new numbers are out by chance. */
  readonly observed: boolean;
}

/** {@link MonitorQualityOptions} with the defaults filled in. */
export interface QualitySettings {
  /** For one window. */
  readonly alpha: number;
  readonly minIncrease: number;
  readonly minRows: number;
  readonly maxUnknown: number | undefined;
  /** By column; `false` for those that are not judged. */
  readonly columns: ReadonlyMap<string, ColumnQualityOptions | false>;
  readonly ranges: readonly NumberRange[];
}

const share = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.number().check(/* @__PURE__ */ z.minimum(0), /* @__PURE__ */ z.maximum(1)));

const columnSchema = /* @__PURE__ */ z.strictObject({
  maxMissing: share,
  maxNotFinite: share,
  maxMistyped: share,
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  maxOutOfRange: share,
  in: z.optional(z.array(z.union([z.string(), z.number(), z.boolean()]))),
  maxUnseen: share,
});

const schema = /* @__PURE__ */ z.strictObject({
  alpha: z.optional(z.number().check(z.gt(0), z.lt(1))),
  minIncrease: z.optional(z.number().check(z.minimum(0), z.lt(1))),
  minRows: z.optional(z.int().check(z.minimum(1))),
  maxUnknown: share,
  columns: z.optional(z.custom<Readonly<Record<string, unknown>>>((value) => typeof value === 'object' && value !== null, 'must be an object of bounds by column')),
});

/** Checks what the quality of the data is held to; `undefined` when it is not judged. */
export function qualityJudgement(options: unknown, drift: MonitorDriftOptions | undefined, reference: DataProfile, path: string): Judgement<'quality'> | undefined {
  if (options === undefined) return undefined;
  const { alpha = drift?.alpha ?? 0.05, minIncrease = 0.01, minRows = drift?.minRows ?? 30, maxUnknown, columns: given = {} } = check(schema, options, path);
  const columns = checkColumns(given, reference, `${path}.columns`);
  const ranges = reference.columns.flatMap((profile, i) => rangeOf(profile, i, columns.get(profile.name)));
  const settings: QualitySettings = { alpha: alpha / (drift?.horizon ?? 1), minIncrease, minRows, maxUnknown, columns, ranges };
  return { name: 'quality', tally: new QualityTally(reference, settings), load: async () => (await import('./judge-quality.ts')).qualityJudge(reference, settings) };
}

/** By hand, since zod leaves out a column called __proto__. */
function checkColumns(given: Readonly<Record<string, unknown>>, reference: DataProfile, path: string): Map<string, ColumnQualityOptions | false> {
  const profiles = new Map(reference.columns.map((profile) => [profile.name, profile]));
  return new Map(
    Object.entries(given).map(([name, value]): [string, ColumnQualityOptions | false] => {
      if (value === false) return [name, value];
      const at = `${path}.${name}`;
      const options = check(columnSchema, value, at);
      const profile = profiles.get(name);
      if (profile === undefined) throw new ValidationError(`${at} is about a column that the reference does not have; give false when it may be sent, or name one of ${[...profiles.keys()].slice(0, 20).join(', ')}.`, { path: at });
      checkFit(options, profile, at);
      return [name, options];
    }),
  );
}

function checkFit({ min, max, maxOutOfRange, in: only, maxUnseen }: ColumnQualityOptions, profile: ColumnProfile, at: string): void {
  const { kind } = profile;
  if (kind !== 'number' && (min ?? max ?? maxOutOfRange) !== undefined) throw new ValidationError(`${at} has a range, and the reference has the column as one of kind ${kind}; only numbers have a range.`, { path: at });
  if (min !== undefined && max !== undefined && min > max) throw new ValidationError(`${at}.min is above ${at}.max; no number could be between.`, { path: at });
  if (kind !== 'category' && (only ?? maxUnseen) !== undefined) throw new ValidationError(`${at} is about categories, and the reference has the column as one of kind ${kind}.`, { path: at });
  if (kind === 'category' && profile.tooMany && (only ?? maxUnseen) !== undefined) {
    throw new ValidationError(`${at} is about categories, of which the reference has more than ${profile.maxCategories}, so that they are not counted; give profileData a larger maxCategories.`, { path: at });
  }
}

function rangeOf(profile: ColumnProfile, column: number, options: ColumnQualityOptions | false | undefined): NumberRange[] {
  if (profile.kind !== 'number' || options === false) return [];
  const { min, max } = options ?? {};
  if (min !== undefined || max !== undefined) return [{ column, min: min ?? -Infinity, max: max ?? Infinity, observed: false }];
  return profile.min === null || profile.max === null ? [] : [{ column, min: profile.min, max: profile.max, observed: true }];
}
