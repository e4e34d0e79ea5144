import * as fs from 'node:fs';

/** What a file or directory is at one moment. */
export interface FileStat {
  /** What it is; links, devices and pipes are `other`. */
  readonly kind: 'file' | 'directory' | 'other';
  /** Its length, in bytes. */
  readonly size: number;
  /** When its content last changed, in epoch milliseconds. */
  readonly modifiedMs: number;
  /** Under how many names it can be found; 0 after the last was removed. */
  readonly links: number;
}

/** What a name stands for at one moment. */
export interface NamedStat extends FileStat {
  /** Another for every file that the name comes to stand for, as far as the system's times and file numbers go, and another after `setModified`; the same under another name. */
  readonly identity: string;
}

/** A name in a directory. */
export interface DirectoryEntry {
  /** The name, without the directory's. */
  readonly name: string;
  /** What it names. */
  readonly kind: FileStat['kind'];
}

/**
 * How a file is opened: an existing one for reading; an existing one for reading and for writing at its end, wherever that is at the time of each write
 * (O_APPEND); or a new one likewise, which fails with EEXIST when the name is taken.
 */
export type OpenMode = 'read' | 'append' | 'create';

/** An open file. */
export interface OpenFile {
  /** What the file is at this moment, whatever became of its name. */
  stat(): Promise<FileStat>;
  /** Reads at `position` into all of `target`, or less at the end of the file; resolves to the number of bytes read, 0 at the end. Moves no cursor. */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * Appends by one system call and resolves to the number of bytes written, which may be fewer than asked. Other writers' bytes never come to lie between those of
   * one call. The bytes survive the death of the process at once, and loss of power only after `sync`.
   */
  write(bytes: Uint8Array): Promise<number>;
  /** Makes every byte written to the file so far, by any process, and its length survive loss of power (fdatasync). Says nothing of its name. */
  sync(): Promise<void>;
  /** Lets go of the file; nothing else may be called after it. */
  close(): Promise<void>;
}

/**
 * All that {@link FilesystemStorage} asks of a file system, and its only door to one. Failures reject with the system's error, whose `code` is such as `ENOENT`.
 * Every change is seen by all processes at once. What it says of names (create, rename, link, unlink, makeDirectory) survives loss of power only after
 * `syncDirectory` of the directory that holds the name; until then each such change may be there or not, independently of the others.
 */
export interface FileSystem {
  /** Opens a file; rejects with ENOENT when there is none to open. */
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Rejects with ENOENT when there is nothing. */
  stat(path: string): Promise<NamedStat>;
  /** The names in a directory, in no order. */
  readDirectory(path: string): Promise<DirectoryEntry[]>;
  /** Makes one directory; rejects with EEXIST when the name is taken and with ENOENT when its parent is missing. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the names in a directory survive loss of power, where the system can. */
  syncDirectory(path: string): Promise<void>;
  /** Gives a file another name, replacing a file that has it, in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name in one step; rejects with EEXIST when that is taken. */
  link(existing: string, path: string): Promise<void>;
  /** Removes a name of a file; those who have it open keep it. Rejects with ENOENT when there is no such name. */
  unlink(path: string): Promise<void>;
  /** Removes an empty directory; rejects with ENOTEMPTY otherwise. */
  removeDirectory(path: string): Promise<void>;
  /** Sets when a file was last modified. */
  setModified(path: string, modifiedMs: number): Promise<void>;
  /** The number by which the system knows the kind of file system that holds `path` (statfs), or `undefined` where it does not say. */
  fileSystemType(path: string): Promise<number | undefined>;
}

const flags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  append: fs.constants.O_RDWR | fs.constants.O_APPEND,
  create: fs.constants.O_RDWR | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

/** The host's file system. Renames and removals that another program on Windows holds up for a moment are retried for about two seconds. */
export const nodeFileSystem: FileSystem = {
  async open(path, mode) {
    return openFile(await call<number>((done) => fs.open(path, flags[mode], 0o666, done)));
  },
  async stat(path) {
    const stats = await call<fs.BigIntStats>((done) => fs.stat(path, { bigint: true }, done));
    const identity = `${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}`;
    return { kind: kindOf(stats), size: Number(stats.size), modifiedMs: Number(stats.mtimeNs) / 1e6, links: Number(stats.nlink), identity };
  },
  async readDirectory(path) {
    const entries = await call<fs.Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done));
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }));
  },
  makeDirectory: (path) => call((done) => fs.mkdir(path, done)),
  async syncDirectory(path) {
    let descriptor: number;
    try {
      descriptor = await call<number>((done) => fs.open(path, 'r', done));
    } catch (error) {
      if (cannotSyncDirectory.has(codeOf(error)) && process.platform === 'win32') return;
      throw error;
    }
    try {
      await call((done) => fs.fsync(descriptor, done));
    } catch (error) {
      if (!cannotSyncDirectory.has(codeOf(error))) throw error;
    } finally {
      await call((done) => fs.close(descriptor, done));
    }
  },
  rename: (from, to) => patiently(() => call((done) => fs.rename(from, to, done))),
  link: (existing, path) => patiently(() => call((done) => fs.link(existing, path, done))),
  unlink: (path) => patiently(() => call((done) => fs.unlink(path, done))),
  removeDirectory: (path) => patiently(() => call((done) => fs.rmdir(path, done))),
  setModified: (path, modifiedMs) => call((done) => fs.utimes(path, modifiedMs / 1000, modifiedMs / 1000, done)),
  fileSystemType: async (path) => (await call<fs.StatsFs>((done) => fs.statfs(path, done))).type,
};

/** The system's code of a failure, or '' when it has none. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

// Windows and some network and FUSE file systems have no fsync of a directory.
const cannotSyncDirectory: ReadonlySet<string> = new Set(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP', 'ENOSYS', 'EBADF', 'EACCES']);
const heldUp: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY']);
const attempts = 20;

function openFile(descriptor: number): OpenFile {
  return {
    stat: async () => fileStat(await call<fs.Stats>((done) => fs.fstat(descriptor, done))),
    read: (target, position) => call<number>((done) => fs.read(descriptor, target, 0, target.length, position, done)),
    write: (bytes) => call<number>((done) => fs.write(descriptor, bytes, 0, bytes.length, null, done)),
    sync: () => call((done) => fs.fdatasync(descriptor, done)),
    close: () => call((done) => fs.close(descriptor, done)),
  };
}

function fileStat(stats: fs.Stats): FileStat {
  return { kind: kindOf(stats), size: stats.size, modifiedMs: stats.mtimeMs, links: stats.nlink };
}

function kindOf(entry: fs.Stats | fs.BigIntStats | fs.Dirent): FileStat['kind'] {
  return entry.isFile() ? 'file' : entry.isDirectory() ? 'directory' : 'other';
}

function call<T = void>(start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result as T))));
}

/** Retries on Windows, where a virus scanner or an indexer may have a file open for a moment. Elsewhere these codes mean what they say. */
async function patiently(change: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await change();
    } catch (error) {
      if (process.platform !== 'win32' || attempt === attempts || !heldUp.has(codeOf(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 10));
    }
  }
}
