import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sleep, systemClock } from '../../core/clock.ts';
import { IntegrityError, StorageError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { ListEntry, ListPage, PutOperation, StoredRecord, WriteOperation, WriteResult } from '../contract.ts';
import { pageOf, type CheckedListQuery } from '../list-page.ts';
import type { Directories } from './directories.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { generationName, generationsIn, removeGenerationsBefore, writeNextGeneration } from './generation.ts';
import { decide, draftOf, restsOnAnother, type PendingWrite } from './pending-write.ts';
import type { RecordCache } from './record-cache.ts';
import { RecordFile } from './record-file.ts';
import { decodeBlobs, frameKinds, frameSize, metaOf, noBytes, parseFrameHeader, valueOf, versionText, writeFrame, type FrameDraft } from './record-frame.ts';
import type { Slot } from './record-state.ts';
import { storageError } from './system-error.ts';
import { encodeVouch, maxGaps, type Vouch } from './vouch.ts';

/** What the shards of a store share. */
export interface ShardContext {
  readonly fileSystem: FileSystem;
  readonly directories: Directories;
  readonly cache: RecordCache;
  readonly flushed: boolean;
  /** Size in bytes from which a file that is mostly garbage is rewritten. */
  readonly compactAt: number;
}

interface Written {
  readonly file: RecordFile;
  readonly bytes: Buffer;
}

const batchBytes = 8 << 20;
const maxAttempts = 100;
const pauseMs = 5;
const writtenPerMs = 100_000;
// So much garbage is worth a rewrite however much else there is.
const muchGarbage = 256 << 20;
// An unflushed store vouches for its writes, and so flushes them, this often.
const unvouchedBytes = 4 << 20;

/** The records of a part of the keys: the one file of their present generation, an index of it, and the writes that wait for it. */
export class RecordShard {
  readonly #context: ShardContext;
  readonly #segments: readonly string[];
  readonly #directory: string;
  readonly #nonce = randomBytes(4).readUInt32LE(0) || 1;
  readonly #unread = new Map<number, PendingWrite>();
  #counter = 0;
  #file: RecordFile | undefined;
  #refreshing: Promise<void> | undefined;
  #refreshNext: Promise<void> | undefined;
  #pending: PendingWrite[] = [];
  #committing: Promise<void> | undefined;
  #syncedTo = 0;
  // After a failed flush the system may have dropped what it held: only a new file can be trusted.
  #distrusted = false;

  /** @param segments - Where it lies below the root of the store. */
  constructor(context: ShardContext, segments: readonly string[]) {
    this.#context = context;
    this.#segments = segments;
    this.#directory = join(context.directories.root, ...segments);
  }

  /** The records at `keys` as of now. */
  async read(keys: readonly Key[]): Promise<(StoredRecord | undefined)[]> {
    try {
      await this.#refresh();
    } catch (error) {
      throw storageError(error, `Reading ${keys[0]}`, keys[0]);
    }
    return Promise.all(keys.map((key) => this.#readOne(key)));
  }

  async list(query: CheckedListQuery): Promise<ListPage> {
    await this.#refresh();
    if (this.#file === undefined) return { entries: [] };
    this.#file.replay.assertListable();
    const { keys, slots } = this.#file.replay.state;
    return pageOf(keys.view(), query, (key): ListEntry => {
      const slot = slots.get(key)!;
      return { key, version: versionText(slot), size: slot.valueLength };
    });
  }

  /** Writes in order. All writes that wait share one write and one flush. */
  write(operations: readonly WriteOperation[]): Promise<WriteResult[]> {
    const results = operations.map(
      (operation) => new Promise<WriteResult>((resolve, reject) => this.#pending.push({ operation, draft: draftOf(operation), resolve, reject, attempts: 0, waiting: true, counter: 0, end: 0 })),
    );
    this.#committing ??= this.#commitAll();
    return Promise.all(results);
  }

  /** Waits for the writes under way and lets go of the file. */
  async close(): Promise<void> {
    await this.#committing;
    await this.#refreshing?.catch(() => undefined);
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    // A last vouch makes later damage to the end of the file known for what it is. Nothing acknowledged depends on it.
    await this.#vouchAtEnd(file).catch(() => undefined);
    await file.retire();
  }

  async #readOne(key: Key): Promise<StoredRecord | undefined> {
    const file = this.#file;
    if (file === undefined) return undefined;
    file.replay.assertSound(key);
    const slot = file.replay.state.slots.get(key);
    if (slot === undefined) return undefined;
    const cached = this.#context.cache.get(slot);
    if (cached !== undefined) return copyOf(cached);
    const frame = await file.read(slot.position, slot.size).catch((error: unknown) => {
      throw storageError(error, `Reading ${key}`, key);
    });
    const record = recordIn(frame, file, slot);
    if (record === undefined) {
      throw new IntegrityError(`The record ${key} is damaged (${file.path}, byte ${slot.position}); restore the store from a copy, or write or delete the record without a condition.`, {
        key,
        file: file.path,
        offset: slot.position,
      });
    }
    this.#context.cache.set(slot, record);
    return copyOf(record);
  }

  /** Takes in all that was written before this call. A check that began earlier may have missed some of it, so callers wait for one that begins after. */
  #refresh(written?: Written): Promise<void> {
    if (this.#refreshing === undefined) {
      this.#refreshing = this.#takeIn(written).finally(() => (this.#refreshing = undefined));
      return this.#refreshing;
    }
    this.#refreshNext ??= this.#refreshing
      .catch(() => undefined)
      .then(() => {
        this.#refreshNext = undefined;
        return this.#refresh();
      });
    return this.#refreshNext;
  }

  async #takeIn(written?: Written): Promise<void> {
    this.#file ??= await this.#openAfter(0);
    while (this.#file !== undefined) {
      const file: RecordFile = this.#file;
      await file.catchUp(written?.file === file ? written.bytes : undefined);
      const { replay } = file;
      if (!replay.sealed && !replay.contradicted) return;
      const next: RecordFile | undefined = await this.#openAfter(replay.contradicted ? replay.generation - 1 : replay.generation);
      if (next === undefined) return;
      this.#file = next;
      this.#syncedTo = 0;
      this.#distrusted = false;
      await file.retire();
    }
  }

  async #openAfter(generation: number): Promise<RecordFile | undefined> {
    for (let attempt = 1; ; attempt++) {
      const latest = await this.#latest();
      if (latest === undefined || latest <= generation) return undefined;
      try {
        const file = await RecordFile.open(this.#context.fileSystem, join(this.#directory, generationName(latest)), {
          nonce: this.#nonce,
          onOwn: (counter, result, end) => this.#takeResult(counter, result, end),
        });
        // A slow process may give the name of a generation that came and went to what it made of the one before; it never has the highest number.
        if ((await this.#latest()) === latest) return file;
        await file.retire();
      } catch (error) {
        // It may have been replaced between the look and the opening.
        if (codeOf(error) !== 'ENOENT') throw error;
      }
      if (attempt === maxAttempts) throw new StorageError('storage', `${this.#directory} was replaced again and again while this process opened it; try again.`, { key: this.#directory });
    }
  }

  async #latest(): Promise<number | undefined> {
    return (await generationsIn(this.#context.fileSystem, this.#directory)).at(-1);
  }

  #takeResult(counter: number, result: WriteResult, end: number): void {
    const write = this.#unread.get(counter);
    if (write === undefined) return;
    this.#unread.delete(counter);
    write.result = result;
    write.end = end;
    const { kind, key, value } = write.draft;
    const slot = this.#file?.replay.state.slots.get(key);
    if (!result.ok || kind !== frameKinds.put || slot === undefined || slot.position !== end - frameSize(write.draft)) return;
    const { blobs = [] } = write.operation as PutOperation;
    this.#context.cache.set(slot, { bytes: value, version: result.version!, blobs: [...blobs] });
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
      await this.#compactIfWorthIt();
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
    const { bytes, ends } = this.#encode(file, batch);
    const written = await file.append(bytes);
    const whole = batch.filter((_, i) => ends[i]! <= written);
    this.#again(batch.slice(whole.length), 'the system wrote only a part of it each time');
    const refreshed = this.#refresh(written === bytes.length ? { file, bytes } : undefined);
    const [flush, read] = await Promise.allSettled([this.#context.flushed ? this.#sync(file) : undefined, refreshed]);
    if (flush.status === 'rejected') throw flush.reason;
    if (read.status === 'rejected') throw read.reason;
    // A refusal rests on a write that must not be lost while this one is kept: then it would take effect after all.
    const unsettled = !this.#context.flushed && whole.some(restsOnAnother(file.replay.generation));
    if (unsettled) await this.#sync(file);
    if ((this.#context.flushed || unsettled) && file === this.#file) this.#syncedTo = Math.max(this.#syncedTo, ...whole.slice(-1).map((write) => write.end));
    for (const write of whole) if (write.result !== undefined) write.resolve(write.result);
    this.#again(
      whole.filter((write) => write.result === undefined),
      'its file was replaced each time',
    );
  }

  /** Answers what can be answered without writing, and gives the file that the rest can be written to. */
  async #settleKnown(all: readonly PendingWrite[]): Promise<{ file: RecordFile; batch: readonly PendingWrite[] }> {
    for (let fresh = false; ; fresh = true) {
      const file = await this.#writableFile();
      const settled = this.#known(file, all);
      if (settled.size === 0) return { file, batch: all };
      if (fresh) {
        // Nothing to delete: whoever deleted it may not have come to flush that.
        const deleted = [...settled.values()].some((result) => !(result instanceof Error) && result.ok);
        if (deleted && this.#context.flushed && file.replay.end > Math.max(this.#syncedTo, file.replay.vouchedTo)) await this.#sync(file);
        for (const [write, result] of settled) {
          if (result instanceof Error) this.#fail(write, result);
          else write.resolve(result);
        }
        return { file, batch: all.filter((write) => !settled.has(write)) };
      }
      await this.#refresh();
      if (this.#file !== file || file.replay.sealed) fresh = false;
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

  /** The present file, made if there is none, replaced if it is sealed, ready for writing. */
  async #writableFile(): Promise<RecordFile> {
    const { fileSystem, directories, flushed } = this.#context;
    await directories.ensure(...this.#segments);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (this.#file === undefined) await this.#refresh();
      const file = this.#file;
      if (file === undefined) {
        await writeNextGeneration(fileSystem, directories, this.#directory, undefined);
      } else if (file.replay.sealed) {
        await this.#finishCompaction(file);
      } else if (file.appendable) {
        if (!this.#distrusted) return file;
        await this.#seal(file);
      } else if (await this.#makeWritable(file)) {
        // What others wrote and did not live to flush is flushed now, so that it can be vouched for.
        const read = file.replay.end;
        if (flushed && read > file.replay.vouchedTo) {
          await this.#sync(file);
          this.#syncedTo = read;
        }
      }
    }
    throw new StorageError('storage', `${this.#directory} was replaced again and again while this process wrote to it; try again.`, { key: this.#directory });
  }

  async #makeWritable(file: RecordFile): Promise<boolean> {
    const stillLatest = async (): Promise<boolean> => (await this.#latest()) === file.replay.generation;
    if (!(await file.openForAppending(this.#directory, stillLatest))) {
      await this.#refresh();
      return false;
    }
    await removeGenerationsBefore(this.#context.fileSystem, this.#directory, file.replay.generation);
    return true;
  }

  #encode(file: RecordFile, batch: readonly PendingWrite[]): { bytes: Buffer; ends: number[] } {
    const { replay } = file;
    const vouch = this.#syncedTo > replay.vouchedTo && replay.gaps.length <= maxGaps ? vouchDraft(replay.vouchFor(this.#syncedTo)) : undefined;
    const size = batch.reduce((sum, write) => sum + frameSize(write.draft), vouch ? frameSize(vouch) : 0);
    const bytes = Buffer.allocUnsafe(size);
    let at = vouch ? writeFrame(bytes, 0, vouch, replay.salt, this.#nonce, this.#nextCounter()) : 0;
    const ends = batch.map((write) => {
      write.counter = this.#nextCounter();
      this.#unread.set(write.counter, write);
      at = writeFrame(bytes, at, write.draft, replay.salt, this.#nonce, write.counter);
      return at;
    });
    return { bytes, ends };
  }

  async #sync(file: RecordFile): Promise<void> {
    try {
      await file.sync();
    } catch (error) {
      if (file === this.#file) this.#distrusted = true;
      throw error;
    }
  }

  #nextCounter(): number {
    return ++this.#counter;
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

  /** Starts a new generation when most of the file is garbage. Everything acknowledged is safe whether it comes about or not: the next write goes on with it. */
  async #compactIfWorthIt(): Promise<void> {
    const file = this.#file;
    if (file === undefined || file.replay.sealed) return;
    try {
      if (!this.#context.flushed && file.replay.end - file.replay.vouchedTo > unvouchedBytes && file.replay.end > this.#syncedTo) {
        const read = file.replay.end;
        await this.#sync(file);
        this.#syncedTo = read;
      }
      const { end, state, gaps } = file.replay;
      const garbage = end - state.liveBytes;
      if (end < this.#context.compactAt || (garbage * 2 < end && garbage < muchGarbage && gaps.length < maxGaps / 2)) return;
      file.replay.assertWhole();
      await this.#seal(file);
      // A seal that was only half written seals nothing, and others go on writing to the file.
      if (file.replay.sealed) await this.#finishCompaction(file, true);
    } catch {
      // A write that needs the new generation tries again, and says what is in its way.
    }
  }

  async #seal(file: RecordFile): Promise<void> {
    const seal: FrameDraft = { kind: frameKinds.seal, key: '', rest: noBytes, value: noBytes };
    const bytes = Buffer.allocUnsafe(frameSize(seal));
    writeFrame(bytes, 0, seal, file.replay.salt, this.#nonce, this.#nextCounter());
    await file.append(bytes);
    await this.#sync(file);
    await this.#refresh();
  }

  async #finishCompaction(sealed: RecordFile, sealedHere = false): Promise<void> {
    const { fileSystem, directories } = this.#context;
    // Whoever sealed it is probably at work on the next one.
    for (let waited = 0; !sealedHere && waited < sealed.replay.end / writtenPerMs && this.#file === sealed; waited += pauseMs) {
      await sleep(systemClock, pauseMs);
      await this.#refresh();
    }
    if (this.#file !== sealed) return;
    await writeNextGeneration(fileSystem, directories, this.#directory, sealed);
    await this.#refresh();
  }

  async #vouchAtEnd(file: RecordFile): Promise<void> {
    const { replay } = file;
    if (!file.appendable || replay.sealed || this.#distrusted) return;
    if (!this.#context.flushed) {
      const read = replay.end;
      await this.#sync(file);
      this.#syncedTo = read;
    }
    if (this.#syncedTo <= replay.vouchedTo) return;
    const vouch = vouchDraft(replay.vouchFor(this.#syncedTo));
    const bytes = Buffer.allocUnsafe(frameSize(vouch));
    writeFrame(bytes, 0, vouch, replay.salt, this.#nonce, this.#nextCounter());
    await file.append(bytes);
  }
}

function vouchDraft(vouch: Vouch): FrameDraft {
  return { kind: frameKinds.vouch, key: '', rest: encodeVouch(vouch), value: noBytes };
}

// What is handed out belongs to the caller.
function copyOf(record: StoredRecord): StoredRecord {
  return { bytes: record.bytes.slice(), version: record.version, blobs: [...record.blobs] };
}

/** The record in a frame that was read again, when it is the one that was there. */
function recordIn(frame: Buffer, file: RecordFile, slot: Slot): StoredRecord | undefined {
  const header = parseFrameHeader(frame, 0, file.replay.salt);
  if (header === undefined || header.size !== slot.size || frame.length !== slot.size) return undefined;
  const meta = metaOf(frame, 0, header);
  const value = meta && valueOf(frame, 0, header);
  return meta && value && { bytes: new Uint8Array(value), version: versionText(slot), blobs: decodeBlobs(header.kind, meta, header.keyLength) };
}
