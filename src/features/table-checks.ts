import * as z from 'zod/mini';
import { isPresent, timestampOf, type Column, type ColumnType } from '../core/column.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { Table } from '../core/table.ts';
import { checkReference, driftSchema, kindFor, type DriftCheck } from './quality/drift-check.ts';
import type { DriftFinding } from './quality/measure-drift.ts';
import { checkTogether, isPattern } from './quality/value-checks.ts';

/** A value that a check compares with: a number, a bigint, a text, a truth value, or a date. */
export type CheckedValue = number | bigint | string | boolean | Date;

/** What the values of a column must be. What is missing is judged by `notNull` and `maxNullShare` alone; NaN is no value of any range. */
export interface ColumnChecks {
  /** The least value: a number, or a time for a column of times. @default none */
  min?: CheckedValue | undefined;
  /** The greatest value. @default none */
  max?: CheckedValue | undefined;
  /** The only values there are. @default any */
  in?: readonly CheckedValue[] | undefined;
  /** Whether each row must have a value. Keys and timestamps must in any case. @default false */
  notNull?: boolean | undefined;
  /** How large a share of the rows may have none, from 0 to 1; where more have, the whole table is invalid. @default 1 */
  maxNullShare?: number | undefined;
  /** Whether each value is there once in the table; rows that repeat one are invalid, the first is not. @default false */
  unique?: boolean | undefined;
  /** What texts look like: a regular expression as text, read with the flag `u`, that is found somewhere in each (`^` and `$` bind it to the ends). @default anything */
  pattern?: string | undefined;
  /** Another column, of numbers or times like this one, whose value is greater in each row that has both. @default none */
  lessThan?: string | undefined;
  /** Another column whose value is at least as great in each row that has both. @default none */
  atMost?: string | undefined;
  /** Between which two numbers, both included, the mean of the column's numbers lies, NaN left out; where it does not, or there is none, the whole table is invalid. @default any */
  mean?: readonly [min: number, max: number] | undefined;
  /** How far the values may be from those of a saved dataset, of a day, or that are given; where they are farther, the whole table is invalid. @default any */
  maxDrift?: DriftCheck | undefined;
}

/** What rows must be, as data: besides the types that the view says, and the keys and timestamps that every row needs. */
export interface TableChecks {
  /** By column that the view uses. @default none */
  columns?: Readonly<Record<string, ColumnChecks>> | undefined;
  /** How far ahead of the clock the view's timestamps may be. @default any time */
  maxFuture?: Duration | undefined;
  /** How many rows a table has at least; where it has fewer, all of them are invalid. @default 0 */
  minRows?: number | undefined;
}

/** What is looked at: whether it is a row, has its key and times, values of the right type, one way of writing times, or what `validate` asks for. */
export type CheckName = 'row' | 'missing' | 'type' | 'zone' | 'maxFuture' | 'min' | 'max' | 'in' | 'notNull' | 'maxNullShare' | 'unique' | 'pattern' | 'lessThan' | 'atMost' | 'mean' | 'maxDrift' | 'minRows';

/** What a check found. */
export interface InvalidReason {
  /** The column; absent when the row is none at all. */
  readonly column?: string | undefined;
  /** What was looked at. */
  readonly check: CheckName;
  /** Where it was, what was wrong, what to do. */
  readonly message: string;
}

/** Notes why a row is invalid. */
export type NoteInvalid = (row: number, reason: InvalidReason) => void;

/** A table's checks, ready to go over rows. */
export type RunChecks = (table: Table, note: NoteInvalid) => void;

/** Is told how far a column is from its reference. */
export type TellDrift = (column: string, finding: DriftFinding) => void;

/** Measures how far a column is from the reference of its check. */
export type MeasureColumn = (name: string, column: Column, drift: DriftCheck) => DriftFinding;

