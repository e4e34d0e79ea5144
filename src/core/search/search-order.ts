import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import { checkSubject, definedFields } from './check-filter.ts';
import { subjectText } from './filter-text.ts';
import { parseSubject } from './parse-subject.ts';
import type { SearchVocabulary, SortDirection } from './search-vocabulary.ts';
import { TextCursor } from './text-cursor.ts';

/** A key to sort by in its plainest form. */
export interface CheckedOrder {
  readonly subject: string;
  readonly name: string;
  readonly direction: SortDirection;
}

/**
 * Reads what items are sorted by, the most important key first: texts such as `` metrics.`val/auc` DESC ``, named as in a filter, or objects. Throws `ValidationError`, naming `orderBy[i]` and, in a text, the character, for what cannot be
 * read and for a key that comes twice.
 */
export function parseOrder<T>(vocabulary: SearchVocabulary<T>, orders: unknown, path = 'orderBy'): CheckedOrder[] {
  if (!Array.isArray(orders)) throw new ValidationError(`${path} is ${shown(orders, 80)}; give an array such as ['${vocabulary.examples.name}'].`, { path });
  const known = new Set<string>();
  return Array.from(orders as readonly unknown[], (order, i) => {
    const at = `${path}[${i}]`;
    const checked = typeof order === 'string' ? parseText(vocabulary, order, at) : checkOrder(vocabulary, order, at);
    const text = subjectText(vocabulary, checked.subject, checked.name);
    if (known.has(text)) throw new ValidationError(`${at} is ${text}, which is sorted by already.`, { path: at });
    known.add(text);
    return checked;
  });
}

function parseText<T>(vocabulary: SearchVocabulary<T>, text: string, path: string): CheckedOrder {
  const cursor = new TextCursor(text, path, path);
  cursor.skipSpace();
  const start = cursor.at;
  const { subject, field } = parseSubject(vocabulary, cursor);
  if ('some' in field) return cursor.fail(notSorted(vocabulary, field.plural), start);
  const descending = cursor.keyword('DESC');
  if (!descending) cursor.keyword('ASC');
  if (!cursor.ended) cursor.fail(cursor.next === ',' ? 'one key per text is expected; give an array of texts' : `expected ${descending ? '' : 'ASC, DESC or '}the end, found ${cursor.found}`);
  return { subject, name: field.name, direction: descending ? 'desc' : 'asc' };
}

function notSorted<T>({ plural }: SearchVocabulary<T>, many: string): string {
  return `${plural} cannot be sorted by ${many}, of which each may have several`;
}

function checkOrder<T>(vocabulary: SearchVocabulary<T>, order: unknown, path: string): CheckedOrder {
  const refuse = (problem: string, within: string): never => {
    const at = within === '' ? path : `${path}.${within}`;
    throw new ValidationError(`${at} ${problem}${problem.endsWith('?') ? '' : '.'}`, { path: at });
  };
  if (typeof order !== 'object' || order === null || Array.isArray(order)) return refuse(`is ${shown(order, 80)}; give a text or an object such as ${vocabulary.examples.order}`, '');
  const { direction = 'asc', ...rest } = definedFields(order);
  if (direction !== 'asc' && direction !== 'desc') return refuse(`is ${shown(direction, 80)}; give 'asc' or 'desc'`, 'direction');
  const keys = Object.keys(rest);
  const { subjects } = vocabulary;
  const several = keys.find((key) => Object.hasOwn(subjects, key) && subjects[key]!.many);
  if (several !== undefined) return refuse(`is not allowed: ${notSorted(vocabulary, subjects[several]!.entities[0]!)}`, several);
  const single = Object.keys(subjects).filter((key) => !subjects[key]!.many);
  const subject = single.find((each) => keys.includes(each));
  if (subject === undefined || keys.length > 1) return refuse(`has ${keys.join(', ') || 'no key'}; give one of ${single.join(', ')}, and a direction`, '');
  const field = checkSubject(vocabulary, subject, rest[subject], refuse);
  return 'some' in field ? refuse(`is not allowed: ${notSorted(vocabulary, field.plural)}`, subject) : { subject, name: field.name, direction };
}
