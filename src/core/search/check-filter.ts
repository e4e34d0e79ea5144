import { isWellFormed } from '../bytes.ts';
import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import { closestWord } from './closest-word.ts';
import type { AnyCondition, AnyFilter } from './search-filter.ts';
import type { OperandKind, SearchField, SearchVocabulary } from './search-vocabulary.ts';

/** Levels that a filter may have at most; far below where a recursion would overflow the stack of any host. */
export const maxFilterDepth = 100;

const maxFilterNodes = 100_000;
const equality = ['eq', 'ne', 'in', 'notIn', 'exists'];
const order = ['gt', 'gte', 'lt', 'lte', 'between'];
const pattern = ['like', 'notLike', 'ilike', 'notIlike'];
const tests: readonly string[] = [...equality, ...order, ...pattern];
const joints: readonly string[] = ['and', 'or', 'not'];

/** Reports what is wrong with a value, at `path` within the condition. */
export type Refuse = (problem: string, path: string) => never;

/**
 * Checks a filter where it enters, and gives it in its plainest form: names of fields as the vocabulary has them, words in lower case, an `and` or `or` of one filter as that filter. Throws `ValidationError` with the path of what is
 * wrong; filters are at most 100 levels deep and have at most 100,000 parts.
 */
export function checkFilter<T>(vocabulary: SearchVocabulary<T>, value: unknown, path = 'filter'): AnyFilter {
  let nodes = 0;
  const visit = (at: unknown, where: string, depth: number): AnyFilter => {
    if (depth > maxFilterDepth) throw new ValidationError(`${where.slice(0, 80)}… is nested more than ${maxFilterDepth} deep.`, { path });
    if (++nodes > maxFilterNodes) throw new ValidationError(`${path} has more than ${maxFilterNodes} parts.`, { path });
    if (typeof at !== 'object' || at === null || Array.isArray(at)) {
      throw new ValidationError(`${where} is ${shown(at, 80)}; give a filter such as ${vocabulary.examples.filter}.`, { path: where });
    }
    const fields = definedFields(at);
    const keys = Object.keys(fields);
    const joint = keys.find((key) => joints.includes(key));
    if (joint === undefined) return checkCondition(vocabulary, fields, (problem, within) => refuse(problem, joinPath(where, within)));
    if (keys.length > 1) throw new ValidationError(`${where} has ${joint} beside ${keys.filter((key) => key !== joint).join(', ')}; put each into a filter of its own.`, { path: where });
    const operand = fields[joint];
    if (joint === 'not') return { not: visit(operand, `${where}.not`, depth + 1) };
    if (!Array.isArray(operand)) throw new ValidationError(`${where}.${joint} is ${shown(operand, 80)}; give an array of filters.`, { path: `${where}.${joint}` });
    // Array.from, so that holes are refused like everything else that is no filter.
    const parts = Array.from(operand as unknown[], (part, i) => visit(part, `${where}.${joint}[${i}]`, depth + 1));
    if (parts.length === 1) return parts[0]!;
    return joint === 'and' ? { and: parts } : { or: parts };
  };
  return visit(value, path, 1);
}

/** Checks one condition, and gives it in its plainest form. */
function checkCondition<T>(vocabulary: SearchVocabulary<T>, fields: Readonly<Record<string, unknown>>, refuse: Refuse): AnyCondition {
  const subjects = Object.keys(vocabulary.subjects);
  const keys = Object.keys(fields);
  const stranger = keys.find((key) => !subjects.includes(key) && !tests.includes(key));
  if (stranger !== undefined) {
    const meant = closestWord(stranger, [...subjects, ...tests, ...joints]);
    return refuse(`is unknown; ${meant === undefined ? `a condition has one of ${subjects.join(', ')}, and one test` : `did you mean ${meant}?`}`, stranger);
  }
  const [subject, secondSubject] = keys.filter((key) => subjects.includes(key));
  if (subject === undefined || secondSubject !== undefined) {
    return refuse(`asks about ${subject === undefined ? 'nothing' : `${subject} and ${secondSubject}`}; give exactly one of ${subjects.join(', ')}`, '');
  }
  const [test, secondTest] = keys.filter((key) => tests.includes(key));
  if (test === undefined) return refuse(`tests nothing; give one of ${tests.join(', ')}`, '');
  if (secondTest !== undefined) return refuse(`has the tests ${test} and ${secondTest}; give one, and join conditions by and`, '');
  const field = checkSubject(vocabulary, subject, fields[subject], refuse);
  const fault = unfitTest(field, test);
  if (fault !== undefined) return refuse(fault, test);
  return { [subject]: field.name, [test]: checkOperand(field.operand, test, fields[test], refuse) };
}

