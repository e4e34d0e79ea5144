import * as z from 'zod/mini';
import { isPresent, timestampOf, type Column, type ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';

/** A value that a condition compares with. */
export type ConditionValue = number | string | boolean | bigint;

/** What one column must satisfy; several tests must all hold. A missing value satisfies none of them, and neither does NaN except `ne`. */
export interface ColumnCondition {
  /** Equal to it. @default not tested */
  readonly eq?: ConditionValue | undefined;
  /** Different from it. @default not tested */
  readonly ne?: ConditionValue | undefined;
  /** Greater than it; texts by their UTF-16 code units. @default not tested */
  readonly gt?: ConditionValue | undefined;
  /** Greater than it or equal. @default not tested */
  readonly gte?: ConditionValue | undefined;
  /** Less than it. @default not tested */
  readonly lt?: ConditionValue | undefined;
  /** Less than it or equal. @default not tested */
  readonly lte?: ConditionValue | undefined;
  /** Equal to one of them. @default not tested */
  readonly in?: readonly ConditionValue[] | undefined;
}

/** Which events count, as data: a condition for each column named, all of which must hold. */
export type Where = Readonly<Record<string, ColumnCondition>>;

const value = /* @__PURE__ */ z.union([z.number(), z.string(), z.boolean(), z.bigint()]);

/** Schema of {@link Where}. */
export const whereSchema: z.ZodMiniType = /* @__PURE__ */ z.record(
  z.string(),
  z.strictObject({
    eq: z.optional(value),
    ne: z.optional(value),
    gt: z.optional(value),
    gte: z.optional(value),
    lt: z.optional(value),
    lte: z.optional(value),
    in: z.optional(z.array(value)),
  }),
);

/** The values that a condition compares with. */
function operandsOf(condition: ColumnCondition): ConditionValue[] {
  const { in: list = [], ...tests } = condition;
  return [...Object.values(tests).filter((operand) => operand !== undefined), ...list];
}

/** The type of a column that is declared nowhere but in conditions: that of the values it is compared with. */
export function conditionType(condition: ColumnCondition, path: string): ColumnType {
  const types = new Set(operandsOf(condition).map((operand) => typeof operand));
  const [type] = types;
  if (type === undefined) throw new ValidationError(`${path} tests nothing; give one of eq, ne, gt, gte, lt, lte, in.`, { path });
  if (types.size > 1) throw new ValidationError(`${path} compares one column with values of several types: ${[...types].join(', ')}.`, { path });
  return type === 'number' ? 'float64' : type === 'bigint' ? 'int64' : type === 'boolean' ? 'bool' : 'string';
}

/** Checks that a condition can be put to a column of `type`; throws `ValidationError` naming the place when it cannot. */
export function checkCondition(condition: ColumnCondition, type: ColumnType, path: string): void {
  conditionType(type === 'timestamp' ? withoutTypes(condition) : condition, path);
  for (const operand of operandsOf(condition)) operandFor(type, operand, path);
}

/** A timestamp may be compared with milliseconds in one test and ISO text in another. */
function withoutTypes(condition: ColumnCondition): ColumnCondition {
  return operandsOf(condition).length === 0 ? condition : { eq: 0 };
}

function operandFor(type: ColumnType, operand: ConditionValue, path: string): ConditionValue {
  const fits =
    type === 'timestamp'
      ? timestampOf(operand)
      : (type === 'float64' && typeof operand === 'number') || (type === 'string' && typeof operand === 'string') || (type === 'bool' && typeof operand === 'boolean')
        ? operand
        : type === 'int64' && (typeof operand === 'bigint' || Number.isSafeInteger(operand))
          ? BigInt(operand)
          : undefined;
  if (fits === undefined || Number.isNaN(fits)) {
    throw new ValidationError(`${path} compares a ${type} column with ${typeof operand} ${String(operand)}; compare it with a value of its own type.`, { path });
  }
  return fits;
}

/** One byte per row, 1 where the row satisfies every condition. A column that `columns` lacks is missing in every row. */
export function matchingRows(where: Where, columns: Readonly<Record<string, Column>>, rowCount: number): Uint8Array {
  const mask = new Uint8Array(rowCount).fill(1);
  for (const [name, condition] of Object.entries(where)) {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) mask.fill(0);
    else applyCondition(mask, column, condition, name);
  }
  return mask;
}

function applyCondition(mask: Uint8Array, column: Column, condition: ColumnCondition, name: string): void {
  const test = testOf(condition, column.type, name);
  if (column.type === 'string') {
    const passes = column.dictionary.map(test);
    for (let i = 0; i < mask.length; i++) if (mask[i] === 1 && !(isPresent(column, i) && passes[column.values[i]!]!)) mask[i] = 0;
    return;
  }
  const bool = column.type === 'bool';
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    const value = column.values[i] as ConditionValue;
    if (!isPresent(column, i) || !test(bool ? value === 1 : value)) mask[i] = 0;
  }
}

function testOf(condition: ColumnCondition, type: ColumnType, path: string): (value: ConditionValue) => boolean {
  const operand = (given: ConditionValue): ConditionValue => operandFor(type, given, path);
  const tests: ((value: ConditionValue) => boolean)[] = [];
  const { eq, ne, gt, gte, lt, lte, in: list } = condition;
  if (eq !== undefined) tests.push(((to) => (value) => value === to)(operand(eq)));
  if (ne !== undefined) tests.push(((to) => (value) => value !== to)(operand(ne)));
  if (gt !== undefined) tests.push(((to) => (value) => value > to)(operand(gt)));
  if (gte !== undefined) tests.push(((to) => (value) => value >= to)(operand(gte)));
  if (lt !== undefined) tests.push(((to) => (value) => value < to)(operand(lt)));
  if (lte !== undefined) tests.push(((to) => (value) => value <= to)(operand(lte)));
  if (list !== undefined) tests.push(((to) => (value) => to.has(value))(new Set(list.map(operand))));
  return tests.length === 1 ? tests[0]! : (value) => tests.every((test) => test(value));
}
