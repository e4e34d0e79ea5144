import { checkValue, maxFilterDepth, unfitTest } from './check-filter.ts';
import { parseSubject } from './parse-subject.ts';
import type { AnyCondition, AnyFilter } from './search-filter.ts';
import type { SearchField, SearchVocabulary } from './search-vocabulary.ts';
import { TextCursor } from './text-cursor.ts';

type Operand = Pick<SearchField<never>, 'what' | 'operand'>;

interface Parsed {
  readonly filter: AnyFilter;
  /** Levels of the filter. */
  readonly depth: number;
}

const comparisons: Readonly<Record<string, string>> = { '=': 'eq', '==': 'eq', '!=': 'ne', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' };
const operators = '=, !=, >, >=, <, <=, LIKE, ILIKE, IN, BETWEEN or IS NULL';

// Parentheses may be superfluous, so that a text nests deeper than the filter it stands for.
const maxNesting = 2 * maxFilterDepth;

/**
 * Reads a filter of a vocabulary, such as `` metrics.`val/auc` > 0.8 AND (tags.model = 'tree' OR tags.team ILIKE 'o%') ``, in a superset of MLflow's grammar.
 *
 * - What is asked about: what the vocabulary calls a subject, a dot and a key; a name alone is of the subject that it names for that. Keys are quoted with `` ` `` or `"`; letters, digits and `_ . / : -` need no quotes.
 * - Tests: `= == != > >= < <=`, `[NOT] LIKE`, `[NOT] ILIKE`, `[NOT] IN (…)`, `BETWEEN … AND …` (both ends included), `IS [NOT] NULL`.
 * - Values: numbers (`nan`, `inf`, `-inf` included), or texts in `'` or `"`; a quote within is written twice.
 * - `NOT` binds closest, then `AND`, then `OR`; parentheses group; `TRUE` is every item and `FALSE` none. An empty text means every item, and one `AND` at the very end is ignored, as in MLflow. Keywords may have any case.
 *
 * Throws `ValidationError` that shows the character where it cannot be read on, whose index is `details.position`. Costs time linear in the text.
 */
export function parseFilter<T>(vocabulary: SearchVocabulary<T>, text: string): AnyFilter {
  const cursor = new TextCursor(text, 'filter', 'The filter');
  cursor.skipSpace();
  if (cursor.ended) return { and: [] };
  const { filter } = parseOr(vocabulary, cursor, 0);
  if (!cursor.ended) cursor.fail(`expected AND, OR or the end, found ${cursor.found}`);
  return filter;
}

function parseOr<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor, nesting: number): Parsed {
  const parts = [parseAnd(vocabulary, cursor, nesting)];
  while (cursor.keyword('OR')) parts.push(parseAnd(vocabulary, cursor, nesting));
  return join(cursor, parts, (filters) => ({ or: filters }));
}

function parseAnd<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor, nesting: number): Parsed {
  const parts = [parseNot(vocabulary, cursor, nesting)];
  while (cursor.keyword('AND')) {
    if (cursor.ended && nesting === 0) break;
    parts.push(parseNot(vocabulary, cursor, nesting));
  }
  return join(cursor, parts, (filters) => ({ and: filters }));
}

function parseNot<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor, nesting: number): Parsed {
  const start = cursor.at;
  if (nesting > maxNesting) cursor.fail(`filters are nested at most ${maxNesting} deep`);
  if (cursor.keyword('NOT')) return deeper(cursor, parseNot(vocabulary, cursor, nesting + 1), (filter) => ({ not: filter }), start);
  if (cursor.keyword('TRUE')) return { filter: { and: [] }, depth: 1 };
  if (cursor.keyword('FALSE')) return { filter: { or: [] }, depth: 1 };
  if (!cursor.take('(')) return { filter: parseCondition(vocabulary, cursor), depth: 1 };
  cursor.skipSpace();
  const parsed = parseOr(vocabulary, cursor, nesting + 1);
  if (!cursor.take(')')) cursor.fail(`expected AND, OR or the ) of the parenthesis at character ${start + 1}, found ${cursor.found}`);
  cursor.skipSpace();
  return parsed;
}

