import { constants, type BigIntStats, type Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { StorageError, ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';

/** A file on the disk that may be logged: `run.logArtifact(file.name, file.content)`. */
export interface ArtifactFile {
  /** Its path in the directory, with `/` on every platform; the name of a file alone. */
  readonly name: string;
  /** Bytes when it was found. */
  readonly size: number;
  /** Its bytes, read when they are asked for, each time anew. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Which files: a pattern (`*` and `?` within a folder, `**` across folders), an expression, or a function of the name; of several, one must fit. */
export type FileFilter = string | RegExp | ((name: string) => boolean) | readonly (string | RegExp | ((name: string) => boolean))[];

/** What of a directory is taken. */
export interface ArtifactsFromDirectoryOptions extends OperationOptions {
  /** Files that are taken. @default all */
  include?: FileFilter | undefined;
  /** Files and folders that are not taken, whatever `include` says. @default none */
  exclude?: FileFilter | undefined;
  /** Whether symbolic links are followed, as long as they stay in the directory; otherwise they are passed over. @default false */
  followSymlinks?: boolean | undefined;
}

const chunkBytes = 1024 * 1024;

/**
 * A file as an artifact. Nothing is held but a chunk at a time. Throws `ValidationError` when it is no regular file (a symbolic link is none). Reading it rejects with `StorageError` when it was changed since, or changes meanwhile.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { artifactFromFile } from 'modelkeep/node';
 *
 * await writeFile('weights.bin', new Uint8Array([1, 2, 3]));
 * const run = await new Tracker({ storage: new MemoryStorage() }).startRun({ experiment: 'demo' });
 * const { name, content } = await artifactFromFile('weights.bin');
 * await run.logArtifact(name, content);
 * await run.end();
 * ```
 */
export async function artifactFromFile(path: string): Promise<ArtifactFile> {
  const full = resolve(path);
  return fileOf(full, basename(full), await lstat(full, { bigint: true }), undefined);
}

/**
 * The files of a directory and of the folders in it as artifacts, in the order of their names. Symbolic links are passed over, or followed while they stay in the directory; one that leaves it, or leads back to a folder above
 * it, is refused, and so is anything that is no regular file, both with a `ValidationError` that names it. Give them to `run.logArtifacts`.
 *
 * @example
 * ```ts
 * import { artifactsFromDirectory } from 'modelkeep/node';
 *
 * for await (const { name, size } of artifactsFromDirectory('.', { include: '*.json' })) console.log(name, size);
 * ```
 */
export async function* artifactsFromDirectory(path: string, options: ArtifactsFromDirectoryOptions = {}): AsyncGenerator<ArtifactFile, void, undefined> {
  const root = await realpath(path);
  const include = options.include === undefined ? () => true : matcher(options.include, 'include');
  const exclude = options.exclude === undefined ? () => false : matcher(options.exclude, 'exclude');
  const walk: Walk = { root, include, exclude, follow: options.followSymlinks === true, signal: options.signal };
  yield* filesIn(walk, '', root, [root]);
}

interface Walk {
  readonly root: string;
  readonly include: (name: string) => boolean;
  readonly exclude: (name: string) => boolean;
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
}

async function* filesIn(walk: Walk, folder: string, directory: string, above: readonly string[]): AsyncGenerator<ArtifactFile> {
  throwIfAborted(walk.signal, 'Reading the directory');
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = `${folder}${entry.name}`;
    if (walk.exclude(name) || (entry.isSymbolicLink() && !walk.follow)) continue;
    throwIfAborted(walk.signal, 'Reading the directory');
    const path = await within(walk.root, join(directory, entry.name), name);
    const found = await (entry.isSymbolicLink() ? stat : lstat)(path, { bigint: true });
    if (found.isDirectory()) {
      if (above.includes(path)) throw new ValidationError(`The link '${name}' leads back to a folder that it is in; exclude it.`, { path: name });
      yield* filesIn(walk, `${name}/`, path, [...above, path]);
    } else if (walk.include(name)) {
      yield fileOf(path, name, found, walk.root);
    }
  }
}

/** Where a path really leads; not out of the root. */
async function within(root: string, path: string, name: string): Promise<string> {
  const real = await realpath(path);
  const inside = relative(root, real);
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && resolve(root, inside) === real) return real;
  throw new ValidationError(`'${name}' leads out of the directory, to ${real}; exclude it, or copy what it leads to.`, { path: name });
}

function fileOf(path: string, name: string, found: BigIntStats, root: string | undefined): ArtifactFile {
  if (!found.isFile()) throw new ValidationError(`'${name}' is ${kindOf(found)}, not a regular file; exclude it.`, { path: name });
  return { name, size: Number(found.size), content: { [Symbol.asyncIterator]: () => bytesOf(path, name, found, root) } };
}

async function* bytesOf(path: string, name: string, found: BigIntStats, root: string | undefined): AsyncGenerator<Uint8Array> {
  // Not to hang at a pipe, or to follow a link, that has taken the file's place.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    if (root !== undefined) await within(root, path, name);
    const check = async (read: bigint): Promise<void> => {
      const now = await file.stat({ bigint: true });
      const same = now.isFile() && now.ino === found.ino && now.dev === found.dev && now.size === found.size && now.mtimeNs === found.mtimeNs && now.ctimeNs === found.ctimeNs;
      if (!same || read !== now.size) throw new StorageError('storage', `File '${name}' was changed while it was read; log it again when nobody writes to it, or log a copy.`, { key: name });
    };
    await check(found.size);
    let done = 0n;
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes), 0, chunkBytes);
      if (bytesRead === 0) break;
      done += BigInt(bytesRead);
      if (done > found.size) break;
      yield buffer.subarray(0, bytesRead);
    }
    await check(done);
  } finally {
    await file.close();
  }
}

function kindOf(found: BigIntStats): string {
  if (found.isSymbolicLink()) return 'a symbolic link';
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a named pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

function matcher(filter: FileFilter, path: string): (name: string) => boolean {
  const tests = [filter].flat().map((each): ((name: string) => boolean) => {
    if (typeof each === 'function') return each;
    if (typeof each === 'string') {
      const pattern = globPattern(each);
      return (name) => pattern.test(name);
    }
    if (!(each instanceof RegExp)) throw new ValidationError(`${path} has what is no pattern, expression or function; give one such as '**/*.json'.`, { path });
    // A global expression would remember where it stood.
    return (name) => new RegExp(each.source, each.flags.replace(/[gy]/g, '')).test(name);
  });
  return (name) => tests.some((test) => test(name));
}

function globPattern(glob: string): RegExp {
  const source = glob.replace(/\/\*\*$|\*\*\/|\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (part) => {
    switch (part) {
      case '/**':
        return '(?:/.*)?';
      case '**/':
        return '(?:.*/)?';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      default:
        return `\\${part}`;
    }
  });
  return new RegExp(`^${source}$`, 'su');
}
