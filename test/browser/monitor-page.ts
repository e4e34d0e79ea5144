import { DriftMonitor, type DriftVerdict, type StorageAdapter } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { IndexedDBStorage } from 'modelkeep/indexeddb';
import { fedReference, feedBatch } from '../monitoring/fed-rows.ts';

export interface FedMonitor {
  /** The database of the page's own store; the server that the page came from when there is none. */
  readonly database?: string;
  readonly name: string;
  /** Rows of a window. */
  readonly rows: number;
}

function optionsOf({ database, name, rows }: FedMonitor): { storage: StorageAdapter; name: string; window: { rows: number }; flushInterval: '1h' } {
  return { storage: database === undefined ? new HttpStorage(location.origin) : new IndexedDBStorage(database), name, window: { rows }, flushInterval: '1h' };
}

/** Stores a monitor that has no rows yet. */
export async function make(monitor: FedMonitor): Promise<void> {
  await new DriftMonitor({ ...optionsOf(monitor), reference: fedReference }).close();
}

/** Feeds a monitor that is stored with so many batches, or until the page ends; rows that are `left` are observed and not stored. */
export async function feed({ monitor, feeder, batches = Infinity, left }: { monitor: FedMonitor; feeder: number; batches?: number; left: number }): Promise<void> {
  const opened = await DriftMonitor.open(optionsOf(monitor));
  for (let stored = 0, batch = 0; batch < batches; batch++) stored = await feedBatch(opened, feeder, stored);
  for (let i = 0; i < left; i++) opened.observe({ version: 'left', features: { distance: i, carrier: 'a' } });
  if (left === 0) await opened.close();
}

/** The verdict on all rows since the last window. */
export async function judge(monitor: FedMonitor): Promise<DriftVerdict> {
  return (await DriftMonitor.open(optionsOf(monitor))).check({ close: true });
}
