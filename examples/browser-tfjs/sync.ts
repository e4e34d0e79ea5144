import { isModelkeepError, replicate, type Replication } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { storage } from './store.ts';

/** How the store on the server stands to the one in the page. */
export type SyncStatus = { readonly state: 'syncing' | 'offline' } | { readonly state: 'same'; readonly conflicts: number } | { readonly state: 'failed'; readonly message: string };

// #region sync
/** Brings all that the page records to its server, now or when that can be reached again. */
export function openLink(): Replication {
  const server = new HttpStorage(new URL('/store', location.href).href, { retry: { limit: 0 } });
  return replicate({ from: storage, to: server, live: true, interval: '2s' });
}

/** Waits until the server has what the page has now, and says how it went. */
export async function sync(link: Replication): Promise<SyncStatus> {
  try {
    const { conflicts } = await link.settled();
    return { state: 'same', conflicts };
  } catch (error) {
    if (isModelkeepError(error, 'unavailable') || isModelkeepError(error, 'timeout')) return { state: 'offline' };
    return { state: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
// #endregion sync
