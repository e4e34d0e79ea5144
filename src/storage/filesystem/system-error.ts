import { isModelkeepError, StorageError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { codeOf } from './file-system.ts';

const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const advice: Readonly<Record<string, string>> = {
  EACCES: 'permission is missing; grant this process access to the store',
  EPERM: 'permission is missing; grant this process access to the store',
  EROFS: 'the file system is read-only; keep the store where this process may write',
  EMFILE: 'this process has too many files open; raise its limit (ulimit -n) or close some',
  ENFILE: 'the system has too many files open; close some',
  ENOTDIR: 'a part of the path is a file; the store needs a directory',
  EFBIG: 'a file would be larger than this process may make it; raise its limit (ulimit -f)',
  EIO: 'the disk reported an error; check it',
};

/**
 * A failure of the system as a `StorageError` that says what was being done and to which key: `storage-full` when there is no space, `storage` otherwise.
 * modelkeep's own errors pass unchanged.
 */
export function storageError(error: unknown, doing: string, key?: string): Error {
  if (isModelkeepError(error)) return error;
  const code = codeOf(error);
  const details = { cause: error, ...(key === undefined ? {} : { key }), ...(code === '' ? {} : { system: code }) };
  if (full.has(code)) return new StorageError('storage-full', `No space is left for ${doing}; free some and call again. What was acknowledged before is safe.`, details);
  const why = advice[code];
  return new StorageError('storage', why === undefined ? `${doing} failed: ${describeFailure(error).message}.` : `${doing} failed (${code}): ${why}.`, details);
}
