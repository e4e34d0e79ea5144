import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { checksum } from './checksum.ts';
import { readAt } from './file-reading.ts';
import { codeOf, type FileSystem, type OpenFile } from './file-system.ts';

const dayMs = 86_400_000;
const noteSuffix = '.deleted';
const maxNoteBytes = 4096;
const maxAttempts = 100;

/** A file that has no name of its own yet. */
export interface TemporaryFile {
  readonly path: string;
  readonly file: OpenFile;
}

/** The directories of a store: made when they are first needed, with their names flushed. */
export class Directories {
  readonly root: string;
  /** Where files grow before they get their name. */
  readonly #temporary: string;
  #swept = false;
  readonly #fileSystem: FileSystem;
  readonly #made = new Map<string, Promise<void>>();

  constructor(fileSystem: FileSystem, root: string) {
    this.#fileSystem = fileSystem;
    this.root = root;
    this.#temporary = join(root, 'tmp');
  }

  /**
   * Makes the directory at `segments` below the root. What another process makes at the same time is flushed here too: it may not have got that far. What
   * another process removed since is made again.
   */
  async ensure(...segments: readonly string[]): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      try {
        let path = this.root;
        for (const segment of segments) path = await this.#ensureIn(path, segment);
        return path;
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || attempt === maxAttempts) throw error;
        for (let depth = 1; depth < segments.length; depth++) this.#made.delete(join(this.root, ...segments.slice(0, depth)));
      }
    }
  }

  async #ensureIn(parent: string, segment: string): Promise<string> {
    const path = join(parent, segment);
    let made = this.#made.get(path);
    if (made === undefined) {
      made = this.#make(path, parent);
      this.#made.set(path, made);
      made.catch(() => this.#made.delete(path));
    }
    await made;
    return path;
  }

  /** Forgets a directory that was removed, with all below it. */
  forget(path: string): void {
    for (const made of this.#made.keys()) if (made === path || made.startsWith(join(path, '/'))) this.#made.delete(made);
  }

  /**
   * A fresh temporary file, whose name tells which process it belongs to. The first one of an instance has those removed that dead processes left.
   */
  async createTemporary(): Promise<TemporaryFile> {
    await this.ensure('tmp');
    const path = join(this.#temporary, `${hostName()}-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
    const file = await this.#fileSystem.open(path, 'create');
    if (!this.#swept) {
      this.#swept = true;
      // What cannot be removed now is left to the next instance.
      await this.#sweep(path).catch(() => undefined);
    }
    return { path, file };
  }

  /**
   * Removes temporary files that nobody can be writing to any more: a day older than `fresh`, which was just made, and not of a process that lives on this host.
   * The clock that counts is that of the file system.
   */
  async #sweep(fresh: string): Promise<void> {
    const now = (await this.#fileSystem.stat(fresh)).modifiedMs;
    for (const { name } of await this.#fileSystem.readDirectory(this.#temporary)) {
      if (!isAbandoned(name)) continue;
      const path = join(this.#temporary, name);
      if (now - (await this.#fileSystem.stat(path)).modifiedMs > dayMs) await this.#fileSystem.unlink(path);
    }
  }

  /** Leaves word that something was deleted and its directories are to be removed some day. Gives the path of the note. */
  async leaveNote(text: string): Promise<string> {
    await this.ensure('tmp');
    const path = join(this.#temporary, `${randomBytes(8).toString('hex')}${noteSuffix}`);
    const file = await this.#fileSystem.open(path, 'create');
    try {
      await file.write(Buffer.from(text));
    } finally {
      await file.close();
    }
    return path;
  }

  /** Does what notes ask for that are a day older than `fresh`, which was just made. What cannot be done is forgotten. */
  async takeNotes(fresh: string, remove: (text: string) => Promise<void>): Promise<void> {
    const now = (await this.#fileSystem.stat(fresh)).modifiedMs;
    for (const { name } of await this.#fileSystem.readDirectory(this.#temporary)) {
      const path = join(this.#temporary, name);
      if (!name.endsWith(noteSuffix) || now - (await this.#fileSystem.stat(path)).modifiedMs <= dayMs) continue;
      const file = await this.#fileSystem.open(path, 'read');
      const text = (await readAt(file, 0, maxNoteBytes).finally(() => file.close())).toString('utf8');
      await remove(text).catch(() => undefined);
      await this.#fileSystem.unlink(path);
    }
  }

  async #make(path: string, parent: string): Promise<void> {
    try {
      await this.#fileSystem.makeDirectory(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    await this.#fileSystem.syncDirectory(parent);
  }
}

/** Whether a file in `tmp` is a temporary one of a process that does not live on this host: when it is old enough, nobody is writing to it. */
export function isAbandoned(name: string): boolean {
  const owner = /^([0-9a-f]{8})-(\d+)-[0-9a-f]+\.tmp$/.exec(name);
  return owner !== null && !(owner[1] === hostName() && isAlive(Number(owner[2])));
}

function hostName(): string {
  return checksum(Buffer.from(hostname())).toString(16).padStart(8, '0');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
