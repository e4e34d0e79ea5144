import { throwIfAborted } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import { toColumn, valueAt } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row, Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { listAll } from '../storage/records.ts';
import { batchOrder, decodeBatch, encodeBatch, pickRows, placesColumn, placesOf } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { ForgottenKeys, nothing } from './forgotten-keys.ts';
import type { IngestTimes } from './ingest-times.ts';
import { KeyDictionary, keyTexts } from './key-dictionary.ts';
import type { OfflineLogs } from './offline-log.ts';
import { noteRebuild } from './materialized-state.ts';
import { rewritten } from './log-chunks.ts';
import { decodeRecord, encodeRecord, layoutOf, unsure, type OnlineRecord } from './online-record.ts';
import type { OnlineStore } from './online-store.ts';
import type { Quarantine } from './quarantine.ts';
import { rowsOfBatches } from './record-table.ts';
import { remakeRecord } from './remake-record.ts';
import { withoutSpareTexts } from './spare-texts.ts';

/** What was taken out when entities were forgotten. */
export interface ForgetResult {
  /** Rows of the view's log. */
  readonly rows: number;
  /** Rows in quarantine. */
  readonly quarantined: number;
  /** Online records. */
  readonly online: number;
  /** Rows of the log of what was served. */
  readonly served: number;
  /** Rows of saved datasets. */
  readonly datasets: number;
}

const attempts = 100;

/** Takes entities out of all that a view holds. */
export class Forgetting {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #times: IngestTimes;
  readonly #logs: OfflineLogs;
  readonly #online: OnlineStore;
  readonly #quarantine: Quarantine;
  readonly #forgotten: ForgottenKeys;

  constructor(storage: StorageAdapter, clock: Clock, times: IngestTimes, logs: OfflineLogs, online: OnlineStore, quarantine: Quarantine) {
    this.#storage = storage;
    this.#clock = clock;
    this.#times = times;
    this.#logs = logs;
    this.#online = online;
    this.#quarantine = quarantine;
    this.#forgotten = new ForgottenKeys(storage);
  }

