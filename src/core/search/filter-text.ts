import { checkFilter } from './check-filter.ts';
import { filterParts, type ConditionParts } from './filter-parts.ts';
import type { AnyFilter } from './search-filter.ts';
import type { SearchVocabulary } from './search-vocabulary.ts';

const operators: Readonly<Record<string, string>> = {
  eq: '=',
  ne: '!=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'LIKE',
  notLike: 'NOT LIKE',
  ilike: 'ILIKE',
  notIlike: 'NOT ILIKE',
  in: 'IN',
  notIn: 'NOT IN',
};

/** The text of a filter, from which `parseFilter` makes the same filter again. Throws `ValidationError` with the path of what is wrong in a filter that is none. */
export function filterText<T>(vocabulary: SearchVocabulary<T>, filter: unknown): string {
  return textOf(vocabulary, checkFilter(vocabulary, filter), false);
}

/** The name of what is asked about, such as `` metrics.`a b` ``, quoted where need be. */
export function subjectText<T>({ subjects }: SearchVocabulary<T>, subject: string, name: string): string {
  const key = /^[\p{L}\p{M}\p{N}_./:-]+$/u.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
  return `${subjects[subject]!.entities[0]}.${key}`;
}

function textOf<T>(vocabulary: SearchVocabulary<T>, filter: AnyFilter, within: boolean): string {
  const parts = filterParts(vocabulary, filter);
  if (parts.joint === undefined) return conditionText(vocabulary, parts);
  if (parts.joint === 'not') return `NOT ${textOf(vocabulary, parts.part, true)}`;
  if (parts.parts.length === 0) return parts.joint === 'and' ? 'TRUE' : 'FALSE';
  const text = parts.parts.map((part) => textOf(vocabulary, part, true)).join(parts.joint === 'and' ? ' AND ' : ' OR ');
  return within ? `(${text})` : text;
}

function conditionText<T>(vocabulary: SearchVocabulary<T>, { subject, name, test, value }: ConditionParts): string {
  const what = subjectText(vocabulary, subject, name);
  if (test === 'exists') return `${what} IS ${value === true ? 'NOT ' : ''}NULL`;
  if (test === 'between') return `${what} BETWEEN ${(value as unknown[]).map(valueText).join(' AND ')}`;
  return `${what} ${operators[test]} ${Array.isArray(value) ? `(${value.map(valueText).join(', ')})` : valueText(value)}`;
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? String(value) : String(value).toLowerCase().replace('infinity', 'inf');
}
