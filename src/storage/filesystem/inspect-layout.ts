import { join, relative } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { systemClock } from '../../core/clock.ts';
import { describeFailure } from '../../core/failure.ts';
import type { InspectOptions, StoreFinding } from '../contract.ts';
import { isAbandoned } from './directories.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { generationName, generationsIn } from './generation.ts';
import { readLogDirectory } from './log-directory.ts';
import { RecordFile } from './record-file.ts';
import { SegmentReader } from './segment-reader.ts';
import { storageError } from './system-error.ts';

const dayMs = 86_400_000;
const rootNames: ReadonlySet<string> = new Set(['modelkeep.json', 'records', 'logs', 'blobs', 'tmp']);

/** Looks through the directory of a store for what is damaged as a file, what was left behind, and what does not belong there. */
export async function* inspectLayout(fileSystem: FileSystem, root: string, options: InspectOptions): AsyncGenerator<StoreFinding> {
  const inspection = new Inspection(fileSystem, root, options);
  yield* inspection.foreign(root, (name) => rootNames.has(name) || /^modelkeep-[0-9a-f]{16}\.tmp$/.test(name));
  yield* inspection.rootTemporaries();
  yield* inspection.temporaries();
  yield* inspection.records();
  yield* inspection.logs();
  yield* inspection.blobs();
}

class Inspection {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #options: InspectOptions;
  readonly #graceMs: number;
  #looked = 0;

  constructor(fileSystem: FileSystem, root: string, options: InspectOptions) {
    this.#fileSystem = fileSystem;
    this.#root = root;
    this.#options = options;
    this.#graceMs = options.graceMs ?? dayMs;
  }

  /** Files that no modelkeep has made: they stay. */
  async *foreign(directory: string, belongs: (name: string, kind: string) => boolean): AsyncGenerator<StoreFinding> {
    for (const { name, kind } of await this.#entriesIn(directory)) {
      if (belongs(name, kind)) continue;
      const where = this.#where(join(directory, name));
      yield { kind: 'leftover', where, message: `${where} does not belong to the store; remove it if it is of no use to you.`, repaired: false };
    }
  }

