import { IntegrityError, StorageError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { ListEntry, ListPage, PutOperation, ReadOptions, StoredRecord, WriteOperation, WriteResult } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';
import { decide, draftOf, restsOnAnother, type PendingWrite } from './pending-write.ts';
import type { RecordCache } from './record-cache.ts';
import type { FoundFrame, RecordFile } from './record-file.ts';
import { decodeBlobs, frameKinds, frameSize, metaOf, noBytes, parseFrameHeader, valueOf, versionText } from './record-frame.ts';
import { RecordLog, type RecordLogContext } from './record-log.ts';
import type { Slot, SlotTable } from './slot-table.ts';
import { storageError } from './system-error.ts';

/** What the shards of a store share. */
export interface ShardContext extends RecordLogContext {
  readonly cache: RecordCache;
}

const batchBytes = 8 << 20;
/** So many records, read at once, are still remembered. */
const cachedReads = 100;
const maxAttempts = 100;

/** The records of a part of the keys: what their log comes to, and the writes that wait for it. */
export class RecordShard {
  readonly #context: ShardContext;
  readonly #log: RecordLog;
  readonly #place: string;
  /** Writes whose frames were written and not read back yet, by their counters. */
  readonly #unread = new Map<number, PendingWrite>();
  #pending: PendingWrite[] = [];
  #committing: Promise<void> | undefined;

  /** @param segments - Where it lies below the root of the store. */
  constructor(context: ShardContext, segments: readonly string[]) {
    this.#context = context;
    this.#place = segments.join('/');
    this.#log = new RecordLog(context, segments, (counter, result, end) => this.#takeResult(counter, result, end));
  }

  /** The records at `keys` as of now. */
  async read(keys: readonly Key[], holds?: ReadOptions['holds']): Promise<(StoredRecord | undefined)[]> {
    try {
      await this.#log.refresh();
    } catch (error) {
      throw storageError(error, `Reading ${keys[0]}`, keys[0]);
    }
    // Filled, for what maps over an array passes over its holes.
    const records = new Array<StoredRecord | undefined>(keys.length).fill(undefined);
    const slots: Slot[] = [];
    const missing: number[] = [];
    const file = this.#log.file;
    for (const [i, key] of keys.entries()) {
      file?.replay.assertSound(key);
      const slot = file?.replay.state.slots.get(key);
      if (slot === undefined) continue;
      if (holds !== undefined && !slot.damaged) {
        const version = versionText(slot);
        if (holds(key) === version) {
          records[i] = { version, bytes: noBytes, blobs: [] };
          continue;
        }
      }
      const cached = this.#context.cache.get(key, slot);
      if (cached !== undefined) {
        records[i] = copyOf(cached);
      } else {
        slots.push(slot);
        missing.push(i);
      }
    }
    if (missing.length === 0) return records;
    const frames = await file!.readFrames(slots).catch((error: unknown) => {
      const key = keys[missing[0]!]!;
      throw storageError(error, `Reading ${key}`, key);
    });
    // Whoever reads that much goes through everything once, and would only drive out what others read again and again.
    const keep = missing.length <= cachedReads;
    for (const [at, i] of missing.entries()) {
      const record = soundRecord(keys[i]!, slots[at]!, frames[at]!);
      if (keep) this.#context.cache.set(keys[i]!, slots[at]!, copyOf(record));
      records[i] = record;
    }
    return records;
  }

  async list(query: CheckedListQuery): Promise<ListPage> {
    await this.#log.refresh();
    const file = this.#log.file;
    if (file === undefined) return { entries: [] };
    file.replay.assertListable();
    return pageOf(file.replay.state.slots, query);
  }

  /** Writes in order. All writes that wait share one write and one flush. */
  write(operations: readonly WriteOperation[]): Promise<WriteResult[]> {
    const results = operations.map(
      (operation) => new Promise<WriteResult>((resolve, reject) => this.#pending.push({ operation, draft: draftOf(operation), resolve, reject, attempts: 0, waiting: true, counter: 0, end: 0 })),
    );
    this.#committing ??= this.#commitAll();
    return Promise.all(results);
  }

  /** Replaces the file, as {@link RecordLog.compact} does. */
  async compact(onCopied: (bytes: number) => void, throwIfUnwanted: () => void): Promise<void> {
    try {
      await this.#log.compact(onCopied, throwIfUnwanted);
    } catch (error) {
      throw storageError(error, `Compacting ${this.#place}`, this.#place);
    }
  }

  /** Waits for the writes under way and lets go of the file. */
  async close(): Promise<void> {
    await this.#committing;
    await this.#log.close();
  }

  #takeResult(counter: number, result: WriteResult, end: number): void {
    const write = this.#unread.get(counter);
    if (write === undefined) return;
    this.#unread.delete(counter);
    write.result = result;
    write.end = end;
    const { kind, key, value } = write.draft;
    const slot = this.#log.file?.replay.state.slots.get(key);
    if (!result.ok || kind !== frameKinds.put || slot === undefined || slot.before || slot.position !== end - frameSize(write.draft)) return;
    const { blobs = [] } = write.operation as PutOperation;
    this.#context.cache.set(key, slot, { bytes: value, version: result.version!, blobs: [...blobs] });
  }

  async #commitAll(): Promise<void> {
    // Calls of one turn of the event loop come together.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#commit(batch);
      } catch (error) {
        for (const write of batch) this.#fail(write, error);
      }
      await this.#log.compactIfWorthIt();
    }
    // In the same turn as the last look at the queue, so that no write comes between.
    this.#committing = undefined;
  }

  #takeBatch(): PendingWrite[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#pending.length && (count === 0 || bytes + frameSize(this.#pending[count]!.draft) <= batchBytes)) bytes += frameSize(this.#pending[count++]!.draft);
    const batch = this.#pending.splice(0, count);
    for (const write of batch) write.waiting = false;
    return batch;
  }

  async #commit(all: readonly PendingWrite[]): Promise<void> {
    const { file, batch } = await this.#settleKnown(all);
    if (file.retired) this.#again(batch, 'its file was replaced each time');
    else if (batch.length > 0) await file.use(() => this.#append(file, batch));
  }

  async #append(file: RecordFile, batch: readonly PendingWrite[]): Promise<void> {
    const { bytes, counters, ends } = this.#log.encode(file, batch.map((write) => write.draft));
    batch.forEach((write, i) => {
      write.counter = counters[i]!;
      this.#unread.set(write.counter, write);
    });
    const written = await file.append(bytes);
    const whole = batch.filter((_, i) => ends[i]! <= written);
    this.#again(batch.slice(whole.length), 'the system wrote only a part of it each time');
    const refreshed = this.#log.refresh(written === bytes.length ? { file, bytes } : undefined);
    const [flush, read] = await Promise.allSettled([this.#context.flushed ? this.#log.sync(file, 0) : undefined, refreshed]);
    if (flush.status === 'rejected') throw flush.reason;
    if (read.status === 'rejected') throw read.reason;
    const end = whole.at(-1)?.end ?? 0;
    if (this.#context.flushed) this.#log.noteSynced(file, end);
    // A refusal rests on a write that must not be lost while this one is kept: then it would take effect after all.
    else if (whole.some(restsOnAnother(file.replay.generation))) await this.#log.sync(file, end);
    for (const write of whole) if (write.result !== undefined) write.resolve(write.result);
    this.#again(
      whole.filter((write) => write.result === undefined),
      'its file was replaced each time',
    );
  }

  /** Answers what can be answered without writing, and gives the file that the rest can be written to. */
  async #settleKnown(all: readonly PendingWrite[]): Promise<{ file: RecordFile; batch: readonly PendingWrite[] }> {
    for (let fresh = false; ; fresh = true) {
      const file = await this.#log.writableFile();
      const settled = this.#known(file, all);
      if (settled.size === 0) return { file, batch: all };
      if (fresh) {
        // Nothing to delete: whoever deleted it may not have come to flush that.
        const deleted = [...settled.values()].some((result) => !(result instanceof Error) && result.ok);
        if (deleted && this.#context.flushed) await this.#log.syncRead(file);
        for (const [write, result] of settled) {
          if (result instanceof Error) this.#fail(write, result);
          else write.resolve(result);
        }
        return { file, batch: all.filter((write) => !settled.has(write)) };
      }
      await this.#log.refresh();
    }
  }

  /**
   * Writes whose result the present state decides: what is refused, has nothing to delete, or depends on what is damaged. Named writes are always written, to be
   * remembered.
   */
  #known(file: RecordFile, all: readonly PendingWrite[]): Map<PendingWrite, WriteResult | Error> {
    const { slots } = file.replay.state;
    const settled = new Map<PendingWrite, WriteResult | Error>();
    const touched = new Set<Key>();
    for (const write of all) {
      const { key, condition, operationId, kind } = write.operation;
      const slot = slots.get(key);
      const unsound = condition === undefined ? undefined : file.replay.damageTo(key);
      const decided = unsound ?? (operationId === undefined && !touched.has(key) ? decide(kind, condition, slot) : undefined);
      if (decided === undefined) touched.add(key);
      else settled.set(write, decided);
    }
    return settled;
  }

  /** Puts writes back before all others, in their order; one that never gets through fails. */
  #again(writes: readonly PendingWrite[], why: string): void {
    const again = writes.filter((write) => {
      this.#unread.delete(write.counter);
      if (++write.attempts < maxAttempts) return true;
      this.#fail(write, new StorageError('storage', `${write.operation.key} was not written: ${why}. Try again.`, { key: write.operation.key }));
      return false;
    });
    for (const write of again) write.waiting = true;
    if (again.length > 0) this.#pending = [...again, ...this.#pending];
  }

  #fail(write: PendingWrite, error: unknown): void {
    if (write.waiting) return;
    this.#unread.delete(write.counter);
    write.reject(storageError(error, `Writing ${write.operation.key}`, write.operation.key));
  }

}