function join(cursor: TextCursor, parts: readonly Parsed[], of: (filters: AnyFilter[]) => AnyFilter): Parsed {
  if (parts.length === 1) return parts[0]!;
  const depth = parts.reduce((deepest, part) => Math.max(deepest, part.depth), 0);
  return deeper(cursor, { filter: of(parts.map(({ filter }) => filter)), depth }, (filter) => filter, cursor.at);
}

function deeper(cursor: TextCursor, { filter, depth }: Parsed, of: (filter: AnyFilter) => AnyFilter, at: number): Parsed {
  if (depth >= maxFilterDepth) cursor.fail(`filters have at most ${maxFilterDepth} levels`, at);
  return { filter: of(filter), depth: depth + 1 };
}

function parseCondition<T>(vocabulary: SearchVocabulary<T>, cursor: TextCursor): AnyCondition {
  const { subject, field } = parseSubject(vocabulary, cursor);
  const { test, value } = parseTest(cursor, field);
  cursor.skipSpace();
  return { [subject]: field.name, [test]: value };
}

function parseTest<T>(cursor: TextCursor, field: SearchField<T>): { readonly test: string; readonly value: unknown } {
  const start = cursor.at;
  const fit = (test: string): string => {
    const fault = unfitTest(field, test);
    return fault === undefined ? test : cursor.fail(`${cursor.text.slice(start, cursor.at).trim()} ${fault}`, start);
  };
  const symbol = cursor.symbol();
  if (symbol !== undefined) {
    if (!Object.hasOwn(comparisons, symbol)) cursor.fail(`there is no operator ${symbol}; ${symbol === '<>' ? 'did you mean !=?' : `expected ${operators}`}`, start);
    const test = fit(comparisons[symbol]!);
    cursor.skipSpace();
    return { test, value: parseValue(cursor, field) };
  }
  if (cursor.keyword('IS')) {
    const exists = cursor.keyword('NOT');
    if (!cursor.keyword('NULL')) cursor.fail(`expected ${exists ? '' : 'NOT NULL or '}NULL, found ${cursor.found}`);
    return { test: 'exists', value: exists };
  }
  if (cursor.keyword('BETWEEN')) {
    const test = fit('between');
    const low = parseValue(cursor, field);
    cursor.skipSpace();
    if (!cursor.keyword('AND')) cursor.fail(`expected AND and the upper end, found ${cursor.found}`);
    return { test, value: [low, parseValue(cursor, field)] };
  }
  const not = cursor.keyword('NOT');
  if (cursor.keyword('IN')) return { test: not ? 'notIn' : 'in', value: parseList(cursor, field) };
  for (const [keyword, test, notTest] of [['LIKE', 'like', 'notLike'], ['ILIKE', 'ilike', 'notIlike']] as const) {
    if (!cursor.keyword(keyword)) continue;
    const chosen = fit(not ? notTest : test);
    return { test: chosen, value: parseValue(cursor, { what: field.what, operand: { kind: 'text' } }) };
  }
  return cursor.fail(`expected ${not ? 'LIKE, ILIKE or IN behind NOT' : operators}, found ${cursor.found}`);
}

function parseList(cursor: TextCursor, field: Operand): unknown[] {
  if (!cursor.take('(')) cursor.fail(`expected ( and the values, found ${cursor.found}`);
  const values: unknown[] = [];
  do {
    cursor.skipSpace();
    // A comma may follow the last value, as in the tuples that MLflow takes.
    if (cursor.next === ')' && values.length > 0) break;
    values.push(parseValue(cursor, field));
    cursor.skipSpace();
  } while (cursor.take(','));
  if (!cursor.take(')')) cursor.fail(`expected , or ), found ${cursor.found}`);
  return values;
}

function parseValue(cursor: TextCursor, { what, operand }: Operand): number | string {
  const start = cursor.at;
  if (operand.kind === 'number') return cursor.number() ?? cursor.fail(`${what} is compared with a number, found ${cursor.found}`);
  if (cursor.next !== "'" && cursor.next !== '"') {
    return cursor.fail(`${what} is compared with a text in quotes such as 'a', found ${cursor.found}`);
  }
  return checkValue(operand, cursor.quoted(), (problem) => cursor.fail(`the value ${problem}`, start), '');
}
