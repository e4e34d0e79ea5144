import type { Clock } from '../core/clock.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { IngestTimes } from './ingest-times.ts';
import type { OfflineLogs } from './offline-log.ts';
import type { OnlineStore } from './online-store.ts';
import { Quarantine } from './quarantine.ts';

/** Where rows come in, and are taken out of again. */
export interface RowStores {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  /** Moments of ingestion, in one order for all who give them. */
  readonly times: IngestTimes;
  readonly logs: OfflineLogs;
  readonly online: OnlineStore;
  readonly quarantine: Quarantine;
}

/** All of them, of which some are at hand. */
export function rowStores(known: Omit<RowStores, 'times' | 'quarantine'>): RowStores {
  return { ...known, times: new IngestTimes(known.clock), quarantine: new Quarantine(known.storage) };
}
