import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import type { Digest } from '../../core/digest.ts';
import type { InspectOptions, ListPage, StoreFinding } from '../contract.ts';
import { type BlobStore, deadAfterMs } from './blob-store.ts';
import type { Database } from './database.ts';

/** Looks through the layout: chunks that dead writers left behind, records that no list shows or that are listed without being there, and blobs that lack chunks. */
export async function* inspect(database: Database, blobs: BlobStore, listBlobs: (after: string | undefined) => Promise<ListPage>, options: InspectOptions): AsyncGenerator<StoreFinding> {
  const { repair = false, graceMs = deadAfterMs, signal, onProgress } = options;
  const finding = (kind: StoreFinding['kind'], where: string, message: string, repaired = false): StoreFinding => ({ kind, where, message, repaired });
  for (const staging of await blobs.abandoned(graceMs, repair)) {
    yield finding('leftover', `chunks/${staging}`, 'The writer of these chunks of a blob died; repair removes them.', repair);
  }
  const [listed, stored] = await database.transact('readonly', ['heads', 'records'], (...stores) => Promise.all(stores.map((store) => promisifyRequest(store.count()))));
  if (listed !== stored) yield finding('damage', 'records', `${listed} records are listed, ${stored} are there. Restore the store from a copy.`);
  let page: ListPage | undefined;
  let done = 0;
  do {
    throwIfAborted(signal, 'inspect');
    page = await listBlobs(page?.next);
    for (const { key } of page.entries) {
      if (!(await blobs.isWhole(key as Digest))) yield finding('damage', key, 'The blob lacks some of its chunks. Restore it from a copy.');
      onProgress?.({ phase: 'inspect', done: ++done });
    }
  } while (page.next !== undefined);
}
