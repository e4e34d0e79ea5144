import { resolve } from 'node:path';
import { throwIfAborted } from '../../core/abort.ts';
import { isDigest, type Digest } from '../../core/digest.ts';
import { StorageError, ValidationError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { assertKey, type Key } from '../../core/key.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRef,
  DeleteBlobOptions,
  InspectOptions,
  ListEntry,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  ReadBlobOptions,
  ReadOptions,
  StorageAdapter,
  StoreFinding,
  StoredRecord,
  WriteOperation,
  WriteResult,
} from '../contract.ts';
import { checkListQuery, type CheckedListQuery } from '../list-page.ts';
import { checkWriter, decodePosition } from '../log-position.ts';
import { checkMatch, checkOperationId, checkWrite } from '../write-check.ts';
import { BlobStore } from './blob-store.ts';
import { checksum } from './checksum.ts';
import { Directories } from './directories.ts';
import { nodeFileSystem, type FileSystem } from './file-system.ts';
import { LogEntries, type LogFrame } from './log-entries.ts';
import { inspectLayout } from './inspect-layout.ts';
import { LogStore } from './log-store.ts';
import { RecordCache } from './record-cache.ts';
import { RecordShard } from './record-shard.ts';
import { draftSegmentFrame, segmentKinds } from './segment-frame.ts';
import { createStore, findStore } from './store-marker.ts';
import { storageError } from './system-error.ts';

/** How a {@link FilesystemStorage} works. */
export interface FilesystemStorageOptions {
  /**
   * `flushed`: what is acknowledged survives loss of power. `buffered`: it survives the death of the process, and loss of power may take the last seconds of it.
   * @default 'flushed'
   */
  durability?: 'flushed' | 'buffered' | undefined;
  /** Size in bytes from which a file of records is written anew when more than half of it is out of date. @default 4 MiB */
  compactAt?: number | undefined;
  /** Bytes of memory for small records that were lately used; 0 keeps none. @default 8 MiB */
  cacheBytes?: number | undefined;
  /** The file system. Inject another one to test what happens when it fails. @default the host's */
  fileSystem?: FileSystem | undefined;
}

const shardCount = 16;

/**
 * A store in a directory of a local disk, shared by any number of processes and instances on one machine, without a server or a lock. It makes the directory
 * when something is first written, and touches nothing before the first call.
 *
 * With `durability: 'flushed'` everything that was acknowledged survives the death of the process and loss of power. Damage to stored bytes is reported as
 * `IntegrityError` with the key, never returned as data; only in what a process wrote last before it died, without anyone writing after it, a flipped bit cannot be
 * told from a write that never finished. A full disk is `StorageError` with code `storage-full`, loses nothing and heals when there is space again.
 * Network file systems, whose appends are not atomic, are refused with `UnsupportedError`; a directory that is something else with `not-a-store`.
 *
 * @example
 * ```ts
 * import { FilesystemStorage } from 'modelkeep/filesystem';
 *
 * await using storage = new FilesystemStorage('.modelkeep');
 * await storage.write([{ kind: 'put', key: 'settings/theme', bytes: new TextEncoder().encode('dark'), condition: 'absent' }]);
 * const [record] = await storage.read(['settings/theme']);
 * console.log(new TextDecoder().decode(record?.bytes)); // 'dark'
 * ```
 */
