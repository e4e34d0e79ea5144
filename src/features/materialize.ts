import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { takeRows, type Column } from '../core/column.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import type { Table } from '../core/table.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import { readValue } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import type { Batch } from './batch.ts';
import { LoadedRows, refreshRows, type RowSnapshot } from './loaded-rows.ts';
import type { OfflineLogs } from './offline-log.ts';
import { layoutOf, mergeRecord, rebuildRecord, type OnlineLayout } from './online-record.ts';
import type { OnlineStore, RecordChange } from './online-store.ts';
import type { CurrentView } from './definitions/definition-states.ts';

/** What a materialization did. */
export interface MaterializeResult {
  /** Rows that were looked at. */
  readonly rows: number;
  /** Entities whose online values are now different. */
  readonly entities: number;
}

/** How far the rows of a view are online. */
export interface MaterializedState {
  readonly layout: string;
  /** What lies before it in the log is online; absent while nothing is. */
  readonly position?: LogPosition | undefined;
  /** Event time up to which rows were wanted online; absent before the first materialization. */
  readonly end?: number | undefined;
  /** When it was materialized last. */
  readonly at?: number | undefined;
}

/** Rows stay this much longer than the windows need, for serving processes whose clocks are behind, in milliseconds. */
const clockSlack = 3_600_000;
const recordsPerWrite = 256;

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

  /** Brings rows up to event time `end` online: what the log has gained since the last time, late rows included; `loadAll` gives the whole log. */
  async materialize(current: CurrentView, end: number, loadAll: () => Promise<LoadedRows>, options: LongOperationOptions): Promise<MaterializeResult> {
    const layout = layoutOf(current);
    const state = await this.stateOf(current, options);
    const rebuild = state !== undefined && state.layout !== layout.id;
    const until = rebuild ? Math.max(end, state.end ?? -Infinity) : end;
    // What is brought online and how far it goes in the log must be told from the same rows, whatever others read in between.
    const rows = (rebuild || state?.position === undefined ? await loadAll() : await this.#loadAfter(current, state.position, options)).snapshot();
    if (state === undefined) await this.#note(current, undefined, { layout: layout.id }, options);
    const result = await this.#bringOnline(current, rows, layout, until, rebuild, Math.min(this.#clock.now(), until) - clockSlack, options);
    const next: MaterializedState = { layout: layout.id, position: rows.positionUntil(until), end: Math.max(until, state?.end ?? -Infinity), at: this.#clock.now() };
    await this.#note(current, state ?? { layout: layout.id }, next, options);
    return result;
  }

  /** Brings one batch online whatever its event times; the view's records are made anew first when they are of an older layout. */
  async push(current: CurrentView, batch: Batch, loadAll: () => Promise<LoadedRows>, options: OperationOptions): Promise<void> {
    const layout = layoutOf(current);
    const state = await this.stateOf(current, options);
    if (state === undefined) await this.#note(current, undefined, { layout: layout.id }, options);
    else if (state.layout !== layout.id) await this.materialize(current, -Infinity, loadAll, options);
    const loaded = new LoadedRows(current);
    loaded.add(batch, 0);
    await this.#bringOnline(current, loaded.snapshot(), layout, Infinity, false, this.#clock.now() - clockSlack, options);
  }

  /** How far the rows of a view are online; `undefined` while none are. */
  async stateOf(current: CurrentView, options: OperationOptions): Promise<MaterializedState | undefined> {
    return (await readValue<MaterializedState>(this.#storage, this.#stateKey(current), { signal: options.signal }))?.value;
  }

  async #loadAfter(current: CurrentView, position: LogPosition, options: OperationOptions): Promise<LoadedRows> {
    return refreshRows(new LoadedRows(current, position), current, this.#logs.of(current), options);
  }

  async #bringOnline(
    current: CurrentView,
    rows: RowSnapshot,
    layout: OnlineLayout,
    end: number,
    rebuild: boolean,
    keepFrom: number,
    options: LongOperationOptions,
  ): Promise<MaterializeResult> {
    const keys = rows.keys();
    let entities = 0;
    let pending: RecordChange[] = [];
    const flush = async (done: number): Promise<void> => {
      throwIfAborted(options.signal, `Materializing ${current.view.name}`);
      entities += await this.#online.change(pending, options);
      pending = [];
      options.onProgress?.({ phase: 'materialize', done, total: keys.length });
    };
    for (const [code, texts] of keys.entries()) {
      const due = recordRows(rows, layout, code, rebuild ? Infinity : end);
      if (due === undefined) continue;
      pending.push({
        key: this.#online.keyOf(current, texts),
        change: (record) => (rebuild ? rebuildRecord(record, due, end, layout, keepFrom) : mergeRecord(record, due, layout, keepFrom)),
      });
      if (pending.length === recordsPerWrite) await flush(code + 1);
    }
    await flush(keys.length);
    return { rows: rows.index.order.length, entities };
  }

  /** Writes the state unless someone else has meanwhile, whose word is as good: rows that both brought are recognised. */
  async #note(current: CurrentView, before: MaterializedState | undefined, after: MaterializedState, options: OperationOptions): Promise<void> {
    const same = (a: MaterializedState | undefined): boolean => a?.layout === before?.layout && a?.position === before?.position && a?.end === before?.end;
    await update<MaterializedState>(this.#storage, this.#stateKey(current), (present) => (same(present) ? after : present!), options);
  }

  #stateKey(current: CurrentView): Key {
    return `features/materialized/${escapeSegment(current.view.name)}/${current.epoch}`;
  }
}

/** The rows of one entity up to event time `end` as an online record holds them; `undefined` when there are none. */
function recordRows(rows: RowSnapshot, layout: OnlineLayout, code: number, end: number): Table | undefined {
  const { index } = rows;
  const from = index.starts[code]!;
  let to = index.starts[code + 1]!;
  while (to > from && index.times[to - 1]! > end) to--;
  if (to === from) return undefined;
  const { batches, batchOf, placeOf } = rows.originOf(index.order.subarray(from, to));
  const used = new Map<number, number>();
  for (const batch of batchOf) if (!used.has(batch)) used.set(batch, used.size);
  const columns: Record<string, Column> = {
    t: { type: 'timestamp', values: index.times.slice(from, to) },
    b: { type: 'string', values: Uint32Array.from(batchOf, (batch) => used.get(batch)!), dictionary: [...used.keys()].map((batch) => batches[batch]!) },
    r: { type: 'float64', values: Float64Array.from(placeOf) },
  };
  if (index.created) columns['c'] = { type: 'timestamp', values: index.created.slice(from, to) };
  const places = Int32Array.from({ length: to - from }, (_, i) => from + i);
  for (const name of Object.keys(layout.columns)) {
    const column = index.column(name);
    if (column) columns[`f:${name}`] = takeRows(column, places);
  }
  return { rowCount: to - from, columns };
}
