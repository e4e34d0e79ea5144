import { isModelkeepError, StorageError } from '../../core/errors.ts';

/** How much an origin may store and does, in bytes, as far as the browser tells. */
export interface StorageQuota {
  /** Bytes that the origin uses, about. */
  readonly usage: number | undefined;
  /** Bytes that it may use in all, about. */
  readonly quota: number | undefined;
}

/** What a failure of the browser is to the caller: an error with a code, and what to do. */
export async function browserError(error: unknown, store: string, estimate: () => Promise<StorageQuota>): Promise<Error> {
  if (isModelkeepError(error)) return error;
  const cause = error ?? new Error('the browser gave no reason');
  const { name, message } = cause as Error;
  if (name === 'QuotaExceededError') {
    const space = await estimate();
    return new StorageError('storage-full', `${store} is full: ${spaceOf(space)}. What was acknowledged is still there; free some space, or ask for more with persist(), and call again.`, {
      ...space,
      cause,
    });
  }
  if (name === 'VersionError') {
    return new StorageError('unknown-store-version', `${store} was written by a newer version of modelkeep (or is another application's database); reload the page to get it.`, { cause });
  }
  if (name === 'SecurityError') {
    return new StorageError('forbidden', `The browser lets this page use no IndexedDB, as in a sandboxed frame or with cookies blocked: ${message} Use MemoryStorage, or allow it.`, { cause });
  }
  // What a private window of some browsers says when opening, and what is left of a transaction whose connection the browser closed.
  if (name === 'InvalidStateError' || name === 'AbortError') {
    return new StorageError('unavailable', `The browser closed ${store} or does not open it (a private window, or its data is being cleared): ${message} Nothing of this call was written; try it again.`, { cause });
  }
  return new StorageError('storage', `The browser failed on ${store}: ${name}: ${message}`, { cause });
}

function spaceOf({ usage, quota }: StorageQuota): string {
  if (usage === undefined || quota === undefined) return 'the browser gives this origin no more space';
  return `this origin uses ${megabytes(usage)} of the ${megabytes(quota)} that the browser gives it, ${megabytes(Math.max(0, quota - usage))} are left`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
