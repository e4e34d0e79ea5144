import { randomUUID } from 'node:crypto';
import { lstat, mkdir, mkdtemp, open, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { createHasher } from '../../core/digest.ts';
import { ConflictError, IntegrityError, ValidationError } from '../../core/errors.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import type { ArtifactRecord } from '../../tracking/artifacts/artifact-record.ts';
import { checkName } from '../../tracking/metric-name.ts';

/** Whom artifacts are asked for; a `Tracker` is one. */
export interface ArtifactReader {
  /** The artifacts of a run. */
  artifacts(runId: string, options?: OperationOptions): AsyncIterable<ArtifactRecord>;
  /** The bytes of one. */
  openArtifact(runId: string, name: string, options?: OperationOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** What is downloaded, and how. */
export interface WriteArtifactsOptions extends LongOperationOptions {
  /** Only artifacts whose names begin with it. @default all */
  prefix?: string | undefined;
  /** Replaces files that are there; otherwise one with other bytes is a `ConflictError`. @default false */
  overwrite?: boolean | undefined;
}

/**
 * Writes the artifacts of a run into a directory, which is made when it is not there, and resolves to their records. Each file appears under its name as a whole, flushed, once its digest is right; those before one that fails stay,
 * and a second call goes on.
 *
 * Nothing is written outside the directory: names have no `..`, and a folder that is a symbolic link is refused. (Not against a program that swaps folders for links in the same moment: keep the directory to yourself.) Before any is
 * written, throws `ValidationError` for names that are no paths on this platform, and `ConflictError` for two that this disk cannot tell apart, by case or by Unicode's form, or of which one is a folder of the other.
 *
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { writeArtifactsTo } from 'modelkeep/node';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const run = await tracker.startRun({ experiment: 'demo' });
 * await run.logArtifact('plots/loss.csv', 'step,loss\n0,1\n');
 * await run.end();
 * const files = await writeArtifactsTo(await mkdtemp('run-'), tracker, run.id);
 * console.log(files[0]?.name); // plots/loss.csv
 * ```
 */
export async function writeArtifactsTo(directory: string, reader: ArtifactReader, runId: string, options: WriteArtifactsOptions = {}): Promise<ArtifactRecord[]> {
  const { prefix = '', overwrite = false, signal, onProgress } = options;
  const records: ArtifactRecord[] = [];
  for await (const record of reader.artifacts(runId, { signal })) if (record.name.startsWith(prefix)) records.push(record);
  for (const { name } of records) checkPath(name);
  await mkdir(directory, { recursive: true });
  const root = await realpath(directory);
  checkDistinct(records, await nameFold(root));
  let done = 0;
  for (const record of records) {
    throwIfAborted(signal, 'Writing artifacts');
    const target = join(await folderFor(root, record.name), record.name.slice(record.name.lastIndexOf('/') + 1));
    if (overwrite || !(await isThere(target, record))) await writeFile(target, record, await reader.openArtifact(runId, record.name, { signal }), signal);
    onProgress?.({ phase: 'writing artifacts', done: ++done, total: records.length });
  }
  return records;
}

function checkPath(name: string): void {
  checkName(name, 'An artifact');
  if (process.platform !== 'win32') return;
  const odd = name.split('/').find((part) => part.includes(':') || /[. ]$/.test(part) || /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(part));
  if (odd !== undefined) throw new ValidationError(`Artifact '${name}' cannot be a file on Windows: '${odd}' is no name there. Read it with readArtifact.`, { path: name });
}

/** What makes two names one on the disk of a directory, found out by trying. */
async function nameFold(root: string): Promise<(name: string) => string> {
  const probe = await mkdtemp(join(root, '.modelkeep-\u00e9-'));
  const base = probe.slice(dirname(probe).length + 1);
  try {
    const exists = (name: string): Promise<boolean> => lstat(join(root, name)).then(() => true, () => false);
    const [ignoresCase, ignoresForm] = [await exists(base.replace('modelkeep', 'MODELKEEP')), await exists(base.normalize('NFD'))];
    return (name) => {
      const formed = ignoresForm ? name.normalize('NFC') : name;
      return ignoresCase ? formed.toLowerCase() : formed;
    };
  } finally {
    await rmdir(probe);
  }
}

function checkDistinct(records: readonly ArtifactRecord[], fold: (name: string) => string): void {
  const files = new Map<string, string>();
  for (const { name } of records) {
    const other = files.get(fold(name));
    if (other !== undefined) throw new ConflictError(`Artifacts '${other}' and '${name}' are one file on this disk; write them into two directories, with prefix.`, { key: name });
    files.set(fold(name), name);
  }
  for (const { name } of records) {
    for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
      const file = files.get(fold(name.slice(0, slash)));
      if (file !== undefined) throw new ConflictError(`Artifact '${file}' would have to be a file and the folder of '${name}'; write them into two directories, with prefix.`, { key: file });
    }
  }
}

/** The folder of an artifact, made one step after the other so that none leads elsewhere. */
async function folderFor(root: string, name: string): Promise<string> {
  let folder = root;
  for (const part of name.split('/').slice(0, -1)) {
    folder = join(folder, part);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (!(await lstat(folder)).isDirectory()) throw new ConflictError(`${folder} is in the way of artifact '${name}': it is not a folder (symbolic links are not followed). Remove it, or write elsewhere.`, { key: folder });
  }
  return folder;
}

/** Whether the file has the artifact's bytes already. */
async function isThere(path: string, { name, digest, size }: ArtifactRecord): Promise<boolean> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return false;
  if (found.isFile() && found.size === size) {
    const hasher = createHasher();
    const file = await open(path);
    for await (const chunk of file.createReadStream()) hasher.update(chunk as Uint8Array);
    if (hasher.digest() === digest) return true;
  }
  throw new ConflictError(`${path} is there already and is not artifact '${name}'; give overwrite: true to replace it, or write elsewhere.`, { key: path });
}

async function writeFile(path: string, { name, digest }: ArtifactRecord, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  const part = join(dirname(path), `.modelkeep-${randomUUID()}.part`);
  const hasher = createHasher();
  try {
    const file = await open(part, 'wx');
    try {
      for await (const chunk of chunks) {
        throwIfAborted(signal, 'Writing artifacts');
        hasher.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const found = hasher.digest();
    if (found !== digest) throw new IntegrityError(`Artifact '${name}' is damaged: its bytes hash to ${found}, not to ${digest}. Nothing was written; restore its blob from a copy.`, { key: digest, found });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
