import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isDigest, type Digest } from '../../core/digest.ts';
import { ConflictError, StorageError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import type { ListEntry, ListPage, Version } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';
import type { Directories } from './directories.ts';
import { syncIfThere } from './file-reading.ts';
import { codeOf, type FileSystem, type NamedStat } from './file-system.ts';

const kind = 'sha256';
const hexLength = 64;
const maxAttempts = 100;
const maxRenames = 5;
const heldUp: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY']);
/** More than the finest and the coarsest file system need to tell two times apart. */
const coarsestTickMs = 2000;

/** A file that holds a blob. */
interface BlobFile {
  readonly path: string;
  readonly stat: NamedStat;
}

/**
 * Which files hold the blobs: `blobs/sha256/ab/<digest>`, and beside it `<digest>~<random>` while someone who deletes the blob looks at what exactly is being deleted.
 *
 * A version names the files that it was listed for, by number and time. A writer gives its file the digest's name, whatever has it. Who deletes by version takes a file aside
 * under a name that nobody else makes, looks whether it is one of the version, and only then removes it; any other is given its name back. Both are single steps of the file
 * system, so at each moment a file that no version of a delete names has one of its names, wherever a process stops or dies, and readers and lists look at all of them.
 * A file taken aside is not put over one that has come to the digest's name since: it stays beside it, and the version names both.
 */
export class BlobFiles {
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  readonly #root: string;
  readonly #flushed: boolean;

  constructor(fileSystem: FileSystem, directories: Directories, flushed: boolean) {
    this.#fileSystem = fileSystem;
    this.#directories = directories;
    this.#root = join(directories.root, 'blobs', kind);
    this.#flushed = flushed;
  }

  /** What `look` finds at the first file of a blob that is there; `undefined` when there is none. */
  async look<T>(digest: Digest, look: (path: string) => Promise<T>): Promise<T | undefined> {
    const path = this.#path(digest);
    for (let attempt = 1; ; attempt++) {
      const found = await ifThere(look(path));
      if (found !== undefined) return found;
      const aside = await this.#aside(digest);
      for (const other of aside) {
        const moved = await ifThere(look(other));
        if (moved !== undefined) return moved;
      }
      // It may just have been given its name back.
      if (aside.length === 0 || attempt === maxAttempts) return ifThere(look(path));
    }
  }

  /** Bytes of a blob; `undefined` when it is not there. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    return (await this.look(digest, (path) => this.#fileSystem.stat(path)))?.size;
  }

  /**
   * Gives a whole file its name. Over a blob that is there already it goes too: that refreshes it, and mends it if it was damaged. Where the system does not replace what
   * someone is reading, as on Windows, a blob that `isWhole` is refreshed as it is.
   */
  async name(temporary: string, digest: Digest, isWhole: () => Promise<boolean>): Promise<void> {
    const path = this.#path(digest);
    const directory = await this.#directories.ensure('blobs', kind, folderOf(digest));
    await this.#stamp(temporary, temporary, path);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#fileSystem.rename(temporary, path);
        break;
      } catch (error) {
        if (!heldUp.has(codeOf(error)) || attempt === maxRenames) throw error;
        if ((await isWhole()) && (await this.#refresh(temporary, path))) break;
      }
    }
    if (this.#flushed) await this.#fileSystem.syncDirectory(directory);
  }

  /** Deletes a blob, or only what `match` names of it: `ConflictError` when there is anything else. */
  async delete(digest: Digest, match: Version | undefined): Promise<void> {
    const wanted = match === undefined ? undefined : new Set(match.split('+'));
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const files = await this.#all(digest);
      if (files.length === 0) {
        // Also when it was gone: whoever deleted it before may have died before that was flushed.
        if (this.#flushed) await syncIfThere(this.#fileSystem, join(this.#root, folderOf(digest)));
        return;
      }
      if (wanted !== undefined && files.some(({ stat }) => !wanted.has(stat.identity))) throw refreshed(digest, match);
      for (const { path } of files) {
        if (wanted === undefined) await ifThere(this.#fileSystem.unlink(path));
        else if (!(await this.#deleteIf(digest, path, wanted))) throw refreshed(digest, match);
      }
    }
    throw new StorageError('storage', `The blob ${digest} was written again and again while it was to be deleted.`, { key: digest });
  }

  async list(query: CheckedListQuery): Promise<ListPage> {
    const from = query.after ?? '';
    const entries: ListEntry[] = [];
    // Others put files of their own everywhere, such as .DS_Store.
    const folders = (await this.#namesIn(this.#root)).filter((name) => /^[0-9a-f]{2}$/.test(name));
    for (const folder of folders.sort()) {
      if (`sha256:${folder}~` <= from) continue;
      for (const [digest, aside] of byDigest(await this.#namesIn(join(this.#root, folder)))) {
        if (digest <= from) continue;
        if (entries.length === query.limit) return { entries, next: entries[entries.length - 1]!.key };
        const entry = await this.#describe(digest, aside);
        if (entry !== undefined) entries.push(entry);
      }
    }
    return { entries };
  }

  async #describe(digest: Digest, aside: readonly string[]): Promise<ListEntry | undefined> {
    const directory = join(this.#root, folderOf(digest));
    let files = await this.#stats([this.#path(digest), ...aside.map((name) => join(directory, name))]);
    // It may have moved since.
    if (files.length === 0) files = await this.#all(digest);
    if (files.length === 0) return undefined;
    const identities = new Set(files.map(({ stat }) => stat.identity));
    return { key: digest, version: [...identities].sort().join('+'), size: files[0]!.stat.size };
  }

  /** Every file of a blob. Looked for twice before there is none, since one may be given its name back while the directory is read. */
  async #all(digest: Digest): Promise<BlobFile[]> {
    const files = await this.#stats([...(await this.#aside(digest)), this.#path(digest)]);
    return files.length > 0 ? files : this.#stats([...(await this.#aside(digest)), this.#path(digest)]);
  }

  async #stats(paths: readonly string[]): Promise<BlobFile[]> {
    const files: BlobFile[] = [];
    for (const path of paths) {
      const stat = await ifThere(this.#fileSystem.stat(path));
      if (stat !== undefined) files.push({ path, stat });
    }
    return files;
  }

  /** Deletes the file at `path` if it is one of those wanted. False when another has its name by now, which is kept. */
  async #deleteIf(digest: Digest, path: string, wanted: ReadonlySet<string>): Promise<boolean> {
    const aside = `${this.#path(digest)}~${randomBytes(8).toString('hex')}`;
    if ((await ifThere(this.#fileSystem.rename(path, aside).then(() => true))) === undefined) return true;
    try {
      const stat = await ifThere(this.#fileSystem.stat(aside));
      // Another who deletes has taken it over.
      if (stat === undefined) return true;
      if (wanted.has(stat.identity)) {
        await ifThere(this.#fileSystem.unlink(aside));
        return true;
      }
    } catch (error) {
      await this.#giveBack(digest, aside).catch(() => undefined);
      throw error;
    }
    await this.#giveBack(digest, aside);
    return false;
  }

  /** Gives a file its name back, unless another has it; then it stays aside. */
  async #giveBack(digest: Digest, aside: string): Promise<void> {
    try {
      await this.#fileSystem.link(aside, this.#path(digest));
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') return;
      throw error;
    }
    // Whatever the durability: otherwise loss of power could take both names of something that was safe before.
    await this.#fileSystem.syncDirectory(join(this.#root, folderOf(digest)));
    await ifThere(this.#fileSystem.unlink(aside));
  }

  /** Makes the file at `path` count as written anew. False when it has another name by now. */
  async #refresh(temporary: string, path: string): Promise<boolean> {
    if (!(await this.#stamp(temporary, path, path))) return false;
    if (this.#flushed) {
      const file = await ifThere(this.#fileSystem.open(path, 'append'));
      try {
        await file?.sync();
      } finally {
        await file?.close();
      }
    }
    await this.#fileSystem.unlink(temporary);
    return true;
  }

  /**
   * Sets the time of `target` to that of `fresh`, or later if need be, so that it differs from what has the name `path` now and from what had it before: the number of a file is
   * given to the next one as soon as it is free, often within one tick of the clock. False when `target` is gone.
   */
  async #stamp(fresh: string, target: string, path: string): Promise<boolean> {
    const [{ modifiedMs: now }, present] = await Promise.all([this.#fileSystem.stat(fresh), ifThere(this.#fileSystem.stat(path))]);
    const later = present !== undefined && present.modifiedMs >= now ? present.modifiedMs + coarsestTickMs : now;
    return (await ifThere(this.#fileSystem.setModified(target, later + systemRandom()).then(() => true))) === true;
  }

  async #aside(digest: Digest): Promise<string[]> {
    const directory = join(this.#root, folderOf(digest));
    const beginning = `${digest.slice('sha256:'.length)}~`;
    return (await this.#namesIn(directory)).filter((name) => name.startsWith(beginning)).map((name) => join(directory, name));
  }

  async #namesIn(path: string): Promise<string[]> {
    const entries = await ifThere(this.#fileSystem.readDirectory(path));
    return (entries ?? []).map((entry) => entry.name);
  }

  #path(digest: Digest): string {
    return join(this.#root, folderOf(digest), digest.slice('sha256:'.length));
  }
}

function folderOf(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 2);
}

/** The digests that names in a folder tell of, ascending, each with the names that its files were taken aside under. */
function byDigest(names: readonly string[]): [Digest, string[]][] {
  const found = new Map<Digest, string[]>();
  for (const name of [...names].sort()) {
    const digest = `sha256:${name.slice(0, hexLength)}`;
    if (!isDigest(digest) || (name.length > hexLength && name[hexLength] !== '~')) continue;
    const aside = found.get(digest) ?? [];
    if (name.length > hexLength) aside.push(name);
    found.set(digest, aside);
  }
  return [...found];
}

/** What a call gives, or `undefined` when what it is about is not there. */
async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function refreshed(digest: Digest, match: Version | undefined): ConflictError {
  return new ConflictError(`The blob ${digest} was written anew since it was at version ${match}; it stays.`, { key: digest });
}
