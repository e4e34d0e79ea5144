import { isDigest } from '../core/digest.ts';
import { ValidationError } from '../core/errors.ts';
import { assertKey } from '../core/key.ts';
import type { AdapterSupports, WriteOperation } from './contract.ts';

/** Checks a write where it enters an adapter: a batch with a bad operation is refused whole, before anything is written. */
export function checkWrite(operation: WriteOperation, supports: AdapterSupports): void {
  const key = assertKey(operation.key);
  if (operation.kind === 'delete') return;
  if (!(operation.bytes instanceof Uint8Array)) throw new ValidationError(`The bytes of ${key} are not a Uint8Array.`, { key });
  if (operation.bytes.length > supports.maxRecordBytes) {
    throw new ValidationError(`The record ${key} has ${operation.bytes.length} bytes; at most ${supports.maxRecordBytes} fit, larger values belong in a blob.`, {
      key,
      size: operation.bytes.length,
      limit: supports.maxRecordBytes,
    });
  }
  const bad = operation.blobs?.find((digest) => !isDigest(digest));
  if (bad !== undefined) throw new ValidationError(`The record ${key} names ${JSON.stringify(bad)}, which is not a digest.`, { key });
}
