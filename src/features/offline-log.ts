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
import { encodeBatch, type Batch } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';

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
  log: RewritableLog,
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
  if (!done) await log.append([encodeBatch(id, ingestedAt, rows)], { signal: options.signal });
  const finish = async (): Promise<void> => {
    if (!done) await writeValue(storage, key, { digest, ingestedAt, done: true } satisfies Receipt, options);
  };
  return { batch: { id, ingestedAt, table }, known: done, finish };
}
