import { throwIfAborted } from '../core/abort.ts';
import { valueAt } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row, Table } from '../core/table.ts';
import { listAll } from '../storage/records.ts';
import type { Batch } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { ForgottenKeys, type HasKey } from './forgotten-keys.ts';
import { keyTexts } from './key-dictionary.ts';
import type { ForgettingWatch } from './record-changes.ts';
import { layoutOf } from './online-record.ts';
import { entityPath } from './online-store.ts';
import { OnlineWriters } from './online-writers.ts';
import type { RowStores } from './row-stores.ts';
import { settleRecords, type SettleSource } from './settle-records.ts';
import { sweepLog, withRows } from './sweep-log.ts';

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

/** Takes entities out of all that a view holds. */
export class Forgetting {
  readonly #stores: RowStores;
  readonly #forgotten: ForgottenKeys;
  readonly #writers: OnlineWriters;

  constructor(stores: RowStores) {
    this.#stores = stores;
    this.#forgotten = new ForgottenKeys(stores.storage);
    this.#writers = new OnlineWriters(stores.storage, stores.clock);
  }

  /** Forgets entities of a view, in the rows of all its `epochs`. */
  async forget(current: CurrentView, epochs: readonly CurrentView[], entities: readonly Row[], options: OperationOptions): Promise<ForgetResult> {
    const { name, entity } = current.view;
    const keys = entities.map((each, i) => {
      const texts = keyOfRow(entity, each);
      if (texts === undefined) throw new ValidationError(`entities[${i}] is ${shown(each, 80)}; give the whole key of an entity of '${name}': ${entity.join(', ')}.`, { path: `entities[${i}]` });
      return texts;
    });
    if (keys.length === 0) return { rows: 0, quarantined: 0, online: 0, served: 0, datasets: 0 };
    const paths = keys.map(entityPath);
    const forgotten = new Set(paths);
    const heard = await this.heard(current, options);
    // Where this is cut off after the log was written anew, the next materialization looks at what is online.
    const notes = await Promise.all(epochs.map((then) => this.#writers.open(then, heard, options)));
    await this.#forgotten.forget(name, paths, this.#stores.times.next(), options);
    let [rows, online] = [0, 0];
    for (const then of epochs) rows += await sweepLog(this.#stores.logs.of(then), { entity, entities }, options);
    await this.#forgotten.takenOut(name, paths, this.#stores.times.next(), options);
    for (const then of epochs) {
      const texts = entities.flatMap((each) => [keyOfRow(then.view.entity, each) ?? []]).filter((each) => each.length === then.view.entity.length);
      online += await this.#settle(then, texts, options);
    }
    for (const note of notes) await this.#writers.close(note, options);
    // Whoever reads what is online from now on to count it, or to tell of it, finds nothing of them.
    await this.#forgotten.takenOut(name, paths, this.#stores.times.next(), options);
    const quarantined = await this.#sweepQuarantine(current, (path) => forgotten.has(path), options);
    return { rows, quarantined, online, ...(await this.#forgetMade(current, keys, options)) };
  }

  /** The number of the last note that entities of a view are forgotten: to be heard before rows are read that are written somewhere. */
  heard(current: CurrentView, options: OperationOptions): Promise<number> {
    return this.#forgotten.heard(current.view.name, options);
  }

  /** How one who brings rows online keeps out what is forgotten meanwhile, who `heard` a note before the rows came; when that is not known, the last that there is when he asks. */
  watch(current: CurrentView, heard: number | undefined, { signal }: OperationOptions): ForgettingWatch {
    let note: Key | undefined;
    return {
      heard: async () => heard ?? this.heard(current, { signal }),
      open: async (since) => {
        note = await this.#writers.open(current, since, { signal });
      },
      unfinished: () => this.#writers.unfinished(current, { signal }),
      recheck: (since) => this.#recheckOnline(current, since, { signal }),
      close: async () => {
        if (note !== undefined) await this.#writers.close(note, { signal });
        note = undefined;
      },
    };
  }

  /** A batch without the rows of entities that were forgotten after a note, and the number of the last note. */
  async strip(current: CurrentView, table: Table, heard: number, options: OperationOptions): Promise<{ readonly table: Table; readonly heard: number }> {
    const news = await this.#forgotten.forgottenAfter(current.view.name, heard, options);
    const { has } = news;
    if (has === undefined) return { table, heard: news.heard };
    const kept = rowKeys(current, table).flatMap((texts, i) => (has(entityPath(texts)) ? [] : [i]));
    return { table: kept.length === table.rowCount ? table : withRows(table, kept), heard: news.heard };
  }

  /** Takes out what a batch has in the log of entities that were forgotten after a note, and what was made of that. */
  async recheckBatch(current: CurrentView, { id, table }: Batch, heard: number, options: OperationOptions): Promise<void> {
    const { name, entity } = current.view;
    const { has } = await this.#forgotten.forgottenAfter(name, heard, options);
    if (has === undefined) return;
    const due = new Map<string, { readonly texts: readonly string[]; readonly row: Row }>();
    rowKeys(current, table).forEach((texts, row) => has(entityPath(texts)) && due.set(entityPath(texts), { texts, row: rowOf(current, table, row) }));
    if (due.size === 0) return;
    const found = [...due.values()];
    const note = await this.#writers.open(current, heard, options);
    await sweepLog(this.#stores.logs.of(current), { entity, entities: found.map(({ row }) => row), batch: id }, options);
    await this.#forgotten.takenOut(name, [...due.keys()], this.#stores.times.next(), options);
    await this.#settle(current, found.map(({ texts }) => texts), options);
    await this.#forgotten.takenOut(name, [...due.keys()], this.#stores.times.next(), options);
    // They may have been served, counted and saved while they were there.
    await this.#forgetMade(current, found.map(({ texts }) => texts), options);
    await this.#writers.close(note, options);
  }

  /** Takes out what was set aside, by one who had heard a note before, of entities that were forgotten after it. */
  async recheckQuarantine(current: CurrentView, heard: number, options: OperationOptions): Promise<void> {
    const { has } = await this.#forgotten.forgottenAfter(current.view.name, heard, options);
    if (has !== undefined) await this.#sweepQuarantine(current, has, options);
  }

  /** Takes out what was made of the rows of entities: comes after these are gone from the log and from what is online, and after that was noted. */
  async #forgetMade({ view: { name, entity } }: CurrentView, keys: readonly (readonly string[])[], options: OperationOptions): Promise<Pick<ForgetResult, 'served' | 'datasets'>> {
    const { forgetServed } = await import('./quality/forget-served.ts');
    const { forgetStatistics } = await import('./quality/view-statistics.ts');
    const { forgetDatasetRows } = await import('./datasets/forget-dataset-rows.ts');
    await forgetStatistics(this.#stores.storage, name, options);
    const served = await forgetServed(this.#stores.storage, name, entity, new Set(keys.map(entityPath)), options);
    // Last: a dataset whose saving begins from now on finds nothing of them.
    return { served, datasets: await forgetDatasetRows(this.#stores.storage, this.#stores.clock, name, entity, keys, options) };
  }

  /** Takes out what was brought online, of rows that were read when a note was the last, of entities of which later ones tell. */
  async #recheckOnline(current: CurrentView, heard: number, options: OperationOptions): Promise<void> {
    const has = await this.#forgotten.notedAfter(current.view.name, heard, options);
    if (has === undefined) return;
    const prefix = this.#stores.online.prefixOf(current);
    const due: Key[] = [];
    for await (const { key } of listAll(this.#stores.storage, { prefix }, options)) if (has(key.slice(prefix.length))) due.push(key);
    await settleRecords(this.#source(current), due, options);
  }

  #settle(current: CurrentView, keys: readonly (readonly string[])[], options: OperationOptions): Promise<number> {
    return settleRecords(this.#source(current), keys.map(this.#stores.online.keysOf(current)), options);
  }

  #source(current: CurrentView): SettleSource {
    const { storage, clock, logs, online } = this.#stores;
    return { storage, clock, current, layout: layoutOf(current), log: logs.of(current), online };
  }

  async #sweepQuarantine({ view: { name, entity } }: CurrentView, has: HasKey, options: OperationOptions): Promise<number> {
    const isForgotten = ({ values }: { readonly values: Row }): boolean => {
      const texts = keyTexts(entity.map((column) => values[column]));
      return texts !== undefined && has(entityPath(texts));
    };
    let dropped = 0;
    for await (const record of this.#stores.quarantine.ids(name, options)) {
      throwIfAborted(options.signal, `Forgetting entities of ${name}`);
      let here = 0;
      await this.#stores.quarantine.change(
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
}

/** What names an entity in a row that was given; `undefined` where the row does not. */
function keyOfRow(entity: readonly string[], row: unknown): string[] | undefined {
  return keyTexts(entity.map((column) => (typeof row === 'object' && row !== null && Object.hasOwn(row, column) ? (row as Row)[column] : undefined)));
}

function rowOf(current: CurrentView, table: Table, row: number): Row {
  return Object.fromEntries(current.view.entity.map((name) => [name, valueAt(table.columns[name]!, row)]));
}

/** The key of each row as canonical texts. */
function rowKeys(current: CurrentView, table: Table): string[][] {
  const columns = current.view.entity.map((name) => table.columns[name]!);
  return Array.from({ length: table.rowCount }, (_, row) => keyTexts(columns.map((column) => valueAt(column, row))) ?? []);
}
