import { timestampOf, type ColumnType } from '../../core/column.ts';
import { expressionFunctions, type ExpressionFunction, type ParameterType, type Scalar } from './expression-functions.ts';
import type { CallNode, ColumnNode, ExpressionNode, LiteralNode } from './parse-expression.ts';

/** Gives the value of a row. */
export type RowValue = (row: number) => Scalar;

/** An expression whose types are known. */
export interface BoundExpression {
  /** `undefined` of what is always missing. */
  readonly type: ColumnType | undefined;
  /** Its value by row, from the values of columns by row. */
  readonly over: (column: (name: string) => RowValue) => RowValue;
}

/** Throws an error that shows the place in the expression. */
export type FailAt = (problem: string, at: number) => never;

/**
 * Finds the types of an expression. A column that `columns` does not have is declared there, with the type that its place asks for, otherwise `float64`. Fails where something is of another type than it must
 * be.
 */
export function bindExpression(node: ExpressionNode, columns: Record<string, ColumnType>, fail: FailAt): BoundExpression {
  return new Binder(columns, fail).bind(node, undefined);
}

const special: Readonly<Record<string, (binder: Binder, node: CallNode) => BoundExpression>> = {
  and: (binder, node) => binder.logic(node, false),
  or: (binder, node) => binder.logic(node, true),
  not: (binder, node) => binder.not(node),
  'is null': (binder, node) => binder.isNull(node),
  in: (binder, node) => binder.among(node),
  if: (binder, node) => binder.choice(node),
  coalesce: (binder, node) => binder.coalesce(node),
  '+': (binder, node) => binder.shift(node),
  '-': (binder, node) => binder.shift(node),
  '=': (binder, node) => binder.compare(node, equal),
  '!=': (binder, node) => binder.compare(node, (a, b) => !equal(a, b)),
  '<': (binder, node) => binder.compare(node, (a, b) => a < b),
  '<=': (binder, node) => binder.compare(node, (a, b) => a <= b),
  '>': (binder, node) => binder.compare(node, (a, b) => a > b),
  '>=': (binder, node) => binder.compare(node, (a, b) => a >= b),
};

type Value = NonNullable<Scalar>;

// A bigint and a number of one value are neither less nor greater than each other; NaN is neither to anything.
function equal(a: Value, b: Value): boolean {
  return a <= b && a >= b;
}

class Binder {
  readonly #columns: Record<string, ColumnType>;
  readonly #fail: FailAt;

  constructor(columns: Record<string, ColumnType>, fail: FailAt) {
    this.#columns = columns;
    this.#fail = fail;
  }

  bind(node: ExpressionNode, expected: ColumnType | undefined): BoundExpression {
    if (node.kind === 'literal') return literal(node, expected);
    if (node.kind === 'column') return this.#column(node, expected);
    if (Object.hasOwn(special, node.name)) return special[node.name]!(this, node);
    return this.#call(node, expressionFunctions[node.name]!);
  }

