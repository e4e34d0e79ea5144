import { join } from 'node:path';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { Directories } from './directories.ts';
import { writeAll } from './file-reading.ts';
import { encodeFileHeader, fileHeaderBytes, newSalt } from './file-header.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';
import type { RecordFile } from './record-file.ts';
import {
  decodeBlobs,
  encodeOperation,
  encodeRecordMeta,
  frameKinds,
  frameSize,
  metaOf,
  noBytes,
  parseFrameHeader,
  valueOf,
  writeFrame,
  type FrameDraft,
} from './record-frame.ts';
import type { Slot } from './record-state.ts';
import { encodeVouch, hashKey, type VouchedFrame } from './vouch.ts';

const windowBytes = 4 << 20;
const chunkBytes = 1 << 20;

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

/**
 * Writes the generation after `sealed`, or the first one, with all that is still of use, and gives it its name. Anyone may do it, several at once: the content
 * follows from the sealed file, and the first to give the name has done it for all. At every point a crash leaves the old generation or both.
 */
export async function writeNextGeneration(fileSystem: FileSystem, directories: Directories, directory: string, sealed: RecordFile | undefined): Promise<void> {
  sealed?.replay.assertWhole();
  const generation = (sealed?.replay.generation ?? 0) + 1;
  const { path: temporary, file } = await directories.createTemporary();
  try {
    try {
      await new Snapshot(file).write(generation, sealed);
      await file.sync();
    } finally {
      await file.close();
    }
    await fileSystem.link(temporary, join(directory, generationName(generation))).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await fileSystem.syncDirectory(directory);
  } finally {
    await fileSystem.unlink(temporary).catch(() => undefined);
  }
}

/** Removes the files of generations before `generation`, whose name must be flushed. What cannot be removed now is left to the next one. */
export async function removeGenerationsBefore(fileSystem: FileSystem, directory: string, generation: number): Promise<void> {
  for (const old of await generationsIn(fileSystem, directory)) {
    if (old < generation) await fileSystem.unlink(join(directory, generationName(old))).catch(() => undefined);
  }
}

/** The content of a new generation, written in chunks with a vouch for each. */
class Snapshot {
  readonly #file: OpenFile;
  readonly #salt = newSalt();
  #drafts: FrameDraft[] = [];
  #frames: VouchedFrame[] = [];
  #size = 0;
  #end = fileHeaderBytes;
  #vouchedTo = fileHeaderBytes;
  #counter = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  async write(generation: number, sealed: RecordFile | undefined): Promise<void> {
    await writeAll(this.#file, encodeFileHeader({ kind: 'records', number: generation, salt: this.#salt, entriesBefore: 0, bytesBefore: 0 }));
    if (sealed === undefined) return;
    const { slots, operations } = sealed.replay.state;
    const inOrder = [...slots].sort((a, b) => a[1].position - b[1].position);
    for await (const draft of carriedRecords(sealed, inOrder)) await this.#add(draft);
    for (const [operationId, result] of operations.entries()) {
      await this.#add({ kind: frameKinds.operation, key: '', rest: encodeOperation(operationId, result), value: noBytes });
    }
    await this.#flush();
  }

  async #add(draft: FrameDraft): Promise<void> {
    if (draft.kind === frameKinds.record) this.#frames.push({ offset: this.#end + this.#size, keyHash: hashKey(draft.key) });
    this.#drafts.push(draft);
    this.#size += frameSize(draft);
    if (this.#size >= chunkBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const to = this.#end + this.#size;
    const vouch = encodeVouch({ from: this.#vouchedTo, to, gaps: [], frames: this.#frames });
    this.#drafts.push({ kind: frameKinds.vouch, key: '', rest: vouch, value: noBytes });
    const bytes = Buffer.allocUnsafe(this.#drafts.reduce((sum, draft) => sum + frameSize(draft), 0));
    let at = 0;
    for (const draft of this.#drafts) at = writeFrame(bytes, at, draft, this.#salt, 0, ++this.#counter);
    await writeAll(this.#file, bytes);
    this.#end += bytes.length;
    this.#vouchedTo = to;
    this.#size = 0;
    this.#drafts = [];
    this.#frames = [];
  }
}

/** The present records of a sealed file, read in long stretches and checked again, so that damage is never carried over as sound. */
async function* carriedRecords(sealed: RecordFile, inOrder: readonly [Key, Slot][]): AsyncGenerator<FrameDraft> {
  let window: Buffer = noBytes;
  let start = 0;
  for (const [key, slot] of inOrder) {
    if (slot.position + slot.size > start + window.length) {
      start = slot.position;
      window = await sealed.read(start, Math.max(windowBytes, slot.size));
    }
    const at = slot.position - start;
    const header = parseFrameHeader(window, at, sealed.replay.salt);
    const meta = header && metaOf(window, at, header);
    const value = header && valueOf(window, at, header);
    if (header === undefined || meta === undefined || value === undefined) {
      throw new IntegrityError(`The record ${key} is damaged (${sealed.path}, byte ${slot.position}); restore the store from a copy.`, { key, file: sealed.path, offset: slot.position });
    }
    yield { kind: frameKinds.record, key, rest: encodeRecordMeta(slot, decodeBlobs(header.kind, meta, header.keyLength)), value };
  }
}
