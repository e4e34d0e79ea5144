import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkSubject, definedFields, type Subject } from './check-filter.ts';
import { subjectText } from './filter-text.ts';
import { parseSubject } from './parse-subject.ts';
import type { RunAttribute } from './run-attributes.ts';
import { TextCursor } from './text-cursor.ts';

/** Which way runs are sorted. */
export type SortDirection = 'asc' | 'desc';

/**
 * One key that runs are sorted by: numbers by size, with -Infinity first and Infinity last, texts by their UTF-16 code units, params as text ('10' before '9'). Descending turns numbers and texts around; NaN, and behind it runs that lack
 * the key, come last either way.
 */
export type RunOrder = (
  | {
      /** The name of the metric. */
      readonly metric: string;
    }
  | {
      /** The name of the param. */
      readonly param: string;
    }
  | {
      /** The name of the tag. */
      readonly tag: string;
    }
  | {
      /** Which field of the run. */
      readonly attribute: RunAttribute;
    }
) & {
  /** @default 'asc' */
  readonly direction?: SortDirection | undefined;
};

/** A key to sort by in its plainest form. */
export interface CheckedOrder {
  readonly subject: Exclude<Subject, 'dataset'>;
  readonly name: string;
  readonly direction: SortDirection;
}

/**
 * Reads what runs are sorted by, the most important key first: texts such as `` metrics.`val/auc` DESC ``, named as in a filter, or objects. Throws `ValidationError`, naming `orderBy[i]` and, in a text, the character, for what cannot be
 * read and for a key that comes twice.
 */
export function parseOrder(orders: readonly (string | RunOrder)[], path = 'orderBy'): CheckedOrder[] {
  if (!Array.isArray(orders)) throw new ValidationError(`${path} is ${shown(orders, 80)}; give an array such as ['metrics.loss'].`, { path });
  const known = new Set<string>();
  return Array.from(orders as readonly (string | RunOrder)[], (order, i) => {
    const at = `${path}[${i}]`;
    const checked = typeof order === 'string' ? parseText(order, at) : checkOrder(order, at);
    const text = subjectText(checked.subject, checked.name);
    if (known.has(text)) throw new ValidationError(`${at} is ${text}, which is sorted by already.`, { path: at });
    known.add(text);
    return checked;
  });
}

function parseText(text: string, path: string): CheckedOrder {
  const cursor = new TextCursor(text, path, path);
  cursor.skipSpace();
  const start = cursor.at;
  const { subject, name } = parseSubject(cursor);
  if (subject === 'dataset') return cursor.fail(noDatasets, start);
  const descending = cursor.keyword('DESC');
  if (!descending) cursor.keyword('ASC');
  if (!cursor.ended) cursor.fail(cursor.next === ',' ? 'one key per text is expected; give an array of texts' : `expected ${descending ? '' : 'ASC, DESC or '}the end, found ${cursor.found}`);
  return { subject, name, direction: descending ? 'desc' : 'asc' };
}

const noDatasets = 'runs cannot be sorted by datasets, of which each may have several';
const subjects = ['metric', 'param', 'tag', 'attribute'] as const;

function checkOrder(order: unknown, path: string): CheckedOrder {
  const refuse = (problem: string, within: string): never => {
    const at = within === '' ? path : `${path}.${within}`;
    throw new ValidationError(`${at} ${problem}${problem.endsWith('?') ? '' : '.'}`, { path: at });
  };
  if (typeof order !== 'object' || order === null || Array.isArray(order)) return refuse(`is ${shown(order, 80)}; give a text or an object such as { metric: 'loss', direction: 'desc' }`, '');
  const { direction = 'asc', ...rest } = definedFields(order);
  if (direction !== 'asc' && direction !== 'desc') return refuse(`is ${shown(direction, 80)}; give 'asc' or 'desc'`, 'direction');
  const keys = Object.keys(rest);
  if ('dataset' in rest) return refuse(`is not allowed: ${noDatasets}`, 'dataset');
  const subject = subjects.find((each) => keys.includes(each));
  if (subject === undefined || keys.length > 1) return refuse(`has ${keys.join(', ') || 'no key'}; give one of ${subjects.join(', ')}, and a direction`, '');
  return { subject, name: checkSubject(subject, rest[subject], refuse).name, direction };
}
