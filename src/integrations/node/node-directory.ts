import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { IntegrityError, NotFoundError, ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { OpenSourceOptions, SourceDirectory, SourceFile } from '../../tracking/interchange/source-directory.ts';

const chunkBytes = 1 << 18;

/**
 * A directory on the disk that runs are read from. Nothing outside it is read: symbolic links in it are passed over, and paths with `..` are refused. Rejects with `NotFoundError` at the first look when there is no such directory.
 *
 * @example
 * ```ts
 * import { mkdir, writeFile } from 'node:fs/promises';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { mlrunsSource } from 'modelkeep/interchange';
 * import { nodeDirectory } from 'modelkeep/node';
 *
 * await mkdir('mlruns/1', { recursive: true });
 * await writeFile('mlruns/1/meta.yaml', "experiment_id: '1'\nname: demo\n");
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * console.log((await tracker.importRuns(mlrunsSource(nodeDirectory('mlruns')), { dryRun: true })).imported);
 * ```
 */
export function nodeDirectory(path: string): SourceDirectory {
  let root: Promise<string> | undefined;
  const within = async (inside: string): Promise<string | undefined> => {
    root ??= realpath(path).catch((cause: unknown) => {
      throw new NotFoundError(`There is no directory ${path}.`, { key: path, cause });
    });
    if (inside === '') return root;
    // A backslash is part of a name, but for Windows.
    const parts = inside.split(sep === '\\' ? /[/\\]/ : '/');
    if (inside.includes('\0') || parts.some((part) => part === '..' || part === '.' || part === '')) {
      throw new ValidationError(`${shown(inside, 200)} is no path in ${path}.`, { path: inside });
    }
    let real = await root;
    for (const part of parts) {
      real = join(real, part);
      // A link that has taken a folder's place leads elsewhere.
      if ((await lstat(real).catch(() => undefined))?.isSymbolicLink()) return undefined;
    }
    return real;
  };
  return {
    async *list(folder, options) {
      throwIfAborted(options?.signal, `Reading ${path}`);
      const at = await within(folder);
      if (at === undefined) return;
      const entries = await readdir(at, { withFileTypes: true }).catch((cause: unknown) => {
        if (['ENOENT', 'ENOTDIR'].includes(String((cause as NodeJS.ErrnoException).code))) return [];
        throw unreadable(folder, cause);
      });
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (entry.isFile()) yield { name: entry.name, kind: 'file' };
        else if (entry.isDirectory()) yield { name: entry.name, kind: 'directory' };
      }
    },
    async *open(file, options) {
      const at = await within(file);
      if (at === undefined) throw new IntegrityError(`${file} is no regular file.`, { key: file });
      yield* bytesOf(at, file, options);
    },
    async size(file) {
      const at = await within(file);
      const found = at === undefined ? undefined : await lstat(at).catch(() => undefined);
      return found?.isFile() ? found.size : undefined;
    },
  };
}

/**
 * A file on the disk that runs are read from, such as `run-x.wandb` or a CSV. Reading it rejects with `IntegrityError` when it cannot be read.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { csvRuns } from 'modelkeep/interchange';
 * import { nodeFile } from 'modelkeep/node';
 *
 * await writeFile('runs.csv', 'run,metric,step,timestamp,value\na,loss,0,1700000000000,0.5\n');
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.importRuns(csvRuns(nodeFile('runs.csv'), { experiment: 'demo' }));
 * ```
 */
export function nodeFile(path: string): SourceFile {
  return {
    name: basename(path),
    async *open(options) {
      const real = await realpath(path).catch((cause: unknown) => {
        throw new NotFoundError(`There is no file ${path}.`, { key: path, cause });
      });
      yield* bytesOf(real, basename(path), options);
    },
  };
}

async function* bytesOf(path: string, name: string, { start = 0, signal }: OpenSourceOptions = {}): AsyncGenerator<Uint8Array> {
  let file;
  try {
    // Not to hang at a pipe, or to follow a link, that has taken the file's place.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if (!(await file.stat()).isFile()) throw new IntegrityError(`${name} is no regular file.`, { key: name });
    for (let at = start; ; ) {
      throwIfAborted(signal, `Reading ${name}`);
      const { bytesRead, buffer } = await file.read(new Uint8Array(chunkBytes), 0, chunkBytes, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } catch (error) {
    throw typeof (error as NodeJS.ErrnoException).errno === 'number' ? unreadable(name, error) : error;
  } finally {
    await file?.close();
  }
}

function unreadable(name: string, cause: unknown): IntegrityError {
  return new IntegrityError(`${name} cannot be read: ${(cause as Error).message}.`, { key: name, cause });
}
