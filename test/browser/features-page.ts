import { aggregate, FeatureStore, featureView, type OnlineFeatures } from 'modelkeep';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { pinStory, type PinnedAnswer } from '../features/pin-story.ts';

const now = Date.UTC(2026, 0, 1);
let time = now;
const clock = { now: () => time, monotonic: () => performance.now(), setTimer: (callback: () => void, ms: number) => { const timer = setTimeout(callback, ms); return () => clearTimeout(timer); } };

const view = featureView({
  name: 'orders', entity: ['customer'], timestamp: 'at', ttl: '1h',
  features: { amount: 'float64', note: 'string', mean: aggregate.mean('amount', { window: '1d' }) },
});

/** Brings rows of so many customers online in a store of this page, half as they come and half by materializing: of each third customer the note is missing, of each fourth the rows are too old. */
export async function fill({ store: name, customers }: { store: string; customers: number }): Promise<void> {
  const store = new FeatureStore({ storage: new IndexedDBStorage(name), clock });
  await store.apply([view]);
  const rows = Array.from({ length: customers }, (_, i) => ({ customer: `c${i}`, at: now - (i % 4 === 0 ? 7_200_000 : 60_000), amount: i, note: i % 3 === 0 ? null : `note ${i}` }));
  await store.ingest('orders', rows.slice(0, customers / 2), { online: true });
  await store.ingest('orders', [...rows.slice(customers / 2), { ...rows[0]!, at: now - 86_000_000, amount: -1 }]);
  await store.materialize('orders');
}

/** What is online of so many customers, and how many transactions a second read of it made. */
export async function read({ store: name, customers, later = 0 }: { store: string; customers: number; later?: number }): Promise<{ found: OnlineFeatures; transactions: number }> {
  time = now + later;
  const store = new FeatureStore({ storage: new IndexedDBStorage(name), clock });
  const query = { entities: Array.from({ length: customers }, (_, i) => ({ customer: `c${i}` })), features: ['orders:*'] };
  await store.getOnlineFeatures(query);
  let transactions = 0;
  const own = Object.getOwnPropertyDescriptor(IDBDatabase.prototype, 'transaction')!;
  const counted = function (this: IDBDatabase, ...given: unknown[]): unknown {
    transactions++;
    return (own.value as (...rest: unknown[]) => unknown).apply(this, given);
  };
  Object.defineProperty(IDBDatabase.prototype, 'transaction', { ...own, value: counted });
  try {
    return { found: await store.getOnlineFeatures(query), transactions };
  } finally {
    Object.defineProperty(IDBDatabase.prototype, 'transaction', own);
  }
}

/** What is pinned to versions of a view is answered in a store of this page. */
export function readPinned({ store: name }: { store: string }): Promise<PinnedAnswer[]> {
  return pinStory(() => new IndexedDBStorage(name));
}
