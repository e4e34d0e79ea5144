import { throwIfAborted } from '../../core/abort.ts';
import { collectBytes } from '../../core/bytes.ts';
import type { Undo } from '../../core/clock.ts';
import { assertDigest, digestOf, type Digest } from '../../core/digest.ts';
import { ConflictError, IntegrityError, StorageError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { assertKey, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRef,
  DeleteBlobOptions,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  ReadBlobOptions,
  ReadOptions,
  StorageAdapter,
  StoredRecord,
  Version,
  WriteOperation,
  WriteResult,
} from '../contract.ts';
import { clipRange } from '../blob-range.ts';
import { checkedChunks } from '../blob-source.ts';
import { ChangeHints } from '../change-hints.ts';
import { checkListQuery, pageOf } from '../list-page.ts';
import { checkWriter, decodePosition, encodePosition } from '../log-position.ts';
import { OperationMemory } from '../operation-memory.ts';
import { verifiedBytes } from '../verified-bytes.ts';
import { checkEntries, checkMatch, checkWrite } from '../write-check.ts';

interface WriterSequence {
  readonly entries: Uint8Array[];
  readonly operations: OperationMemory<LogPosition>;
}

interface Log {
  readonly writers: Map<string, WriterSequence>;
  version: Version;
  size: number;
}

interface Blob {
  readonly bytes: Uint8Array;
  readonly version: Version;
}

/**
 * A store in the memory of this process, gone with it: for tests, for trying things out, and for work that needs no keeping. It keeps every promise of the
 * contract but durability.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * await tracker.withRun({ experiment: 'demo' }, async (run) => run.logMetrics({ loss: 0.5 }));
 * ```
 */
export class MemoryStorage implements StorageAdapter {
  readonly name = 'memory';
  /** What it can do: all but to outlive the process. */
  readonly supports: AdapterSupports = {
    durability: 'memory',
    sharedBetweenProcesses: false,
    maxRecordBytes: 16 * 1024 * 1024,
    maxEntryBytes: 64 * 1024 * 1024,
  };
  readonly #records = new Map<Key, StoredRecord>();
  readonly #logs = new Map<Key, Log>();
  readonly #blobs = new Map<Digest, Blob>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #hints = new ChangeHints();
  readonly #operations = new OperationMemory<WriteResult>();
  readonly #writer = newId();
  #sortedRecords: readonly Key[] | undefined;
  #revision = 0;
  #closed = false;

  async read(keys: readonly Key[], options?: ReadOptions): Promise<(StoredRecord | undefined)[]> {
    this.#enter('read', options);
    return keys.map((key) => {
      // What a record is stored under is a key.
      const record = this.#records.get(key) ?? this.#records.get(assertKey(key));
      return record && (options?.holds?.(key) === record.version ? { version: record.version, bytes: noBytes, blobs: noBlobs } : copyOf(record));
    });
  }

  async write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    this.#enter('write', options);
    for (const operation of operations) checkWrite(operation, this.supports);
    if (operations.length > 0) this.#hints.give();
    return operations.map((operation) => {
      const earlier = this.#operations.get(operation.operationId);
      if (earlier) return earlier;
      const result = this.#apply(operation);
      this.#operations.remember(operation.operationId, result);
      return result;
    });
  }

  #apply(operation: WriteOperation): WriteResult {
    const { key, condition } = operation;
    const present = this.#records.get(key)?.version;
    const holds = condition === undefined || (condition === 'absent' ? present === undefined : present === condition.match);
    if (!holds) return { ok: false, reason: 'conflict', version: present };
    if (operation.kind === 'delete') {
      if (this.#records.delete(key)) this.#sortedRecords = undefined;
      return { ok: true, version: undefined };
    }
    const version = String(++this.#revision);
    if (present === undefined) this.#sortedRecords = undefined;
    this.#records.set(key, { bytes: new Uint8Array(operation.bytes), version, blobs: [...(operation.blobs ?? [])] });
    return { ok: true, version };
  }

  async list(query?: ListQuery, options?: OperationOptions): Promise<ListPage> {
    this.#enter('list', options);
    const checked = checkListQuery(query);
    if (checked.kind === 'blob') {
      return pageOf([...this.#blobs.keys()].sort(), checked, (key) => {
        const { bytes, version } = this.#blobs.get(key as Digest)!;
        return { key, version, size: bytes.length };
      });
    }
    if (checked.kind === 'log') {
      return pageOf([...this.#logs.keys()].sort(), checked, (key) => {
        const { version, size } = this.#logs.get(key)!;
        return { key, version, size };
      });
    }
    this.#sortedRecords ??= [...this.#records.keys()].sort();
    return pageOf(this.#sortedRecords, checked, (key) => {
      const record = this.#records.get(key)!;
      return { key, version: record.version, size: record.bytes.length };
    });
  }

  async append(log: Key, entries: readonly Uint8Array[], options: AppendOptions = {}): Promise<LogPosition> {
    this.#enter('append', options);
    const writer = checkWriter(options.writer ?? this.#writer);
    checkEntries(log, entries, this.supports);
    const present: Log = this.#logs.get(log) ?? { writers: new Map(), version: '', size: 0 };
    const sequence = present.writers.get(writer) ?? { entries: [], operations: new OperationMemory() };
    const earlier = sequence.operations.get(options.operationId);
    if (earlier !== undefined) return earlier;
    if (entries.length > 0) {
      for (const entry of entries) {
        sequence.entries.push(new Uint8Array(entry));
        present.size += entry.length;
      }
      present.version = String(++this.#revision);
      present.writers.set(writer, sequence);
      this.#logs.set(log, present);
      this.#hints.give();
    }
    const position = encodePosition(new Map([[writer, sequence.entries.length]]));
    sequence.operations.remember(options.operationId, position);
    return position;
  }

  async *readLog(log: Key, query: LogQuery = {}): AsyncGenerator<LogEntry> {
    this.#enter('readLog', query);
    const vector = decodePosition(query.after);
    const writers = [...(this.#logs.get(assertKey(log))?.writers ?? [])].map(([writer, { entries }]) => ({ writer, entries, end: entries.length }));
    const handOut = query.transient === true ? lender() : (bytes: Uint8Array) => new Uint8Array(bytes);
    for (const { writer, entries, end } of writers) {
      for (let sequence = (vector.get(writer) ?? 0) + 1; sequence <= end; sequence++) {
        throwIfAborted(query.signal, `Reading the log ${log}`);
        vector.set(writer, sequence);
        yield { writer, sequence, bytes: handOut(entries[sequence - 1]!), position: encodePosition(vector) };
      }
    }
  }

  async deleteLog(log: Key, options?: OperationOptions): Promise<void> {
    this.#enter('deleteLog', options);
    if (this.#logs.delete(assertKey(log))) this.#hints.give();
  }

  async writeBlob(source: AsyncIterable<Uint8Array>, options: BlobOptions = {}): Promise<BlobRef> {
    this.#enter('writeBlob', options);
    if (options.digest !== undefined) assertDigest(options.digest);
    const collecting = collectBytes(copies(checkedChunks(source, options.signal)));
    this.#underWay.add(collecting);
    const bytes = await collecting.finally(() => this.#underWay.delete(collecting));
    throwIfAborted(options.signal, 'writeBlob');
    const digest = digestOf(bytes);
    if (options.digest !== undefined && options.digest !== digest) {
      throw new IntegrityError(`The blob was to be ${options.digest}, but its bytes hash to ${digest}; nothing was kept.`, { key: options.digest, found: digest });
    }
    this.#blobs.set(digest, { bytes, version: String(++this.#revision) });
    return { digest, size: bytes.length };
  }

  async readBlob(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    this.#enter('readBlob', options);
    clipRange(options.range, 0);
    const bytes = this.#blobs.get(assertDigest(digest))?.bytes;
    if (bytes === undefined) return undefined;
    const { start, end } = clipRange(options.range, bytes.length);
    const chunks = abortable(inChunks(bytes.subarray(start, end)), options.signal);
    return options.range ? chunks : verifiedBytes(chunks, digest);
  }

  async deleteBlob(digest: Digest, options: DeleteBlobOptions = {}): Promise<void> {
    this.#enter('deleteBlob', options);
    const version = this.#blobs.get(assertDigest(digest))?.version;
    const match = checkMatch(options.match, digest);
    if (version === undefined) return;
    if (match !== undefined && match !== version) {
      throw new ConflictError(`The blob ${digest} was written anew and is at version ${version}; it was kept. List it again before it is deleted.`, { key: digest, version });
    }
    this.#blobs.delete(digest);
  }

  onChange(wake: () => void): Undo {
    this.#enter('onChange', undefined);
    return this.#hints.listen(wake);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hints.clear();
    await Promise.allSettled(this.#underWay);
  }

  /** The same as `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enter(call: string, options: OperationOptions | undefined): void {
    if (this.#closed) throw new StorageError('closed', `The storage was closed before ${call}; open another one.`);
    throwIfAborted(options?.signal, call);
  }
}

const chunkBytes = 256 * 1024;

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.slice(at, at + chunkBytes);
}

/** A source may use one buffer again and again. */
async function* copies(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield new Uint8Array(chunk);
}

async function* abortable(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    throwIfAborted(signal, 'Reading the blob');
    yield chunk;
  }
}

/** Of fewer bytes, a copy costs less than a view. */
const lentFrom = 4_096;

/** Copies large entries into memory that the next one is copied into. */
function lender(): (bytes: Uint8Array) => Uint8Array {
  let memory = new Uint8Array(0);
  return (bytes) => {
    if (bytes.length < lentFrom) return new Uint8Array(bytes);
    if (memory.length < bytes.length) memory = new Uint8Array(bytes.length);
    memory.set(bytes);
    return memory.subarray(0, bytes.length);
  };
}

/** A record for a reader to keep. Its bytes are copied when they are looked at: who finds by the version that nothing is new pays for no copy. What is stored is never changed in place. */
function copyOf({ version, bytes, blobs }: StoredRecord): StoredRecord {
  let own: Uint8Array | undefined;
  return {
    version,
    get bytes() {
      return (own ??= new Uint8Array(bytes));
    },
    blobs: blobs.length === 0 ? noBlobs : [...blobs],
  };
}

const noBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(0);
const noBlobs: readonly Digest[] = /* @__PURE__ */ Object.freeze([]);