  /** Forgets entities. The note that they are forgotten comes first: who is about to bring one of their rows in reads it afterwards, and takes the row out again. */
  async forget(current: CurrentView, entities: readonly Row[], options: OperationOptions): Promise<ForgetResult> {
    const { name, entity } = current.view;
    const keys = entities.map((each, i) => {
      const texts = keyTexts(entity.map((column) => (typeof each === 'object' && each !== null && Object.hasOwn(each, column) ? each[column] : undefined)));
      if (texts === undefined) throw new ValidationError(`entities[${i}] is ${shown(each, 80)}; give the whole key of an entity of '${name}': ${entity.join(', ')}.`, { path: `entities[${i}]` });
      return texts;
    });
    if (keys.length === 0) return { rows: 0, quarantined: 0, online: 0, served: 0, datasets: 0 };
    await this.#forgotten.add(name, keys.map((texts) => this.#suffix(current, texts)), this.#times.next(), options);
    let [rows, online] = [0, 0];
    // Rows from before a forced change of the view are kept in logs of their own.
    for (let epoch = 1; epoch <= current.epoch; epoch++) {
      const then = { ...current, epoch };
      rows += await this.#sweepLog(then, entities, Infinity, options);
      for (const texts of keys) online += await this.#sweepOnline(then, this.#online.keyOf(then, texts), Infinity, options);
    }
    const { forgetServed } = await import('./quality/forget-served.ts');
    const { forgetStatistics } = await import('./quality/view-statistics.ts');
    await forgetStatistics(this.#storage, name, options);
    const served = await forgetServed(this.#storage, name, entity, new Set(keys.map((texts) => this.#suffix(current, texts))), options);
    const quarantined = await this.#sweepQuarantine(current, keys, options);
    // Last: a dataset whose saving begins from now on finds nothing of them.
    const { forgetDatasetRows } = await import('./datasets/forget-dataset-rows.ts');
    return { rows, quarantined, online, served, datasets: await forgetDatasetRows(this.#storage, this.#clock, name, entity, keys, options) };
  }

  /** A batch that came at `ingestedAt` without the rows of entities that were forgotten since. */
  async strip(current: CurrentView, table: Table, ingestedAt: number, options: OperationOptions): Promise<Table> {
    const forgottenAt = await this.#forgotten.since(current.view.name, ingestedAt, options);
    if (forgottenAt === nothing) return table;
    const kept = rowKeys(current, table).flatMap((texts, i) => (forgottenAt(this.#suffix(current, texts)) === undefined ? [i] : []));
    return kept.length === table.rowCount ? table : withRows(table, kept);
  }

  /** Takes out what a batch brought of entities that were forgotten while it was on its way. */
  async recheck(current: CurrentView, table: Table, ingestedAt: number, options: OperationOptions): Promise<void> {
    const forgottenAt = await this.#forgotten.since(current.view.name, ingestedAt, options);
    if (forgottenAt === nothing) return;
    const due = new Map<string, { texts: readonly string[]; at: number; row: number }>();
    rowKeys(current, table).forEach((texts, row) => {
      const suffix = this.#suffix(current, texts);
      const at = forgottenAt(suffix);
      if (at !== undefined) due.set(suffix, { texts, at, row });
    });
    for (const { texts, at, row } of due.values()) {
      await this.#sweepLog(current, [rowOf(current, table, row)], at, options);
      await this.#sweepOnline(current, this.#online.keyOf(current, texts), at, options);
    }
    if (due.size === 0) return;
    // Who saved a dataset while these rows were in the log has seen them; a minute is for clocks that differ.
    const { forgetDatasetRows } = await import('./datasets/forget-dataset-rows.ts');
    await forgetDatasetRows(this.#storage, this.#clock, current.view.name, current.view.entity, [...due.values()].map(({ texts }) => texts), { ...options, since: ingestedAt - 60_000 });
  }

  /** Takes out what a materialization that began at `since` brought online of entities that were forgotten meanwhile. */
  async recheckOnline(current: CurrentView, since: number, options: OperationOptions): Promise<void> {
    const forgottenAt = await this.#forgotten.since(current.view.name, Math.floor(since), options);
    if (forgottenAt === nothing) return;
    const prefix = this.#prefix(current);
    for await (const { key } of listAll(this.#storage, { prefix }, options)) {
      const at = forgottenAt(key.slice(prefix.length));
      if (at !== undefined) await this.#sweepOnline(current, key, at, options);
    }
  }

  async #sweepLog(current: CurrentView, entities: readonly Row[], until: number, options: OperationOptions): Promise<number> {
    const { entity } = current.view;
    const keys = new KeyDictionary(entity.length);
    for (const each of entities) keys.add(entity.map((name) => toColumn([each[name]], undefined, name)), 1);
    const log = this.#logs.of(current);
    // An entry may be seen twice, and a batch may be there twice.
    const dropped = new Map<string, number>();
    await log.rewrite((entry) => {
      const { id, ingestedAt, table } = decodeBatch(entry.bytes, log.key);
      const columns = entity.flatMap((name) => table.columns[name] ?? []);
      if (ingestedAt > until || columns.length < entity.length) return true;
      const kept: number[] = [];
      keys.find(columns, table.rowCount).forEach((code, i) => code < 0 && kept.push(i));
      // Texts that no row has any more, or never had in this part of what was ingested, are of someone too.
      const rest = kept.length === table.rowCount ? withoutTexts(table) : withRows(table, kept);
      if (rest === undefined) return true;
      dropped.set(id, table.rowCount - kept.length);
      return rest.rowCount > 0 && encodeBatch(id, ingestedAt, encodeTable(rest));
    }, options);
    return [...dropped.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Takes rows that came until a time out of a record, which goes when none is left. Where rows from before and after were added up, it is made anew from the log. */
  async #sweepOnline(current: CurrentView, key: string, until: number, options: OperationOptions): Promise<number> {
    const last = until === Infinity ? '\uffff' : batchOrder({ id: '\uffff', ingestedAt: until });
    for (let attempt = 0; attempt < attempts; attempt++) {
      const [stored] = await this.#storage.read([key], { ...options, fresh: true });
      if (stored === undefined) return 0;
      const record = decodeRecord(stored.bytes, key);
      const next = await this.#without(current, key, record, last, options);
      if (next === record) return 0;
      if (next === rewritten) continue;
      const condition = { match: stored.version };
      const [result] = await this.#storage.write([next ? { kind: 'put', key, bytes: encodeRecord(next), condition } : { kind: 'delete', key, condition }], options);
      if (result?.ok) return 1;
    }
    throw new ConflictError(`${key} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key });
  }

  /** A record without rows of batches up to `last` in their order; the same when it has none of them, and `undefined` when none is left, or the next materialization must make it anew. */
  async #without(current: CurrentView, key: string, record: OnlineRecord, last: string, options: OperationOptions): Promise<OnlineRecord | typeof rewritten | undefined> {
    const { folded } = record;
    const rows = rowsOfBatches(record.rows, (batch) => batch > last);
    const keepsTiles = folded === undefined || folded.first > last;
    if (keepsTiles && rows.rowCount === record.rows.rowCount) return record;
    if (keepsTiles || folded.last <= last) return rows.rowCount === 0 ? undefined : { ...record, rows, ...(!keepsTiles && { folded: undefined, tiles: undefined }) };
    const source = { storage: this.#storage, clock: this.#clock, current, layout: layoutOf(current), log: this.#logs.of(current), online: this.#online };
    const next = await remakeRecord(source, key, record, last, options);
    if (next !== unsure) return next;
    await noteRebuild(this.#storage, current, options);
    return undefined;
  }

  async #sweepQuarantine(current: CurrentView, keys: readonly (readonly string[])[], options: OperationOptions): Promise<number> {
    const { name, entity } = current.view;
    const wanted = new Set(keys.map((texts) => this.#suffix(current, texts)));
    const isForgotten = ({ values }: { readonly values: Row }): boolean => {
      const texts = keyTexts(entity.map((column) => values[column]));
      return texts !== undefined && wanted.has(this.#suffix(current, texts));
    };
    let dropped = 0;
    for await (const record of this.#quarantine.ids(name, options)) {
      throwIfAborted(options.signal, `Forgetting entities of ${name}`);
      let here = 0;
      await this.#quarantine.change(
        name,
        record,
        (present) => {
          const rows = present.rows.filter((row) => !isForgotten(row));
          here = present.rows.length - rows.length;
          const left = present.releasing?.rows.filter((row) => !isForgotten(row));
          if (here === 0 && left?.length === present.releasing?.rows.length) return present;
          return { ...present, rows, releasing: left && left.length > 0 ? { ...present.releasing!, rows: left } : undefined };
        },
        options,
      );
      dropped += here;
    }
    return dropped;
  }

  /** Records of a view lie under it. */
  #prefix(current: CurrentView): string {
    return this.#online.keyOf(current, ['x']).slice(0, -1);
  }

  /** What names an entity in keys. */
  #suffix(current: CurrentView, texts: readonly string[]): string {
    return this.#online.keyOf(current, texts).slice(this.#prefix(current).length);
  }
}

/** Rows of a batch under the places that they had: what is online knows them by these. */
function withRows(table: Table, kept: readonly number[]): Table {
  const places = placesOf(table);
  const marked: Table = { rowCount: table.rowCount, columns: { ...table.columns, [placesColumn]: { type: 'float64', values: places ?? Float64Array.from({ length: table.rowCount }, (_, i) => i) } } };
  return pickRows(marked, Int32Array.from(kept));
}

/** The table without texts that no row has; `undefined` when there are none. */
function withoutTexts(table: Table): Table | undefined {
  const columns = Object.entries(table.columns).map(([name, column]) => [name, withoutSpareTexts(column)] as const);
  const spare = columns.some(([name, column]) => column.type === 'string' && column.dictionary.length < (table.columns[name] as typeof column).dictionary.length);
  return spare ? { rowCount: table.rowCount, columns: Object.fromEntries(columns) } : undefined;
}

function rowOf(current: CurrentView, table: Table, row: number): Row {
  return Object.fromEntries(current.view.entity.map((name) => [name, valueAt(table.columns[name]!, row)]));
}

/** The key of each row as canonical texts. */
function rowKeys(current: CurrentView, table: Table): string[][] {
  const columns = current.view.entity.map((name) => table.columns[name]!);
  return Array.from({ length: table.rowCount }, (_, row) => keyTexts(columns.map((column) => valueAt(column, row))) ?? []);
}
