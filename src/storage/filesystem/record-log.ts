import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sleep, systemClock } from '../../core/clock.ts';
import { StorageError } from '../../core/errors.ts';
import type { Directories } from './directories.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { generationName, generationsIn, NextGeneration, removeGenerationsBefore } from './generation.ts';
import { RecordFile } from './record-file.ts';
import { encodeClaim, frameKinds, frameSize, noBytes, writeFrame, type FrameDraft } from './record-frame.ts';
import type { OwnWriter } from './record-replay.ts';
import { encodeVouch, maxGaps } from './vouch.ts';

/** How a record log is kept. */
export interface RecordLogContext {
  readonly fileSystem: FileSystem;
  readonly directories: Directories;
  readonly flushed: boolean;
  /** Size in bytes from which a file that is mostly garbage is rewritten. */
  readonly compactAt: number;
}

/** Bytes that were just appended to a file. */
export interface Written {
  readonly file: RecordFile;
  readonly bytes: Buffer;
}

/** Frames ready to be written: their counters, and where each ends in the bytes. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly counters: readonly number[];
  readonly ends: readonly number[];
}

/** How a file is replaced while others write to it. */
interface HowToCompact {
  /** Whether it is done whatever others claim, and to the end. */
  readonly forced: boolean;
  readonly onCopied?: ((bytes: number) => void) | undefined;
  readonly throwIfUnwanted?: (() => void) | undefined;
}

const maxAttempts = 100;
const pauseMs = 5;
// Whoever has sealed a file is done soon, or dead.
const maxWaitMs = 500;
const writtenPerMs = 20_000;
// What may be left to copy when writers are made to wait.
const shortTail = 256 << 10;
const maxRounds = 50;
// So much garbage is worth a rewrite however much else there is.
const muchGarbage = 256 << 20;
// An unflushed store vouches for its writes, and so flushes them, this often.
const unvouchedBytes = 4 << 20;

/** A log of records through its generations: the one file of the present generation, followed as others write to it, and replaced when it is mostly garbage. */
export class RecordLog {
  readonly #context: RecordLogContext;
  readonly #segments: readonly string[];
  readonly #directory: string;
  readonly #own: OwnWriter;
  #counter = 0;
  #file: RecordFile | undefined;
  #refreshing: Promise<void> | undefined;
  #refreshNext: Promise<void> | undefined;
  #syncedTo = 0;
  #compacting: Promise<boolean> | undefined;
  #removing: Promise<void> | undefined;
  #closing = false;
  /** A file that could not be replaced is not tried again before it has grown to this. */
  #notBefore = 0;
  // After a failed flush the system may have dropped what it held: only a new file can be trusted.
  #distrusted = false;

  /**
   * @param segments - Where it lies below the root of the store.
   * @param onOwn - Is told the result of each write of this instance.
   */
  constructor(context: RecordLogContext, segments: readonly string[], onOwn: OwnWriter['onOwn']) {
    this.#context = context;
    this.#segments = segments;
    this.#directory = join(context.directories.root, ...segments);
    this.#own = { nonce: newNonce(), onOwn };
  }

  /** The present file as it was last looked at; `undefined` when there is none. */
  get file(): RecordFile | undefined {
    return this.#file;
  }

  /** Takes in all that was written before this call. A check that began earlier may have missed some of it, so callers wait for one that begins after. */
  refresh(written?: Written): Promise<void> {
    if (this.#refreshing === undefined) {
      this.#refreshing = this.#takeIn(written).finally(() => (this.#refreshing = undefined));
      return this.#refreshing;
    }
    this.#refreshNext ??= this.#refreshing
      .catch(() => undefined)
      .then(() => {
        this.#refreshNext = undefined;
        return this.refresh();
      });
    return this.#refreshNext;
  }

