import { AbortedError, StorageError, withSegmentedLog } from 'modelkeep';
import type { BlobOptions, BlobRef, DeleteBlobOptions, Digest, ListPage, ListQuery, OperationOptions, ReadBlobOptions } from 'modelkeep';
import type { RecordAdapter, RecordSupports, StorageAdapter, StoredRecord, WriteOperation, WriteResult } from 'modelkeep';

/** Where the store lies. */
export interface EtcdOptions {
  /** The address of etcd, such as `http://127.0.0.1:2379`. */
  readonly endpoint: string;
  /** What all keys in etcd begin with. */
  readonly prefix: string;
  /** Keeps the blobs, for which etcd is not made: a directory that all processes see, say. Closed together with this store. */
  readonly blobs: StorageAdapter;
  /** How requests are sent. @default the host's */
  readonly fetch?: typeof fetch;
}

// #region whole
/** A store whose records and logs lie in etcd, shared by everyone who reaches it. */
export function etcdStorage(options: EtcdOptions): StorageAdapter {
  return withSegmentedLog(new EtcdRecords(options));
}
// #endregion whole

interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: string;
}

interface Answer {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly kvs?: readonly KeyValue[];
  readonly count?: string;
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[];
}

type Request = Record<string, unknown>;

const rememberedNames = 10_000;

