import { fromBase64, fromUtf8, toBase64, utf8 } from '../bytes.ts';
import { canonicalJson, type Encodable } from '../codec.ts';
import { digestOf } from '../digest.ts';
import { ValidationError } from '../errors.ts';
import { shown } from '../shown.ts';
import type { OrderKey } from './item-place.ts';
import type { AnyFilter } from './search-filter.ts';
import type { CheckedOrder } from './search-order.ts';
import { fieldOf, type SearchVocabulary } from './search-vocabulary.ts';

/** What a search asks for; a cursor goes with one such question. */
export interface SearchQuestion {
  readonly filter: AnyFilter;
  readonly orders: readonly CheckedOrder[];
  /** What else decides which items are searched. */
  readonly scope?: Encodable | undefined;
}

const version = 2;

/** An opaque text from which the search that it belongs to can go on behind the item of `key`. It is as long as the values sorted by. */
export function encodeCursor(question: SearchQuestion, key: OrderKey): string {
  return toBase64(utf8(JSON.stringify([version, hashOf(question), ...key])))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** The key in a cursor. Throws `ValidationError`, naming `after`, for a text that is no cursor, and for the cursor of another search. */
export function decodeCursor<T>(vocabulary: SearchVocabulary<T>, question: SearchQuestion, text: string, path = 'after'): OrderKey {
  const [kind, hash, ...key] = fieldsOf(text);
  if (kind !== version || typeof hash !== 'string') {
    throw new ValidationError(`${path} is ${shown(text, 80)}, which is no cursor; give the next of the page before.`, { path });
  }
  const { orders } = question;
  const [values, ties] = [key.slice(0, orders.length), key.slice(orders.length)];
  const fits =
    ties.length === vocabulary.ties.length &&
    ties.every((tie, i) => typeof tie === vocabulary.ties[i]!.kind) &&
    orders.every(({ subject, name }, i) => isValue(values[i], fieldOf(vocabulary, subject, name).operand.kind === 'number'));
  if (hash !== hashOf(question) || !fits) {
    throw new ValidationError(`${path} is the cursor of a search with another filter or order; ask as for the page before, or begin anew without it.`, { path });
  }
  return key as OrderKey;
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