  /** The present file, made if there is none, replaced if it is sealed, ready for writing. */
  async writableFile(): Promise<RecordFile> {
    const { directories, flushed } = this.#context;
    await directories.ensure(...this.#segments);
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      if (this.#file === undefined) await this.refresh();
      const file = this.#file;
      if (file === undefined) {
        await this.#replace(undefined, () => false);
      } else if (file.replay.sealed) {
        await this.#finishCompaction(file);
      } else if (file.appendable) {
        if (!this.#distrusted) return file;
        await this.#seal(file);
      } else if (await this.#makeWritable(file)) {
        // What others wrote and did not live to flush is flushed now, so that it can be vouched for.
        if (flushed) await this.syncRead(file);
      }
    }
    throw new StorageError('storage', `${this.#directory} was replaced again and again while this process wrote to it; try again.`, { key: this.#directory });
  }

  /** The bytes of frames for a file, with a vouch before them when there is something to vouch for. */
  encode(file: RecordFile, drafts: readonly FrameDraft[]): Encoded {
    const { replay } = file;
    const vouch = this.#syncedTo > replay.vouchedTo && replay.gaps.length <= maxGaps ? this.#vouch(file) : undefined;
    const bytes = Buffer.allocUnsafe(drafts.reduce((sum, draft) => sum + frameSize(draft), vouch ? frameSize(vouch) : 0));
    let at = vouch ? writeFrame(bytes, 0, vouch, replay.salt, this.#own.nonce, ++this.#counter) : 0;
    const counters: number[] = [];
    const ends: number[] = [];
    for (const draft of drafts) {
      counters.push(++this.#counter);
      at = writeFrame(bytes, at, draft, replay.salt, this.#own.nonce, this.#counter);
      ends.push(at);
    }
    return { bytes, counters, ends };
  }

  /** Flushes a file, up to `to` at least. */
  async sync(file: RecordFile, to: number): Promise<void> {
    try {
      await file.sync();
    } catch (error) {
      if (file === this.#file) this.#distrusted = true;
      throw error;
    }
    this.noteSynced(file, to);
  }

  /** Takes note that a file was flushed up to `to`. */
  noteSynced(file: RecordFile, to: number): void {
    if (file === this.#file) this.#syncedTo = Math.max(this.#syncedTo, to);
  }

  /** Flushes what was read of a file, unless that is known to be flushed. */
  async syncRead(file: RecordFile): Promise<void> {
    const { end, vouchedTo } = file.replay;
    if (end > Math.max(this.#syncedTo, vouchedTo)) await this.sync(file, end);
  }

  /**
   * Begins to replace the file when most of it is garbage, while writers go on. Everything acknowledged is safe whether it comes about or not.
   */
  async compactIfWorthIt(): Promise<void> {
    const file = this.#file;
    // One that others just put in the place of the last is not ready for writing, and so cannot be flushed or claimed yet.
    if (file === undefined || file.replay.sealed || !file.appendable) return;
    try {
      if (!this.#context.flushed && file.replay.end - file.replay.vouchedTo > unvouchedBytes) await this.syncRead(file);
    } catch {
      // A write that needs it flushed tries again, and says what is in its way.
    }
    if (this.#compacting === undefined && this.#isWorthIt(file)) void this.#begin(file, { forced: false });
  }

  /**
   * Replaces the file now, so that nothing is left of what was deleted or written over before this call. `onCopied` is told how many bytes were copied since it was last
   * told; `throwIfUnwanted` throws to end it.
   */
  async compact(onCopied: (bytes: number) => void, throwIfUnwanted: () => void): Promise<void> {
    await this.refresh();
    for (let attempt = 1; this.#file !== undefined; attempt++) {
      if (attempt > maxAttempts) throw new StorageError('storage', `${this.#directory} was replaced by others again and again; try again.`, { key: this.#directory });
      throwIfUnwanted();
      await this.#compacting?.catch(() => undefined);
      const file = await this.writableFile();
      await file.settle();
      if (!file.replay.holdsGarbage) break;
      if (this.#compacting === undefined && (await this.#begin(file, { forced: true, onCopied, throwIfUnwanted }))) break;
    }
    if (this.#file === undefined) return;
    await this.#removeReplaced(await this.writableFile());
    // Until then the old file is kept open, and its space with it.
    await this.#file.settle();
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#compacting?.catch(() => undefined);
    await this.#removing;
    await this.#refreshing?.catch(() => undefined);
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    // A last vouch makes later damage to the end of the file known for what it is. Nothing acknowledged depends on it.
    await this.#vouchAtEnd(file).catch(() => undefined);
    await file.retire();
  }

  async #takeIn(written?: Written): Promise<void> {
    this.#file ??= await this.#openAfter(0);
    while (this.#file !== undefined) {
      const file: RecordFile = this.#file;
      await file.catchUp(written?.file === file ? written.bytes : undefined);
      const { replay } = file;
      if (!replay.sealed && !replay.contradicted) return;
      const next: RecordFile | undefined = await this.#openAfter(replay.contradicted ? replay.generation - 1 : replay.generation);
      if (next === undefined) {
        // Whoever may not write here, or finds the disk full, reads all the same.
        if (replay.sealed && this.#context.flushed) await file.flushSeal().catch(() => undefined);
        return;
      }
      const handover = await file.handoverTo(next);
      if (handover !== undefined) next.follow(file, handover);
      this.#file = next;
      // Whoever wrote it has flushed what it left word of.
      this.#syncedTo = handover?.end ?? 0;
      this.#distrusted = false;
      this.#notBefore = 0;
      if (handover === undefined) await file.retire();
    }
  }

  async #openAfter(generation: number): Promise<RecordFile | undefined> {
    for (let attempt = 1; ; attempt++) {
      const latest = await this.#latest();
      if (latest === undefined || latest <= generation) return undefined;
      try {
        const file = await RecordFile.open(this.#context.fileSystem, join(this.#directory, generationName(latest)), this.#own);
        // A slow process may give the name of a generation that came and went to what it made of the one before; it never has the highest number.
        let still = false;
        try {
          still = (await this.#latest()) === latest;
        } finally {
          if (!still) await file.retire();
        }
        if (still) return file;
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

  async #makeWritable(file: RecordFile): Promise<boolean> {
    const stillLatest = async (): Promise<boolean> => (await this.#latest()) === file.replay.generation;
    if (!(await file.openForAppending(this.#directory, stillLatest))) {
      await this.refresh();
      return false;
    }
    const remove = (): Promise<void> => removeGenerationsBefore(this.#context.fileSystem, this.#directory, file.replay.generation);
    this.#removing = (this.#removing ?? Promise.resolve()).then(remove).catch(() => undefined);
    return true;
  }

  async #seal(file: RecordFile): Promise<void> {
    const seal: FrameDraft = { kind: frameKinds.seal, key: '', rest: noBytes, value: noBytes };
    await this.#append(file, seal);
    await this.sync(file, 0);
    await this.refresh();
  }

  async #removeReplaced(file: RecordFile): Promise<void> {
    const { fileSystem } = this.#context;
    const { generation } = file.replay;
    await removeGenerationsBefore(fileSystem, this.#directory, generation);
    const [oldest] = await generationsIn(fileSystem, this.#directory);
    if (oldest === undefined || oldest >= generation) return;
    const path = join(this.#directory, generationName(oldest));
    throw new StorageError('storage', `${path} was replaced and could not be removed; try again.`, { key: path });
  }

  #isWorthIt(file: RecordFile): boolean {
    const { end, state, gaps, claimedTo, sealed, contradicted } = file.replay;
    if (this.#closing || sealed || contradicted || end < this.#context.compactAt || end < this.#notBefore || end < claimedTo) return false;
    const garbage = end - state.liveBytes - state.operationBytes;
    return garbage * 2 >= end || garbage >= muchGarbage || gaps.length >= maxGaps / 2;
  }

  #begin(file: RecordFile, how: HowToCompact): Promise<boolean> {
    // Kept open: it may be replaced by others meanwhile.
    const compacting = file.use(() => this.#compact(file, how)).finally(() => (this.#compacting = undefined));
    this.#compacting = compacting;
    compacting.catch(() => {
      if (this.#file === file) this.#notBefore = file.replay.end + Math.max(this.#context.compactAt, file.replay.end / 8);
    });
    return compacting;
  }

  /** Copies the file while others write to it, seals it, and copies what is left. False when someone else was first, or nothing came of it. */
  async #compact(file: RecordFile, { forced, onCopied, throwIfUnwanted }: HowToCompact): Promise<boolean> {
    if (this.#file !== file) return false;
    const { fileSystem, directories } = this.#context;
    await file.settle();
    file.replay.assertWhole();
    // The others leave it to this process, until the file has grown so much that it must have died.
    if (!forced) await this.#append(file, { kind: frameKinds.claim, key: '', rest: encodeClaim(Math.max(this.#context.compactAt, Math.floor(file.replay.end / 4))), value: noBytes });
    const next = await NextGeneration.begin(fileSystem, directories, file);
    const isOver = (): boolean => this.#file !== file || file.replay.sealed || file.replay.contradicted || (this.#closing && !forced);
    try {
      for (let round = 0; round < maxRounds && (round === 0 || next.behind > shortTail); round++) {
        let more = true;
        while (more) {
          const before = next.copied;
          more = await next.copy();
          throwIfUnwanted?.();
          onCopied?.(next.copied - before);
          if (isOver()) return false;
        }
        await this.refresh();
        if (isOver()) return false;
      }
      await next.flush();
      if (isOver()) return false;
      await this.#seal(file);
      // A seal that was only half written seals nothing, and others go on writing to the file.
      if (!file.replay.sealed || this.#file !== file) return false;
      return await this.#publish(next, file);
    } finally {
      await next.discard();
    }
  }

  /** Waits for the one who sealed a file to replace it, and does it if that does not come about. */
  async #finishCompaction(sealed: RecordFile): Promise<void> {
    await this.#compacting?.catch(() => undefined);
    await this.refresh();
    for (let waited = 0; waited < Math.min(maxWaitMs, sealed.replay.end / writtenPerMs) && this.#file === sealed; waited += pauseMs) {
      await sleep(systemClock, pauseMs);
      await this.refresh();
    }
    if (this.#file === sealed) await sealed.use(() => this.#replace(sealed, () => this.#file !== sealed));
  }

  /** Makes the file that follows a sealed one, or the first, unless `isOver` while it is at it. */
  async #replace(sealed: RecordFile | undefined, isOver: () => boolean): Promise<void> {
    // Its successor hides the seal from all who come later, some of whom may rely on what is flushed.
    await sealed?.flushSeal();
    await sealed?.settle();
    const next = await NextGeneration.begin(this.#context.fileSystem, this.#context.directories, sealed);
    try {
      while (await next.copy()) {
        await this.refresh();
        if (isOver()) return;
      }
      await this.#publish(next, sealed);
    } finally {
      await next.discard();
    }
  }

  async #publish(next: NextGeneration, sealed: RecordFile | undefined): Promise<boolean> {
    await next.complete();
    // Another was first, and what the sealed file came to has moved on.
    if (sealed !== undefined && this.#file !== sealed) return false;
    // Only a hint, so it need not be flushed.
    if (sealed?.appendable) await this.#append(sealed, { kind: frameKinds.handover, key: '', rest: next.handover, value: noBytes }).catch(() => undefined);
    const first = await next.publish(this.#directory);
    await this.refresh();
    return first;
  }

  async #vouchAtEnd(file: RecordFile): Promise<void> {
    const { replay } = file;
    if (!file.appendable || replay.sealed || this.#distrusted) return;
    if (!this.#context.flushed) await this.syncRead(file);
    if (this.#syncedTo > replay.vouchedTo && replay.gaps.length <= maxGaps) await this.#append(file, this.#vouch(file));
  }

  #vouch(file: RecordFile): FrameDraft {
    return { kind: frameKinds.vouch, key: '', rest: encodeVouch(file.replay.vouchFor(this.#syncedTo)), value: noBytes };
  }

  /** Appends a frame of the log's own. It may overtake writes that are on their way, and so has a nonce of its own. */
  async #append(file: RecordFile, draft: FrameDraft): Promise<void> {
    const bytes = Buffer.allocUnsafe(frameSize(draft));
    writeFrame(bytes, 0, draft, file.replay.salt, newNonce(), 1);
    await file.append(bytes);
  }
}

// 0 is that of what a compaction carries over.
function newNonce(): number {
  return randomBytes(4).readUInt32LE(0) || 1;
}
