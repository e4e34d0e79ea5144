import { checkFilter, type Subject } from './check-filter.ts';
import { conditionParts } from './condition-parts.ts';
import type { RunCondition, RunFilter } from './run-filter.ts';

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

/**
 * The text of a filter, from which {@link parseFilter} makes the same filter again. Throws `ValidationError` with the path of what is wrong in a filter that is none.
 *
 * @example
 * ```ts
 * import { filterText } from 'modelkeep';
 *
 * console.log(filterText({ or: [{ metric: 'val/auc', gt: 0.8 }, { tag: 'team', ilike: 'o%' }] })); // metrics.val/auc > 0.8 OR tags.team ILIKE 'o%'
 * ```
 */
export function filterText(filter: RunFilter): string {
  return textOf(checkFilter(filter), false);
}

/** The name of what is asked about, such as `` metrics.`a b` ``, quoted where need be. */
export function subjectText(subject: Subject, name: string): string {
  const key = /^[\p{L}\p{M}\p{N}_./:-]+$/u.test(name) ? name : `\`${name.replaceAll('`', '``')}\``;
  return `${subject}s.${key}`;
}

function textOf(filter: RunFilter, within: boolean): string {
  if ('not' in filter) return `NOT ${textOf(filter.not, true)}`;
  if (!('and' in filter || 'or' in filter)) return conditionText(filter);
  const [parts, joint] = 'and' in filter ? [filter.and, ' AND '] : [filter.or, ' OR '];
  if (parts.length === 0) return 'and' in filter ? 'TRUE' : 'FALSE';
  const text = parts.map((part) => textOf(part, true)).join(joint);
  return within ? `(${text})` : text;
}

function conditionText(condition: RunCondition): string {
  const { subject, name, test, value } = conditionParts(condition);
  const what = subjectText(subject, name);
  if (test === 'exists') return `${what} IS ${value === true ? 'NOT ' : ''}NULL`;
  if (test === 'between') return `${what} BETWEEN ${(value as unknown[]).map(valueText).join(' AND ')}`;
  return `${what} ${operators[test]} ${Array.isArray(value) ? `(${value.map(valueText).join(', ')})` : valueText(value)}`;
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? String(value) : String(value).toLowerCase().replace('infinity', 'inf');
}
