import { throwIfAborted } from '../core/abort.ts';
import { concatColumns, type Column } from '../core/column.ts';
import { digestOf } from '../core/digest.ts';
import { ConflictError, IntegrityError } from '../core/errors.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import { writeValue } from '../storage/records.ts';
import { update } from '../storage/update.ts';
import { batchOrder, decodeBatch, encodeBatch, type Batch } from './batch.ts';
import { EventIndex } from './event-index.ts';
import { KeyDictionary } from './key-dictionary.ts';
import { missingColumn } from './missing-column.ts';
import type { CurrentView } from './view-catalog.ts';

/** A batch in memory: its rows as columns, and their keys as codes. */
interface LoadedBatch {
  readonly order: string;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly codes: Int32Array;
}

const maxPassed = 255;

interface Receipt {
  readonly digest: string;
  /** When the batch first came, which is its place among others for good. */
  readonly ingestedAt: number;
  /** Whether its rows are in the log for certain. */
  readonly done: boolean;
}

/** Key of a view's log of rows; a change that makes old rows unreadable begins another. */
export function logKeyOf(current: CurrentView): Key {
  return `features/rows/${escapeSegment(current.view.name)}/${current.epoch}`;
}

function receiptKey(current: CurrentView, id: string): Key {
  return `features/batches/${escapeSegment(current.view.name)}/${current.epoch}/${escapeSegment(id)}`;
}

/** A batch on its way into the log. */
export interface AppendedBatch {
  readonly batch: Batch;
  /** Whether it was there before. */
  readonly known: boolean;
  /** Notes that the batch is wholly taken in. Whoever dies before sends it once more, and readers count it once by its name. */
  finish(): Promise<void>;
}

/**
 * Appends rows to a view's log unless this very batch is there. A receipt comes first, since the moment of the first try is the batch's place among others for good.
 * Throws `ConflictError` when `batchId` names other rows.
 */
export async function appendBatch(
  storage: StorageAdapter,
  current: CurrentView,
  table: Table,
  batchId: string | undefined,
  now: number,
  options: OperationOptions,
): Promise<AppendedBatch> {
  const rows = encodeTable(table);
  const digest = digestOf(rows);
  const id = batchId ?? digest;
  const key = receiptKey(current, id);
  const receipt = (await update<Receipt>(storage, key, (present) => present ?? { digest, ingestedAt: now, done: false }, options)).value;
  if (receipt.digest !== digest) {
    throw new ConflictError(`The batch '${id}' of '${current.view.name}' was ingested before with other rows; give these rows an id of their own.`, { key, batchId: id });
  }
  const { ingestedAt, done } = receipt;
  if (!done) await storage.append(logKeyOf(current), [encodeBatch(id, ingestedAt, rows)], options);
  const finish = async (): Promise<void> => {
    if (!done) await writeValue(storage, key, { digest, ingestedAt, done: true } satisfies Receipt, options);
  };
  return { batch: { id, ingestedAt, table }, known: done, finish };
}

/** The rows of a view that were read from its log: all of them, or those behind a position. */
export class LoadedRows {
  readonly #view: CurrentView;
  readonly #keys: KeyDictionary;
  readonly #batches = new Map<string, LoadedBatch>();
  #sorted: readonly LoadedBatch[] | undefined;
  #index: EventIndex | undefined;
  readonly #start: LogPosition | undefined;
  #position: LogPosition | undefined;
  /** Where entries ended, with the latest event time up to there. */
  #passed: { position: LogPosition; latest: number }[] = [];
  #latest = -Infinity;
  #byteLength = 0;

  constructor(view: CurrentView, after?: LogPosition) {
    this.#view = view;
    this.#keys = new KeyDictionary(view.view.entity.length);
    this.#start = after;
    this.#position = after;
  }

  /** How far the log was read. */
  get position(): LogPosition | undefined {
    return this.#position;
  }

  get keys(): KeyDictionary {
    return this.#keys;
  }

  /** Bytes held, roughly. */
  get byteLength(): number {
    return this.#byteLength + (this.#index?.byteLength ?? 0) + this.#keys.size * 100;
  }

