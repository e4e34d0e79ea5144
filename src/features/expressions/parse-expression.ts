import { closestWord } from '../../core/search/closest-word.ts';
import { TextCursor } from '../../core/search/text-cursor.ts';
import { expressionFunctions } from './expression-functions.ts';

/** A part of an expression; `at` is where it stands in the text. */
export type ExpressionNode = LiteralNode | ColumnNode | CallNode;

/** A value as it is written. */
export interface LiteralNode {
  readonly kind: 'literal';
  readonly value: number | string | boolean | null;
  readonly at: number;
}

/** A column of the row. */
export interface ColumnNode {
  readonly kind: 'column';
  readonly name: string;
  readonly at: number;
}

/** A function or operator with what it is put to. */
export interface CallNode {
  readonly kind: 'call';
  readonly name: string;
  readonly parts: readonly ExpressionNode[];
  readonly at: number;
}

const maxDepth = 50;
const maxNesting = 4 * maxDepth;
const maxLength = 10_000;
const comparisons: Readonly<Record<string, string>> = { '=': '=', '==': '=', '!=': '!=', '<>': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' };
/** How many values each function takes, at least and at most. */
const valueCounts: ReadonlyMap<string, readonly [number, number]> = /* @__PURE__ */ new Map<string, readonly [number, number]>([
  ['if', [3, 3]],
  ['coalesce', [2, Infinity]],
  .../* @__PURE__ */ Object.entries(expressionFunctions).flatMap(([name, { takes, variadic }]) => (/^[a-z]/.test(name) && name !== 'negate' ? [[name, [takes.length, variadic ? Infinity : takes.length]] as const] : [])),
]);
const words: ReadonlySet<string> = /* @__PURE__ */ new Set(['AND', 'OR', 'NOT', 'IN', 'IS', 'NULL', 'TRUE', 'FALSE', 'NAN', 'INF', 'INFINITY']);
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\p{L}\p{N}_.])/iuy;
const bare = /^[\p{L}_][\p{L}\p{M}\p{N}_]*$/u;

/** Reads an expression. Throws `ValidationError` that shows the character at which it cannot be read. */
export function parseExpression(text: string, path: string): ExpressionNode {
  const cursor = new TextCursor(text, path, 'The expression');
  if (text.length > maxLength) cursor.fail(`it has ${text.length} characters, more than ${maxLength}`, maxLength);
  const parser = new ExpressionParser(cursor);
  const node = parser.whole();
  if (!cursor.ended) cursor.fail(`expected an operator such as + or the end, found ${cursor.found}`);
  if (depthOf(node) > maxDepth) cursor.fail(`it is more than ${maxDepth} operations deep`, 0);
  return node;
}

function depthOf(node: ExpressionNode): number {
  return node.kind === 'call' ? 1 + Math.max(...node.parts.map(depthOf)) : 0;
}

class ExpressionParser {
  readonly #cursor: TextCursor;
  #nesting = 0;

  constructor(cursor: TextCursor) {
    this.#cursor = cursor;
  }

  whole(): ExpressionNode {
    this.#cursor.skipSpace();
    this.#enter();
    const node = this.#chain(() => this.#chain(() => this.#negation(), (at) => this.#keywordAt('AND', at)), (at) => this.#keywordAt('OR', at));
    this.#nesting--;
    return node;
  }

  #enter(): void {
    if (++this.#nesting > maxNesting) this.#cursor.fail(`it is nested more than ${maxNesting} levels deep`);
  }

