import { IntegrityError, StorageError } from '../../core/errors.ts';
import { readAt } from './file-reading.ts';
import { fileHeaderBytes, parseFileHeader } from './file-header.ts';
import { readFrames } from './frame-reads.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';
import { decodeHandover, type Handover } from './handover.ts';
import { decodeRecordVersion, frameHeaderBytes, frameKinds, isMetaSound, isValueSound, metaOf, parseFrameHeader, type FrameKind } from './record-frame.ts';
import { RecordReplay, type OwnWriter } from './record-replay.ts';
import type { Slot } from './slot-table.ts';
import { decodeVouch, type Vouch } from './vouch.ts';

const windowBytes = 1 << 20;
// Of a window, so much may be left over for the next.
const overlapBytes = 16 << 10;
// So little at a time that writers of this process hardly notice.
const settleBytes = 128 << 10;

/** The bytes of a frame as they were found. */
export interface FoundFrame {
  readonly frame: Buffer;
  /** What it should begin with. */
  readonly salt: Buffer;
  /** Of the file that it is in. */
  readonly path: string;
}

/** A window on its way. */
interface Ahead {
  readonly from: number;
  readonly bytes: Promise<Buffer | undefined>;
}

/** One open generation of a record log. */
export class RecordFile {
  readonly path: string;
  readonly #own: OwnWriter;
  #replay: RecordReplay;
  readonly #fileSystem: FileSystem;
  readonly #reader: OpenFile;
  #appender: OpenFile | undefined;
  /** The file before, as long as values are read from it. */
  #before: RecordFile | undefined;
  #settling: Promise<void> | undefined;
  #settledTo: number = fileHeaderBytes;
  #settleTo = 0;
  #followed = false;
  #users = 0;
  #sealFlushed = false;
  #retired = false;
  #closed = false;