  /** Reads what was appended to the log since. */
  async refresh(storage: StorageAdapter, options: OperationOptions): Promise<void> {
    const key = logKeyOf(this.#view);
    for await (const entry of storage.readLog(key, { after: this.#position, signal: options.signal })) {
      throwIfAborted(options.signal, `Reading the rows of ${this.#view.view.name}`);
      this.add(decodeBatch(entry.bytes, key), entry.bytes.length);
      this.#position = entry.position;
      this.#passed.push({ position: entry.position, latest: this.#latest });
      // An earlier position only means that more is read again, so a few of many will do.
      if (this.#passed.length > maxPassed) this.#passed = this.#passed.filter((_, i) => i % 2 === 1);
    }
  }

  /** A position up to which no row is later than `end`, so that whatever lies before it need not be read again. */
  positionUntil(end: number): LogPosition | undefined {
    return this.#passed.findLast(({ latest }) => latest <= end)?.position ?? this.#start;
  }

  /** Takes a batch in. */
  add(batch: Batch, byteLength: number): void {
    const order = batchOrder(batch);
    const earlier = this.#batches.get(batch.id);
    if (earlier && earlier.order <= order) return;
    const { entity, timestamp } = this.#view.view;
    const columns: Record<string, Column> = { ...batch.table.columns };
    const lost = [...entity, timestamp].find((name) => columns[name] === undefined);
    if (lost !== undefined) throw new IntegrityError(`A batch of '${this.#view.view.name}' has no column '${lost}'.`, { key: logKeyOf(this.#view) });
    const codes = this.#keys.add(entity.map((name) => columns[name]!), batch.table.rowCount);
    for (const name of entity) delete columns[name];
    this.#batches.set(batch.id, { order, rowCount: batch.table.rowCount, columns, codes });
    this.#byteLength += byteLength + codes.byteLength;
    for (const time of columns[timestamp]!.values as Float64Array) if (time > this.#latest) this.#latest = time;
    this.#sorted = undefined;
    this.#index = undefined;
  }

  /** The index over all rows that were read. */
  index(): EventIndex {
    if (this.#index) return this.#index;
    const { timestamp, createdTimestamp } = this.#view.view;
    const batches = this.#inOrder();
    const codes = new Int32Array(batches.reduce((sum, batch) => sum + batch.rowCount, 0));
    let at = 0;
    for (const batch of batches) {
      codes.set(batch.codes, at);
      at += batch.rowCount;
    }
    this.#index = new EventIndex({
      codes,
      keyCount: this.#keys.size,
      times: this.#numbers(timestamp),
      created: createdTimestamp === undefined ? undefined : this.#numbers(createdTimestamp),
      column: (name) => this.#column(name),
    });
    return this.#index;
  }

  /** From which batch a row (by its number in the index's order of ingestion) came, and its place in it. */
  originOf(rows: Int32Array): { batches: string[]; batchOf: Int32Array; placeOf: Int32Array } {
    const batches = this.#inOrder();
    const ends: number[] = [];
    for (const batch of batches) ends.push((ends.at(-1) ?? 0) + batch.rowCount);
    const batchOf = new Int32Array(rows.length);
    const placeOf = new Int32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      let low = 0;
      let high = ends.length - 1;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (ends[middle]! <= rows[i]!) low = middle + 1;
        else high = middle;
      }
      batchOf[i] = low;
      placeOf[i] = rows[i]! - (low === 0 ? 0 : ends[low - 1]!);
    }
    return { batches: batches.map((batch) => batch.order), batchOf, placeOf };
  }

  #inOrder(): readonly LoadedBatch[] {
    this.#sorted ??= [...this.#batches.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
    return this.#sorted;
  }

  #numbers(name: string): Float64Array {
    return (this.#column(name)?.values ?? new Float64Array(0)) as Float64Array;
  }

  #column(name: string): Column | undefined {
    const batches = this.#inOrder();
    const type = batches.find((batch) => batch.columns[name])?.columns[name]?.type;
    if (type === undefined) return undefined;
    return concatColumns(batches.map((batch) => batch.columns[name] ?? missingColumn(type, batch.rowCount)));
  }
}