class EtcdRecords implements RecordAdapter {
  readonly name: string;
  readonly supports: RecordSupports;
  readonly #options: EtcdOptions;
  #writing: Promise<unknown> = Promise.resolve();
  #named = 0;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.name = `etcd ${options.endpoint} ${options.prefix}`;
    // etcd flushes every write and serves many: the blobs decide. It takes requests of 1.5 MiB, so this leaves room for the rest of one.
    const { durability, sharedBetweenProcesses } = options.blobs.supports;
    this.supports = { durability, sharedBetweenProcesses, maxRecordBytes: 1024 * 1024 };
  }

  // #region read
  async read(keys: readonly string[], options?: OperationOptions): Promise<(StoredRecord | undefined)[]> {
    const records: (StoredRecord | undefined)[] = [];
    // A transaction takes 128 requests at most, and sees all of its keys at one moment.
    for (let at = 0; at < keys.length; at += 64) {
      const success = keys.slice(at, at + 64).flatMap((key) => [{ request_range: this.#key('head', key) }, { request_range: this.#key('body', key) }]);
      const found = (await this.#call('txn', { success }, options)).responses!.map(({ response_range }) => response_range?.kvs?.[0]);
      for (let i = 0; i < found.length; i += 2) records.push(found[i] && recordOf(found[i]!, found[i + 1]));
    }
    return records;
  }
  // #endregion read

  // #region write
  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]> {
    // Made now, so that callers may change their bytes, and sent one after the other, so that writes take effect in the order of their calls.
    const requests = operations.map((operation) => this.#requestOf(operation));
    const results = this.#writing.then(async () => {
      const results: WriteResult[] = [];
      for (const [i, request] of requests.entries()) results.push(resultOf(operations[i]!, await this.#call('txn', request, options)));
      return results;
    });
    this.#writing = results.then(() => this.#forgetNames(operations)).catch(() => undefined);
    return results;
  }

  /** One transaction: the condition and the name are compared and the record and the name written at one moment, or what is there instead is read. */
  #requestOf(operation: WriteOperation): Request {
    const { kind, key, condition, operationId } = operation;
    const [head, body, name] = [this.#key('head', key), this.#key('body', key), operationId === undefined ? undefined : this.#key('name', operationId)];
    const compare: Request[] = [];
    if (name) compare.push({ ...name, target: 'CREATE', create_revision: '0' });
    if (condition === 'absent') compare.push({ ...head, target: 'CREATE', create_revision: '0' });
    // Any text may be given as a version; etcd takes numbers only, and what is not there is at 0.
    else if (condition) compare.push({ ...head, target: 'MOD', mod_revision: /^[1-9]\d{0,17}$/.test(condition.match) ? condition.match : '-1' });
    const success: Request[] =
      operation.kind === 'delete'
        ? [{ request_delete_range: head }, { request_delete_range: body }]
        : [
            { request_put: { ...head, value: base64(JSON.stringify({ size: operation.bytes.length, blobs: operation.blobs ?? [] })) } },
            { request_put: { ...body, value: base64(operation.bytes) } },
          ];
    if (name) success.push({ request_put: { ...name, value: base64(kind) } });
    return { compare, success, failure: [{ request_range: head }, ...(name ? [{ request_range: name }] : [])] };
  }
  // #endregion write

  // #region list
  async list({ kind, prefix = '', after, limit = 1000 }: ListQuery = {}, options?: OperationOptions): Promise<ListPage> {
    if (kind === 'blob') return this.#options.blobs.list({ kind, after, limit }, options);
    const behind = after === undefined ? prefix : `${after}\0`;
    const start = behind > prefix ? behind : prefix;
    const end = this.#end('head', prefix);
    if (Buffer.compare(this.#bytes('head', start), end) >= 0) return { entries: [] };
    const { kvs = [] } = await this.#call('range', { ...this.#key('head', start), range_end: base64(end), limit: String(limit + 1) }, options);
    const skip = this.#bytes('head', '').length;
    const entries = kvs.slice(0, limit).map((head) => ({ key: text(head.key).slice(skip), version: head.mod_revision, size: headOf(head).size }));
    return kvs.length > limit ? { entries, next: entries[limit - 1]!.key } : { entries };
  }
  // #endregion list

  // #region blobs
  writeBlob(source: AsyncIterable<Uint8Array>, options?: BlobOptions): Promise<BlobRef> {
    return this.#options.blobs.writeBlob(source, options);
  }

  readBlob(digest: Digest, options?: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#options.blobs.readBlob(digest, options);
  }

  deleteBlob(digest: Digest, options?: DeleteBlobOptions): Promise<void> {
    return this.#options.blobs.deleteBlob(digest, options);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#options.blobs.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  // #endregion blobs

  // #region names
  /** Keeps the names of the last writes and deletes older ones, now and then. */
  async #forgetNames(operations: readonly WriteOperation[]): Promise<void> {
    this.#named += operations.filter(({ operationId }) => operationId !== undefined).length;
    if (this.#named < 1000) return;
    this.#named = 0;
    const all = { ...this.#key('name', ''), range_end: base64(this.#end('name', '')) };
    const excess = Number((await this.#call('range', { ...all, count_only: true })).count ?? 0) - rememberedNames;
    if (excess <= 0) return;
    const { kvs = [] } = await this.#call('range', { ...all, keys_only: true, limit: String(excess), sort_target: 'MOD', sort_order: 'ASCEND' });
    for (let at = 0; at < kvs.length; at += 100) {
      await this.#call('txn', { success: kvs.slice(at, at + 100).map(({ key }) => ({ request_delete_range: { key } })) });
    }
  }
  // #endregion names

  // #region call
  async #call(method: 'range' | 'txn', request: Request, { signal }: OperationOptions = {}): Promise<Answer> {
    const { endpoint, fetch = globalThis.fetch } = this.#options;
    try {
      const response = await fetch(`${endpoint}/v3/kv/${method}`, { method: 'POST', body: JSON.stringify(request), signal: signal ?? null });
      if (!response.ok) throw new StorageError('storage', `etcd at ${endpoint} answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as Answer;
    } catch (cause) {
      if (signal?.aborted) throw new AbortedError(`The request to etcd at ${endpoint} was aborted by its caller.`, { cause });
      if (cause instanceof StorageError) throw cause;
      throw new StorageError('unavailable', `etcd at ${endpoint} cannot be reached; try again later.`, { cause });
    }
  }
  // #endregion call

  #bytes(part: 'head' | 'body' | 'name', key: string): Buffer {
    return Buffer.from(`${this.#options.prefix}/${part}/${key}`);
  }

  #key(part: 'head' | 'body' | 'name', key: string): { key: string } {
    return { key: base64(this.#bytes(part, key)) };
  }

  /** The first bytes behind all that begin with a prefix. */
  #end(part: 'head' | 'name', prefix: string): Buffer {
    const end = this.#bytes(part, prefix);
    end[end.length - 1]!++;
    return end;
  }
}

function resultOf(operation: WriteOperation, { succeeded, header, responses = [] }: Answer): WriteResult {
  if (succeeded) return { ok: true, version: operation.kind === 'put' ? header.revision : undefined };
  const [head, name] = responses.map(({ response_range }) => response_range?.kvs?.[0]);
  // A name is written together with its record, and so at the same revision.
  if (name) return { ok: true, version: text(name.value) === 'put' ? name.mod_revision : undefined };
  return { ok: false, reason: 'conflict', version: head?.mod_revision };
}

function recordOf(head: KeyValue, body: KeyValue | undefined): StoredRecord {
  return { bytes: Uint8Array.from(Buffer.from(body?.value ?? '', 'base64')), version: head.mod_revision, blobs: headOf(head).blobs };
}

function headOf({ value }: KeyValue): { size: number; blobs: Digest[] } {
  return JSON.parse(text(value)) as { size: number; blobs: Digest[] };
}

function base64(bytes: Uint8Array | string): string {
  return Buffer.from(bytes as string).toString('base64');
}

function text(value: string | undefined): string {
  return Buffer.from(value ?? '', 'base64').toString();
}