  /** Opens a generation and reads its header. */
  static async open(fileSystem: FileSystem, path: string, own: OwnWriter): Promise<RecordFile> {
    const reader = await fileSystem.open(path, 'read');
    try {
      const header = parseFileHeader(await readAt(reader, 0, fileHeaderBytes));
      if (header?.kind !== 'records') throw new IntegrityError(`The header of ${path} is damaged; restore the store from a copy.`, { key: path, file: path, offset: 0 });
      return new RecordFile(fileSystem, reader, new RecordReplay({ path, generation: header.number, salt: header.salt }, own), path, own);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  private constructor(fileSystem: FileSystem, reader: OpenFile, replay: RecordReplay, path: string, own: OwnWriter) {
    this.#fileSystem = fileSystem;
    this.#reader = reader;
    this.#replay = replay;
    this.path = path;
    this.#own = own;
  }

  /** What was read of it comes to this. */
  get replay(): RecordReplay {
    return this.#replay;
  }

  /** The word that whoever wrote `next`, the file after this one, left behind the seal of this one; `undefined` when there is none that can be relied on. */
  async handoverTo(next: RecordFile): Promise<Handover | undefined> {
    try {
      await this.settle();
      const { end, generation, sealed, settled } = this.#replay;
      if (next.#replay.generation !== generation + 1 || !sealed || !settled) return undefined;
      const { size } = await this.#reader.stat();
      const words = (await this.use(() => this.#metasFrom(frameKinds.handover, end, size))).map(decodeHandover);
      return words.find((word) => word?.salt.equals(next.#replay.salt) === true);
    } catch {
      // Then the next file is read from its beginning, which says what is wrong.
      return undefined;
    }
  }

  /**
   * Goes on where `before`, which was read to its seal, ends: what it came to is what the beginning of this file holds. It stays open until its values have been
   * found here, which goes on in the background.
   */
  follow(before: RecordFile, from: Handover): void {
    const { path, generation, salt } = { path: this.path, generation: this.#replay.generation, salt: this.#replay.salt };
    this.#replay = new RecordReplay({ path, generation, salt }, this.#own, { replay: before.#replay, handover: from });
    this.#before = before;
    before.#followed = true;
    this.#settleTo = from.end;
    this.settle().catch(() => undefined);
  }

  /** Finds the values of the file before in this one, if that was not done yet, and lets go of that. What is not as it should be makes the file read anew. */
  settle(): Promise<void> {
    if (this.#before === undefined) return Promise.resolve();
    this.#settling ??= this.use(() => this.#settle()).finally(() => (this.#settling = undefined));
    return this.#settling;
  }

  /** Takes in what was written since, by anyone. `written` may hold the very bytes that were just appended, to save reading them. */
  async catchUp(written?: Buffer): Promise<void> {
    const { replay } = this;
    const { size, links } = await this.#reader.stat();
    if (written !== undefined && replay.end + written.length === size) replay.feed(written, true);
    const begunAt = replay.end;
    let want = windowBytes;
    let ahead: Ahead | undefined;
    let reserved = false;
    while (replay.end < size && !replay.sealed && !replay.contradicted) {
      const read = await ahead?.bytes;
      const kept = ahead === undefined || read === undefined || replay.end < ahead.from || want > windowBytes ? undefined : read.subarray(replay.end - ahead.from);
      const window = kept ?? (await readAt(this.#reader, replay.end, Math.min(want, size - replay.end)));
      ahead = this.#readAhead(replay.end + window.length - overlapBytes, size);
      if (!reserved && replay.end > begunAt) {
        // Of the keys that are still to come there are probably as many for each byte as there were so far.
        replay.state.slots.reserve(Math.ceil((1.05 * replay.state.slots.size * (size - begunAt)) / (replay.end - begunAt)));
        reserved = true;
      }
      const last = replay.end + window.length >= size;
      const fed = replay.feed(window, last);
      if (fed === undefined) {
        if (last) break;
      } else if ('need' in fed) {
        want = Math.max(windowBytes, fed.need);
        continue;
      } else {
        replay.pass(fed.breach, await this.#vouchesFrom(fed.breach.to, size));
      }
      want = windowBytes;
    }
    await ahead?.bytes;
    if (links === 0 && !replay.sealed && !replay.contradicted) throw new StorageError('storage', `The store was removed while it was in use: ${this.path} is gone. Close this storage.`, { key: this.path });
  }

  /** Begins to read the window that probably comes next, while the one before it is gone through. */
  #readAhead(from: number, size: number): Ahead | undefined {
    if (from + overlapBytes >= size) return undefined;
    return { from, bytes: this.use(() => readAt(this.#reader, from, Math.min(windowBytes, size - from))).catch(() => undefined) };
  }

  /** The frames of slots, and the salt that each begins with. */
  async readFrames(slots: readonly Slot[]): Promise<FoundFrame[]> {
    const before = this.#before;
    const [own, others] = [slots.filter((slot) => !slot.before), slots.filter((slot) => slot.before)];
    const [here, there] = await Promise.all([this.#framesOf(own), others.length === 0 ? [] : before!.#framesOf(others)]);
    const [nextHere, nextThere] = [here.values(), there.values()];
    return slots.map((slot) => (slot.before ? nextThere : nextHere).next().value!);
  }

  async #framesOf(slots: readonly Slot[]): Promise<FoundFrame[]> {
    const { salt } = this.#replay;
    const frames = await readFrames(slots, (position, size) => this.read(position, size));
    return frames.map((frame) => ({ frame, salt, path: this.path }));
  }

  /** Bytes from `position`. */
  read(position: number, size: number): Promise<Buffer> {
    return this.use(() => readAt(this.#reader, position, size));
  }

  /** Keeps the file open during `work`, though it be retired meanwhile. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work();
    } finally {
      this.#users--;
      await this.#closeIfUnused();
    }
  }

  /** Makes the file ready for writing, its name flushed with its directory. False when it is gone, or `isStill` says that its name may mean another file. */
  async openForAppending(directory: string, isStill: () => Promise<boolean>): Promise<boolean> {
    let appender: OpenFile;
    try {
      appender = await this.#fileSystem.open(this.path, 'append');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    let ready = false;
    try {
      const still = await isStill();
      if (still) await this.#fileSystem.syncDirectory(directory);
      ready = still && !this.#retired;
    } finally {
      // Another call may have been at it too.
      if (ready && this.#appender === undefined) this.#appender = appender;
      else await appender.close();
    }
    return ready;
  }

  get appendable(): boolean {
    return this.#appender !== undefined;
  }

  /** Whether another file has taken its place. */
  get retired(): boolean {
    return this.#retired || this.#followed;
  }

  /** Appends by one system call and gives how many bytes were written: none once the file was replaced and closed. */
  append(bytes: Buffer): Promise<number> {
    return this.use(async () => (this.#closed || this.#appender === undefined ? 0 : this.#appender.write(bytes)));
  }

  sync(): Promise<void> {
    return this.use(async () => (this.#closed ? undefined : this.#appender?.sync()));
  }

  /**
   * Flushes a file that others may have sealed, unless that was done. What lies behind a seal counts as soon as the seal is lost with the power: whoever is told that it
   * does not count must be able to rely on it.
   */
  async flushSeal(): Promise<void> {
    if (this.#sealFlushed) return;
    try {
      const file = await this.#fileSystem.open(this.path, 'append');
      await file.sync().finally(() => file.close());
    } catch (error) {
      // Others have replaced it, and flushed it before.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    this.#sealFlushed = true;
  }

  /** Closes the file as soon as nobody uses it. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#settling?.catch(() => undefined);
    await this.#closeIfUnused();
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#retired || this.#users > 0 || this.#closed) return;
    this.#closed = true;
    await this.#before?.retire();
    await this.#appender?.close();
    await this.#reader.close();
  }

  async #settle(): Promise<void> {
    let want = settleBytes;
    while (this.#settledTo < this.#settleTo && !this.#retired) {
      const window = await readAt(this.#reader, this.#settledTo, want);
      const taken = this.#settleFrom(window);
      if (taken === 0 && want > window.length) break;
      want = taken === 0 ? want * 4 : settleBytes;
    }
    if (this.#retired) return;
    if (this.#settledTo < this.#settleTo || this.#replay.state.slots.before > 0) {
      this.#replay.contradicted = true;
      return;
    }
    const before = this.#before;
    this.#before = undefined;
    await before?.retire();
  }

  /** Gives how many bytes of a window were gone through. */
  #settleFrom(window: Buffer): number {
    const { salt, state } = this.#replay;
    const { slots } = state;
    const start = this.#settledTo;
    while (this.#settledTo < this.#settleTo) {
      const at = this.#settledTo - start;
      const header = parseFrameHeader(window, at, salt);
      if (header === undefined || at + header.size > window.length) break;
      const keyAt = at + frameHeaderBytes;
      const keyEnd = keyAt + header.keyLength;
      if (header.kind === frameKinds.record && isMetaSound(window, at, header) && isValueSound(window, at, header)) {
        const row = slots.findIn(window, keyAt, keyEnd);
        if (row >= 0 && slots.isBefore(row) && slots.isAt(row, decodeRecordVersion(window, keyEnd))) state.liveBytes += slots.move(row, this.#settledTo, header.size);
      }
      this.#replay.count(header);
      this.#settledTo += header.size;
    }
    return this.#settledTo - start;
  }

  async #vouchesFrom(from: number, size: number): Promise<Vouch[]> {
    return (await this.#metasFrom(frameKinds.vouch, from, size)).map(decodeVouch);
  }

  /** What the frames of a kind hold from `from` to the end, wherever frames can be read. */
  async #metasFrom(kind: FrameKind, from: number, size: number): Promise<Buffer[]> {
    const { salt } = this.#replay;
    const metas: Buffer[] = [];
    let position = from;
    let want = windowBytes;
    while (position + frameHeaderBytes <= size) {
      const window = await readAt(this.#reader, position, Math.min(want, size - position));
      let at = 0;
      want = windowBytes;
      while (at + frameHeaderBytes <= window.length) {
        const header = parseFrameHeader(window, at, salt);
        if (header === undefined) {
          const next = window.indexOf(salt, at + 1);
          at = next === -1 ? Math.max(at + 1, window.length - salt.length + 1) : next;
          continue;
        }
        if (header.kind === kind) {
          if (at + header.size > window.length && position + at + header.size <= size) {
            want = Math.max(windowBytes, header.size);
            break;
          }
          const meta = metaOf(window, at, header);
          if (meta !== undefined) metas.push(meta);
        }
        // No further: a frame that was never finished would hide those that lie where the rest of it should be.
        at += frameHeaderBytes;
      }
      if (at === 0 && want === windowBytes) break;
      position += at;
    }
    return metas;
  }
}
