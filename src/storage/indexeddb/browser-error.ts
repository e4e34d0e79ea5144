import { isModelkeepError, StorageError, type StorageErrorCode } from '../../core/errors.ts';

/** How much an origin stores and may store, in bytes, as far as the browser tells. */
export interface StorageQuota {
  /** Bytes that the origin uses, about. */
  readonly usage: number | undefined;
  /** Bytes that it may use in all, about. Browsers that hide the size of the disk tell a round number instead. */
  readonly quota: number | undefined;
}

// Also what a private window of some browsers says when opening.
const closed: readonly [StorageErrorCode, string] = ['unavailable', 'The browser closed the database or does not open it. Nothing of this call was written: try it again.'];

const meanings: Readonly<Record<string, readonly [StorageErrorCode, string]>> = {
  VersionError: ['unknown-store-version', "A newer version of modelkeep wrote it, or it is another application's: reload the page."],
  SecurityError: ['forbidden', 'The browser allows this page no IndexedDB, as in a sandboxed frame or with cookies blocked: use MemoryStorage, or allow it.'],
  InvalidStateError: closed,
  AbortError: closed,
};

/** What a failure of the browser is to the caller: an error with a code, and what to do. */
export async function browserError(cause: unknown, store: string, estimate: () => Promise<StorageQuota>): Promise<Error> {
  if (isModelkeepError(cause)) return cause;
  const { name, message } = cause as Error;
  if (name === 'QuotaExceededError') {
    const space = await estimate();
    const { usage = NaN, quota = NaN } = space;
    const told = `The browser tells of ${usage} bytes in use of ${quota}, ${quota - usage} left.`;
    return new StorageError('storage-full', `${store} is full. ${told} Nothing of this call was kept, all before it is there: free some space or call persist(), and try again.`, {
      ...space,
      cause,
    });
  }
  const [code, meaning] = meanings[name] ?? ['storage', 'The browser failed.'];
  return new StorageError(code, `${store}: ${meaning} (${name}: ${message})`, { cause });
}
