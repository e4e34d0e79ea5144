import { throwIfAborted, untilAborted } from '../../core/abort.ts';
import { decode, encode } from '../../core/codec.ts';
import { assertDigest, type Digest } from '../../core/digest.ts';
import { StorageError, ValidationError, isModelkeepError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { assertKey, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import { clipRange } from '../blob-range.ts';
import type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRef,
  DeleteBlobOptions,
  DomainCommand,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  ReadBlobOptions,
  ReadOptions,
  StorageAdapter,
  StoredRecord,
  WriteOperation,
  WriteResult,
} from '../contract.ts';
import { etagOf } from '../http-protocol.ts';
import { checkListQuery } from '../list-page.ts';
import { checkWriter } from '../log-position.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import { ViewLifetime } from '../view-lifetime.ts';
import { checkEntries, checkMatch, checkWrite } from '../write-check.ts';
import { AppendQueue } from './append-queue.ts';
import { Batcher } from './batcher.ts';
import { openBlob } from './blob-download.ts';
import { uploadBlob } from './blob-upload.ts';
import { checkHttpOptions, checkSupports, type HttpStorageOptions } from './http-storage-options.ts';
import { HttpTransport } from './http-transport.ts';
import { readEntries } from './log-reading.ts';
import { encodeWrites, sendWrites } from './record-batches.ts';
import { RecordReader, sizeOfAsked, type AskedRecord } from './record-reader.ts';

// What a list may ask for at once; a server gives less where it likes, and says where it ended.
const maxPage = 100_000;

/**
 * A store on a server, which serves it with `createStorageHandler`. It keeps every promise of the store behind it, across lost answers, cut connections and restarts of the server:
 * reads and writes are sent again until they are answered or time is up, and since every write has a name that the server remembers, none is made twice and none is refused for a conflict
 * with itself. How long a server remembers is its store's affair: the last 10,000 named writes at least; one that is repeated later is judged by its condition, and its result given as it is,
 * since bytes that are equal may be another's.
 *
 * Fails with `StorageError`: `unavailable` when the server cannot be reached or something other than it answers, `unauthorized` or `forbidden` when it does not know or want the caller; with
 * `TimeoutError` when it takes too long; and otherwise with the very errors of the store behind it. What was refused or never answered may be called again.
 *
 * Large blobs travel in parts of 8 MiB and are held in memory two parts at a time; reading one goes on where the connection was cut.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { HttpStorage } from 'modelkeep/http';
 * import { createStorageHandler } from 'modelkeep/server';
 *
 * const handler = createStorageHandler(new MemoryStorage(), { authorize: 'public' });
 * // On a network: new HttpStorage('https://mlops.example.test/api', { token: () => currentToken() })
 * const storage = new HttpStorage('http://localhost', { fetch: handler });
 * const tracker = new Tracker({ storage });
 * await tracker.withRun({ experiment: 'demo' }, async (run) => run.logMetrics({ loss: 0.5 }));
 * ```
 */
export class HttpStorage implements StorageAdapter {
  readonly name: string;
  /**
   * What is taken for granted of the store behind the server: that it outlives this process and is shared, and that records and log entries of 1 MiB fit. Larger ones are refused here before they
   * are sent; where the server takes more, say so with the option `supports`. What others wrote is read whatever its size. It is taken for a part of a store, whose garbage is collected on the server; where
   * it is the whole and all of it may be seen, `sharesBlobs: false` says so.
   */
  readonly supports: AdapterSupports;
  readonly #transport: HttpTransport;
  readonly #reads: Batcher<AskedRecord, StoredRecord | undefined>;
  readonly #writes: Batcher<Uint8Array, WriteResult>;
  readonly #appends: AppendQueue;
  readonly #writer = newId();
  readonly #life: ViewLifetime;

  /**
   * @param baseUrl - Where the handler is, such as `https://mlops.example.test/api`; in a page also a path of its own server. `/v1/…` is put behind it.
   * @param options - Throws `ValidationError` for bad ones.
   */
  constructor(baseUrl: string | URL, options: HttpStorageOptions = {}) {
    const settings = checkHttpOptions(baseUrl, options);
    this.name = `http ${settings.base.slice(0, -'/v1/'.length)}`;
    this.supports = checkSupports(options.supports);
    const transport = new HttpTransport(settings);
    this.#transport = transport;
    const reader = new RecordReader(transport, settings.clock);
    this.#reads = new Batcher({ send: (asked, signal) => reader.read(asked, signal), sizeOf: sizeOfAsked });
    this.#writes = new Batcher({ send: (frames, signal) => sendWrites(transport, frames, signal), sizeOf: (frame) => frame.length });
    this.#appends = new AppendQueue(transport);
    this.#life = new ViewLifetime(`The client of ${this.name} was closed; make another one.`);
  }

  read(keys: readonly Key[], options?: ReadOptions): Promise<(StoredRecord | undefined)[]> {
    return this.#enter('read', options, () => {
      const asked = keys.map((key) => ({ key: assertKey(key), held: options?.holds?.(key) }));
      return this.#reads.run(asked, options?.signal);
    });
  }

  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    return this.#enter('write', options, () => {
      for (const operation of operations) checkWrite(operation, this.supports);
      return this.#writes.run(encodeWrites(operations), options?.signal);
    });
  }

  list(query?: ListQuery, options?: OperationOptions): Promise<ListPage> {
    return this.#enter('list', options, () => {
      const { kind, prefix, after, limit } = checkListQuery(query);
      const call = { method: 'GET', path: `${kind}s`, query: { prefix: prefix || undefined, after, limit: Math.min(limit, maxPage) }, signal: options?.signal } as const;
      return this.#transport.call(call, (answer) => answer.json<ListPage>((page) => Array.isArray(page.entries)));
    });
  }

  append(log: Key, entries: readonly Uint8Array[], options: AppendOptions = {}): Promise<LogPosition> {
    return this.#enter('append', options, () => {
      const { durability } = options;
      const writer = checkWriter(options.writer ?? this.#writer);
      checkEntries(log, entries, this.supports);
      if (durability !== undefined && durability !== 'buffered' && durability !== 'flushed') throw new ValidationError(`durability is ${shown(durability)}; use 'flushed' or 'buffered'.`, { path: 'durability' });
      return this.#appends.append(log, writer, entries, options);
    });
  }

  async *readLog(log: Key, query: LogQuery = {}): AsyncGenerator<LogEntry> {
    this.#life.assertOpen();
    throwIfAborted(query.signal, `Reading the log ${log}`);
    yield* readEntries(this.#transport, assertKey(log), query);
  }

  deleteLog(log: Key, options?: OperationOptions): Promise<void> {
    return this.#enter('deleteLog', options, () => this.#delete(`logs/${assertKey(log)}`, options));
  }

  writeBlob(source: AsyncIterable<Uint8Array>, options: BlobOptions = {}): Promise<BlobRef> {
    return this.#enter('writeBlob', options, () => {
      if (options.digest !== undefined) assertDigest(options.digest);
      const stored = uploadBlob(this.#transport, source, options, (work) => void this.#life.enter(() => work).catch(() => undefined));
      // A source that does not come to an end must not keep its caller.
      return untilAborted(stored, options.signal, 'Writing the blob');
    });
  }

  readBlob(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#enter('readBlob', options, async () => {
      const { range } = options;
      const { start, end } = clipRange(range, Infinity);
      const chunks = await openBlob(this.#transport, assertDigest(digest), start, end, options);
      return chunks && !range ? verifiedBytes(chunks, digest) : chunks;
    });
  }

  deleteBlob(digest: Digest, options: DeleteBlobOptions = {}): Promise<void> {
    return this.#enter('deleteBlob', options, async () => {
      const match = checkMatch(options.match, assertDigest(digest));
      await this.#delete(`blobs/${digest}`, options, match === undefined ? undefined : etagOf(match));
    });
  }

  /**
   * Sends a command to the server, which makes the change in the name of whom it knows. Sent again only where the server said that it did not begin: a command that was never answered may have
   * been carried out, and the error's `details.uncertain` says so.
   */
  call(command: DomainCommand, options?: OperationOptions): Promise<unknown> {
    return this.#enter('call', options, async () => {
      const { domain, method, input, prefix } = command;
      if (domain !== 'registry' || !/^[A-Za-z]+$/.test(method)) throw new ValidationError(`${shown(domain)}.${shown(method)} cannot be called on a server.`, { path: 'command' });
      const call = {
        method: 'POST',
        path: `registry/${method}`,
        headers: { 'content-type': 'application/json' },
        body: encode({ input, prefix }, 'command'),
        repeat: 'refused',
        signal: options?.signal,
      } as const;
      try {
        return decode(await this.#transport.call(call, (answer) => answer.bytes()), `the answer to ${domain}.${method}`);
      } catch (cause) {
        if (!isModelkeepError(cause, 'unavailable', 'timeout')) throw cause;
        throw new StorageError('unavailable', `${cause.message} Whether ${domain}.${method} was done is not known: look before it is called again.`, { uncertain: true, cause });
      }
    });
  }

  /** Waits for the calls that are under way, ends the readings that are, and lets go of all connections. */
  async close(): Promise<void> {
    await this.#life.close();
    this.#transport.close(new StorageError('closed', `The client of ${this.name} was closed while something was being read.`));
  }

  /** The same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Starts a call; it begins at once, so that what it was given may be changed as soon as it gives back its promise. */
  #enter<T>(what: string, options: OperationOptions | undefined, start: () => Promise<T>): Promise<T> {
    return this.#life.enter(() => {
      throwIfAborted(options?.signal, what);
      return start();
    });
  }

  async #delete(path: string, { signal }: OperationOptions = {}, match?: string): Promise<void> {
    await this.#transport.call({ method: 'DELETE', path, headers: { 'if-match': match }, signal }, (answer) => answer.json<{ ok: true }>(({ ok }) => ok === true));
  }
}
