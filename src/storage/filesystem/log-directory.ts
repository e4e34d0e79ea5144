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
const segmentPattern = /^([a-z0-9._-]+)~(\d{8})~(\d{8})\.log$/;
const deletionPattern = /^~(\d{8})\.deleted$/;

/** The name of a segment file. */
export function segmentFile(writer: string, incarnation: number, epoch: number): string {
  return `${writer}~${digits(incarnation)}~${digits(epoch)}.log`;
}

/** The name of the file whose making deletes, in one step, every segment of the incarnations before `incarnation`. */
export function deletionFile(incarnation: number): string {
  return `~${digits(incarnation)}.deleted`;
}

/** What a directory holds: segments of the log that it stands for, by writer and epoch, and logs below. */
export interface LogDirectory {
  /** How often the log was deleted, as far as anything tells of it. */
  readonly incarnation: number;
  readonly segments: readonly SegmentName[];
  /** Segments that were deleted and not removed yet, and files that say so. */
  readonly remains: readonly string[];
  readonly children: readonly string[];
}

/** Looks into the directory of a log; empty when there is none. */
export async function readLogDirectory(fileSystem: FileSystem, path: string): Promise<LogDirectory> {
  const found: (SegmentName & { incarnation: number })[] = [];
  const deletions: { incarnation: number; path: string }[] = [];
  const children: string[] = [];
  for (const { name, kind } of await entriesIn(fileSystem, path)) {
    const segment = segmentPattern.exec(name);
    const deletion = deletionPattern.exec(name);
    if (segment) found.push({ writer: segment[1]!, incarnation: Number(segment[2]), epoch: Number(segment[3]), path: join(path, name) });
    else if (deletion) deletions.push({ incarnation: Number(deletion[1]), path: join(path, name) });
    else if (kind === 'directory') children.push(name);
  }
  const incarnation = [...found, ...deletions].reduce((latest, file) => Math.max(latest, file.incarnation), 0);
  const segments = found.filter((segment) => segment.incarnation === incarnation);
  segments.sort((a, b) => (a.writer < b.writer ? -1 : a.writer > b.writer ? 1 : a.epoch - b.epoch));
  const outdated = found.filter((segment) => segment.incarnation < incarnation);
  return { incarnation, segments, remains: [...outdated, ...deletions].map((file) => file.path), children };
}

function digits(count: number): string {
  return String(count).padStart(8, '0');
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
