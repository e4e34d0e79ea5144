import * as z from 'zod/mini';
import { isPresent, toColumn, type Column, type ColumnType } from '../../core/column.ts';
import { ValidationError } from '../../core/errors.ts';
import { TextCursor } from '../../core/search/text-cursor.ts';
import { bindExpression, type BoundExpression, type RowValue } from './bind-expression.ts';
import type { Scalar } from './expression-functions.ts';
import { parseExpression, printExpression, type ExpressionNode } from './parse-expression.ts';

/** Something computed from the columns of a row, as data. Made by {@link expression}. */
export interface Expression<Type extends ColumnType = ColumnType> {
  /** Tells it from other parts of a definition. */
  readonly kind: 'expression';
  /** What is computed, in its one spelling. */
  readonly text: string;
  /** Never set: tells the compiler the type of the values. */
  readonly values?: Type | undefined;
}

/** A column of the rows by name, or something computed from them. */
export type ColumnSource = string | Expression;

const mark = '=';

/**
 * A value computed from the columns of one row, as text, so that it can be hashed and sent: a feature of its own, or what an aggregate goes over (`aggregate.mean(expression('distance / hours'), …)`), counts (`where`) or
 * groups by. It is computed from the rows when they are read, so a new expression over known columns has values for old rows, too.
 *
 * There are numbers, `'texts'`, `true`, `false`, `null`, columns (`` `any name` `` between backquotes), `+ - * / %`, `= != < <= > >=`, `and`, `or`, `not`, `in (…)`, `is null`, and the functions `if(test, then, otherwise)`, `coalesce`, `abs`,
 * `sign`, `sqrt`, `exp`, `log`, `log1p`, `log10`, `pow`, `floor`, `ceil`, `round` (halves up), `least`, `greatest`, `number`, `text`, `year`, `month`, `day`, `day_of_week` (1 is Monday), `hour`, `minute`, `start_of_day` (in UTC), `lower`, `upper`, `trim`,
 * `length` (in characters), `concat`, `starts_with`, `ends_with`, `contains`. Whatever is computed from a missing value is missing, as in SQL, and so is what is no finite number although all that went in were: 1/0, `log(0)`.
 * An `int64` is calculated with as the nearest `float64`, and compared exactly. Of two timestamps `-` gives milliseconds, which `+` and `-` move a timestamp by. `exp`, `log` and `pow` may differ in the last bit from one JavaScript
 * engine to another.
 *
 * Columns that the view does not declare are of the type that their place asks for, otherwise `float64`. Throws `ValidationError` that shows the character at which it cannot be read.
 *
 * @example
 * ```ts
 * import { aggregate, expression, featureView } from 'modelkeep';
 *
 * const flights = featureView({
 *   name: 'flights', entity: ['plane'], timestamp: 'landed',
 *   features: {
 *     speed: expression<'float64'>('distance / (minutes / 60)'),
 *     late_share_7d: aggregate.share({ window: '7d', where: expression("delay > 15 and carrier != 'XX'") }),
 *     speed_mean_7d: aggregate.mean(expression('distance / (minutes / 60)'), { window: '7d' }),
 *   },
 * });
 * console.log(flights.features.speed);
 * ```
 */
export function expression<Type extends ColumnType = ColumnType>(text: string): Expression<Type> {
  return { kind: 'expression', text: printExpression(parseExpression(text, 'expression')) };
}

/** Whether something is an expression, and nothing else with such a field. */
export function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && (value as Partial<Expression>).kind === 'expression' && typeof (value as Partial<Expression>).text === 'string';
}

/** Schema of {@link Expression}. */
export const expressionSchema: z.ZodMiniType<Expression> = /* @__PURE__ */ z.custom<Expression>(isExpression, "must be an expression, such as expression('distance / hours')");

/** By what name an index knows a column or what is computed from columns. */
export function columnName(source: ColumnSource): string {
  return typeof source === 'string' ? source : `${mark}${source.text}`;
}

/** Whether a name is that of something computed, and not of a column of the rows. */
export function isComputed(name: string): boolean {
  return name.startsWith(mark);
}

/** The type of what is computed under a name; columns that `columns` does not have are declared there. Throws `ValidationError` where types do not fit, or there is none. */
export function computedType(name: string, columns: Record<string, ColumnType>, path: string): ColumnType {
  const { type } = bound(name, columns, path);
  if (type === undefined) throw new ValidationError(`${path} is always missing: ${name.slice(mark.length)}.`, { path });
  return type;
}

/** The columns of the rows that are behind a name. */
export function columnsBehind(name: string): string[] {
  if (!isComputed(name)) return [name];
  const found = new Set<string>();
  const visit = (node: ExpressionNode): void => {
    if (node.kind === 'column') found.add(node.name);
    if (node.kind === 'call') node.parts.forEach(visit);
  };
  visit(parseExpression(name.slice(mark.length), 'expression'));
  return [...found];
}

/** What is computed under a name, for each row; `column` gives the columns of the rows, `undefined` for one that no row has. */
export function computeColumn(name: string, size: number, column: (name: string) => Column | undefined): Column | undefined {
  const inputs = new Map(columnsBehind(name).map((each) => [each, column(each)]));
  const types: Record<string, ColumnType> = {};
  for (const [each, input] of inputs) if (input) types[each] = input.type;
  const { type, over } = bound(name, types, 'expression');
  if (type === undefined) return undefined;
  const valueOf = over((each) => reader(inputs.get(each)));
  return type === 'float64' || type === 'timestamp' ? numbersOf(valueOf, type, size) : toColumn(Array.from({ length: size }, (_, row) => valueOf(row)), type, name);
}

function numbersOf(valueOf: RowValue, type: 'float64' | 'timestamp', size: number): Column {
  const values = new Float64Array(size);
  let valid: Uint8Array | undefined;
  for (let row = 0; row < size; row++) {
    const value = valueOf(row);
    if (value === null) (valid ??= new Uint8Array(size).fill(1))[row] = 0;
    values[row] = value === null ? NaN : (value as number);
  }
  return { type, values, valid };
}

function reader(column: Column | undefined): RowValue {
  if (column === undefined) return () => null;
  const { values } = column;
  if (column.type === 'string') return (row) => (isPresent(column, row) ? column.dictionary[column.values[row]!]! : null);
  if (column.type === 'bool') return (row) => (isPresent(column, row) ? column.values[row] === 1 : null);
  return (row) => (isPresent(column, row) ? (values[row] as Scalar) : null);
}

function bound(name: string, columns: Record<string, ColumnType>, path: string): BoundExpression {
  const text = name.slice(mark.length);
  return bindExpression(parseExpression(text, path), columns, failIn(text, path));
}

function failIn(text: string, path: string): (problem: string, at: number) => never {
  return (problem, at) => new TextCursor(text, path, 'The expression').fail(problem, at);
}
