import { throwIfAborted, untilAborted } from '../../core/abort.ts';
import { type Clock, systemClock, type Undo } from '../../core/clock.ts';
import { assertDigest, type Digest } from '../../core/digest.ts';
import { StorageError, UnsupportedError, ValidationError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { assertKey, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRef,
  DeleteBlobOptions,
  InspectOptions,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  ReadBlobOptions,
  StorageAdapter,
  StoredRecord,
  StoreFinding,
  Version,
  WriteOperation,
  WriteResult,
} from '../contract.ts';
import { checkListQuery } from '../list-page.ts';
import { checkWriter, decodePosition } from '../log-position.ts';
import { checkEntries, checkMatch, checkOperationId, checkWrite } from '../write-check.ts';
import { BlobStore } from './blob-store.ts';
import { browserError, type StorageQuota } from './browser-error.ts';
import { Database } from './database.ts';
import { type KeyRanges, listHeads } from './layout.ts';
import { LogStore } from './log-store.ts';
import { packEntries } from './packed-entries.ts';
import { RecordStore } from './record-store.ts';
import { TabHints } from './tab-hints.ts';

/** What is used of an `IDBFactory`. */
export interface DatabaseFactory {
  /** Opens a database; gives an `IDBOpenDBRequest`. */
  open(name: string, version?: number): object;
}

/** What is used of a `StorageManager`. */
export interface SpaceKeeper {
  /** Asks the browser not to evict the origin. */
  persist?(): Promise<boolean>;
  /** How much the origin takes and may take. */
  estimate?(): Promise<Partial<StorageQuota>>;
}

/** How an {@link IndexedDBStorage} works. */
export interface IndexedDBStorageOptions {
  /** The host's databases: an `IDBFactory`. Inject another one to test, such as that of `fake-indexeddb`. @default the global `indexedDB` */
  indexedDB?: DatabaseFactory | undefined;
  /** What makes key ranges for that factory. @default the global `IDBKeyRange` */
  IDBKeyRange?: object | undefined;
  /** Tells how much space there is and keeps the browser from evicting: a `StorageManager`. @default `navigator.storage` */
  storageManager?: SpaceKeeper | undefined;
  /** The source of time. @default the host's */
  clock?: Clock | undefined;
}

/**
 * A store in an IndexedDB database of the browser, shared by all tabs and workers of an origin. What is acknowledged was committed with `strict` durability: it
 * survives the end of the page and of the browser, and loss of power as far as the browser and its disk keep their word.
 *
 * The browser may still take all of it: under pressure of space it evicts whole origins unless {@link IndexedDBStorage.persist} was granted, Safari removes what a
 * site stored after seven days of use without a visit to it, and a private window forgets everything when it is closed. Keep in it what has a copy elsewhere or may
 * be lost. When the database goes away under an open store, every call fails with code `storage` and `details.evicted`, and no empty store takes its place.
 *
 * A full origin is code `storage-full`, with `details.usage` and `details.quota` in bytes; where there is no IndexedDB, calls fail with `UnsupportedError`; where
 * the browser forbids it, with code `forbidden` or `unavailable`; a database that a newer version of modelkeep wrote, with `unknown-store-version`.
 *
 * @example
 * ```ts
 * import { indexedDB, IDBKeyRange } from 'fake-indexeddb'; // In a page, leave the options out: the browser's own are the default.
 * import { IndexedDBStorage } from 'modelkeep/indexeddb';
 *
 * await using storage = new IndexedDBStorage('modelkeep', { indexedDB, IDBKeyRange });
 * await storage.write([{ kind: 'put', key: 'settings/theme', bytes: new TextEncoder().encode('dark'), condition: 'absent' }]);
 * const [record] = await storage.read(['settings/theme']);
 * console.log(new TextDecoder().decode(record?.bytes)); // 'dark'
 * ```
 */
export class IndexedDBStorage implements StorageAdapter {
  readonly name: string;
  /** What it can do. */
  readonly supports: AdapterSupports = {
    durability: 'flushed',
    sharedBetweenProcesses: true,
    maxRecordBytes: 16 * 1024 * 1024,
    maxEntryBytes: 64 * 1024 * 1024,
  };
  readonly #options: IndexedDBStorageOptions;
  readonly #writer: string = newId();
  readonly #database: Database;
  readonly #records: RecordStore;
  readonly #logs: LogStore;
  readonly #blobs: BlobStore;
  readonly #hints: TabHints;
  readonly #underWay = new Set<Promise<unknown>>();
  #versions = 0;
  #closing: Promise<void> | undefined;

  /** @param name - The name of the database, one for each store of an origin. Touches nothing before the first call. Throws `ValidationError` for bad options. */
  constructor(name: string, options: IndexedDBStorageOptions = {}) {
    const { clock = systemClock } = options;
    if (typeof name !== 'string' || name === '') throw new ValidationError('The name of a database is a text.', { path: 'name' });
    this.name = `indexeddb ${name}`;
    this.#options = options;
    this.#database = new Database({
      name,
      clock,
      factory: () => this.#factory(),
      ranges: () => (options.IDBKeyRange as KeyRanges | undefined) ?? IDBKeyRange,
      newVersion: () => this.#newVersion(),
      explain: (error) => browserError(error, this.name, () => this.estimate()),
    });
    this.#records = new RecordStore(this.#database);
    this.#logs = new LogStore(this.#database);
    this.#blobs = new BlobStore(this.#database);
    this.#hints = new TabHints(name);
  }

  read(keys: readonly Key[], options?: OperationOptions): Promise<(StoredRecord | undefined)[]> {
    return this.#call('read', options, async () => this.#records.read(keys.map(assertKey)));
  }

  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    return this.#call('write', options, async () => {
      for (const operation of operations) {
        checkWrite(operation, this.supports);
        checkOperationId(operation.operationId);
      }
      // Taken over before anything is waited for: the caller may go on to use the arrays. The slice of a Buffer would share its memory.
      const taken = operations.map((operation) => (operation.kind === 'put' ? { ...operation, bytes: new Uint8Array(operation.bytes), blobs: operation.blobs?.slice() } : operation));
      const [results] = await Promise.all([this.#records.write({ operations: taken, signal: options?.signal }), this.#logs.prepare()]);
      if (results.some((result) => result.ok)) this.#hints.give();
      return results;
    });
  }

  list(query?: ListQuery, options?: OperationOptions): Promise<ListPage> {
    return this.#call('list', options, async () => {
      const checked = checkListQuery(query);
      if (checked.kind === 'log') return this.#logs.list(checked);
      const name = checked.kind === 'record' ? 'heads' : 'blobs';
      return this.#database.transact('readonly', [name], (heads) => listHeads(heads, this.#database.ranges, checked));
    });
  }

  /** Appends entries in one put for each mebibyte of them; `buffered` does not wait for the disk. */
  append(log: Key, entries: readonly Uint8Array[], options: AppendOptions = {}): Promise<LogPosition> {
    return this.#call('append', options, async () => {
      const writer = checkWriter(options.writer ?? this.#writer);
      const { operationId, signal, durability } = options;
      checkOperationId(operationId);
      checkEntries(log, entries, this.supports);
      const [position] = await Promise.all([this.#logs.append({ log, packs: packEntries(entries), writer, operationId, signal, flushed: durability !== 'buffered' }), this.#logs.prepare()]);
      this.#hints.give();
      return position;
    });
  }

  async *readLog(log: Key, query: LogQuery = {}): AsyncGenerator<LogEntry> {
    this.#enter('readLog', query);
    decodePosition(query.after);
    yield* this.#logs.read(assertKey(log), query);
  }

  deleteLog(log: Key, options?: OperationOptions): Promise<void> {
    return this.#call('deleteLog', options, async () => {
      await this.#logs.delete(assertKey(log));
      this.#hints.give();
    });
  }

  writeBlob(source: AsyncIterable<Uint8Array>, options: BlobOptions = {}): Promise<BlobRef> {
    return this.#call('writeBlob', options, async () => {
      if (options.digest !== undefined) assertDigest(options.digest);
      return this.#blobs.write(source, options);
    });
  }

  readBlob(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#call('readBlob', options, async () => this.#blobs.read(assertDigest(digest), options));
  }

  deleteBlob(digest: Digest, options: DeleteBlobOptions = {}): Promise<void> {
    return this.#call('deleteBlob', options, async () => this.#blobs.delete(assertDigest(digest), checkMatch(options.match, digest)));
  }

  /** Calls `wake` after writes through this instance and, where there is a `BroadcastChannel`, of other tabs. */
  onChange(wake: () => void): Undo {
    this.#enter('onChange', undefined);
    return this.#hints.listen(wake);
  }

  /** Finds records, logs and blobs whose parts are not all there, and chunks of blobs whose writer died. */
  async *inspect(options: InspectOptions = {}): AsyncGenerator<StoreFinding> {
    this.#enter('inspect', options);
    const { inspect } = await import('./inspection.ts');
    yield* inspect(this.#database, this.#blobs, (after) => this.list({ kind: 'blob', after }), options);
  }

  /**
   * Asks the browser not to evict what this origin stores when space runs short, and tells whether it agreed; false also where it cannot be asked. Browsers ask the
   * user or decide by how much a site is used, so call it from a click.
   */
  async persist(): Promise<boolean> {
    return (await this.#storageManager()?.persist?.()) ?? false;
  }

  /** How much the origin uses and may use, in bytes; each undefined where the browser does not tell. It is about all that the origin stores, not only this store. */
  async estimate(): Promise<StorageQuota> {
    const { usage, quota } = (await this.#storageManager()?.estimate?.().catch(() => undefined)) ?? {};
    return { usage, quota };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => {
      this.#hints.close();
      this.#logs.stop();
      return this.#database.close();
    });
    return this.#closing;
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(call: string, options: OperationOptions | undefined): void {
    if (this.#closing !== undefined) throw new StorageError('closed', `The storage was closed before ${call}; open another one.`);
    throwIfAborted(options?.signal, call);
  }

  async #call<T>(call: string, options: OperationOptions | undefined, work: () => Promise<T>): Promise<T> {
    this.#enter(call, options);
    const done = work();
    this.#underWay.add(done);
    const forget = (): unknown => this.#underWay.delete(done);
    done.then(forget, forget);
    // A blob looks at its signal before each chunk and has cleaned up when it ends.
    return call === 'writeBlob' ? done : untilAborted(done, options?.signal, call);
  }

  #newVersion(): Version {
    // Of the time and the chance in the id: 64 bits that no other instance has.
    return `${this.#writer.slice(9, 13)}${this.#writer.slice(24)}${(this.#versions++).toString(36)}`;
  }

  #factory(): IDBFactory {
    const factory = (this.#options.indexedDB as IDBFactory | undefined) ?? globalThis.indexedDB;
    if (factory) return factory;
    throw new UnsupportedError('There is no IndexedDB here; use another storage.');
  }

  #storageManager(): IndexedDBStorageOptions['storageManager'] {
    return this.#options.storageManager ?? globalThis.navigator?.storage;
  }
}