export class FilesystemStorage implements StorageAdapter {
  readonly name: string;
  readonly supports: AdapterSupports;
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #directories: Directories;
  readonly #shards: readonly RecordShard[];
  readonly #logs: LogStore;
  readonly #blobs: BlobStore;
  readonly #writer: string = newId();
  #underWay = 0;
  #whenIdle: (() => void) | undefined;
  #ready = false;
  #found: Promise<boolean> | undefined;
  #made: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @param root - The directory of the store; a relative path is taken from the present working directory. Throws `ValidationError` for bad options. */
  constructor(root: string, options: FilesystemStorageOptions = {}) {
    const { durability = 'flushed', compactAt = 4 << 20, cacheBytes = 8 << 20, fileSystem = nodeFileSystem } = options;
    if (typeof root !== 'string' || root === '' || root.includes('\0')) throw new ValidationError('The root of a store is the path of a directory.', { path: 'root' });
    if (durability !== 'flushed' && durability !== 'buffered') throw new ValidationError(`durability is ${JSON.stringify(durability)}; use 'flushed' or 'buffered'.`, { path: 'durability' });
    for (const [path, value] of Object.entries({ compactAt, cacheBytes })) {
      if (!(Number.isFinite(value) && value >= 0)) throw new ValidationError(`${path} is ${value}; give a number of bytes.`, { path });
    }
    this.#root = resolve(root);
    this.name = `filesystem ${this.#root}`;
    this.supports = { durability, sharedBetweenProcesses: true, maxRecordBytes: 16 << 20, maxEntryBytes: 64 << 20 };
    this.#fileSystem = fileSystem;
    this.#directories = new Directories(fileSystem, this.#root);
    const flushed = durability === 'flushed';
    const context = { fileSystem, directories: this.#directories, cache: new RecordCache(cacheBytes), flushed, compactAt };
    this.#shards = Array.from({ length: shardCount }, (_, i) => new RecordShard(context, ['records', i.toString(16)]));
    this.#logs = new LogStore(fileSystem, this.#directories);
    this.#blobs = new BlobStore(fileSystem, this.#directories, flushed);
  }

  read(keys: readonly Key[], options?: ReadOptions): Promise<(StoredRecord | undefined)[]> {
    return this.#call('read', options, async () => {
      for (const key of keys) assertKey(key);
      if (!(await this.#isThere())) return keys.map(() => undefined);
      return this.#perShard(keys, (key) => key, (shard, some) => shard.read(some, options?.holds));
    });
  }

  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    return this.#call('write', options, async () => {
      for (const operation of operations) {
        checkWrite(operation, this.supports);
        checkOperationId(operation.operationId);
      }
      // Taken over before anything is waited for: the caller may go on to use the arrays. The slice of a Buffer would share its memory.
      const taken = operations.map((operation) => (operation.kind === 'put' ? { ...operation, bytes: new Uint8Array(operation.bytes), blobs: operation.blobs?.slice() } : operation));
      if (!this.#ready) await this.#make();
      return this.#perShard(taken, (operation) => operation.key, (shard, some) => shard.write(some));
    });
  }

  list(query?: ListQuery, options?: OperationOptions): Promise<ListPage> {
    return this.#call('list', options, async () => {
      const checked = checkListQuery(query);
      if (!(await this.#isThere())) return { entries: [] };
      if (checked.kind === 'log') return this.#logs.list(checked);
      if (checked.kind === 'blob') return this.#blobs.list(checked);
      return this.#listRecords(checked);
    });
  }

  append(log: Key, entries: readonly Uint8Array[], options: AppendOptions = {}): Promise<LogPosition> {
    return this.#call('append', options, async () => {
      assertKey(log);
      const writer = options.writer === undefined ? this.#writer : checkWriter(options.writer);
      checkOperationId(options.operationId);
      checkEntries(log, entries, this.supports.maxEntryBytes);
      // Copied before anything is waited for: the caller may go on to use the arrays.
      const draft = draftSegmentFrame(segmentKinds.batch, entries, options.operationId);
      await this.#make();
      const flushed = (options.durability ?? this.supports.durability) !== 'buffered';
      return this.#logs.append(log, draft, writer, options.operationId, flushed);
    });
  }

  readLog(log: Key, query: LogQuery = {}): AsyncIterableIterator<LogEntry> {
    return new LogEntries(this.#logFrames(log, query), log, query);
  }

  async *#logFrames(log: Key, query: LogQuery): AsyncGenerator<LogFrame> {
    this.#enter('readLog', query);
    assertKey(log);
    decodePosition(query.after);
    if (await this.#isThere()) yield* this.#logs.read(log, query);
  }

  deleteLog(log: Key, options?: OperationOptions): Promise<void> {
    return this.#call('deleteLog', options, async () => {
      assertKey(log);
      if (await this.#isThere()) await this.#logs.delete(log);
    });
  }

  writeBlob(source: AsyncIterable<Uint8Array>, options: BlobOptions = {}): Promise<BlobRef> {
    return this.#call('writeBlob', options, async () => {
      if (options.digest !== undefined) assertDigest(options.digest);
      await this.#make();
      return this.#blobs.write(source, options);
    });
  }

  readBlob(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#call('readBlob', options, async () => {
      assertDigest(digest);
      return (await this.#isThere()) ? this.#blobs.read(digest, options) : undefined;
    });
  }

  deleteBlob(digest: Digest, options: DeleteBlobOptions = {}): Promise<void> {
    return this.#call('deleteBlob', options, async () => {
      assertDigest(digest);
      const match = checkMatch(options.match, digest);
      if (await this.#isThere()) await this.#blobs.delete(digest, match);
    });
  }

  /**
   * Writes the files of records anew without what was deleted or written over before this call, now, instead of when they are mostly garbage; files that hold
   * nothing of the kind stay as they are. Others go on reading and writing meanwhile. Once it resolves, no file of records holds any of that; the space, and the bytes on
   * the disk, are let go of as soon as the other processes that have the store open have used or closed it, and what a process that died has left in `tmp` stays there
   * for a day. Needs as much free space as the largest file of records takes.
   *
   * Throws `IntegrityError` when a record is damaged, and `StorageError` when there is no space (`storage-full`) or the disk fails; nothing is lost then. Progress
   * is in bytes.
   *
   * @example
   * ```ts
   * import { FilesystemStorage } from 'modelkeep/filesystem';
   *
   * await using storage = new FilesystemStorage('.modelkeep');
   * await storage.write([{ kind: 'put', key: 'people/ada', bytes: new TextEncoder().encode('to be forgotten') }]);
   * await storage.write([{ kind: 'delete', key: 'people/ada' }]);
   * await storage.compact();
   * ```
   */
  compact(options: LongOperationOptions = {}): Promise<void> {
    return this.#call('compact', options, async () => {
      if (!(await this.#isThere())) return;
      let done = 0;
      const onCopied = (bytes: number): void => options.onProgress?.({ phase: 'compacting', done: (done += bytes) });
      for (const shard of this.#shards) await shard.compact(onCopied, () => throwIfAborted(options.signal, 'compact'));
    });
  }

  async *inspect(options: InspectOptions = {}): AsyncGenerator<StoreFinding> {
    this.#enter('inspect', options);
    if (await this.#isThere()) yield* inspectLayout(this.#fileSystem, this.#root, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    await Promise.all([...this.#shards.map((shard) => shard.close()), this.#logs.close()]);
  }

  async #listRecords(query: CheckedListQuery): Promise<ListPage> {
    // Keys with the same first segment lie in one shard, so that a prefix with a slash asks one only.
    const shards = query.prefix.includes('/') ? [this.#shardOf(query.prefix)] : this.#shards;
    const pages = (await Promise.all(shards.map((shard) => shard.list(query)))).filter((page) => page.entries.length > 0);
    if (pages.length <= 1) return pages[0] ?? { entries: [] };
    const entries: ListEntry[] = pages.flatMap((page) => page.entries).sort((a, b) => (a.key < b.key ? -1 : 1));
    const more = entries.length > query.limit || pages.some((page) => page.next !== undefined);
    const first = entries.slice(0, query.limit);
    return more ? { entries: first, next: first[first.length - 1]!.key } : { entries: first };
  }

  /** Does `work` in each shard that has some of `items`, all at once, and gives the results in the order of the items. */
  #perShard<T, R>(items: readonly T[], keyOf: (item: T) => Key, work: (shard: RecordShard, some: readonly T[]) => Promise<R[]>): Promise<R[]> {
    if (items.length === 1) return work(this.#shardOf(keyOf(items[0]!)), items);
    return this.#inGroups(items, keyOf, work);
  }

  async #inGroups<T, R>(items: readonly T[], keyOf: (item: T) => Key, work: (shard: RecordShard, some: readonly T[]) => Promise<R[]>): Promise<R[]> {
    const groups = new Map<RecordShard, number[]>();
    items.forEach((item, i) => {
      const shard = this.#shardOf(keyOf(item));
      const group = groups.get(shard);
      if (group) group.push(i);
      else groups.set(shard, [i]);
    });
    const results = new Array<R>(items.length);
    await settled(
      [...groups].map(async ([shard, indexes]) => {
        const some = await work(shard, indexes.map((i) => items[i]!));
        some.forEach((result, i) => (results[indexes[i]!] = result));
      }),
    );
    return results;
  }

  #shardOf(key: Key): RecordShard {
    const slash = key.indexOf('/');
    return this.#shards[checksum(Buffer.from(slash === -1 ? key : key.slice(0, slash), 'latin1')) % shardCount]!;
  }

  #enter(call: string, options: OperationOptions | undefined): void {
    if (this.#closing !== undefined) throw new StorageError('closed', `The storage was closed before ${call}; open another one.`);
    throwIfAborted(options?.signal, call);
  }

  async #call<T>(call: string, options: OperationOptions | undefined, work: () => Promise<T>): Promise<T> {
    this.#enter(call, options);
    this.#underWay++;
    try {
      return await work();
    } catch (error) {
      throw storageError(error, `${call} on ${this.name}`, this.#root);
    } finally {
      if (--this.#underWay === 0) this.#whenIdle?.();
    }
  }

  /** Whether there is a store; once there is, it is not looked for again. */
  async #isThere(): Promise<boolean> {
    if (this.#made !== undefined) return this.#made.then(() => true);
    const finding = (this.#found ??= findStore(this.#fileSystem, this.#root));
    try {
      const found = await finding;
      if (!found && this.#found === finding) this.#found = undefined;
      return found;
    } catch (error) {
      if (this.#found === finding) this.#found = undefined;
      throw storageError(error, `Opening the store ${this.#root}`, this.#root);
    }
  }

  /** Makes the store if there is none. What cannot be made now is tried again by the next call. */
  #make(): Promise<void> {
    if (this.#made === undefined) {
      const making = this.#makeOrFind();
      this.#made = making;
      making.then(
        () => (this.#ready = true),
        () => (this.#made = undefined),
      );
    }
    return this.#made;
  }

  async #makeOrFind(): Promise<void> {
    try {
      if (await findStore(this.#fileSystem, this.#root)) await this.#fileSystem.syncDirectory(this.#root);
      else await createStore(this.#fileSystem, this.#root);
    } catch (error) {
      throw storageError(error, `Opening the store ${this.#root}`, this.#root);
    }
  }
}

function checkEntries(log: Key, entries: readonly Uint8Array[], maxEntryBytes: number): void {
  let total = 0;
  for (const entry of entries) {
    if (!(entry instanceof Uint8Array)) throw new ValidationError(`An entry for the log ${log} is not a Uint8Array.`, { key: log });
    if (entry.length > maxEntryBytes) throw new ValidationError(`An entry for the log ${log} is larger than ${maxEntryBytes} bytes.`, { key: log });
    total += entry.length;
  }
  if (total > maxAppendBytes) throw new ValidationError(`${total} bytes are too many for one append to the log ${log}; at most ${maxAppendBytes} fit.`, { key: log });
}

// An append is one write and one checksum.
const maxAppendBytes = 1 << 30;

function assertDigest(digest: string): void {
  if (!isDigest(digest)) throw new ValidationError(`${JSON.stringify(digest)?.slice(0, 200)} is not a digest.`, { key: String(digest).slice(0, 200) });
}

/** Waits for all, also when one fails, so that nothing goes on behind the back of a call that has failed. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
}
