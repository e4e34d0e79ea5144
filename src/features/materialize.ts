import type { Clock } from '../core/clock.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { Batch } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { LoadedRows } from './loaded-rows.ts';
import { MaterializeCall } from './materialize-call.ts';
import type { OfflineLogs } from './offline-log.ts';
import type { OnlineStore } from './online-store.ts';

/** What a materialization did. */
export interface MaterializeResult {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Entities whose online values are now different. */
  readonly entities: number;
}

/** Takes rows of entities that were forgotten since a moment out of the online records again. */
export type Recheck = (since: number) => Promise<void>;

/** Moves rows from a view's log to its online records. */
export class Materializer {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #online: OnlineStore;
  readonly #logs: OfflineLogs;

  constructor(storage: StorageAdapter, clock: Clock, online: OnlineStore, logs: OfflineLogs) {
    this.#storage = storage;
    this.#clock = clock;
    this.#online = online;
    this.#logs = logs;
  }

  /** Brings rows up to event time `end` online: what the log has gained since the last time, late rows included. */
  async materialize(current: CurrentView, end: number, recheck: Recheck, options: LongOperationOptions): Promise<MaterializeResult> {
    const call = this.#call(current, recheck, options);
    await call.run(end);
    return { rows: call.rows, entities: call.entities };
  }

  /** Brings one batch online whatever its event times, `known` if it was brought or kept from it before; the view's records are made anew first when they are of an older layout. */
  async push(current: CurrentView, batch: Batch, known: boolean, recheck: Recheck, { signal }: OperationOptions): Promise<void> {
    const call = this.#call(current, recheck, { signal });
    await call.prepare(-Infinity);
    const loaded = new LoadedRows(current);
    loaded.add(batch, 0);
    await call.bring(loaded.snapshot(), Infinity, { pushed: true, known });
  }

  #call(current: CurrentView, recheck: Recheck, options: LongOperationOptions): MaterializeCall {
    return new MaterializeCall({ storage: this.#storage, clock: this.#clock, online: this.#online, log: this.#logs.of(current), recheck }, current, options);
  }
}
