import { throwIfAborted } from '../core/abort.ts';
import { createHasher, type Digest } from '../core/digest.ts';
import { ConflictError, IntegrityError } from '../core/errors.ts';
import { assertPrefix, type Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { utf8 } from '../core/bytes.ts';
import type { LogEntry, LogPosition, StorageAdapter, StoredRecord } from './contract.ts';
import { DigestSet } from './digest-set.ts';
import { encodeExport, type ExportFrame } from './export-format.ts';
import { garbagePrefix } from './garbage-notes.ts';
import { generationOf, logOfPointer, pointerKey } from './log-generations.ts';
import { inBatches } from './record-scan.ts';
import { listAll } from './records.ts';
import { rewritableLog } from './rewritable-log.ts';

/** What is exported. */
export interface ExportStoreOptions extends LongOperationOptions {
  /** Only records and logs whose keys begin with it, and the blobs that these records name. @default all */
  readonly prefix?: string | undefined;
}

/**
 * The contents of a store as one stream of bytes: records with the blobs that they name, and logs with their writers and sequences. It works on every adapter and with bounded memory; blobs go in
 * pieces, as fast as the consumer takes them. `importStore` puts it into a store of any kind.
 *
 * Others may write meanwhile. Each record is exported together with the log of the same key as they were at one moment; different keys at different moments. Blobs that no record
 * names are not exported, nor is what belongs to this store alone (notes of the collection of garbage, generations of rewritten logs: of these only the current entries are).
 *
 * The stream is checksummed and says at its end how much it holds, so that a cut or changed one is found out. It is not compressed: pipe it through a `CompressionStream`.
 *
 * Throws `IntegrityError` when something that is to be exported is damaged or missing, and `ConflictError` when a log is rewritten, or a record changed all the time, while it is exported.
 *
 * @example
 * ```ts
 * import { exportStore, importStore, MemoryStorage } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * await storage.write([{ kind: 'put', key: 'settings/theme', bytes: new TextEncoder().encode('dark') }]);
 *
 * const bytes = ReadableStream.from(exportStore(storage)).pipeThrough(new CompressionStream('gzip'));
 * const copy = new MemoryStorage();
 * await importStore(copy, bytes.pipeThrough(new DecompressionStream('gzip')));
 * console.log((await copy.list()).entries.length); // 1
 * ```
 */
export function exportStore(storage: StorageAdapter, options: ExportStoreOptions = {}): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const prefix = assertPrefix(options.prefix ?? '');
  return encodeExport(new Exporter(storage, prefix, options).frames());
}

/** The digest by which a record in an export is compared with one in a store. */
export function recordDigest({ bytes, blobs }: Pick<StoredRecord, 'bytes' | 'blobs'>): Digest {
  const hasher = createHasher();
  hasher.update(utf8(`${blobs.join(',')}\n`));
  hasher.update(bytes);
  return hasher.digest();
}

const entriesPerFrame = 1000;
const frameBytes = 1024 * 1024;
const logsPerPage = 100;
const maxAttempts = 100;
const noBytes = new Uint8Array(0);

/** One walk through a store in the order of the keys. */
class Exporter {
  readonly #storage: StorageAdapter;
  readonly #prefix: string;
  readonly #options: LongOperationOptions;
  readonly #sent = new DigestSet();
  /** Logs that were exported, as long as a pointer of theirs may still come. */
  readonly #exported = new Set<Key>();
  #done = 0;

