import { join } from 'node:path';
import { IntegrityError } from '../../core/errors.ts';
import type { Directories, TemporaryFile } from './directories.ts';
import { writeAll } from './file-reading.ts';
import { encodeFileHeader, fileHeaderBytes, newSalt } from './file-header.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { encodeHandover } from './handover.ts';
import type { RecordFile } from './record-file.ts';
import {
  decodeBlobs,
  encodeOperation,
  encodeRecordMeta,
  encodeWriteMeta,
  frameHeaderBytes,
  frameKinds,
  frameSize,
  isMetaSound,
  isValueSound,
  noBytes,
  parseFrameHeader,
  writeFrame,
  type FrameDraft,
  type FrameHeader,
} from './record-frame.ts';
import { encodeVouch, hashKey, type VouchedFrame } from './vouch.ts';

// So little at a time that writers of this process hardly notice.
const windowBytes = 128 << 10;
// What is flushed in one piece holds up the flushes of writers.
const unsyncedBytes = 4 << 20;

/** The name of a generation's file. */
export function generationName(generation: number): string {
  return `${String(generation).padStart(10, '0')}.log`;
}

/** The numbers of the generations in a directory, ascending; none when there is no such directory. */
export async function generationsIn(fileSystem: FileSystem, directory: string): Promise<number[]> {
  try {
    const entries = await fileSystem.readDirectory(directory);
    return entries.flatMap(({ name }) => (/^\d{10}\.log$/.test(name) ? [parseInt(name, 10)] : [])).sort((a, b) => a - b);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Removes the files of generations before `generation`, whose name must be flushed. What cannot be removed now is left to the next one. */
export async function removeGenerationsBefore(fileSystem: FileSystem, directory: string, generation: number): Promise<void> {
  for (const old of await generationsIn(fileSystem, directory)) {
    if (old < generation) await fileSystem.unlink(join(directory, generationName(old))).catch(() => undefined);
  }
}

/**
 * The generation after `source`, or the first one, on its way: a temporary file into which all that is still of use is copied, in slices, while others go on
 * writing to the source. Copying goes through the source in order and takes along what at that moment is the present value of its key; what is written behind its back
 * lies further on in the source and is met later. When the source is sealed and copied to its end, {@link publish} gives the file its name. Anyone may do it, several
 * at once: the content follows from the sealed file, and the first to give the name has done it for all. At every point a crash leaves the old generation or both.
 */
export class NextGeneration {
  readonly #fileSystem: FileSystem;
  readonly #temporary: TemporaryFile;
  readonly #source: RecordFile | undefined;
  readonly #salt = newSalt();
  /** What the source held when copying began: only what is deleted behind it may have been copied before. */
  readonly #begunAt: number;
  /** How far the source was copied. */
  #cursor = fileHeaderBytes;
  #drafts: FrameDraft[] = [];
  #frames: VouchedFrame[] = [];
  #size = 0;
  #end = fileHeaderBytes;
  #syncedTo = 0;
  #vouchedTo = fileHeaderBytes;
  #counter = 0;

  static async begin(fileSystem: FileSystem, directories: Directories, source: RecordFile | undefined): Promise<NextGeneration> {
    source?.replay.assertWhole();
    const next = new NextGeneration(fileSystem, await directories.createTemporary(), source);
    try {
      await writeAll(next.#temporary.file, encodeFileHeader({ kind: 'records', number: next.#generation, salt: next.#salt, entriesBefore: 0, bytesBefore: 0 }));
    } catch (error) {
      await next.discard();
      throw error;
    }
    return next;
  }

  private constructor(fileSystem: FileSystem, temporary: TemporaryFile, source: RecordFile | undefined) {
    this.#fileSystem = fileSystem;
    this.#temporary = temporary;
    this.#source = source;
    this.#begunAt = source?.replay.end ?? 0;
  }

  /** How many bytes of the source are known and not copied. */
  get behind(): number {
    return this.#source === undefined ? 0 : this.#source.replay.end - this.#cursor;
  }

  /** How far the source was copied, in bytes. */
  get copied(): number {
    return this.#cursor;
  }

  /** Copies the next slice of what is known of the source, and gives whether there is more. */
  async copy(): Promise<boolean> {
    const source = this.#source;
    if (source === undefined || this.behind <= 0) return false;
    for (let need = 1; need > 0; ) {
      const window = await source.read(this.#cursor, Math.max(windowBytes, need));
      if (window.length < need) throw this.#damaged(source);
      need = this.#copyFrom(source, window);
    }
    if (this.#size >= windowBytes) await this.#write();
    if (this.#end - this.#syncedTo > unsyncedBytes) await this.#sync();
    return this.behind > 0;
  }

  /** Makes what was copied so far survive loss of power, so that little is left to do when writers wait. */
  async flush(): Promise<void> {
    if (this.#size > 0) await this.#write();
    await this.#sync();
  }

  /** Copies what is left of the source, which is sealed, and makes the file survive loss of power. */
  async complete(): Promise<void> {
    while (await this.copy());
    this.#source?.replay.assertWhole();
    for (const [operationId, result] of this.#source?.replay.state.operations.entries() ?? []) {
      this.#add({ kind: frameKinds.operation, key: '', rest: encodeOperation(operationId, result), value: noBytes });
      if (this.#size >= windowBytes) await this.#write();
    }
    if (this.#source !== undefined) await this.#write();
    await this.#sync();
  }

  /** What those who have read the source must know to go on with this file without reading it from its beginning. */
  get handover(): Buffer {
    return encodeHandover({ salt: this.#salt, end: this.#end, vouchedTo: this.#vouchedTo, counter: this.#counter });
  }

  /** Gives the file its name in `directory`, flushed. False when another was first. */
  async publish(directory: string): Promise<boolean> {
    let first = true;
    await this.#fileSystem.link(this.#temporary.path, join(directory, generationName(this.#generation))).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      first = false;
    });
    await this.#fileSystem.syncDirectory(directory);
    return first;
  }

  /** Lets go of the temporary file and its name; a name that was given by {@link publish} stays. */
  async discard(): Promise<void> {
    await this.#temporary.file.close().catch(() => undefined);
    await this.#fileSystem.unlink(this.#temporary.path).catch(() => undefined);
  }

  get #generation(): number {
    return (this.#source?.replay.generation ?? 0) + 1;
  }

  /** Copies the whole frames of a window that begins at the cursor. Gives how many bytes the first frame needs if it did not fit, or 0. */
  #copyFrom(source: RecordFile, window: Buffer): number {
    const { replay } = source;
    const start = this.#cursor;
    while (this.#cursor < replay.end) {
      const skipTo = replay.skipped.get(this.#cursor);
      if (skipTo !== undefined) {
        this.#cursor = skipTo;
        continue;
      }
      const at = this.#cursor - start;
      if (at + frameHeaderBytes > window.length) return at === 0 ? frameHeaderBytes : 0;
      const header = parseFrameHeader(window, at, replay.salt);
      if (header === undefined) throw this.#damaged(source);
      const needed = this.#needed(source, window, at, header);
      if (at + needed > window.length) return at === 0 ? needed : 0;
      this.#copyFrame(source, window, at, header);
      this.#cursor += header.size;
    }
    return 0;
  }

  /** How many bytes of a frame must be at hand to deal with it. */
  #needed(source: RecordFile, window: Buffer, at: number, header: FrameHeader): number {
    if (header.keyLength === 0) return frameHeaderBytes;
    const keyed = frameHeaderBytes + header.metaLength;
    if (at + keyed > window.length) return keyed;
    return this.#liveRow(source, window, at, header) >= 0 ? header.size : keyed;
  }

  /** The row of the record whose present value a frame holds, or -1. */
  #liveRow(source: RecordFile, window: Buffer, at: number, { kind, keyLength }: FrameHeader): number {
    if (kind !== frameKinds.put && kind !== frameKinds.record) return -1;
    const { slots } = source.replay.state;
    const keyAt = at + frameHeaderBytes;
    const row = slots.findIn(window, keyAt, keyAt + keyLength);
    return row >= 0 && slots.position(row) === this.#cursor ? row : -1;
  }

  #copyFrame(source: RecordFile, window: Buffer, at: number, header: FrameHeader): void {
    const { slots } = source.replay.state;
    const keyAt = at + frameHeaderBytes;
    const keyEnd = keyAt + header.keyLength;
    const row = this.#liveRow(source, window, at, header);
    if (row >= 0) {
      // Checked again, so that damage is never carried over as sound.
      if (!isMetaSound(window, at, header) || !isValueSound(window, at, header)) throw this.#damaged(source, slots.key(row));
      const metaEnd = keyAt + header.metaLength;
      const rest = encodeRecordMeta(slots.at(row), decodeBlobs(header.kind, window.subarray(keyAt, metaEnd), header.keyLength));
      this.#add({ kind: frameKinds.record, key: slots.key(row), rest, value: window.subarray(metaEnd, at + header.size) });
    } else if (header.kind === frameKinds.delete && this.#cursor >= this.#begunAt && slots.findIn(window, keyAt, keyEnd) < 0) {
      const key = window.toString('latin1', keyAt, keyEnd);
      this.#add({ kind: frameKinds.delete, key, rest: encodeWriteMeta({ condition: 'none', operationId: undefined, blobs: [] }), value: noBytes });
    }
  }

  #add(draft: FrameDraft): void {
    if (draft.kind !== frameKinds.operation) this.#frames.push({ offset: this.#end + this.#size, keyHash: hashKey(draft.key) });
    this.#drafts.push(draft);
    this.#size += frameSize(draft);
  }

  /** Writes what was added, and a vouch for it. */
  async #write(): Promise<void> {
    const to = this.#end + this.#size;
    const vouch = encodeVouch({ from: this.#vouchedTo, to, gaps: [], frames: this.#frames });
    this.#drafts.push({ kind: frameKinds.vouch, key: '', rest: vouch, value: noBytes });
    const bytes = Buffer.allocUnsafe(this.#drafts.reduce((sum, draft) => sum + frameSize(draft), 0));
    let at = 0;
    for (const draft of this.#drafts) at = writeFrame(bytes, at, draft, this.#salt, 0, ++this.#counter);
    await writeAll(this.#temporary.file, bytes);
    this.#end += bytes.length;
    this.#vouchedTo = to;
    this.#size = 0;
    this.#drafts = [];
    this.#frames = [];
  }

  async #sync(): Promise<void> {
    await this.#temporary.file.sync();
    this.#syncedTo = this.#end;
  }

  #damaged(source: RecordFile, key?: string): IntegrityError {
    const what = key === undefined ? source.path : `The record ${key}`;
    return new IntegrityError(`${what} is damaged (${source.path}, byte ${this.#cursor}); restore the store from a copy.`, {
      key: key ?? source.path,
      file: source.path,
      offset: this.#cursor,
    });
  }
}