  #column({ name, at }: ColumnNode, expected: ColumnType | undefined): BoundExpression {
    if (name === '' || name === '__proto__' || name.startsWith('=')) this.#fail(`'${name}' cannot be the name of a column`, at);
    if (!Object.hasOwn(this.#columns, name)) this.#columns[name] = expected ?? 'float64';
    return { type: this.#columns[name]!, over: (column) => column(name) };
  }

  #call(node: CallNode, called: ExpressionFunction): BoundExpression {
    const { takes, gives, apply } = called;
    const parts = node.parts.map((part, i) => this.#argument(part, takes[Math.min(i, takes.length - 1)]!, node.name));
    return { type: gives, over: (column) => whole(apply as never, parts.map((part) => part.over(column))) };
  }

  #argument(node: ExpressionNode, wanted: ParameterType | readonly ParameterType[], name: string): BoundExpression {
    const types: readonly ParameterType[] = typeof wanted === 'string' ? [wanted] : wanted;
    const part = this.bind(node, types[0] === 'number' ? 'float64' : types[0]);
    const found = types.find((type) => part.type === undefined || type === part.type || (type === 'number' && (part.type === 'float64' || part.type === 'int64')));
    if (found === undefined) this.#fail(`'${name === 'negate' ? '-' : name}' takes a ${types.join(' or a ')} here, and this is a ${part.type}`, node.at);
    return found === 'number' ? asNumber(part) : part;
  }

  /** Binds parts that must be of one type. */
  #alike(nodes: readonly ExpressionNode[], name: string): { type: ColumnType | undefined; parts: readonly BoundExpression[] } {
    const isOpen = (node: ExpressionNode): number => (node.kind === 'literal' ? 1 : node.kind === 'column' && !Object.hasOwn(this.#columns, node.name) ? 2 : 0);
    const parts: BoundExpression[] = [];
    let type: ColumnType | undefined;
    // What says its type itself comes first, then what is written, then columns that nobody declared.
    for (const [i, node] of [...nodes.entries()].sort(([i, a], [k, b]) => isOpen(a) - isOpen(b) || i - k)) {
      const part = (parts[i] = this.bind(node, type));
      if (part.type === undefined || part.type === type) continue;
      if (type === undefined) type = part.type;
      else if (isNumeric(type) && isNumeric(part.type)) type = 'float64';
      else this.#fail(`'${name}' takes values of one type, and here are a ${type} and a ${part.type}`, node.at);
    }
    if (type !== undefined && !['float64', 'int64', 'bool', 'string', 'timestamp'].includes(type)) this.#fail(`'${name}' does not take a ${type}`, nodes[0]!.at);
    return { type, parts };
  }

  #truth(node: ExpressionNode, name: string): BoundExpression {
    const part = this.bind(node, 'bool');
    if (part.type !== undefined && part.type !== 'bool') this.#fail(`'${name}' takes something true or false, and this is a ${part.type}`, node.at);
    return part;
  }

  /** `and`, which false decides, and `or`, which true decides; what is missing decides nothing. */
  logic({ parts, name }: CallNode, decisive: boolean): BoundExpression {
    const [left, right] = parts.map((part) => this.#truth(part, name));
    return {
      type: 'bool',
      over: (column) => {
        const [a, b] = [left!.over(column), right!.over(column)];
        return (row) => {
          const first = a(row);
          if (first === decisive) return decisive;
          const second = b(row);
          return second === decisive ? decisive : first === null || second === null ? null : !decisive;
        };
      },
    };
  }

  not({ parts, name }: CallNode): BoundExpression {
    const part = this.#truth(parts[0]!, name);
    return { type: 'bool', over: (column) => whole((value: Scalar) => value !== true, [part.over(column)]) };
  }

  isNull({ parts }: CallNode): BoundExpression {
    const part = this.bind(parts[0]!, undefined);
    return { type: 'bool', over: (column) => ((value) => (row) => value(row) === null)(part.over(column)) };
  }

  among({ parts: nodes, name }: CallNode): BoundExpression {
    const { parts } = this.#alike(nodes, name);
    return {
      type: 'bool',
      over: (column) => {
        const [value, ...listed] = parts.map((part) => part.over(column));
        return (row) => {
          const given = value!(row);
          if (given === null) return null;
          let missing = false;
          for (const each of listed) {
            const other = each(row);
            if (other === null) missing = true;
            else if (equal(given, other)) return true;
          }
          return missing ? null : false;
        };
      },
    };
  }

  choice(node: CallNode): BoundExpression {
    const test = this.#truth(node.parts[0]!, node.name);
    const { type, parts } = this.#alike(node.parts.slice(1), node.name);
    return {
      type,
      over: (column) => {
        const [met, then, otherwise] = [test.over(column), ...parts.map((part) => asType(part, type).over(column))];
        return (row) => (met(row) === true ? then!(row) : otherwise!(row));
      },
    };
  }

  coalesce(node: CallNode): BoundExpression {
    const { type, parts } = this.#alike(node.parts, node.name);
    return {
      type,
      over: (column) => {
        const values = parts.map((part) => asType(part, type).over(column));
        return (row) => {
          for (const value of values) {
            const found = value(row);
            if (found !== null) return found;
          }
          return null;
        };
      },
    };
  }

  /** Numbers; a timestamp and milliseconds; or the milliseconds between two timestamps. */
  shift(node: CallNode): BoundExpression {
    const called = expressionFunctions[node.name]!;
    const [first, second] = node.parts as readonly [ExpressionNode, ExpressionNode];
    const isTime = (each: ExpressionNode): boolean => each.kind !== 'literal' && (each.kind === 'call' || Object.hasOwn(this.#columns, each.name)) && this.bind(each, undefined).type === 'timestamp';
    const times = [isTime(first), isTime(second)];
    if (!times[0] && !times[1]) return this.#call(node, called);
    if (times[0] && times[1] && node.name === '-') return this.#call(node, { ...called, takes: ['timestamp', 'timestamp'] });
    if (times[1]) return this.#fail(node.name === '+' ? `'+' takes a timestamp and then milliseconds` : `'-' takes no timestamp from a number`, node.at);
    return this.#call(node, { ...called, takes: ['timestamp', 'number'], gives: 'timestamp' });
  }

  compare({ parts: nodes, name, at }: CallNode, test: (a: Value, b: Value) => boolean): BoundExpression {
    const { type, parts } = this.#alike(nodes, name);
    if (type === 'bool' && name !== '=' && name !== '!=') this.#fail(`'${name}' does not order what is true or false`, at);
    return { type: 'bool', over: (column) => whole(test as never, parts.map((part) => part.over(column))) };
  }
}

function isNumeric(type: ColumnType): boolean {
  return type === 'float64' || type === 'int64';
}

function literal({ value }: LiteralNode, expected: ColumnType | undefined): BoundExpression {
  const constant = (type: ColumnType | undefined, of: Scalar): BoundExpression => ({ type, over: () => () => of });
  if (expected === 'int64' && Number.isSafeInteger(value)) return constant('int64', BigInt(value as number));
  const time = expected === 'timestamp' && typeof value === 'string' ? timestampOf(value) : undefined;
  if (time !== undefined) return constant('timestamp', time);
  return constant(value === null ? undefined : typeof value === 'number' ? 'float64' : typeof value === 'string' ? 'string' : 'bool', value);
}

function asNumber(part: BoundExpression): BoundExpression {
  if (part.type !== 'int64') return part;
  return { type: 'float64', over: (column) => ((value) => (row: number) => toNumber(value(row)))(part.over(column)) };
}

function toNumber(value: Scalar): Scalar {
  return value === null ? null : Number(value);
}

function asType(part: BoundExpression, type: ColumnType | undefined): BoundExpression {
  return type === 'float64' ? asNumber(part) : part;
}

/** What a function gives where nothing is missing; no result that is not finite comes of values that are. */
function whole(apply: (...values: Scalar[]) => Scalar, parts: readonly RowValue[]): RowValue {
  const [first, second] = parts;
  if (parts.length === 1) {
    return (row) => {
      const a = first!(row);
      return a === null ? null : finite(apply(a), a);
    };
  }
  if (parts.length === 2) {
    return (row) => {
      const a = first!(row);
      const b = a === null ? null : second!(row);
      return b === null ? null : finite(apply(a, b), a, b);
    };
  }
  return (row) => {
    const values = parts.map((part) => part(row));
    return values.includes(null) ? null : finite(apply(...values), ...values);
  };
}

function finite(result: Scalar, ...values: Scalar[]): Scalar {
  if (typeof result !== 'number' || Number.isFinite(result)) return result;
  return values.every((value) => typeof value !== 'number' || Number.isFinite(value)) ? null : result;
}
