import type { Clock } from '../core/clock.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { Batch } from './batch.ts';
import type { DefinitionCatalog } from './definitions/definition-catalog.ts';
import { currentView, isOnDemand, type CurrentView } from './definitions/definition-states.ts';
import { LoadedRows } from './loaded-rows.ts';
import { MaterializeCall } from './materialize-call.ts';
import type { OfflineLogs } from './offline-log.ts';
import type { OnlineStore } from './online-store.ts';
import type { ForgettingWatch } from './record-changes.ts';

/** What a materialization did. */
export interface MaterializeResult {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Entities whose online values are now different. */
  readonly entities: number;
}

/** Moves rows from a view's log to its online records. */
export class Materializer {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #online: OnlineStore;
  readonly #logs: OfflineLogs;
  readonly #catalog: DefinitionCatalog;

  constructor(storage: StorageAdapter, clock: Clock, online: OnlineStore, logs: OfflineLogs, catalog: DefinitionCatalog) {
    this.#storage = storage;
    this.#clock = clock;
    this.#online = online;
    this.#logs = logs;
    this.#catalog = catalog;
  }

  /** Brings rows up to event time `end` online: what the log has gained since the last time, late rows included. */
  async materialize(current: CurrentView, end: number, watch: ForgettingWatch, options: LongOperationOptions): Promise<MaterializeResult> {
    const call = this.#call(current, watch, options);
    await call.run(end);
    return { rows: call.rows, entities: call.entities };
  }

  /** Brings one batch online whatever its event times, `known` if it was brought or kept from it before; the view's records are made anew first when they are of an older layout. */
  async push(current: CurrentView, batch: Batch, known: boolean, watch: ForgettingWatch, { signal }: OperationOptions): Promise<void> {
    const call = this.#call(current, watch, { signal });
    const loaded = new LoadedRows(current);
    loaded.add(batch, 0);
    const rows = loaded.snapshot();
    // Who begins to make records anew after the rows are there reads them from the log.
    do await call.prepare(-Infinity);
    while (!(await call.bring(rows, Infinity, { pushed: true, known })) || !(await call.stands()));
    await call.end();
  }

  #call(current: CurrentView, watch: ForgettingWatch, options: LongOperationOptions): MaterializeCall {
    const { signal } = options;
    const inForce = async (): Promise<CurrentView> => {
      const { name } = current.view;
      const state = await this.#catalog.view(name, false, { signal });
      return isOnDemand(state) ? current : currentView(name, state, current.version);
    };
    return new MaterializeCall({ storage: this.#storage, clock: this.#clock, online: this.#online, log: this.#logs.of(current), watch, inForce }, current, options);
  }
}
