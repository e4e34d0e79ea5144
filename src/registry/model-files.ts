import { isWellFormed } from '../core/bytes.ts';
import { contentChunks, type Content } from '../core/content.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import { byPath, type ModelFile } from '../core/model-manifest.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { hasControl } from './model-name.ts';

const maxPathLength = 1_024;
const writesAtOnce = 4;
// A file's line in the record: its path and twice its digest, with what stands around them.
const recordBytesPerFile = 240;

/** Checks the files of a version before any of them is read: paths that are safe in every directory, contents that can be stored. */
export function checkFiles(files: Readonly<Record<string, Content>>, storage: StorageAdapter): [path: string, chunks: AsyncIterable<Uint8Array>][] {
  if (typeof files !== 'object' || files === null || Array.isArray(files)) {
    throw new ValidationError('files is not an object of contents by path, such as { "model.json": json }.', { path: 'files' });
  }
  const paths = Object.keys(files);
  if (paths.length === 0) throw new ValidationError('files is empty; a version has at least one file.', { path: 'files' });
  const room = storage.supports.maxRecordBytes / 2;
  if (paths.reduce((sum, path) => sum + recordBytesPerFile + 3 * path.length, 0) > room) {
    throw new ValidationError(`files has ${paths.length} files, whose list does not fit into a record of ${storage.name}; pack them into archives.`, { path: 'files' });
  }
  const known = new Set(paths);
  return paths.map((path) => {
    checkFilePath(path, known);
    const content = files[path]!;
    const where = `files[${JSON.stringify(path)}]`;
    if (typeof content === 'string' && !isWellFormed(content)) {
      throw new ValidationError(`${where} has a lone surrogate, which UTF-8 cannot hold; give bytes instead.`, { path: where });
    }
    if ((content as Partial<ReadableStream> | undefined)?.locked === true) {
      throw new ValidationError(`${where} is a stream that someone else is reading; each file needs a stream of its own.`, { path: where });
    }
    return [path, contentChunks(content, where)];
  });
}

/** Stores the files, several at once, each under the digest of its bytes. When one fails, the others under way are waited for and none is begun. */
export async function storeFiles(
  storage: StorageAdapter,
  files: readonly [path: string, chunks: AsyncIterable<Uint8Array>][],
  options: LongOperationOptions,
): Promise<ModelFile[]> {
  const stored: ModelFile[] = [];
  const failures: unknown[] = [];
  const queue = files.values();
  const work = async (): Promise<void> => {
    for (const [path, chunks] of queue) {
      if (failures.length > 0) return;
      try {
        stored.push({ path, ...(await storage.writeBlob(chunks, { signal: options.signal })) });
        options.onProgress?.({ phase: 'storing files', done: stored.length, total: files.length });
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: writesAtOnce }, work));
  if (failures.length > 0) throw failures[0];
  return stored.sort(byPath);
}

/** Throws `IntegrityError` unless every file is stored with the size that it is said to have. */
export async function checkStored(storage: StorageAdapter, files: readonly ModelFile[], options: OperationOptions): Promise<void> {
  for (const { path, digest, size } of files) {
    // One byte on either side of the announced end: exactly one comes when the size is right.
    const chunks = await storage.readBlob(digest, { ...options, range: { start: Math.max(0, size - 1), end: size + 1 } });
    let found = 0;
    for await (const chunk of chunks ?? []) found += chunk.length;
    if (chunks && found === Math.min(1, size)) continue;
    throw new IntegrityError(`The contents of ${shown(path)} are not stored as ${digest} with ${size} bytes; store them before they are named.`, { key: digest, path });
  }
}

/** Checks the paths of files whose contents are stored already. */
export function checkStoredFiles(files: readonly ModelFile[]): readonly ModelFile[] {
  const known = new Set(files.map((file) => file.path));
  if (known.size === 0) throw new ValidationError('files is empty; a version has at least one file.', { path: 'files' });
  if (known.size < files.length) throw new ValidationError('files has one path twice.', { path: 'files' });
  for (const { path } of files) checkFilePath(path, known);
  return [...files].sort(byPath);
}

function checkFilePath(path: string, known: ReadonlySet<string>): void {
  const parts = path.split('/');
  const ancestor = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/')).find((directory) => known.has(directory));
  const problem =
    path === '' ? 'is empty'
    : path.length > maxPathLength ? `is longer than ${maxPathLength} characters`
    : path.startsWith('/') || /^[a-z]:/i.test(path) ? 'is not relative'
    : path.includes('\\') ? "has a backslash; separate directories by '/'"
    : hasControl(path) ? 'has a control character'
    : !isWellFormed(path) ? 'has a lone surrogate'
    : parts.includes('') ? 'has an empty part'
    : parts.includes('..') || parts.includes('.') ? "has a part that is '.' or '..'"
    : ancestor !== undefined ? `lies in ${shown(ancestor)}, which is a file itself`
    : undefined;
  if (problem !== undefined) throw new ValidationError(`The file path ${shown(path)} ${problem}.`, { path: `files[${JSON.stringify(path)}]` });
}