/** The columns that checks are about. */
export interface CheckedShape {
  /** The columns that the view uses. */
  readonly used: readonly string[];
  /** Those of them that are the view's times. */
  readonly times: readonly string[];
  /** Types, as far as they are known. */
  readonly types: Readonly<Record<string, ColumnType>>;
}

const limit = /* @__PURE__ */ z.union(
  [/* @__PURE__ */ z.number(), /* @__PURE__ */ z.bigint(), /* @__PURE__ */ z.string(), /* @__PURE__ */ z.boolean(), /* @__PURE__ */ z.date()],
  'must be a number, bigint, text, truth value or date',
);
const columnSchema = /* @__PURE__ */ z.strictObject({
  min: z.optional(limit),
  max: z.optional(limit),
  in: z.optional(z.array(limit)),
  notNull: z.optional(z.boolean()),
  maxNullShare: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
  unique: z.optional(z.boolean()),
  pattern: z.optional(z.string().check(z.refine(isPattern, 'must be a regular expression'))),
  lessThan: z.optional(z.string()),
  atMost: z.optional(z.string()),
  mean: z.optional(z.tuple([z.number(), z.number()])),
  maxDrift: z.optional(driftSchema),
});
const tableSchema = /* @__PURE__ */ z.strictObject({
  columns: z.optional(z.record(z.string(), columnSchema)),
  maxFuture: z.optional(z.unknown()),
  minRows: z.optional(z.int().check(z.minimum(0))),
});

/** Returns checks that came from outside when they are such. Throws `ValidationError`, naming the place by `path`, when they are not; whether there are such columns is not looked at. */
export function checkTableChecks(checks: TableChecks, path: string): TableChecks {
  const { columns = {}, maxFuture } = check(tableSchema, checks, path) as TableChecks;
  if (maxFuture !== undefined) durationMs(maxFuture, `${path}.maxFuture`);
  for (const [name, { maxDrift }] of Object.entries(columns)) if (maxDrift) checkReference(maxDrift.reference, `${path}.columns.${name}.maxDrift.reference`);
  return checks;
}

/** Throws `ValidationError` when checks name a column that the view does not use, or measure drift where none can be. */
export function checkFit({ columns = {} }: TableChecks, { used, types }: CheckedShape, path: string): void {
  const demandColumn = (name: string, at: string, what: string): void => {
    if (!used.includes(name)) throw new ValidationError(`${what} no column that the view uses; it uses ${used.join(', ')}.`, { path: at });
  };
  for (const [name, { lessThan, atMost, maxDrift }] of Object.entries(columns)) {
    const at = `${path}.columns.${name}`;
    demandColumn(name, at, `${at} is`);
    for (const [rule, column] of Object.entries({ lessThan, atMost })) {
      if (column !== undefined) demandColumn(column, `${at}.${rule}`, `${at}.${rule} is ${shown(column, 80)}, which is`);
    }
    const type = Object.hasOwn(types, name) ? types[name] : undefined;
    if (maxDrift && type !== undefined) kindFor(type, maxDrift, `${at}.maxDrift`);
  }
}

/** Makes checks ready for the tables of a view that they fit. */
export function compileChecks({ columns = {}, maxFuture, minRows = 0 }: TableChecks, { times }: CheckedShape, path: string, now: () => number, measure: MeasureColumn | undefined, tell: TellDrift): RunChecks {
  const ahead = maxFuture === undefined ? undefined : durationMs(maxFuture, `${path}.maxFuture`);
  return (table, note) => {
    if (table.rowCount < minRows) noteAll(table.rowCount, { check: 'minRows', message: `rows has ${table.rowCount} rows, fewer than the ${minRows} that there are at least.` }, note);
    if (ahead !== undefined) for (const name of times) checkFuture(table.columns[name]!, name, now() + ahead, note);
    for (const [name, rules] of Object.entries(columns)) {
      const column = table.columns[name]!;
      checkColumn(column, name, rules, `${path}.columns.${name}`, note);
      checkTogether(table, name, rules, `${path}.columns.${name}`, note);
      if (rules.maxDrift === undefined || measure === undefined) continue;
      const finding = measure(name, column, rules.maxDrift);
      tell(name, finding);
      if (finding.status === 'failed') noteAll(table.rowCount, { column: name, check: 'maxDrift', message: finding.message }, note);
    }
  };
}

