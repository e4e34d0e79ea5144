import { isWellFormed } from '../core/bytes.ts';
import { isDigest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import { assertKey, type Key } from '../core/key.ts';
import { shown } from '../core/shown.ts';
import type { AdapterSupports, Version, WriteOperation } from './contract.ts';

/** Checks a write where it enters an adapter: a batch with a bad operation is refused whole, before anything is written. */
export function checkWrite(operation: WriteOperation, supports: AdapterSupports): void {
  const key = assertKey(operation.key);
  checkCondition(operation);
  if (operation.kind === 'delete') return;
  if (operation.kind !== 'put') throw new ValidationError(`A write of ${key} is ${shown((operation as WriteOperation).kind)}; it must be 'put' or 'delete'.`, { key });
  if (!(operation.bytes instanceof Uint8Array)) throw new ValidationError(`The bytes of ${key} are not a Uint8Array.`, { key });
  if (operation.bytes.length > supports.maxRecordBytes) {
    throw new ValidationError(`The record ${key} has ${operation.bytes.length} bytes; at most ${supports.maxRecordBytes} fit, larger values belong in a blob.`, {
      key,
      size: operation.bytes.length,
      limit: supports.maxRecordBytes,
    });
  }
  const bad = operation.blobs?.find((digest) => !isDigest(digest));
  if (bad !== undefined) throw new ValidationError(`The record ${key} names ${shown(bad)}, which is not a digest.`, { key });
}

/** A misspelt condition must not become an unconditional write. */
function checkCondition({ key, kind, condition }: WriteOperation): void {
  const known = condition === undefined || (condition === 'absent' && kind === 'put') || (typeof condition === 'object' && typeof condition?.match === 'string');
  if (!known) throw new ValidationError(`The condition for ${key} is ${shown(condition)}; give { match: version }${kind === 'put' ? " or 'absent'" : ''}.`, { key });
}

/** Returns `match` when it may be the version of a blob, or is left out: a misspelt one must not become an unconditional delete. */
export function checkMatch(match: unknown, key: string): Version | undefined {
  if (match === undefined || typeof match === 'string') return match;
  throw new ValidationError(`The version that ${key} must match is ${shown(match)}; give one as list() gives it, or leave it out.`, { key, path: 'match' });
}

/** Checks the name of a write or append: it must come back from UTF-8 as it was, or two names would be one. */
export function checkOperationId(id: string | undefined): void {
  if (id === undefined || (typeof id === 'string' && id !== '' && id.length <= 1000 && isWellFormed(id))) return;
  throw new ValidationError(`The operation id ${shown(id)} is not a text of 1 to 1000 characters without lone surrogates.`, { path: 'operationId' });
}

/** Checks entries where they enter an adapter: with a bad one among them, none is written. */
export function checkEntries(log: Key, entries: readonly Uint8Array[], supports: AdapterSupports): void {
  assertKey(log);
  for (const entry of entries) {
    if (!(entry instanceof Uint8Array)) throw new ValidationError(`An entry for the log ${log} is not a Uint8Array.`, { key: log });
    if (entry.length > supports.maxEntryBytes) {
      throw new ValidationError(`An entry for the log ${log} has ${entry.length} bytes; at most ${supports.maxEntryBytes} fit, larger values belong in a blob.`, {
        key: log,
        size: entry.length,
        limit: supports.maxEntryBytes,
      });
    }
  }
}