/** The page that a query asks for. */
function pageOf(slots: SlotTable, { prefix, after, limit }: CheckedListQuery): ListPage {
  const entries: ListEntry[] = [];
  for (const row of slots.from(after !== undefined && after > prefix ? after : prefix)) {
    const line = slots.line(row);
    if (line.key === after) continue;
    if (!line.key.startsWith(prefix)) break;
    if (entries.length === limit) return { entries, next: entries[entries.length - 1]!.key };
    entries.push(line);
  }
  return { entries };
}

// What is handed out belongs to the caller.
function copyOf(record: StoredRecord): StoredRecord {
  return { bytes: new Uint8Array(record.bytes), version: record.version, blobs: [...record.blobs] };
}

/** The record in a frame that was read again, when it is the one that was there. */
function soundRecord(key: Key, slot: Slot, { frame, salt, path }: FoundFrame): StoredRecord {
  const record = recordIn(frame, salt, slot);
  if (record !== undefined) return record;
  throw new IntegrityError(`The record ${key} is damaged (${path}, byte ${slot.position}); restore the store from a copy, or write or delete the record without a condition.`, {
    key,
    file: path,
    offset: slot.position,
  });
}

function recordIn(frame: Buffer, salt: Buffer, slot: Slot): StoredRecord | undefined {
  const header = parseFrameHeader(frame, 0, salt);
  if (header === undefined || header.size !== slot.size || frame.length !== slot.size) return undefined;
  const meta = metaOf(frame, 0, header);
  const value = meta && valueOf(frame, 0, header);
  return meta && value && { bytes: new Uint8Array(value), version: versionText(slot), blobs: decodeBlobs(header.kind, meta, header.keyLength) };
}
