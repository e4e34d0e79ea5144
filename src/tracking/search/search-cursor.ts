import { fromBase64, fromUtf8, toBase64, utf8 } from '../../core/bytes.ts';
import { canonicalJson, type Encodable } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { OrderKey } from './compare-runs.ts';
import type { RunFilter } from './run-filter.ts';
import type { CheckedOrder } from './run-order.ts';
import { numberReader } from './subject-value.ts';

/** What a search asks for; a cursor goes with one such question. */
export interface SearchQuestion {
  readonly filter: RunFilter;
  readonly orders: readonly CheckedOrder[];
  /** What else decides which runs are searched, such as the experiments. */
  readonly scope?: Encodable | undefined;
}

const version = 1;

/** An opaque text from which the search that it belongs to can go on behind the run of `key`. It is as long as the values sorted by. */
export function encodeCursor(question: SearchQuestion, { values, startedAt, id }: OrderKey): string {
  return toBase64(utf8(JSON.stringify([version, hashOf(question), id, startedAt, ...values])))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** The key in a cursor. Throws `ValidationError`, naming `after`, for a text that is no cursor, and for the cursor of another search. */
export function decodeCursor(question: SearchQuestion, text: string, path = 'after'): OrderKey {
  const [kind, hash, id, startedAt, ...values] = fieldsOf(text);
  if (kind !== version || typeof hash !== 'string' || typeof id !== 'string' || typeof startedAt !== 'number') {
    throw new ValidationError(`${path} is ${shown(text, 80)}, which is no cursor; give the next of the page before.`, { path });
  }
  const { orders } = question;
  const fits = values.length === orders.length && orders.every(({ subject, name }, i) => isValue(values[i], numberReader(subject, name) !== undefined));
  if (hash !== hashOf(question) || !fits) {
    throw new ValidationError(`${path} is the cursor of a search with another filter or order; ask as for the page before, or begin anew without it.`, { path });
  }
  return { values: values as OrderKey['values'], startedAt, id };
}

function fieldsOf(text: unknown): readonly unknown[] {
  if (typeof text !== 'string' || !/^[\w-]+$/.test(text)) return [];
  try {
    const fields: unknown = JSON.parse(fromUtf8(fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))));
    return Array.isArray(fields) ? fields : [];
  } catch {
    // Text that comes from a caller and decodes to nothing is no cursor, whatever the reason.
    return [];
  }
}

function isValue(value: unknown, isNumber: boolean): boolean {
  if (value === null) return true;
  if (!isNumber) return typeof value === 'string';
  return typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}

function hashOf({ filter, orders, scope = null }: SearchQuestion): string {
  return digestOf(canonicalJson([filter, orders, scope])).slice('sha256:'.length, 'sha256:'.length + 16);
}
