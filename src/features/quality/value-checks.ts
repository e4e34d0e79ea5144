import { canonicalJson } from '../../core/codec.ts';
import { isPresent, valueAt, type Column } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { Table } from '../../core/table.ts';
import type { ColumnChecks, InvalidReason, NoteInvalid } from '../table-checks.ts';

/** Whether a text is a regular expression. */
export function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** Runs the checks of a column that look at texts as wholes, at other rows, or at other columns. Throws `ValidationError`, naming the check by `at`, when the column is of no type for it. */
export function checkTogether(table: Table, name: string, rules: ColumnChecks, at: string, note: NoteInvalid): void {
  const column = table.columns[name]!;
  if (rules.unique) checkUnique(column, name, note);
  if (rules.pattern !== undefined) checkPattern(column, name, rules.pattern, at, note);
  if (rules.lessThan !== undefined) checkOrder(table, name, rules.lessThan, 'lessThan', at, note);
  if (rules.atMost !== undefined) checkOrder(table, name, rules.atMost, 'atMost', at, note);
  if (rules.mean !== undefined) checkMean(column, name, rules.mean, at, note);
}

function checkUnique(column: Column, name: string, note: NoteInvalid): void {
  const first = new Map<unknown, number>();
  for (let i = 0; i < column.values.length; i++) {
    const value = valueAt(column, i);
    if (value === null) continue;
    const id = typeof value === 'object' ? canonicalJson(ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value) : value;
    const before = first.get(id);
    if (before === undefined) first.set(id, i);
    else note(i, { column: name, check: 'unique', message: `rows[${i}].${name} is ${tell(value, column)}, as rows[${before}].${name} is, and each value is there once at most.` });
  }
}

function checkPattern(column: Column, name: string, pattern: string, at: string, note: NoteInvalid): void {
  if (column.type !== 'string') throw wrongType(`${at}.pattern`, column, 'texts');
  const expression = new RegExp(pattern, 'u');
  // Each text is looked at once, however often it is there.
  const fits = column.dictionary.map((text) => expression.test(text));
  for (let i = 0; i < column.values.length; i++) {
    if (!isPresent(column, i) || fits[column.values[i]!]) continue;
    note(i, { column: name, check: 'pattern', message: `rows[${i}].${name} is ${tell(valueAt(column, i), column)}, which is not like ${pattern}.` });
  }
}

function checkOrder({ columns }: Table, name: string, otherName: string, check: 'lessThan' | 'atMost', at: string, note: NoteInvalid): void {
  const [column, other] = [columns[name]!, columns[otherName]!];
  for (const each of [column, other]) if (!isOrdered(each)) throw wrongType(`${at}.${check}`, each, 'numbers or times');
  if ((column.type === 'timestamp') !== (other.type === 'timestamp')) {
    throw new ValidationError(`${at}.${check} compares ${column.type} values with ${other.type} values; compare numbers with numbers and times with times.`, { path: `${at}.${check}` });
  }
  for (let i = 0; i < column.values.length; i++) {
    if (!isPresent(column, i) || !isPresent(other, i)) continue;
    const [value, limit] = [column.values[i] as number, other.values[i] as number];
    if (check === 'lessThan' ? value < limit : value <= limit) continue;
    const what = check === 'lessThan' ? 'less than' : 'at most';
    note(i, { column: name, check, message: `rows[${i}].${name} is ${tell(value, column)}, and it is ${what} ${otherName}, which is ${tell(limit, other)}.` });
  }
}

function checkMean(column: Column, name: string, [min, max]: readonly [number, number], at: string, note: NoteInvalid): void {
  if (column.type !== 'float64' && column.type !== 'int64') throw wrongType(`${at}.mean`, column, 'numbers');
  const { length } = column.values;
  let mean = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const value = Number(column.values[i]);
    if (!isPresent(column, i) || Number.isNaN(value)) continue;
    count++;
    mean += (value - mean) / count;
  }
  if (count > 0 && mean >= min && mean <= max) return;
  const message = count === 0 ? `rows.${name} has no number, and a mean between ${min} and ${max} is asked for.` : `rows.${name} has a mean of ${Number(mean.toPrecision(6))}, which is not between ${min} and ${max}.`;
  const reason: InvalidReason = { column: name, check: 'mean', message };
  for (let i = 0; i < length; i++) note(i, reason);
}

function isOrdered({ type }: Column): boolean {
  return type === 'float64' || type === 'int64' || type === 'timestamp';
}

function wrongType(at: string, { type }: Column, wanted: string): ValidationError {
  return new ValidationError(`${at} is about ${wanted}, and the column holds ${type} values.`, { path: at });
}

function tell(value: unknown, { type }: Column): string {
  if (type === 'timestamp' && Number.isFinite(value)) return new Date(value as number).toISOString();
  return typeof value === 'bigint' ? String(value) : shown(value, 80);
}
