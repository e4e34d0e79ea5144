import { IntegrityError, StorageError } from '../../core/errors.ts';
import type { WriteResult } from '../contract.ts';
import { readAt } from './file-reading.ts';
import { fileHeaderBytes, parseFileHeader } from './file-header.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';
import { frameHeaderBytes, frameKinds, metaOf, parseFrameHeader } from './record-frame.ts';
import { RecordReplay } from './record-replay.ts';
import { decodeVouch, type Vouch } from './vouch.ts';

const windowBytes = 4 << 20;

/** Who asks, and is told of the results of its own writes. */
export interface OwnWriter {
  readonly nonce: number;
  readonly onOwn: (counter: number, result: WriteResult, end: number) => void;
}

/** One open generation of a record log. */
export class RecordFile {
  readonly path: string;
  readonly replay: RecordReplay;
  readonly #fileSystem: FileSystem;
  readonly #reader: OpenFile;
  #appender: OpenFile | undefined;
  #users = 0;
  #retired = false;
  #closed = false;

  /** Opens a generation and reads its header. */
  static async open(fileSystem: FileSystem, path: string, own: OwnWriter): Promise<RecordFile> {
    const reader = await fileSystem.open(path, 'read');
    try {
      const header = parseFileHeader(await readAt(reader, 0, fileHeaderBytes));
      if (header?.kind !== 'records') throw new IntegrityError(`The header of ${path} is damaged; restore the store from a copy.`, { key: path, file: path, offset: 0 });
      return new RecordFile(fileSystem, reader, new RecordReplay({ path, generation: header.number, salt: header.salt }, own.nonce, own.onOwn), path);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  private constructor(fileSystem: FileSystem, reader: OpenFile, replay: RecordReplay, path: string) {
    this.#fileSystem = fileSystem;
    this.#reader = reader;
    this.replay = replay;
    this.path = path;
  }

  /** Takes in what was written since, by anyone. `written` may hold the very bytes that were just appended, to save reading them. */
  async catchUp(written?: Buffer): Promise<void> {
    const { replay } = this;
    const { size, links } = await this.#reader.stat();
    if (written !== undefined && replay.end + written.length === size) replay.feed(written, true);
    let want = windowBytes;
    while (replay.end < size && !replay.sealed && !replay.contradicted) {
      const window = await readAt(this.#reader, replay.end, Math.min(want, size - replay.end));
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
    if (links === 0 && !replay.sealed) throw new StorageError('storage', `The store was removed while it was in use: ${this.path} is gone. Close this storage.`, { key: this.path });
  }

  /** The bytes of a frame. */
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
      if (ready) this.#appender = appender;
      else await appender.close();
    }
    return ready;
  }

  get appendable(): boolean {
    return this.#appender !== undefined;
  }

  /** Whether another file has taken its place. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Appends by one system call and gives how many bytes were written: none once the file was replaced and closed. */
  append(bytes: Buffer): Promise<number> {
    return this.use(async () => (this.#closed || this.#appender === undefined ? 0 : this.#appender.write(bytes)));
  }

  sync(): Promise<void> {
    return this.use(async () => (this.#closed ? undefined : this.#appender?.sync()));
  }

  /** Closes the file as soon as nobody uses it. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#closeIfUnused();
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#retired || this.#users > 0 || this.#closed) return;
    this.#closed = true;
    await this.#appender?.close();
    await this.#reader.close();
  }

  /** Every vouch from `from` to the end, wherever frames can be read. */
  async #vouchesFrom(from: number, size: number): Promise<Vouch[]> {
    const { salt } = this.replay;
    const vouches: Vouch[] = [];
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
        if (header.kind === frameKinds.vouch) {
          if (at + header.size > window.length && position + at + header.size <= size) {
            want = Math.max(windowBytes, header.size);
            break;
          }
          const meta = metaOf(window, at, header);
          if (meta !== undefined) vouches.push(decodeVouch(meta));
        }
        at += header.size;
      }
      if (at === 0 && want === windowBytes) break;
      position += at;
    }
    return vouches;
  }
}
