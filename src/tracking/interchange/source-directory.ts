import { contentChunks } from '../../core/content.ts';
import { IntegrityError, isModelkeepError, ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';

/** How a file of a source is read. */
export interface OpenSourceOptions extends OperationOptions {
  /** The byte to begin with. @default 0 */
  start?: number | undefined;
}

/** Something in a directory. */
export interface SourceEntry {
  /** Its name, without the folders it is in. */
  readonly name: string;
  /** What it is. */
  readonly kind: 'file' | 'directory';
}

/** A directory that runs are read from, wherever it is: on a disk, in a page, in an archive. Paths are relative, with `/`; the directory itself is `''`. */
export interface SourceDirectory {
  /** What is in a directory, ascending by name; nothing when there is none. */
  list(path: string, options?: OperationOptions): AsyncIterable<SourceEntry>;
  /** The bytes of a file; rejects with `IntegrityError`, naming it, when it cannot be read. */
  open(path: string, options?: OpenSourceOptions): AsyncIterable<Uint8Array>;
  /** Bytes of a file; `undefined` when there is none. */
  size(path: string, options?: OperationOptions): Promise<number | undefined>;
}

/** A file that runs are read from. It is read more than once. */
export interface SourceFile {
  /** What it is called in reports. */
  readonly name: string;
  /** Its bytes. */
  open(options?: OpenSourceOptions): AsyncIterable<Uint8Array>;
}

/** What a file of a source may be given as. */
export type SourceContent = string | Uint8Array | Blob;

const chunkBytes = 1 << 18;

/**
 * A file of a source that is given by its content, such as a `File` that a person chose on a page; a Blob is read piece by piece.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { csvRuns, sourceFile } from 'modelkeep/interchange';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const file = sourceFile('runs.csv', 'run,metric,step,timestamp,value\na,loss,0,1700000000000,0.5\n');
 * const { imported } = await tracker.importRuns(csvRuns(file, { experiment: 'demo' }));
 * console.log(imported.length); // 1
 * ```
 */
export function sourceFile(name: string, content: SourceContent): SourceFile {
  if (typeof content !== 'string' && !ArrayBuffer.isView(content) && typeof (content as Partial<Blob> | undefined)?.slice !== 'function') {
    throw new ValidationError(`The content of ${shown(name, 80)} is ${shown(content, 80)}; give a text, bytes, or a Blob.`, { path: 'content' });
  }
  return { name, open: (options) => contentFrom(name, content, options) };
}

/**
 * A directory of a source that is given by its files, such as those that a person chose on a page with `webkitdirectory`: contents by path.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { dvcliveSource, sourceDirectory } from 'modelkeep/interchange';
 *
 * const directory = sourceDirectory({ 'plots/metrics/loss.tsv': 'step\tloss\n0\t0.5\n', 'params.yaml': 'lr: 0.1\n' });
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.importRuns(dvcliveSource(directory, { experiment: 'demo', name: 'first', startedAt: 1_700_000_000_000 }));
 * ```
 */
export function sourceDirectory(files: Readonly<Record<string, SourceContent>>): SourceDirectory {
  const contents = new Map(Object.entries(files).map(([path, content]) => [path.replace(/^\.?\//, ''), content]));
  const folders = new Map<string, Map<string, SourceEntry>>();
  for (const file of contents.keys()) {
    const parts = file.split('/');
    parts.forEach((name, i) => {
      const folder = parts.slice(0, i).join('/');
      if (!folders.has(folder)) folders.set(folder, new Map());
      if (name !== '') folders.get(folder)!.set(name, { name, kind: i < parts.length - 1 ? 'directory' : 'file' });
    });
  }
  return {
    async *list(path) {
      yield* [...(folders.get(path)?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async *open(path, options) {
      const content = contents.get(path);
      if (content === undefined) throw new IntegrityError(`There is no file ${shown(path, 200)}.`, { key: path });
      yield* contentFrom(path, content, options);
    },
    async size(path) {
      const content = contents.get(path);
      if (content === undefined) return undefined;
      return typeof content === 'string' ? new TextEncoder().encode(content).length : ArrayBuffer.isView(content) ? content.byteLength : content.size;
    },
  };
}

/** One file of a directory. */
export function fileIn(directory: SourceDirectory, path: string): SourceFile {
  return { name: path, open: (options) => directory.open(path, options) };
}

const deepest = 64;

/** The paths of all files in a folder and in those within it, relative to it, ascending folder by folder. Of a folder that cannot be listed, `onFault` is told its path and the error, and the others are gone on with. */
export async function* filesWithin(directory: SourceDirectory, folder: string, onFault: (path: string, error: unknown) => void, options: OperationOptions = {}, inside = ''): AsyncGenerator<string> {
  const path = [folder, inside.slice(0, -1)].filter((part) => part !== '').join('/');
  const folders: string[] = [];
  try {
    if (inside.split('/').length > deepest) throw new IntegrityError(`The folders in ${shown(folder, 200)} are nested more than ${deepest} deep.`, { key: path });
    for await (const { name, kind } of directory.list(path, options)) {
      if (kind === 'file') yield `${inside}${name}`;
      else folders.push(`${inside}${name}/`);
    }
  } catch (error) {
    if (!isModelkeepError(error, 'integrity', 'validation')) throw error;
    onFault(path, error);
  }
  for (const each of folders) yield* filesWithin(directory, folder, onFault, options, each);
}

async function* contentFrom(name: string, content: SourceContent, { start = 0, signal }: OpenSourceOptions = {}): AsyncGenerator<Uint8Array> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  if (ArrayBuffer.isView(bytes)) for (let at = start; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  else {
    try {
      yield* contentChunks(bytes.slice(start), name, signal);
    } catch (cause) {
      // A file that was changed or taken away since it was chosen.
      throw isModelkeepError(cause) ? cause : new IntegrityError(`${name} cannot be read: ${String((cause as Error | undefined)?.message)}.`, { key: name, cause });
    }
  }
}
