import { dirname, join } from 'node:path';
import { StorageError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { LogPosition } from '../contract.ts';
import { encodePosition } from '../log-position.ts';
import type { Directories } from './directories.ts';
import { encodeFileHeader, newSalt } from './file-header.ts';
import { writeAll } from './file-reading.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';
import { flushAnew } from './flush-anew.ts';
import { deletionFile, segmentFile } from './log-directory.ts';
import { draftSegmentFrame, placeSegmentFrame, segmentKinds, type SegmentDraft } from './segment-frame.ts';
import { endOf, SegmentReader } from './segment-reader.ts';
import { newWriterState, takeOver, type WriterState } from './segment-takeover.ts';
import { storageError } from './system-error.ts';

interface PendingAppend {
  readonly draft: SegmentDraft;
  readonly operationId: string | undefined;
  readonly flushed: boolean;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: unknown) => void;
}

/** The segment that is being written. */
interface Segment {
  readonly file: OpenFile;
  readonly salt: Buffer;
  readonly path: string;
  /** Size of the file as far as only this writer wrote to it. */
  end: number;
  /** That size when the segment was begun, until the frames it was begun with are acknowledged; then 0. */
  created: number;
  flushedTo: number;
}

const batchBytes = 16 << 20;
const maxAttempts = 100;

/**
 * One writer's sequence in one log, as this process goes on with it. It begins with a segment of its own; a segment of the same writer that another process may
 * still be writing to is sealed first, and whoever finds its segment sealed goes on in yet another. So nothing is lost or doubled though two write under one
 * name, only slow.
 */
export class SegmentWriter {
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  readonly #log: Key;
  readonly #directory: readonly string[];
  readonly #writer: string;
  /** How far the sequence goes, as far as this process knows; it holds while `#claimed`. */
  #state: WriterState = newWriterState();
  #claimed = false;
  #segment: Segment | undefined;
  /** A segment that was left behind with entries that could not be flushed: nothing may go on behind it before they are. */
  #unflushed: string | undefined;
  #pending: PendingAppend[] = [];
  #running: Promise<void> | undefined;

