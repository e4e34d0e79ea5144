import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StorageError, UnsupportedError } from '../../core/errors.ts';
import { readAt, writeAll } from './file-reading.ts';
import { codeOf, type FileSystem } from './file-system.ts';

const markerName = 'modelkeep.json';
const storeVersion = 1;
const markerBytes = 4096;
const ownTemporary = /^modelkeep-[0-9a-f]{16}\.tmp$/;

// What Linux calls NFS, SMB, CIFS, SMB 2 and AFS (linux/magic.h). Their appends may overwrite each other.
const networkFileSystems: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f]);

/** Whether there is a store at `root`. Throws a coded error when there is something else, and changes nothing. */
export async function findStore(fileSystem: FileSystem, root: string): Promise<boolean> {
  const marker = await readMarker(fileSystem, root);
  if (marker !== undefined) {
    checkMarker(marker, root);
    await refuseNetwork(fileSystem, root);
    return true;
  }
  const names = await namesIn(fileSystem, root);
  const foreign = names.filter((name) => !ownTemporary.test(name));
  if (foreign.length === 0) return false;
  // Another process may have made the store in the meantime.
  if (foreign.includes(markerName)) return findStore(fileSystem, root);
  throw new StorageError('not-a-store', `${root} is no store: it holds ${JSON.stringify(foreign[0])} and no ${markerName}. Choose an empty or new directory.`, { key: root });
}

/** Makes a store at `root`, with all directories above it. Several processes may do so at once. */
export async function createStore(fileSystem: FileSystem, root: string): Promise<void> {
  await makeDirectories(fileSystem, root);
  await syncNames(fileSystem, root);
  await refuseNetwork(fileSystem, root);
  const temporary = join(root, `modelkeep-${randomBytes(8).toString('hex')}.tmp`);
  const file = await fileSystem.open(temporary, 'create');
  try {
    try {
      await writeAll(file, Buffer.from(`${JSON.stringify({ format: 'modelkeep', version: storeVersion })}\n`));
      await file.sync();
    } finally {
      await file.close();
    }
    await fileSystem.link(temporary, join(root, markerName)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await fileSystem.unlink(temporary).catch(() => undefined);
  }
  await fileSystem.syncDirectory(root);
}

async function readMarker(fileSystem: FileSystem, root: string): Promise<string | undefined> {
  try {
    const file = await fileSystem.open(join(root, markerName), 'read');
    try {
      return (await readAt(file, 0, markerBytes)).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR') throw notADirectory(root, error);
    throw error;
  }
}

function checkMarker(text: string, root: string): void {
  let marker: { format?: unknown; version?: unknown } = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) marker = parsed;
  } catch {
    // What it is not is said below.
  }
  if (marker.format !== 'modelkeep' || typeof marker.version !== 'number' || !Number.isInteger(marker.version) || marker.version < 1) {
    throw new StorageError('not-a-store', `${join(root, markerName)} is not the marker of a store, or is damaged; restore it from a copy, or choose another directory.`, { key: root });
  }
  if (marker.version > storeVersion) {
    throw new StorageError('unknown-store-version', `The store at ${root} has version ${marker.version}; this modelkeep knows versions up to ${storeVersion}. Update modelkeep.`, {
      key: root,
      version: marker.version,
    });
  }
}

async function namesIn(fileSystem: FileSystem, root: string): Promise<string[]> {
  try {
    return (await fileSystem.readDirectory(root)).map((entry) => entry.name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    if (codeOf(error) === 'ENOTDIR') throw notADirectory(root, error);
    throw error;
  }
}

async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && dirname(path) !== path) {
      await makeDirectories(fileSystem, dirname(path));
      return makeDirectories(fileSystem, path);
    }
    // Where this process may not write, and at the root of a disk, other codes come before that of a name that is taken.
    if (!(await isDirectory(fileSystem, path))) throw error;
  }
}

/** Flushes the names of a directory and of all above it: a process that made some of them may have died before it came to that. */
async function syncNames(fileSystem: FileSystem, path: string): Promise<void> {
  const parent = dirname(path);
  if (parent === path) return;
  await fileSystem.syncDirectory(parent).catch((error: unknown) => {
    // In a directory that it may not even read, this process has made nothing.
    if (codeOf(error) !== 'EACCES') throw error;
  });
  await syncNames(fileSystem, parent);
}

async function isDirectory(fileSystem: FileSystem, path: string): Promise<boolean> {
  try {
    return (await fileSystem.stat(path)).kind === 'directory';
  } catch {
    return false;
  }
}

async function refuseNetwork(fileSystem: FileSystem, root: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const type = await fileSystem.fileSystemType(root);
  if (type === undefined || !networkFileSystems.has(type >>> 0)) return;
  throw new UnsupportedError(
    `${root} lies on a network file system, whose appends are not atomic: two writers could overwrite each other. Keep the store on a local disk.`,
    { key: root },
  );
}

function notADirectory(root: string, cause: unknown): StorageError {
  return new StorageError('not-a-store', `${root} is a file, or lies below one; a store is a directory.`, { key: root, cause });
}
