import type { Clock } from '../core/clock.ts';
import { digestOf } from '../core/digest.ts';
import { ConflictError } from '../core/errors.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { Table } from '../core/table.ts';
import { encodeTable } from '../core/table-codec.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { writeValue } from '../storage/records.ts';
import { rewritableLog, type RewritableLog } from '../storage/rewritable-log.ts';
import { update } from '../storage/update.ts';
import { encodeBatch, pickRows, type Batch } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';

interface Receipt {
  readonly digest: string;
  /** When the batch first came, which is its place among others for good. */
  readonly ingestedAt: number;
  /** Whether its rows are in the log for certain. */
  readonly done: boolean;
  /** A bit for each row that was set aside when the batch first came: what becomes of a batch is decided once. */
  readonly aside?: Uint8Array | undefined;
  /** The last note of forgetting that was heard before the batch came: nothing counts of it that was forgotten since. */
  readonly heard: number;
}

/** Key of a view's log of rows; a change that makes old rows unreadable begins another. */
export function logKeyOf(current: CurrentView): Key {
  return `features/rows/${escapeSegment(current.view.name)}/${current.epoch}`;
}

/** The logs of rows that an instance works with. Each stays open, since it counts what it has appended; entities can be taken out of them again. */
export class OfflineLogs {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #logs = new Map<Key, RewritableLog>();

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The log of a view's rows. */
  of(current: CurrentView): RewritableLog {
    const key = logKeyOf(current);
    const log = this.#logs.get(key) ?? rewritableLog(this.#storage, key, { clock: this.#clock });
    this.#logs.set(key, log);
    return log;
  }
}

function receiptKey(current: CurrentView, id: string): Key {
  return `features/batches/${escapeSegment(current.view.name)}/${current.epoch}/${escapeSegment(id)}`;
}

/** A batch on its way into the log. */
export interface AppendedBatch {
  /** What is in the log of it. */
  readonly batch: Batch;
  /** That with the rows that were stripped from it: who died before them may have brought these in. */
  readonly sent: Batch;
  /** The last note of forgetting that was heard before the batch came for the first time. */
  readonly heard: number;
  /** Whether it was there before. */
  readonly known: boolean;
  /** How many of its rows are set aside. */
  readonly aside: number;
  /** Notes that the batch is wholly taken in. Whoever dies before sends it once more, and readers count it once by its name. */
  finish(): Promise<void>;
}

/** How a batch is appended. */
export interface AppendBatchOptions extends OperationOptions {
  /** @default a digest of the rows */
  readonly batchId?: string | undefined;
  /** When it came. */
  readonly now: number;
  /** The last note of forgetting that was heard before its rows were. */
  readonly heard: number;
  /** Rows that do not go into the log. @default none */
  readonly aside?: readonly number[] | undefined;
  /** Sets rows aside, of a batch that is not known. @default nothing */
  readonly setAside?: ((rows: readonly number[]) => Promise<unknown>) | undefined;
  /** What is left of rows that came before, when a note was the last. @default all of them */
  readonly strip?: ((table: Table, heard: number) => Promise<Table>) | undefined;
}

/**
 * Appends rows to a view's log unless this very batch is there. A receipt comes first, since the moment of the first try is the batch's place among others for good.
 * Throws `ConflictError` when `batchId` names other rows.
 */
export async function appendBatch(storage: StorageAdapter, log: RewritableLog, current: CurrentView, table: Table, options: AppendBatchOptions): Promise<AppendedBatch> {
  const { signal, now } = options;
  const rows = encodeTable(table);
  const digest = digestOf(rows);
  const id = options.batchId ?? digest;
  const key = receiptKey(current, id);
  const marked = options.aside && options.aside.length > 0 ? bitsOf(options.aside, table.rowCount) : undefined;
  const first: Receipt = { digest, ingestedAt: now, done: false, aside: marked, heard: options.heard };
  const receipt = (await update<Receipt>(storage, key, (present) => present ?? first, { signal })).value;
  if (receipt.digest !== digest) {
    throw new ConflictError(`The batch '${id}' of '${current.view.name}' was ingested before with other rows; give these rows an id of their own.`, { key, batchId: id });
  }
  const { ingestedAt, done, heard } = receipt;
  const { kept, aside } = receipt.aside ? divide(table.rowCount, receipt.aside) : { kept: undefined, aside: [] };
  const good = kept ? pickRows(table, Int32Array.from(kept)) : table;
  const logged = receipt !== first && options.strip ? await options.strip(good, heard) : good;
  if (!done) {
    if (aside.length > 0) await options.setAside?.(aside);
    if (logged.rowCount > 0) await log.append([encodeBatch(id, ingestedAt, logged === table ? rows : encodeTable(logged))], { signal });
  }
  const finish = async (): Promise<void> => {
    if (!done) await writeValue(storage, key, { ...receipt, done: true } satisfies Receipt, { signal });
  };
  return { batch: { id, ingestedAt, table: logged }, sent: { id, ingestedAt, table: good }, heard, known: done, aside: aside.length, finish };
}

function bitsOf(rows: readonly number[], size: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(size / 8));
  for (const row of rows) bits[row >>> 3]! |= 1 << (row & 7);
  return bits;
}

function divide(size: number, bits: Uint8Array): { kept: number[]; aside: number[] } {
  const kept: number[] = [];
  const aside: number[] = [];
  for (let i = 0; i < size; i++) ((bits[i >>> 3]! >>> (i & 7)) & 1 ? aside : kept).push(i);
  return { kept, aside };
}