  constructor(fileSystem: FileSystem, directories: Directories, log: Key, writer: string) {
    this.#fileSystem = fileSystem;
    this.#directories = directories;
    this.#log = log;
    this.#directory = ['logs', ...log.split('/')];
    this.#writer = writer;
  }

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Appends entries, all or none. All appends that wait share one write and one flush. */
  append(draft: SegmentDraft, operationId: string | undefined, flushed: boolean): Promise<LogPosition> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ draft, operationId, flushed, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Waits for what is under way and lets go of the file, with a mark that makes later damage to its end known for what it is. */
  async close(): Promise<void> {
    await this.#running;
    // Whoever goes on after this one cannot know that a flush had failed.
    if (this.#unflushed !== undefined) await this.#flushAnew(this.#unflushed).catch(() => undefined);
    const segment = this.#segment;
    this.#segment = undefined;
    this.#claimed = false;
    if (segment === undefined) return;
    try {
      if (segment.flushedTo < segment.end) {
        await segment.file.sync();
        segment.flushedTo = segment.end;
      }
      const place = { salt: segment.salt, first: this.#state.sequence + 1, bytesBefore: this.#state.bytes, flushedTo: segment.flushedTo };
      await segment.file.write(placeSegmentFrame(draftSegmentFrame(segmentKinds.mark), place));
    } catch {
      // Nothing acknowledged depends on the mark.
    } finally {
      await segment.file.close();
    }
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#appendAll(batch);
      } catch (error) {
        for (const append of batch) append.reject(storageError(error, `Appending to ${this.#log}`, this.#log));
      }
    }
    // In the same turn as the last look at the queue, so that no append comes between.
    this.#running = undefined;
  }

  #takeBatch(): PendingAppend[] {
    let bytes = 0;
    let count = 0;
    for (; count < this.#pending.length; count++) {
      bytes += this.#pending[count]!.draft.bytes.length;
      if (count > 0 && bytes > batchBytes) break;
    }
    return this.#pending.splice(0, count);
  }

  async #appendAll(batch: readonly PendingAppend[]): Promise<void> {
    let rest = batch;
    for (let attempt = 1; rest.length > 0; attempt++) {
      if (attempt > maxAttempts) throw new StorageError('storage', `Another process kept taking over the writer ${this.#writer} of the log ${this.#log}.`, { key: this.#log });
      if (this.#unflushed !== undefined) await this.#flushAnew(this.#unflushed);
      if (!this.#claimed) await this.#claim();
      rest = await this.#appendSome(rest);
    }
  }

  /** Appends as many of a batch as come to lie whole in the segment, and gives back the others. */
  async #appendSome(batch: readonly PendingAppend[]): Promise<readonly PendingAppend[]> {
    const plan = this.#plan(batch);
    if (plan.fresh.length > 0 && this.#segment === undefined && !(await this.#createSegment(plan))) return batch;
    const segment = this.#segment;
    const flushed = batch.some((append) => append.flushed);
    const whole = segment === undefined || segment.end === segment.created ? plan.fresh.length : await this.#extend(segment, plan.fresh, flushed);
    const written = plan.fresh.slice(0, whole);
    if (segment !== undefined) {
      segment.created = 0;
      if (flushed && segment.flushedTo < segment.end) await this.#flush(segment);
    }
    for (const { append, position, sequence, bytes } of written) {
      this.#state.sequence = sequence;
      this.#state.bytes = bytes;
      this.#state.operations.remember(append.operationId, position);
    }
    if (segment !== undefined && (whole < plan.fresh.length || !this.#claimed)) await this.#abandon();
    // What was learnt of the files without writing to them is out of date as soon as others write.
    if (this.#segment === undefined) this.#claimed &&= plan.fresh.length > 0;
    for (const { append, position } of [...written, ...plan.known]) append.resolve(position);
    return [...plan.later, ...plan.fresh.slice(whole).map(({ append }) => append)];
  }

  /** What each append of a batch would become: fresh frames, repeats that are known already, and repeats of one that is only about to be written. */
  #plan(batch: readonly PendingAppend[]): Plan {
    const named = new Set<string>();
    let sequence = this.#state.sequence;
    let bytes = this.#state.bytes;
    const place = this.#segment ?? { salt: newSalt(), flushedTo: 0 };
    const plan: Plan = { salt: place.salt, fresh: [], known: [], later: [] };
    for (const append of batch) {
      const earlier = this.#state.operations.get(append.operationId);
      if (earlier !== undefined) plan.known.push({ append, position: earlier });
      else if (append.operationId !== undefined && named.has(append.operationId)) plan.later.push(append);
      else if (append.draft.count === 0) plan.known.push({ append, position: this.#position(sequence) });
      else {
        const frame = placeSegmentFrame(append.draft, { salt: place.salt, first: sequence + 1, bytesBefore: bytes, flushedTo: place.flushedTo });
        sequence += append.draft.count;
        bytes += append.draft.entryBytes;
        if (append.operationId !== undefined) named.add(append.operationId);
        plan.fresh.push({ append, frame, position: this.#position(sequence), sequence, bytes });
      }
    }
    return plan;
  }

  /** Writes frames by one call, and gives how many are whole in the segment and count. Whether they do is looked up while they are flushed. */
  async #extend(segment: Segment, fresh: Plan['fresh'], flushed: boolean): Promise<number> {
    if (fresh.length === 0) return 0;
    const bytes = fresh.length === 1 ? fresh[0]!.frame : Buffer.concat(fresh.map(({ frame }) => frame));
    let written: number;
    try {
      written = await segment.file.write(bytes);
    } catch (error) {
      await this.#abandon();
      throw error;
    }
    // All are waited for: nothing may be under way on a file that is let go of.
    const [found, deletion, flush] = await Promise.allSettled([segment.file.stat(), this.#isDeleted(dirname(segment.path)), flushed ? segment.file.sync() : undefined]);
    if (flush.status === 'rejected') return this.#failFlush(segment, flush.reason);
    const { size, links } = valueOf(found);
    const deleted = valueOf(deletion);
    if (links === 0 || deleted || size !== segment.end + written) {
      // The log was deleted, or another process took over this writer: the sequence goes on from what the files say.
      this.#claimed = false;
      if (deleted) return 0;
      const reached = await this.#soundEnd(segment);
      segment.end = size;
      return fresh.filter((append) => append.sequence <= reached).length;
    }
    let whole = 0;
    for (const { frame } of fresh) {
      if (segment.end + frame.length > size) break;
      segment.end += frame.length;
      whole++;
    }
    if (flushed) segment.flushedTo = segment.end;
    return whole;
  }

  /** Up to which entry the segment counts, under whose name there may be a copy by now; 0 when there is none. */
  async #soundEnd(segment: Segment): Promise<number> {
    try {
      const reader = await SegmentReader.open(this.#fileSystem, segment.path, this.#log);
      try {
        if (!reader.header.salt.equals(segment.salt)) return 0;
        let sequence = reader.header.entriesBefore;
        for await (const { frame } of reader.frames()) sequence = endOf(frame).sequence;
        return sequence;
      } finally {
        await reader.close();
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 0;
      throw error;
    }
  }

  async #flush(segment: Segment): Promise<void> {
    try {
      await segment.file.sync();
    } catch (error) {
      await this.#failFlush(segment, error);
    }
    segment.flushedTo = segment.end;
  }

  async #failFlush(segment: Segment, error: unknown): Promise<never> {
    this.#unflushed = segment.path;
    await this.#abandon();
    throw error;
  }

  /** Leaves the segment as it is; the next append begins another, which goes on behind the last entry that was acknowledged. */
  async #abandon(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment === undefined) return;
    if (segment.flushedTo < segment.end) await segment.file.sync().catch(() => (this.#unflushed = segment.path));
    await segment.file.close();
  }

  async #flushAnew(path: string): Promise<void> {
    try {
      await flushAnew(this.#fileSystem, this.#directories, path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // The log was deleted meanwhile: the sequence goes on from what the files say.
      this.#claimed = false;
    }
    this.#unflushed = undefined;
  }

  /** Begins a segment with the frames of a plan. False when another process was first, or the log was deleted meanwhile. */
  async #createSegment(plan: Plan): Promise<boolean> {
    const directory = await this.#directories.ensure(...this.#directory);
    const path = join(directory, segmentFile(this.#writer, this.#state.incarnation, this.#state.epoch + 1));
    const salt = plan.salt;
    const header = encodeFileHeader({ kind: 'segment', number: this.#state.epoch + 1, salt, entriesBefore: this.#state.sequence, bytesBefore: this.#state.bytes });
    const bytes = Buffer.concat([header, ...plan.fresh.map(({ frame }) => frame)]);
    const { path: temporary, file } = await this.#directories.createTemporary();
    let kept = false;
    try {
      await writeAll(file, bytes);
      await file.sync();
      if (!(await this.#followsLast(directory))) {
        this.#claimed = false;
        return false;
      }
      try {
        await this.#fileSystem.link(temporary, path);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' && codeOf(error) !== 'ENOENT') throw error;
        if (codeOf(error) === 'ENOENT') this.#directories.forget(directory);
        this.#claimed = false;
        return false;
      }
      await this.#fileSystem.unlink(temporary);
      if (!(await this.#followsLast(directory))) {
        this.#claimed = false;
        await this.#fileSystem.unlink(path);
        return false;
      }
      await this.#fileSystem.syncDirectory(directory);
      kept = true;
    } finally {
      if (!kept) {
        await file.close();
        await this.#fileSystem.unlink(temporary).catch(() => undefined);
      }
    }
    this.#state.epoch++;
    this.#state.salt = salt;
    this.#segment = { file, path, salt, end: bytes.length, created: bytes.length, flushedTo: bytes.length };
    return true;
  }

  /** Whether the log was deleted since its files were looked at. When all that tells of it is gone, so are the segments. */
  async #isDeleted(directory: string): Promise<boolean> {
    try {
      await this.#fileSystem.stat(join(directory, deletionFile(this.#state.incarnation + 1)));
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Whether a new segment goes on behind what is still there. When it does not, the log was deleted meanwhile, and perhaps begun anew. */
  async #followsLast(directory: string): Promise<boolean> {
    if (await this.#isDeleted(directory)) return false;
    if (this.#state.epoch === 0) return true;
    try {
      const last = await SegmentReader.open(this.#fileSystem, join(directory, segmentFile(this.#writer, this.#state.incarnation, this.#state.epoch)), this.#log);
      await last.close();
      return last.header.salt.equals(this.#state.salt);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async #claim(): Promise<void> {
    this.#state = await takeOver(this.#fileSystem, this.#directories, { log: this.#log, writer: this.#writer });
    this.#claimed = true;
  }

  #position(sequence: number): LogPosition {
    return encodePosition(new Map([[this.#writer, sequence]]));
  }
}

interface Plan {
  readonly salt: Buffer;
  readonly fresh: { append: PendingAppend; frame: Buffer; position: LogPosition; sequence: number; bytes: number }[];
  readonly known: { append: PendingAppend; position: LogPosition }[];
  readonly later: PendingAppend[];
}

function valueOf<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
