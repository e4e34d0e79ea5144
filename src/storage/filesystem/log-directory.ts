import { join } from 'node:path';
import type { Key } from '../../core/key.ts';
import { codeOf, type FileSystem } from './file-system.ts';

/** One segment file: whose it is and which of the writer's it is. */
export interface SegmentName {
  readonly writer: string;
  readonly epoch: number;
  readonly path: string;
}

// No segment of a key holds a tilde, so a file can never be taken for a log below this one.
const pattern = /^([a-z0-9._-]+)~(\d{8})\.log$/;

/** The name of a segment file. */
export function segmentFile(writer: string, epoch: number): string {
  return `${writer}~${String(epoch).padStart(8, '0')}.log`;
}

/** What a directory holds: segments of the log that it stands for, by writer and epoch, and logs below. */
export interface LogDirectory {
  readonly segments: readonly SegmentName[];
  readonly children: readonly string[];
}

/** Looks into the directory of a log; empty when there is none. */
export async function readLogDirectory(fileSystem: FileSystem, path: string): Promise<LogDirectory> {
  const segments: SegmentName[] = [];
  const children: string[] = [];
  for (const { name, kind } of await entriesIn(fileSystem, path)) {
    const match = pattern.exec(name);
    if (match) segments.push({ writer: match[1]!, epoch: Number(match[2]), path: join(path, name) });
    else if (kind === 'directory') children.push(name);
  }
  segments.sort((a, b) => (a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : a.epoch - b.epoch));
  return { segments, children };
}

/** The keys of logs in ascending order, after `after` and beginning with `prefix`, each with its segments. Directories that cannot hold any are not looked into. */
export async function* walkLogs(
  fileSystem: FileSystem,
  root: string,
  prefix: string,
  after: string,
): AsyncGenerator<{ readonly key: Key; readonly segments: readonly SegmentName[] }> {
  const directories = new Map<string, LogDirectory>();
  const look = async (path: string): Promise<LogDirectory> => {
    const directory = directories.get(path) ?? (await readLogDirectory(fileSystem, join(root, path)));
    directories.set(path, directory);
    return directory;
  };
  // A subtree stands in the order where its keys do, which is behind `name` and all of `name-…`.
  async function* below(path: string): AsyncGenerator<{ readonly key: Key; readonly segments: readonly SegmentName[] }> {
    const { children } = await look(path);
    directories.delete(path);
    for (const item of children.flatMap((child) => [path + child, `${path}${child}/`]).sort()) {
      if (item.endsWith('/')) {
        const outside = !item.startsWith(prefix) && !prefix.startsWith(item);
        if (!outside && (item > after || after.startsWith(item))) yield* below(item);
        else directories.delete(item);
      } else if (item > after && item.startsWith(prefix)) {
        const directory = await look(`${item}/`);
        if (directory.segments.length > 0) yield { key: item, segments: directory.segments };
      }
    }
  }
  yield* below('');
}

async function entriesIn(fileSystem: FileSystem, path: string): ReturnType<FileSystem['readDirectory']> {
  try {
    return await fileSystem.readDirectory(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
