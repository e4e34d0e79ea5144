import type { AdapterSupports, StorageAdapter } from './contract.ts';

/** What an adapter without logs can do. */
export type RecordSupports = Omit<AdapterSupports, 'maxEntryBytes'>;

/** An adapter of records and blobs, without the three methods of logs: what `withSegmentedLog` makes a whole one of. */
export interface RecordAdapter extends Omit<StorageAdapter, 'append' | 'readLog' | 'deleteLog' | 'supports'> {
  /** What it can do. */
  readonly supports: RecordSupports;
}
