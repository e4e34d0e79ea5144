import * as z from 'zod/mini';
import { timestampOf } from '../../core/column.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';

/** How large the splits of a dataset are: a share of the rows (by time) or of what is hashed, by name, such as `{ train: 0.8, test: 0.2 }`. What is left of 1 is in no split. */
export type SplitFractions = Readonly<Record<string, number>>;

/** Splits of which each has all rows of its entities: none is learnt from and tested on. */
export interface EntitySplitOptions {
  /** @default 'entity' */
  by?: 'entity' | undefined;
  /** Shares of the entities by name of the split. */
  fractions: SplitFractions;
  /** Which columns of the entities tell them apart. @default those by which the views find their entities, if all views have the same */
  columns?: readonly string[] | undefined;
  /** Another salt divides otherwise. @default '' */
  salt?: string | undefined;
}

/** Splits by a hash of columns: rows with equal values are in one split, and rows that are added later move none. */
export interface HashSplitOptions {
  /** Tells it from the other ways. */
  by: 'hash';
  /** Shares of the values by name of the split. */
  fractions: SplitFractions;
  /** Which columns of the entities are hashed. @default all that came with the entities */
  columns?: readonly string[] | undefined;
  /** Another salt divides otherwise. @default '' */
  salt?: string | undefined;
}

/** A part of time. */
export interface SplitRange {
  /** Rows of this moment and later: epoch milliseconds, a date, or ISO 8601 text. @default the beginning */
  from?: number | Date | string | undefined;
  /** Rows before this moment. @default the end */
  until?: number | Date | string | undefined;
}

/** Splits by time, the earliest first: either shares of the rows, or ranges. Rows of one moment are in one split. */
export interface TimeSplitOptions {
  /** Tells it from the other ways. */
  by: 'time';
  /** Shares of the rows by name of the split, in the order of time. */
  fractions?: SplitFractions | undefined;
  /** Ranges that do not overlap, by name of the split. */
  ranges?: Readonly<Record<string, SplitRange>> | undefined;
  /** How long after its moment it takes until the label of a row is known: rows so close before the next split are in none. @default 0 */
  gap?: Duration | undefined;
}

/** How a dataset is divided. */
export type SplitOptions = EntitySplitOptions | HashSplitOptions | TimeSplitOptions;

/** A part of time as it is worked with. */
export interface TimeRange {
  /** Epoch milliseconds, included; absent for the beginning. */
  readonly from?: number | undefined;
  /** Epoch milliseconds, excluded; absent for the end. */
  readonly until?: number | undefined;
}

/** How a dataset is divided, checked. */
export interface SplitDefinition {
  readonly by: 'entity' | 'hash' | 'time';
  /** In their order. */
  readonly names: readonly string[];
  /** In the order of the names; absent for ranges of time. */
  readonly fractions?: readonly number[] | undefined;
  /** In the order of the names. */
  readonly ranges?: readonly TimeRange[] | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly salt?: string | undefined;
  /** Milliseconds. */
  readonly gap?: number | undefined;
}

const path = 'query.splits';
const maxSplits = 200;
const namePattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;
const fractions = /* @__PURE__ */ z.record(z.string(), z.number().check(z.gt(0), z.maximum(1)));
const columns = /* @__PURE__ */ z.optional(z.array(z.string()).check(z.minLength(1)));
const salt = /* @__PURE__ */ z.optional(z.string());
const hashed = /* @__PURE__ */ z.strictObject({ by: z.optional(z.enum(['entity', 'hash'])), fractions, columns, salt });
const timed = /* @__PURE__ */ z.strictObject({
  by: z.literal('time'),
  fractions: z.optional(fractions),
  ranges: z.optional(z.record(z.string(), z.strictObject({ from: z.optional(z.unknown()), until: z.optional(z.unknown()) }))),
  gap: z.optional(z.unknown()),
});

