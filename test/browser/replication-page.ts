import { isModelkeepError, replicate, type Replication, type ReplicationCounts } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { append, putWithBlob } from '../storage/replicate/contents.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const open = new Map<string, IndexedDBStorage>();
let link: Replication | undefined;

function storeNamed(name: string): IndexedDBStorage {
  const storage = open.get(name) ?? new IndexedDBStorage(name);
  open.set(name, storage);
  return storage;
}

/** Writes records, entries and blobs to the page's own store. */
export async function write({ store, page, count }: { store: string; page: string; count: number }): Promise<void> {
  const storage = storeNamed(store);
  await storage.write(Array.from({ length: count }, (_, i) => ({ kind: 'put', key: `runs/${page}-${i}`, bytes: encode(`run ${i} of ${page}`) })));
  for (let i = 0; i < 5; i++) {
    await append(storage, `metrics/${i}`, page, ...Array.from({ length: 20 }, (_, k) => `${page} ${i} ${k}`));
    await putWithBlob(storage, `models/${page}-${i}`, `model ${i} of ${page}`, encode(`weights ${i}`.repeat(5000)));
  }
}

/** Opens a live link to the server that the page came from, which looks by itself once an hour only. */
export function connect(store: string): void {
  link = replicate({ from: storeNamed(store), to: new HttpStorage(location.origin, { retry: { limit: 0 } }), live: true, interval: '1h' });
}

/** Waits until all has arrived; the code of the error when it could not. */
export async function settled(): Promise<ReplicationCounts | string> {
  return link!.settled().catch((error: unknown) => (isModelkeepError(error) ? error.code : String(error)));
}

export function counts(): ReplicationCounts {
  return link!.counts();
}

/** How many hold the lock of a link now, and how many wait for it, in all tabs. */
export async function locks(): Promise<{ held: number; pending: number }> {
  const { held = [], pending = [] } = await navigator.locks.query();
  const isOurs = ({ name = '' }: LockInfo): boolean => name.startsWith('modelkeep.replication/');
  return { held: held.filter(isOurs).length, pending: pending.filter(isOurs).length };
}