/** Checks what is asked about, and tells what it is. */
export function checkSubject<T>({ subjects }: SearchVocabulary<T>, subject: string, name: unknown, refuse: Refuse): SearchField<T> {
  if (typeof name !== 'string' || name === '') return refuse(`is ${shown(name, 80)}; give a name`, subject);
  if (!isWellFormed(name)) return refuse('has a lone surrogate, which no name has', subject);
  const { field, unknown } = subjects[subject]!;
  return field(name) ?? refuse(`is unknown: ${unknown(name)}`, subject);
}

/** Why a test cannot be put to something, or `undefined` when it can. */
export function unfitTest<T>({ what, operand: { kind } }: SearchField<T>, test: string): string | undefined {
  if (kind === 'number' && pattern.includes(test)) return `cannot be asked of ${what}, which is a number; compare it with numbers`;
  if (kind === 'word' && order.includes(test)) return `cannot be asked of ${what}, which has no order; use eq, ne, in, or a pattern`;
  return undefined;
}

function checkOperand(operand: OperandKind, test: string, value: unknown, refuse: Refuse): unknown {
  const one = (each: unknown, path: string): unknown => checkValue(operand, each, refuse, path);
  if (test === 'exists') return typeof value === 'boolean' ? value : refuse(`is ${shown(value, 80)}; give true or false`, test);
  if (pattern.includes(test)) return checkValue({ kind: 'text' }, value, refuse, test);
  if (test === 'in' || test === 'notIn') {
    if (!Array.isArray(value) || value.length === 0) return refuse(`is ${shown(value, 80)}; give an array of at least one value`, test);
    return Array.from(value as unknown[], (each, i) => one(each, `${test}[${i}]`));
  }
  if (test === 'between') {
    if (!Array.isArray(value) || value.length !== 2) return refuse(`is ${shown(value, 80)}; give [low, high]`, test);
    return [one(value[0], 'between[0]'), one(value[1], 'between[1]')];
  }
  return one(value, test);
}

/** Checks one value that is compared with, and gives it in its plainest form. */
export function checkValue(operand: OperandKind, value: unknown, refuse: Refuse, path: string): number | string {
  if (operand.kind === 'number') {
    const number = value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value;
    return typeof number === 'number' ? number : refuse(`is ${shown(value, 80)}; give a number`, path);
  }
  if (typeof value !== 'string') return refuse(`is ${shown(value, 80)}; it is compared as text, so give ${typeof value === 'number' ? `'${value}'` : 'a text'}`, path);
  if (!isWellFormed(value)) return refuse('has a lone surrogate, which no stored text has', path);
  if (operand.kind === 'text') return value;
  const word = value.toLowerCase();
  if (operand.words.includes(word)) return word;
  const meant = closestWord(value, operand.words);
  return refuse(`is ${shown(value, 80)}; ${meant === undefined ? `it can be ${operand.words.join(', ')}` : `did you mean '${meant}'?`}`, path);
}

/** What is `undefined` is not there. */
export function definedFields(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));
}

function joinPath(where: string, within: string): string {
  return within === '' ? where : `${where}.${within}`;
}

function refuse(problem: string, path: string): never {
  throw new ValidationError(`${path} ${problem}${problem.endsWith('?') ? '' : '.'}`, { path });
}