function checkFuture(column: Column, name: string, latest: number, note: NoteInvalid): void {
  for (let i = 0; i < column.values.length; i++) {
    const time = column.values[i] as number;
    if (time <= latest || !isPresent(column, i)) continue;
    const message = `rows[${i}].${name} is ${new Date(time).toISOString()}, which is later than ${new Date(latest).toISOString()}, as far ahead as times may be.`;
    note(i, { column: name, check: 'maxFuture', message });
  }
}

function checkColumn(column: Column, name: string, rules: ColumnChecks, at: string, note: NoteInvalid): void {
  const min = rules.min === undefined ? undefined : bound(rules.min, column, `${at}.min`);
  const max = rules.max === undefined ? undefined : bound(rules.max, column, `${at}.max`);
  const among = rules.in && new Set(rules.in.map((value) => comparable(value, column)));
  const size = column.values.length;
  let missing = 0;
  for (let i = 0; i < size; i++) {
    if (!isPresent(column, i)) {
      missing++;
      if (rules.notNull) note(i, { column: name, check: 'notNull', message: `rows[${i}].${name} is missing, and the column must have a value in each row.` });
      continue;
    }
    const value = plain(column, i);
    if (min !== undefined && !((value as number) >= (min as number))) note(i, { column: name, check: 'min', message: `rows[${i}].${name} is ${tell(value, column)}, less than the ${tell(min, column)} that it is at least.` });
    else if (max !== undefined && !((value as number) <= (max as number))) note(i, { column: name, check: 'max', message: `rows[${i}].${name} is ${tell(value, column)}, more than the ${tell(max, column)} that it is at most.` });
    if (among && !among.has(value)) note(i, { column: name, check: 'in', message: `rows[${i}].${name} is ${tell(value, column)}, which is none of ${shown(rules.in!.map((each) => (typeof each === 'bigint' ? String(each) : each)), 80)}.` });
  }
  if (rules.maxNullShare === undefined || missing <= rules.maxNullShare * size) return;
  const reason: InvalidReason = { column: name, check: 'maxNullShare', message: `rows.${name} is missing in ${missing} of ${size} rows, more than a share of ${rules.maxNullShare}.` };
  noteAll(size, reason, note);
}

function noteAll(rows: number, reason: InvalidReason, note: NoteInvalid): void {
  for (let i = 0; i < rows; i++) note(i, reason);
}

/** A limit in the terms of the column. */
function bound(value: CheckedValue, column: Column, at: string): number | bigint {
  const found = comparable(value, column);
  if (['float64', 'int64', 'timestamp'].includes(column.type) && (typeof found === 'number' || typeof found === 'bigint') && !Number.isNaN(found)) return found;
  throw new ValidationError(`${at} is ${shown(value)}, which ${column.type} values have no order with; give a number, or a time for a column of times.`, { path: at });
}

function comparable(value: CheckedValue, column: Column): unknown {
  if (column.type === 'timestamp') return timestampOf(value);
  if (column.type === 'int64') return Number.isInteger(value) ? BigInt(value as number) : value;
  return column.type === 'float64' && typeof value === 'bigint' ? Number(value) : value;
}

/** The value of a row as limits are compared with; -0 is 0. */
function plain(column: Column, i: number): unknown {
  if (column.type === 'bool') return column.values[i] === 1;
  if (column.type === 'string') return column.dictionary[column.values[i]!]!;
  return column.values[i];
}

function tell(value: unknown, column: Column): string {
  if (column.type === 'timestamp') return new Date(value as number).toISOString();
  return typeof value === 'bigint' ? String(value) : shown(value, 80);
}
