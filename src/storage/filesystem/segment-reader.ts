import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import { fileHeaderBytes, parseFileHeader, type FileHeader } from './file-header.ts';
import { fillAt, readAt } from './file-reading.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { ReadWindow } from './read-window.ts';
import { isSegmentFrameSound, parseSegmentFrame, segmentHeaderBytes, segmentKinds, segmentTrailerBytes, type SegmentFrame } from './segment-frame.ts';

const windowBytes = 1 << 20;

/** A frame, and where it lies in the bytes that were read. */
export interface PlacedFrame {
  readonly frame: SegmentFrame;
  readonly bytes: Buffer;
  readonly at: number;
}

/** How far the entries of a writer go. */
export interface SegmentEnd {
  readonly sequence: number;
  readonly bytes: number;
}

/** One open segment of a log, read front to back with bounded memory. */
export class SegmentReader {
  readonly header: FileHeader;
  readonly #file: OpenFile;
  readonly #log: Key;
  readonly #path: string;

  static async open(fileSystem: FileSystem, path: string, log: Key): Promise<SegmentReader> {
    const file = await fileSystem.open(path, 'read');
    try {
      const header = parseFileHeader(await readAt(file, 0, fileHeaderBytes));
      if (header?.kind !== 'segment') throw new IntegrityError(`The log ${log} is damaged (the header of ${path}); restore the store from a copy.`, { key: log, file: path, offset: 0 });
      return new SegmentReader(file, header, path, log);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private constructor(file: OpenFile, header: FileHeader, path: string, log: Key) {
    this.#file = file;
    this.header = header;
    this.#path = path;
    this.#log = log;
  }

  /**
   * The frames with entries after sequence `after` that are in the file by now, in order, up to a seal or to a write that never finished. Throws
   * `IntegrityError` at a frame that was whole once. The bytes of a frame are there until the next one is asked for: all are read into the same window.
   */
  async *frames(after = 0, window: ReadWindow = new ReadWindow()): AsyncGenerator<PlacedFrame> {
    const { size } = await this.#file.stat();
    let position = fileHeaderBytes;
    let want = windowBytes;
    let kept = 0;
    while (position < size) {
      const length = Math.min(want, size - position);
      const room = window.withRoom(length, kept);
      const bytes = room.subarray(0, kept + (await fillAt(this.#file, room.subarray(kept, length), position + kept)));
      let at = 0;
      for (;;) {
        const frame = parseSegmentFrame(bytes, at, this.header.salt);
        if (frame === undefined) {
          if (at > 0 && at + segmentHeaderBytes > bytes.length && position + bytes.length < size) break;
          return await this.#assertUnfinished(position + at, size);
        }
        const skipped = frame.kind === segmentKinds.batch && frame.first + frame.count - 1 <= after;
        if (!skipped && at + frame.size > bytes.length) {
          if (position + at + frame.size > size) return await this.#assertUnfinished(position + at, size);
          want = Math.max(windowBytes, frame.size);
          break;
        }
        if (frame.kind === segmentKinds.seal) return;
        if (frame.kind === segmentKinds.batch && !skipped) {
          if (!isSegmentFrameSound(bytes, at, frame)) return await this.#assertUnfinished(position + at, size);
          yield { frame, bytes, at };
        }
        at += frame.size;
        if (at >= bytes.length) break;
      }
      position += at;
      // What was cut by the end of the window need not be read again.
      kept = Math.max(0, bytes.length - at);
      room.copyWithin(0, at, at + kept);
    }
  }

  /** How far the writer's entries go with this segment, from its last frame when that can be read, otherwise from all. */
  async end(): Promise<SegmentEnd> {
    const last = await this.#last();
    if (last !== undefined && last.frame.kind !== segmentKinds.seal) return endOf(last.frame);
    let end: SegmentEnd = { sequence: this.header.entriesBefore, bytes: this.header.bytesBefore };
    for await (const { frame } of this.frames()) end = endOf(frame);
    return end;
  }

  /** Whether its writer closed it: all in it had been flushed then. */
  async isClosed(): Promise<boolean> {
    const last = await this.#last();
    return last?.frame.kind === segmentKinds.mark && last.frame.flushedTo >= last.at;
  }

  /** The frame that ends where the file ends, if its header can be read. */
  async #last(): Promise<{ frame: SegmentFrame; at: number } | undefined> {
    const { size } = await this.#file.stat();
    const trailer = await readAt(this.#file, Math.max(0, size - segmentTrailerBytes), segmentTrailerBytes);
    const at = trailer.length === segmentTrailerBytes ? size - trailer.readUInt32LE(0) : 0;
    if (at < fileHeaderBytes) return undefined;
    const frame = parseSegmentFrame(await readAt(this.#file, at, segmentHeaderBytes), 0, this.header.salt);
    return frame !== undefined && at + frame.size === size ? { frame, at } : undefined;
  }

  /** The damage that is known when a later segment goes on behind entries that this one does not have. */
  missing(after: number, expected: number): IntegrityError {
    return new IntegrityError(`The log ${this.#log} is damaged: ${this.#path} ends at entry ${after} and should have ${expected}; restore the store from a copy.`, {
      key: this.#log,
      file: this.#path,
    });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Throws `IntegrityError` when any frame behind `position` says that it had been flushed. */
  async #assertUnfinished(position: number, size: number): Promise<void> {
    const { salt } = this.header;
    for (let start = position; start + segmentHeaderBytes <= size; ) {
      const bytes = await readAt(this.#file, start, Math.min(windowBytes, size - start));
      for (let at = bytes.indexOf(salt, start === position ? 1 : 0); at !== -1; at = bytes.indexOf(salt, at + 1)) {
        const frame = parseSegmentFrame(bytes, at, salt);
        if (frame !== undefined && frame.flushedTo > position) {
          throw new IntegrityError(`The log ${this.#log} is damaged (${this.#path}, byte ${position}); restore the store from a copy, or delete the log.`, {
            key: this.#log,
            file: this.#path,
            offset: position,
          });
        }
      }
      if (start + bytes.length >= size) return;
      start += Math.max(1, bytes.length - segmentHeaderBytes + 1);
    }
  }
}

/** How far a frame goes. */
export function endOf(frame: SegmentFrame): SegmentEnd {
  return { sequence: frame.first + frame.count - 1, bytes: frame.bytesBefore + frame.entryBytes };
}
