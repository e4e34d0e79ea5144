import type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRef,
  DeleteBlobOptions,
  Digest,
  Key,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  OperationOptions,
  ReadBlobOptions,
  StorageAdapter,
  StoredRecord,
  Undo,
  WriteOperation,
  WriteResult,
} from 'modelkeep';

/** One call of an adapter. */
export interface Call {
  readonly method: 'read' | 'write' | 'list' | 'append' | 'readLog' | 'deleteLog' | 'writeBlob' | 'readBlob' | 'deleteBlob';
  /** Keys of records or logs, or digests. */
  readonly keys: readonly string[];
  /** How many bytes of values it moved; for what is read, known once it is over. */
  bytes: number;
}

/** Looks at calls, and makes them fail by throwing: before they have an effect, or after. */
export interface Observer {
  before?(call: Call): unknown;
  after?(call: Call): unknown;
}

/** A storage whose every call is observed. */
export class ObservedStorage implements StorageAdapter {
  readonly name: string;
  readonly supports: AdapterSupports;
  readonly calls: Call[] = [];
  onChange?: (wake: () => void) => Undo;
  readonly #inner: StorageAdapter;
  readonly #observer: Observer;

  constructor(inner: StorageAdapter, observer: Observer = {}) {
    this.#inner = inner;
    this.#observer = observer;
    this.name = inner.name;
    this.supports = inner.supports;
    if (inner.onChange) this.onChange = (wake) => inner.onChange!(wake);
  }

  read(keys: readonly Key[], options?: OperationOptions): Promise<(StoredRecord | undefined)[]> {
    return this.#observe('read', keys, async (call) => {
      const records = await this.#inner.read(keys, options);
      call.bytes = records.reduce((sum, record) => sum + (record?.bytes.length ?? 0), 0);
      return records;
    });
  }

  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    const keys = operations.map(({ key }) => key);
    const bytes = operations.reduce((sum, operation) => sum + (operation.kind === 'put' ? operation.bytes.length : 0), 0);
    return this.#observe('write', keys, () => this.#inner.write(operations, options), bytes);
  }

  list(query?: ListQuery, options?: OperationOptions): Promise<ListPage> {
    return this.#observe('list', [query?.prefix ?? ''], () => this.#inner.list(query, options));
  }

  append(log: Key, entries: readonly Uint8Array[], options?: AppendOptions): Promise<LogPosition> {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    return this.#observe('append', [log], () => this.#inner.append(log, entries, options), bytes);
  }

  async *readLog(log: Key, query?: LogQuery): AsyncGenerator<LogEntry> {
    const call = this.#begin('readLog', [log]);
    await this.#observer.before?.(call);
    for await (const entry of this.#inner.readLog(log, query)) {
      call.bytes += entry.bytes.length;
      yield entry;
    }
    await this.#observer.after?.(call);
  }

  deleteLog(log: Key, options?: OperationOptions): Promise<void> {
    return this.#observe('deleteLog', [log], () => this.#inner.deleteLog(log, options));
  }

  writeBlob(source: AsyncIterable<Uint8Array>, options?: BlobOptions): Promise<BlobRef> {
    return this.#observe('writeBlob', [options?.digest ?? ''], async (call) => {
      const ref = await this.#inner.writeBlob(source, options);
      call.bytes = ref.size;
      return ref;
    });
  }

  readBlob(digest: Digest, options?: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#observe('readBlob', [digest], () => this.#inner.readBlob(digest, options));
  }

  deleteBlob(digest: Digest, options?: DeleteBlobOptions): Promise<void> {
    return this.#observe('deleteBlob', [digest], () => this.#inner.deleteBlob(digest, options));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin(method: Call['method'], keys: readonly string[], bytes = 0): Call {
    const call: Call = { method, keys, bytes };
    this.calls.push(call);
    return call;
  }

  async #observe<T>(method: Call['method'], keys: readonly string[], work: (call: Call) => Promise<T>, bytes = 0): Promise<T> {
    const call = this.#begin(method, keys, bytes);
    await this.#observer.before?.(call);
    const result = await work(call);
    await this.#observer.after?.(call);
    return result;
  }
}