  constructor(storage: StorageAdapter, prefix: string, options: LongOperationOptions) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#options = options;
  }

  async *frames(): AsyncGenerator<ExportFrame> {
    const { signal } = this.#options;
    let after: string | undefined;
    let reached = '';
    do {
      const page = await this.#storage.list({ prefix: this.#prefix, after }, { signal });
      after = page.next;
      for (const keys of inBatches(page.entries)) {
        const records = await this.#storage.read(keys, { signal });
        const last = keys[keys.length - 1]!;
        yield* this.#stretch(keys, records, reached, last);
        reached = last;
      }
    } while (after !== undefined);
    yield* this.#stretch([], [], reached, undefined);
  }

  /** The records of a batch, and the logs between the last key before it and its own last key, in the order of their keys. */
  async *#stretch(keys: readonly Key[], records: readonly (StoredRecord | undefined)[], from: string, to: string | undefined): AsyncGenerator<ExportFrame> {
    // Listed only after the records were read: what had left the outbox of a head record by then is in a log that is listed.
    const logs = new Set(await this.#logsBetween(from, to));
    const lone = [...logs].filter((log) => !keys.includes(log));
    const found = new Map(keys.map((key, i) => [key, records[i]]));
    for (const key of [...keys, ...lone].sort()) {
      const log = logOfPointer(key);
      if (log !== undefined) {
        if (!this.#exported.has(log)) yield* this.#log(log, undefined);
      } else if (!logs.has(key)) {
        const record = found.get(key);
        if (record !== undefined) yield* this.#record(key, record);
      } else {
        yield* this.#keyWithLog(key);
      }
      throwIfAborted(this.#options.signal, 'The export');
    }
    for (const log of this.#exported) if (to === undefined || pointerKey(log) < to) this.#exported.delete(log);
    this.#options.onProgress?.({ phase: 'export', done: this.#done });
  }

  async #logsBetween(from: string, to: string | undefined): Promise<Key[]> {
    const logs: Key[] = [];
    for await (const { key } of listAll(this.#storage, { kind: 'log', prefix: this.#prefix, after: from === '' ? undefined : from, limit: logsPerPage }, { signal: this.#options.signal })) {
      if (to !== undefined && key > to) break;
      // Generations are exported under the key of their log.
      if (generationOf(key).generation === '') logs.push(key);
    }
    return logs;
  }

  /** A log, with the record of the same key if there is one. */
  async *#keyWithLog(key: Key): AsyncGenerator<ExportFrame> {
    const [record, pointer] = await this.#storage.read([key, pointerKey(key)], { signal: this.#options.signal });
    if (pointer !== undefined) {
      // It comes at its pointer.
      if (record !== undefined) yield* this.#record(key, record);
      return;
    }
    yield* this.#log(key, record);
  }

  /** A log, up to where it belongs to the state that the record of the same key holds, and that record. */
  async *#log(key: Key, first: StoredRecord | undefined): AsyncGenerator<ExportFrame> {
    const { record, seen } = await this.#settle(key, first);
    yield { header: { kind: 'log', key, ...(record && { record: recordDigest(record) }) }, body: noBytes };
    let batch: LogEntry[] = [];
    let bytes = 0;
    for await (const entry of rewritableLog(this.#storage, key).read({ signal: this.#options.signal })) {
      if (entry.sequence > (seen.get(entry.writer) ?? 0)) continue;
      if (batch.length > 0 && (batch[0]!.writer !== entry.writer || batch.length === entriesPerFrame || bytes + entry.bytes.length > frameBytes)) {
        yield entriesFrame(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(entry);
      bytes += entry.bytes.length;
    }
    if (batch.length > 0) yield entriesFrame(batch);
    this.#exported.add(key);
    this.#done++;
    if (record !== undefined) yield* this.#record(key, record);
  }

  /** A record, and how far its log went while the record was so: events reach a log only after the record that has them. */
  async #settle(key: Key, first: StoredRecord | undefined): Promise<{ record: StoredRecord | undefined; seen: ReadonlyMap<string, number> }> {
    const { signal } = this.#options;
    const seen = new Map<string, number>();
    let record = first;
    let after: LogPosition | undefined;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      for await (const { writer, sequence, position } of rewritableLog(this.#storage, key).read({ after, signal })) {
        seen.set(writer, sequence);
        after = position;
      }
      if (record === undefined) return { record, seen };
      const [again] = await this.#storage.read([key], { signal });
      if (again?.version === record.version) return { record, seen };
      record = again;
    }
    throw new ConflictError(`${key} was changed all the time while it was exported; export again when it is less busy.`, { key });
  }

  async *#record(key: Key, record: StoredRecord): AsyncGenerator<ExportFrame> {
    if (key.startsWith(garbagePrefix)) return;
    for (const digest of record.blobs) if (this.#sent.add(digest)) yield* this.#blob(digest, key);
    this.#done++;
    yield { header: { kind: 'record', key, blobs: [...record.blobs] }, body: record.bytes };
  }

  async *#blob(digest: Digest, key: Key): AsyncGenerator<ExportFrame> {
    const chunks = await this.#storage.readBlob(digest, { signal: this.#options.signal });
    if (chunks === undefined) throw new IntegrityError(`The blob ${digest} is missing, which the record ${key} names; look at the store with checkStore().`, { key, digest });
    yield { header: { kind: 'blob', digest }, body: noBytes };
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += frameBytes) yield { header: { kind: 'piece' }, body: chunk.subarray(at, at + frameBytes) };
    }
    yield { header: { kind: 'blob-end' }, body: noBytes };
  }
}

function entriesFrame(entries: readonly LogEntry[]): ExportFrame {
  const { writer, sequence: first } = entries[0]!;
  const sizes = entries.map((entry) => entry.bytes.length);
  const body = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const { bytes } of entries) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return { header: { kind: 'entries', writer, first, sizes }, body };
}