  /** Operands with operators between them, from left to right. */
  #chain(operand: () => ExpressionNode, operator: (at: number) => string | undefined): ExpressionNode {
    let left = operand();
    for (;;) {
      const { at } = this.#cursor;
      const name = operator(at);
      if (name === undefined) return left;
      left = { kind: 'call', name, parts: [left, operand()], at };
    }
  }

  #keywordAt(word: string, at: number): string | undefined {
    if (this.#cursor.keyword(word)) return word.toLowerCase();
    this.#cursor.at = at;
    return undefined;
  }

  #sign(signs: string): string | undefined {
    const sign = this.#cursor.next;
    if (sign === '' || !signs.includes(sign)) return undefined;
    this.#cursor.at++;
    this.#cursor.skipSpace();
    return sign;
  }

  #negation(): ExpressionNode {
    const { at } = this.#cursor;
    if (!this.#cursor.keyword('NOT')) return this.#comparison();
    this.#enter();
    const part = this.#negation();
    this.#nesting--;
    return { kind: 'call', name: 'not', parts: [part], at };
  }

  #comparison(): ExpressionNode {
    const cursor = this.#cursor;
    const left = this.#sum();
    const { at } = cursor;
    if (cursor.keyword('IS')) {
      const negated = cursor.keyword('NOT');
      if (!cursor.keyword('NULL')) cursor.fail(`expected NULL after IS${negated ? ' NOT' : ''}, found ${cursor.found}`);
      return negate({ kind: 'call', name: 'is null', parts: [left], at }, negated);
    }
    const negated = cursor.keyword('NOT');
    if (cursor.keyword('IN')) {
      if (!cursor.take('(')) cursor.fail(`expected a list such as (1, 2) after IN, found ${cursor.found}`);
      return negate({ kind: 'call', name: 'in', parts: [left, ...this.#list()], at }, negated);
    }
    if (negated) cursor.fail(`expected IN after NOT, found ${cursor.found}`);
    const symbol = cursor.symbol();
    if (symbol === undefined) return left;
    const name = Object.hasOwn(comparisons, symbol) ? comparisons[symbol] : undefined;
    if (name === undefined) return cursor.fail(`'${symbol}' is no operator; there are = != < <= > >=`, at);
    cursor.skipSpace();
    return { kind: 'call', name, parts: [left, this.#sum()], at };
  }

  #sum(): ExpressionNode {
    return this.#chain(() => this.#chain(() => this.#unary(), () => this.#sign('*/%')), () => this.#sign('+-'));
  }

  #unary(): ExpressionNode {
    const { at } = this.#cursor;
    if (this.#sign('-') === undefined) return this.#primary();
    this.#enter();
    const part = this.#unary();
    this.#nesting--;
    // -1 is a number, and - 1 as well, so that what is printed reads back as the same.
    return part.kind === 'literal' && typeof part.value === 'number' ? { ...part, value: -part.value, at } : { kind: 'call', name: 'negate', parts: [part], at };
  }

  #primary(): ExpressionNode {
    const cursor = this.#cursor;
    const { at } = cursor;
    const node = this.#unspaced(at);
    cursor.skipSpace();
    return node;
  }

  #unspaced(at: number): ExpressionNode {
    const cursor = this.#cursor;
    if (cursor.take('(')) {
      const node = this.whole();
      if (!cursor.take(')')) cursor.fail(`expected ) for the ( at character ${at + 1}, found ${cursor.found}`);
      return node;
    }
    if (cursor.next === "'" || cursor.next === '"') return { kind: 'literal', value: cursor.quoted(), at };
    if (cursor.next === '`') return { kind: 'column', name: cursor.quoted(), at };
    for (const [word, value] of [['TRUE', true], ['FALSE', false], ['NULL', null]] as const) if (cursor.keyword(word)) return { kind: 'literal', value, at };
    const value = this.#number();
    if (value !== undefined) return { kind: 'literal', value, at };
    const name = cursor.bareName();
    if (name === undefined) return cursor.fail(`expected a column, a number, a text in quotes or a function, found ${cursor.found}`);
    if (words.has(name.toUpperCase())) return cursor.fail(`expected a column, a number, a text in quotes or a function, found ${name}; a column of that name stands between backquotes, \`${name}\``, at);
    cursor.skipSpace();
    return cursor.take('(') ? this.#called(name.toLowerCase(), at) : { kind: 'column', name, at };
  }

  #number(): number | undefined {
    const cursor = this.#cursor;
    number.lastIndex = cursor.at;
    const text = number.exec(cursor.text)?.[0];
    if (text === undefined) return undefined;
    if (!Number.isFinite(Number(text))) cursor.fail(`${text} is larger than any number`);
    cursor.at += text.length;
    return Number(text);
  }

  #called(name: string, at: number): CallNode {
    const [least, most] = valueCounts.get(name) ?? this.#cursor.fail(unknownFunction(name), at);
    const parts = this.#list();
    if (parts.length >= least && parts.length <= most) return { kind: 'call', name, parts, at };
    return this.#cursor.fail(`'${name}' takes ${least === most ? least : `at least ${least}`} value${most === 1 ? '' : 's'}, and has ${parts.length}`, at);
  }

  /** What stands between parentheses, of which the first is taken. */
  #list(): ExpressionNode[] {
    const cursor = this.#cursor;
    const parts = [this.whole()];
    while (cursor.take(',')) parts.push(this.whole());
    if (!cursor.take(')')) cursor.fail(`expected , or ), found ${cursor.found}`);
    cursor.skipSpace();
    return parts;
  }
}

function unknownFunction(name: string): string {
  const known = [...valueCounts.keys()].sort();
  const closest = closestWord(name, known);
  return closest === undefined ? `there is no function '${name}'; there are ${known.join(', ')}` : `there is no function '${name}'; did you mean ${closest}?`;
}

function negate(node: CallNode, negated: boolean): CallNode {
  return negated ? { kind: 'call', name: 'not', parts: [node], at: node.at } : node;
}

/** An expression as text, one for all spellings of it; it reads back as the same. */
export function printExpression(node: ExpressionNode): string {
  if (node.kind === 'literal') {
    const { value } = node;
    if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
    return Object.is(value, -0) ? '-0' : String(value);
  }
  if (node.kind === 'column') return bare.test(node.name) && !words.has(node.name.toUpperCase()) ? node.name : `\`${node.name.replaceAll('`', '``')}\``;
  const parts = node.parts.map(printExpression);
  const [first, second] = parts;
  if (node.name === 'is null') return `(${first!} is null)`;
  if (node.name === 'in') return `(${first!} in (${parts.slice(1).join(', ')}))`;
  if (node.name === 'not') return `(not ${first!})`;
  if (node.name === 'negate') return `(-${first!})`;
  if (/^[a-z]/.test(node.name) && node.name !== 'and' && node.name !== 'or') return `${node.name}(${parts.join(', ')})`;
  return `(${first!} ${node.name} ${second!})`;
}
