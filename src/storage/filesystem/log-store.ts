import { join } from 'node:path';
import { assertKey, type Key } from '../../core/key.ts';
import type { ListEntry, ListPage, LogPosition, LogQuery } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';
import { decodePosition, encodePosition } from '../log-position.ts';
import { checksum } from './checksum.ts';
import type { Directories } from './directories.ts';
import { syncIfThere } from './file-reading.ts';
import { codeOf, type FileSystem } from './file-system.ts';
import { deletionFile, readLogDirectory, walkLogs, type SegmentName } from './log-directory.ts';
import type { LogFrame } from './log-entries.ts';
import { SpareWindow, type ReadWindow } from './read-window.ts';
import type { SegmentDraft } from './segment-frame.ts';
import { endOf, SegmentReader, type PlacedFrame } from './segment-reader.ts';
import { SegmentWriter } from './segment-writer.ts';
import { storageError } from './system-error.ts';

const maxOpenWriters = 128;

/** The logs of a store: a directory for each, with segments of each writer. */
export class LogStore {
  readonly #fileSystem: FileSystem;
  readonly #directories: Directories;
  readonly #root: string;
  /** In order of use. */
  readonly #writers = new Map<string, SegmentWriter>();
  readonly #window = new SpareWindow();
  #swept = false;

  constructor(fileSystem: FileSystem, directories: Directories) {
    this.#fileSystem = fileSystem;
    this.#directories = directories;
    this.#root = join(directories.root, 'logs');
  }

  async append(log: Key, draft: SegmentDraft, writer: string, operationId: string | undefined, flushed: boolean): Promise<LogPosition> {
    const name = `${writer}/${log}`;
    const segments = this.#writers.get(name) ?? new SegmentWriter(this.#fileSystem, this.#directories, log, writer);
    this.#writers.delete(name);
    this.#writers.set(name, segments);
    const appended = segments.append(draft, operationId, flushed);
    await this.#leaveIdle();
    return appended;
  }

  /** The frames that hold entries of a log after a position: writer by writer, each one's in order. */
  async *read(log: Key, query: LogQuery): AsyncGenerator<LogFrame> {
    const vector = decodePosition(query.after);
    const { segments } = await this.#guard(log, () => readLogDirectory(this.#fileSystem, join(this.#root, ...log.split('/'))));
    const window = this.#window.take();
    for (let start = 0; start < segments.length; ) {
      const writer = segments[start]!.writer;
      let end = start;
      while (end < segments.length && segments[end]!.writer === writer) end++;
      const after = vector.get(writer) ?? 0;
      vector.delete(writer);
      const others = encodePosition(vector);
      let reached = after;
      for await (const placed of this.#readWriter(log, segments.slice(start, end), after, window)) {
        reached = endOf(placed.frame).sequence;
        yield { writer, others, after, ...placed };
      }
      if (reached > 0) vector.set(writer, reached);
      start = end;
    }
    // Not of a reading that was left midway: what it was given last may still be looked at.
    this.#window.keep(window);
  }

  async *#readWriter(log: Key, segments: readonly SegmentName[], after: number, window: ReadWindow): AsyncGenerator<PlacedFrame> {
    let reader = await this.#open(log, segments[0]!);
    let reached = 0;
    for (let i = 0; reader !== undefined; i++) {
      const current: SegmentReader = reader;
      let next: SegmentReader | undefined;
      try {
        if (current.header.entriesBefore > reached) throw current.missing(0, current.header.entriesBefore);
        next = segments[i + 1] && (await this.#open(log, segments[i + 1]!));
        const limit = next?.header.entriesBefore ?? Infinity;
        if (limit <= after) reached = limit;
        else for await (const placed of current.frames(after, window)) {
          // Behind it, the next segment has taken over.
          if (endOf(placed.frame).sequence > limit) break;
          reached = endOf(placed.frame).sequence;
          yield placed;
        }
        reached = Math.max(reached, current.header.entriesBefore);
        if (limit !== Infinity && reached < limit) throw current.missing(reached, limit);
      } catch (error) {
        await next?.close();
        if (await this.#exists(segments[i]!)) throw storageError(error, `Reading the log ${log}`, log);
        // The log was deleted while it was read.
        return;
      } finally {
        await current.close();
      }
      reader = next;
    }
  }

  /** Deletes the log of this key in one step, then removes what is left of it, and directories that are of no more use. */
  async delete(log: Key): Promise<void> {
    const path = join(this.#root, ...log.split('/'));
    await this.#guard(log, async () => {
      const { segments, incarnation } = await readLogDirectory(this.#fileSystem, path);
      // Whoever deleted it before may have died before that was flushed.
      if (segments.length === 0) return syncIfThere(this.#fileSystem, path);
      await this.#directories.ensure('logs', ...log.split('/'));
      const deletion = await this.#fileSystem.open(join(path, deletionFile(incarnation + 1)), 'create').catch((error: unknown) => {
        // Another process deletes it too.
        if (codeOf(error) === 'EEXIST') return undefined;
        throw error;
      });
      await deletion?.close();
      await this.#fileSystem.syncDirectory(path);
      // From here on it is deleted. What cannot be removed now is left to the next one who deletes.
      await this.#removeRemains(log, path).catch(() => undefined);
    });
  }