  /** Files that were to become the marker of the store. */
  async *rootTemporaries(): AsyncGenerator<StoreFinding> {
    for (const { name } of await this.#entriesIn(this.#root)) if (name.endsWith('.tmp')) yield* this.#remove(join(this.#root, name), 'was left by a process that died while it made the store');
  }

  /** Files that never got their name. */
  async *temporaries(): AsyncGenerator<StoreFinding> {
    const directory = join(this.#root, 'tmp');
    yield* this.foreign(directory, (name) => name.endsWith('.tmp') || name.endsWith('.deleted'));
    for (const { name } of await this.#entriesIn(directory)) {
      if (isAbandoned(name)) yield* this.#remove(join(directory, name), 'was left by a process that died while it wrote it');
    }
  }

  async *records(): AsyncGenerator<StoreFinding> {
    const directory = join(this.#root, 'records');
    yield* this.foreign(directory, (name, kind) => kind === 'directory' && /^[0-9a-f]$/.test(name));
    for (const { name, kind } of await this.#entriesIn(directory)) {
      if (kind !== 'directory') continue;
      this.#goOn('look at records', name);
      const shard = join(directory, name);
      yield* this.foreign(shard, (file) => /^\d{10}\.log$/.test(file));
      const generations = await generationsIn(this.#fileSystem, shard);
      const latest = generations.pop();
      if (latest === undefined) continue;
      yield* this.#recordFile(join(shard, generationName(latest)));
      // Its name must be there for good before those that it replaces go.
      if (this.#options.repair && generations.length > 0) await this.#fileSystem.syncDirectory(shard);
      for (const old of generations) yield* this.#remove(join(shard, generationName(old)), 'was replaced by a newer file of records');
    }
  }

  async *#recordFile(path: string): AsyncGenerator<StoreFinding> {
    let file: RecordFile | undefined;
    try {
      // No writer has this number, so nothing in the file is taken for its own.
      file = await RecordFile.open(this.#fileSystem, path, { nonce: -1, onOwn: () => undefined });
      await file.catchUp();
      const { replay } = file;
      yield* this.#damageOf(() => replay.assertListable(), path);
      if (!replay.settled) for (const key of replay.state.slots.keys()) yield* this.#damageOf(() => replay.assertSound(key), key);
    } catch (error) {
      // It may have been replaced since it was looked for.
      if (codeOf(error) !== 'ENOENT') yield this.#damage(this.#where(path), error);
    } finally {
      await file?.retire();
    }
  }

  async *logs(): AsyncGenerator<StoreFinding> {
    yield* this.#logsIn(join(this.#root, 'logs'), '');
  }

  async *#logsIn(directory: string, log: string): AsyncGenerator<StoreFinding> {
    this.#goOn('look at logs', log);
    const { segments, remains, children } = await readLogDirectory(this.#fileSystem, directory);
    const known = new Set([...segments.map((segment) => segment.path), ...remains]);
    yield* this.foreign(directory, (name, kind) => kind === 'directory' || known.has(join(directory, name)));
    for (const { path } of segments) yield* this.#segment(path, log);
    for (const path of remains) if (path.endsWith('.log')) yield* this.#remove(path, 'belongs to a log that was deleted');
    for (const child of children) yield* this.#logsIn(join(directory, child), log === '' ? child : `${log}/${child}`);
  }

  /** Its header, and how far it goes; its entries are read by those who read the log. */
  async *#segment(path: string, log: string): AsyncGenerator<StoreFinding> {
    try {
      const reader = await SegmentReader.open(this.#fileSystem, path, log);
      await reader.end().finally(() => reader.close());
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') yield this.#damage(log, error);
    }
  }

  async *blobs(): AsyncGenerator<StoreFinding> {
    const kind = join(this.#root, 'blobs', 'sha256');
    yield* this.foreign(join(this.#root, 'blobs'), (name) => name === 'sha256');
    yield* this.foreign(kind, (name) => /^[0-9a-f]{2}$/.test(name));
    for (const { name: folder, kind: of } of await this.#entriesIn(kind)) {
      if (of !== 'directory') continue;
      this.#goOn('look at blobs', folder);
      yield* this.foreign(join(kind, folder), (name) => /^[0-9a-f]{64}(~[0-9a-f]{16})?$/.test(name) && name.startsWith(folder));
    }
  }

  *#damageOf(assert: () => void, where: string): Generator<StoreFinding> {
    try {
      assert();
    } catch (error) {
      yield this.#damage(where, error);
    }
  }

  #damage(where: string, error: unknown): StoreFinding {
    return { kind: 'damage', where, message: describeFailure(storageError(error, `Reading ${where}`, where)).message, repaired: false };
  }

  /** A file that is of no more use: removed, when that is wanted and it is old enough that nobody can be at work on it. */
  async *#remove(path: string, why: string): AsyncGenerator<StoreFinding> {
    const where = this.#where(path);
    try {
      const { modifiedMs } = await this.#fileSystem.stat(path);
      if (systemClock.now() - modifiedMs < this.#graceMs) return;
      if (this.#options.repair) await this.#fileSystem.unlink(path);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      yield { kind: 'leftover', where, message: `${where} ${why}, and cannot be removed: ${describeFailure(error).message}`, repaired: false };
      return;
    }
    yield { kind: 'leftover', where, message: `${where} ${why}.`, repaired: this.#options.repair === true };
  }

  #goOn(phase: string, where: string): void {
    throwIfAborted(this.#options.signal, `Looking at ${where}`);
    this.#options.onProgress?.({ phase, done: ++this.#looked });
  }

  /** As a person finds it in the store, with slashes on every system. */
  #where(path: string): string {
    return relative(this.#root, path).split('\\').join('/');
  }

  async #entriesIn(path: string): ReturnType<FileSystem['readDirectory']> {
    try {
      return (await this.#fileSystem.readDirectory(path)).sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
