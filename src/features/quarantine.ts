import { encode } from '../core/codec.ts';
import { digestOf } from '../core/digest.ts';
import { ConflictError, isModelkeepError, NotFoundError } from '../core/errors.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import { eachItem, type Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { listAll, readValue, writeValue, type ValueRecord } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import type { InvalidReason } from './table-checks.ts';

/** A row that was set aside because it is invalid. */
export interface QuarantinedRow {
  /** Names the row for `releaseQuarantined` and `rejectQuarantined`. */
  readonly id: string;
  /** Its place in what was ingested, from 0. */
  readonly place: number;
  /** The `batchId` that it came with, if any. */
  readonly batchId?: string | undefined;
  /** When it was set aside, epoch milliseconds. */
  readonly at: number;
  /** Why. */
  readonly reasons: readonly InvalidReason[];
  /** The row as it came, with the columns that the view uses; what cannot be stored is a text that shows it. */
  readonly values: Row;
}

/** A row on its way into quarantine. */
export type InvalidRow = Pick<QuarantinedRow, 'place' | 'reasons' | 'values'>;

/** Rows that were set aside together, with those of them that are about to be released under a name, so that this is done once. */
export interface QuarantineRecord {
  readonly at: number;
  readonly batchId?: string | undefined;
  readonly rows: readonly InvalidRow[];
  readonly releasing?: { readonly batchId: string; readonly online: boolean; readonly rows: readonly { readonly place: number; readonly values: Row }[] } | undefined;
}

interface QuarantineReceipt {
  readonly at: number;
  readonly done: boolean;
}

const recordBytes = 256 * 1024;
const maxRows = 1_000;
const attempts = 100;

/**
 * Rows that were set aside, in records of some hundred. A receipt remembers what was set aside already, and stays when the rows are gone: rows that are sent again do not come back from
 * the dead.
 */
export class Quarantine {
  readonly #storage: StorageAdapter;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** Sets rows aside; returns how many were not there before. */
  async add(view: string, rows: readonly InvalidRow[], batchId: string | undefined, now: number, options: OperationOptions): Promise<number> {
    let added = 0;
    for (const part of parts(rows.map(storable))) {
      const digest = digestOf(encode([batchId ?? null, part.map(({ place, values }) => [place, values])])).slice('sha256:'.length);
      const key = `${receipts(view)}${digest}`;
      const { at, done } = (await update<QuarantineReceipt>(this.#storage, key, (present) => present ?? { at: now, done: false }, options)).value;
      if (done) continue;
      const record: QuarantineRecord = { at, batchId, rows: part };
      await this.#putOnce(`${records(view)}${idOf(at, digest)}`, record, options);
      await writeValue(this.#storage, key, { at, done: true } satisfies QuarantineReceipt, options);
      added += part.length;
    }
    return added;
  }

  /** Rows that are set aside, those first that came first. */
  async page(view: string, after: string | undefined, limit: number, options: OperationOptions): Promise<Page<QuarantinedRow>> {
    const prefix = records(view);
    const from = after === undefined ? undefined : splitId(after);
    const items: QuarantinedRow[] = [];
    const take = async (id: string, beyond: number): Promise<boolean> => {
      const record = (await readValue<QuarantineRecord>(this.#storage, prefix + id, options))?.value;
      for (const row of record?.rows ?? []) {
        if (row.place <= beyond) continue;
        if (items.length === limit) return false;
        items.push({ id: `${id}-${row.place}`, place: row.place, batchId: record!.batchId, at: record!.at, reasons: row.reasons, values: row.values });
      }
      return true;
    };
    let more = from !== undefined && !(await take(from.record, from.place));
    if (!more) {
      for await (const { key } of listAll(this.#storage, { prefix, after: from === undefined ? undefined : prefix + from.record }, options)) {
        more = !(await take(key.slice(prefix.length), -1));
        if (more) break;
      }
    }
    return more ? { items, next: items.at(-1)!.id } : { items };
  }

  /** Every row that is set aside. */
  all(view: string, options: OperationOptions): AsyncGenerator<QuarantinedRow> {
    return eachItem((after) => this.page(view, after, maxRows, options));
  }

  /** A record and its version. Throws `NotFoundError` when it, or one of the rows asked for, is not in quarantine. */
  async read(view: string, record: string, places: readonly number[], options: OperationOptions): Promise<ValueRecord<QuarantineRecord>> {
    const key = records(view) + record;
    const found = await readValue<QuarantineRecord>(this.#storage, key, { ...options, fresh: true });
    const lost = places.find((place) => !found?.value.rows.some((row) => row.place === place));
    if (found === undefined || lost !== undefined) {
      throw new NotFoundError(`No row '${record}-${lost ?? places[0]}' of '${view}' is in quarantine; it was released, rejected or forgotten, or never was. See quarantined('${view}').`, { key });
    }
    return found;
  }

  /** Changes a record, again on fresh data when someone else was first; without any row left, it is deleted. */
  async change(view: string, record: string, change: (present: QuarantineRecord) => QuarantineRecord, options: OperationOptions): Promise<QuarantineRecord | undefined> {
    const key = records(view) + record;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const found = await readValue<QuarantineRecord>(this.#storage, key, { ...options, fresh: true });
      if (found === undefined) return undefined;
      const next = change(found.value);
      if (next === found.value) return next;
      const condition = { match: found.version };
      const operation = next.rows.length === 0 ? ({ kind: 'delete', key, condition } as const) : ({ kind: 'put', key, bytes: encode(next, key), condition } as const);
      const [result] = await this.#storage.write([operation], options);
      if (result?.ok) return next;
    }
    throw new ConflictError(`${key} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key });
  }

  /** Keys of the records, as ids. */
  async *ids(view: string, options: OperationOptions): AsyncGenerator<string> {
    const prefix = records(view);
    for await (const { key } of listAll(this.#storage, { prefix }, options)) yield key.slice(prefix.length);
  }

  async #putOnce(key: Key, record: QuarantineRecord, options: OperationOptions): Promise<void> {
    try {
      await writeValue(this.#storage, key, record, { ...options, condition: 'absent' });
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
    }
  }
}

/** The record and the place that an id names. */
export function splitId(id: string): { record: string; place: number } {
  const at = id.lastIndexOf('-');
  return { record: id.slice(0, Math.max(0, at)), place: Number(id.slice(at + 1)) };
}

function records(view: string): Key {
  return `features/quarantine/${escapeSegment(view)}/`;
}

function receipts(view: string): Key {
  return `features/quarantined/${escapeSegment(view)}/`;
}

function idOf(at: number, digest: string): string {
  return `${String(Math.max(0, Math.floor(at))).padStart(16, '0')}-${digest.slice(0, 32)}`;
}

function storable(row: InvalidRow): InvalidRow {
  return { ...row, values: Object.fromEntries(Object.entries(row.values).map(([name, value]) => [name, storableValue(value)])) };
}

function storableValue(value: unknown): unknown {
  try {
    encode(value);
    return value;
  } catch {
    return shown(value);
  }
}

/** Rows in groups that fit a record each, and are the same however often they are sent. */
function* parts(rows: readonly InvalidRow[]): Generator<readonly InvalidRow[]> {
  let part: InvalidRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    // Without the reasons, whose words may tell the time.
    const size = encode(row.values).length + 500;
    if (part.length > 0 && (bytes + size > recordBytes || part.length === maxRows)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