/** Checks how a dataset is to be divided. Throws `ValidationError` for shares beyond 1, ranges that overlap, and names that could not keep their order. */
export function checkSplits(options: SplitOptions): SplitDefinition {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw new ValidationError(`${path} is ${shown(given, 80)}; give { by, fractions }.`, { path });
  if (options.by !== 'time') {
    const { by = 'entity', ...rest } = check(hashed, options, path) as EntitySplitOptions | HashSplitOptions;
    return { by, ...shares(rest.fractions), columns: rest.columns, salt: rest.salt ?? '' };
  }
  const { fractions: parts, ranges, gap = 0 } = check(timed, options, path) as TimeSplitOptions;
  if ((parts === undefined) === (ranges === undefined)) throw new ValidationError(`${path} needs either fractions or ranges.`, { path });
  const gapMs = durationMs(gap, `${path}.gap`);
  if (parts !== undefined) return { by: 'time', ...shares(parts), gap: gapMs };
  return { by: 'time', ...checkRanges(ranges!, gapMs), gap: gapMs };
}

function shares(given: SplitFractions): { names: string[]; fractions: number[] } {
  const names = checkNames(Object.keys(given), 'fractions');
  const parts = Object.values(given);
  const sum = parts.reduce((total, part) => total + part, 0);
  if (sum > 1 + 1e-9) throw new ValidationError(`${path}.fractions add up to ${sum}, which is more than 1.`, { path: `${path}.fractions` });
  return { names, fractions: parts };
}

function checkNames(names: string[], field: string): string[] {
  const where = `${path}.${field}`;
  if (names.length === 0 || names.length > maxSplits) throw new ValidationError(`${where} names ${names.length} splits; name 1 to ${maxSplits}.`, { path: where });
  const bad = names.find((name) => !namePattern.test(name));
  if (bad !== undefined) throw new ValidationError(`${where} names a split ${shown(bad, 80)}; begin with a letter, and go on with letters, digits, '_', '.' and '-'.`, { path: where });
  return names;
}

function checkRanges(given: Readonly<Record<string, SplitRange>>, gap: number): { names: string[]; ranges: TimeRange[] } {
  checkNames(Object.keys(given), 'ranges');
  const ranges = Object.entries(given).map(([name, { from, until }]) => {
    const range = { from: timeOf(from, `${path}.ranges.${name}.from`), until: timeOf(until, `${path}.ranges.${name}.until`) };
    if (range.from !== undefined && range.until !== undefined && range.from >= range.until) {
      throw new ValidationError(`${path}.ranges.${name} ends where it begins or before; rows belong to it from 'from' (included) to 'until' (excluded).`, { path: `${path}.ranges.${name}` });
    }
    return { name, range };
  });
  ranges.sort((a, b) => (a.range.from ?? -Infinity) - (b.range.from ?? -Infinity));
  const names = ranges.map(({ name }) => name);
  return { names, ranges: withGap(names, ranges.map(({ range }) => range), gap) };
}

/** Ranges that end a gap before the next one begins. Throws `ValidationError` when two of them overlap. */
export function withGap(names: readonly string[], ranges: readonly TimeRange[], gap: number): TimeRange[] {
  return ranges.map((range, i) => {
    const next = ranges[i + 1];
    if (next === undefined) return range;
    const from = next.from ?? -Infinity;
    if ((range.until ?? Infinity) > from) {
      throw new ValidationError(`The splits '${names[i]}' and '${names[i + 1]}' overlap in time; end the one ({ until }) where the other begins ({ from }).`, { path: `${path}.ranges` });
    }
    return { ...range, until: Math.min(range.until!, from - gap) };
  });
}

function timeOf(value: number | Date | string | undefined, where: string): number | undefined {
  if (value === undefined) return undefined;
  const time = timestampOf(value);
  if (time !== undefined) return time;
  throw new ValidationError(`${where} is ${shown(value, 80)}; give epoch milliseconds, a date or ISO 8601 text.`, { path: where });
}