  async #removeRemains(log: Key, path: string): Promise<void> {
    const { remains } = await readLogDirectory(this.#fileSystem, path);
    for (const file of remains) if (!isDeletion(file)) await this.#fileSystem.unlink(file);
    const note = await this.#directories.leaveNote(log);
    if (this.#swept) return;
    this.#swept = true;
    await this.#directories.takeNotes(note, (earlier) => this.#removeDirectories(earlier));
  }

  /**
   * Removes the directories of a log that was deleted long ago, and that which says so. Not at once: whoever looked at the log just before might begin it where
   * it left off, beside one who begins it from nothing.
   */
  async #removeDirectories(log: Key): Promise<void> {
    const parts = assertKey(log).split('/');
    const path = join(this.#root, ...parts);
    const { segments, remains } = await readLogDirectory(this.#fileSystem, path);
    if (segments.length > 0) return;
    const deletions = remains.filter(isDeletion);
    for (const file of remains) if (!isDeletion(file)) await this.#fileSystem.unlink(file);
    await this.#fileSystem.syncDirectory(path);
    for (const file of deletions) await this.#fileSystem.unlink(file);
    for (let depth = parts.length; depth > 0; depth--) {
      const directory = join(this.#root, ...parts.slice(0, depth));
      // It stays when it holds other logs.
      await this.#fileSystem.removeDirectory(directory);
      this.#directories.forget(directory);
    }
  }

  async list(query: CheckedListQuery): Promise<ListPage> {
    return this.#guard('logs', async () => {
      const entries: ListEntry[] = [];
      for await (const { key, segments } of walkLogs(this.#fileSystem, this.#root, query.prefix, query.after ?? '')) {
        // Before the next one is looked at: where that is damaged, all up to it can still be listed.
        if (entries.length === query.limit) return { entries, next: entries[entries.length - 1]!.key };
        const entry = await this.#describe(key, segments);
        if (entry !== undefined) entries.push(entry);
      }
      return { entries };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
    this.#writers.clear();
  }

  /** What a list says of a log: the bytes of its entries, and a version that any append and any new beginning changes. */
  async #describe(log: Key, segments: readonly SegmentName[]): Promise<ListEntry | undefined> {
    let size = 0;
    let state = '';
    for (const [i, segment] of segments.entries()) {
      if (segments[i + 1]?.writer === segment.writer) continue;
      const reader = await this.#open(log, segment);
      if (reader === undefined) continue;
      try {
        const end = await reader.end();
        size += end.bytes;
        state += `${segment.writer}:${end.sequence}:${reader.header.salt.toString('hex')},`;
      } finally {
        await reader.close();
      }
    }
    return state === '' ? undefined : { key: log, version: checksum(Buffer.from(state)).toString(16), size };
  }

  async #open(log: Key, segment: SegmentName): Promise<SegmentReader | undefined> {
    try {
      return await SegmentReader.open(this.#fileSystem, segment.path, log);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw storageError(error, `Reading the log ${log}`, log);
    }
  }

  async #exists(segment: SegmentName): Promise<boolean> {
    try {
      await this.#fileSystem.stat(segment.path);
      return true;
    } catch (error) {
      return codeOf(error) !== 'ENOENT';
    }
  }

  /** Lets go of the writers that were used longest ago, when there are many. */
  async #leaveIdle(): Promise<void> {
    for (const [name, writer] of this.#writers) {
      if (this.#writers.size <= maxOpenWriters) return;
      if (!writer.idle) continue;
      this.#writers.delete(name);
      await writer.close();
    }
  }

  async #guard<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, `The log ${what}`, what);
    }
  }
}

function isDeletion(path: string): boolean {
  return path.endsWith('.deleted');
}
