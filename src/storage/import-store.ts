import { throwIfAborted } from '../core/abort.ts';
import type { Digest } from '../core/digest.ts';
import { ConflictError, IntegrityError, isModelkeepError, ValidationError } from '../core/errors.ts';
import { assertKey, type Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { PutOperation, StorageAdapter, StoredRecord } from './contract.ts';
import { EntryFingerprints } from './entry-fingerprints.ts';
import { decodeExport, type ExportFrame, type ExportHeader } from './export-format.ts';
import { recordDigest } from './export-store.ts';
import { generationKey, readPointer } from './log-generations.ts';
import { rewritableLog } from './rewritable-log.ts';

/** How an export is imported. */
export interface ImportStoreOptions extends LongOperationOptions {
  /**
   * What to do with a record or log that is there already and is different. `fail` writes nothing more from the first one on, compares the rest, and throws `ConflictError` with all of them;
   * `keep` leaves each as it is and imports everything else. @default 'fail'
   */
  readonly onConflict?: 'fail' | 'keep' | undefined;
}

/** Something in the export that is different in the store. */
export interface ImportConflict {
  /** What it is. A record whose log is different counts as one with it. */
  readonly kind: 'record' | 'log';
  /** Its key. */
  readonly key: Key;
}

/** What an import came to. */
export interface ImportReport {
  /** Records that were written. */
  readonly records: number;
  /** Entries that were appended to logs. */
  readonly entries: number;
  /** Blobs that were written, whether they were there or not. */
  readonly blobs: number;
  /** Records and entries that were there already. */
  readonly known: number;
  /** What was left as it is because it is different, the first thousand. */
  readonly conflicts: readonly ImportConflict[];
}

/**
 * Puts an export into a store, empty or not. Idempotent: what is there already and equal is kept, so that an import that failed can be repeated and goes on; importing twice changes nothing. Logs keep their
 * writers and sequences, and may have gone on since. Blobs are written before the records that name them, and again when they are there, so that no collection of garbage takes them meanwhile; a log is written before
 * the record of its key.
 *
 * To import into a part of a store, import into its view (`withPrefix`). The source is not decompressed.
 *
 * Throws `IntegrityError` when the stream was cut or changed: `details` say at which byte, and how many records, entries and blobs were imported before, each of them whole. Throws `ConflictError`
 * when something different is there (see `onConflict`), with `details.conflicts`, and `StorageError` with code `unknown-store-version` for an export of a newer modelkeep.
 *
 * @example
 * ```ts
 * import { exportStore, importStore, MemoryStorage, Tracker } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * await new Tracker({ storage }).withRun({ experiment: 'demo' }, async (run) => run.logMetrics({ loss: 0.5 }));
 *
 * const copy = new MemoryStorage();
 * console.log((await importStore(copy, exportStore(storage))).records > 0); // true
 * console.log((await importStore(copy, exportStore(storage))).records); // 0: it is all there
 * ```
 */
export async function importStore(storage: StorageAdapter, source: AsyncIterable<Uint8Array>, options: ImportStoreOptions = {}): Promise<ImportReport> {
  const { onConflict = 'fail' } = options;
  if (onConflict !== 'fail' && onConflict !== 'keep') throw new ValidationError(`onConflict is ${shown(onConflict)}; use 'fail' or 'keep'.`, { path: 'onConflict' });
  if (typeof (source as Partial<AsyncIterable<Uint8Array>> | undefined)?.[Symbol.asyncIterator] !== 'function') {
    throw new ValidationError('The source of an import must be an AsyncIterable of Uint8Arrays, such as exportStore() gives or a file read as a stream.', { path: 'source' });
  }
  return new Importer(storage, onConflict, options).run(source);
}

const recordsPerBatch = 500;
const batchBytes = 4 * 1024 * 1024;
const maxConflicts = 1000;

type HeaderOf<Kind extends ExportHeader['kind']> = Extract<ExportHeader, { kind: Kind }>;

/** A log that is being imported: what is there of it, and where its entries go. */
interface OpenLog {
  readonly key: Key;
  readonly generation: string | undefined;
  readonly present: EntryFingerprints;
  appended: boolean;
}

/** One import. */
class Importer {
  readonly #storage: StorageAdapter;
  readonly #onConflict: 'fail' | 'keep';
  readonly #options: LongOperationOptions;
  readonly #counts = { records: 0, entries: 0, blobs: 0, known: 0 };
  readonly #conflicts: ImportConflict[] = [];
  #conflictCount = 0;
  #pending: PutOperation[] = [];
  #pendingBytes = 0;
  /** Absent between logs, and in one that is left as it is. */
  #log: OpenLog | undefined;
  #inLog = false;
  /** The key whose log is different, so that its record is left alone too. */
  #different: Key | undefined;

  constructor(storage: StorageAdapter, onConflict: 'fail' | 'keep', options: LongOperationOptions) {
    this.#storage = storage;
    this.#onConflict = onConflict;
    this.#options = options;
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<ImportReport> {
    const frames = decodeExport(source);
    try {
      for (let next = await frames.next(); !next.done; next = await frames.next()) {
        throwIfAborted(this.#options.signal, 'The import');
        await this.#take(next.value, frames);
      }
      await this.#finishLog();
      await this.#flush();
    } catch (error) {
      if (!isModelkeepError(error, 'integrity')) throw error;
      // The records that wait are whole.
      await this.#flush();
      throw this.#withProgress(error);
    } finally {
      await frames.return(undefined);
    }
    if (this.#onConflict === 'fail' && this.#conflictCount > 0) throw this.#conflictError();
    return { ...this.#counts, conflicts: this.#conflicts };
  }

  async #take({ header, body }: ExportFrame, frames: AsyncIterator<ExportFrame>): Promise<void> {
    if (header.kind !== 'entries' && this.#inLog) await this.#finishLog();
    switch (header.kind) {
      case 'log':
        return this.#beginLog(header);
      case 'entries':
        return this.#takeEntries(header, body);
      case 'blob':
        return this.#takeBlob(header.digest, frames);
      case 'record':
        return this.#takeRecord(header, body);
      default:
        throw new IntegrityError(`The export is damaged: a frame '${header.kind}' stands where none can be.`);
    }
  }

  /** From the first conflict on, unless those are to be kept, nothing is written any more. */
  get #comparesOnly(): boolean {
    return this.#onConflict === 'fail' && this.#conflictCount > 0;
  }

  async #beginLog({ key, record }: HeaderOf<'log'>): Promise<void> {
    assertKey(key);
    const { signal } = this.#options;
    this.#inLog = true;
    this.#different = undefined;
    const [present] = await this.#storage.read([key], { signal });
    // A log tells of the changes of its record: where that is another, so is the log, and neither is touched. The record itself is compared when it comes.
    if (present !== undefined && record !== recordDigest(present)) {
      this.#log = undefined;
      return record === undefined ? this.#conflict('record', key) : undefined;
    }
    const fingerprints = new EntryFingerprints();
    const generation = (await readPointer(this.#storage, key, { signal }))?.value.current;
    for await (const entry of rewritableLog(this.#storage, key).read({ signal })) fingerprints.add(entry);
    this.#log = { key, generation, present: fingerprints, appended: false };
  }

  async #takeEntries({ writer, first, sizes }: HeaderOf<'entries'>, body: Uint8Array): Promise<void> {
    if (!this.#inLog) throw new IntegrityError('The export is damaged: entries belong to no log.');
    const log = this.#log;
    if (log === undefined) return;
    const fresh: Uint8Array[] = [];
    let at = 0;
    for (const [i, size] of sizes.entries()) {
      const entry = { writer, sequence: first + i, bytes: body.subarray(at, at + size) };
      at += size;
      const count = log.present.count(writer);
      if (entry.sequence > count + 1 || entry.sequence < 1) throw new IntegrityError(`The export is damaged: entries of ${writer} are missing in the log ${log.key}.`, { key: log.key });
      if (entry.sequence <= count) {
        if (!log.present.isSame(entry)) {
          this.#log = undefined;
          this.#different = log.key;
          return this.#conflict('log', log.key);
        }
        this.#counts.known++;
      } else {
        log.present.add(entry);
        fresh.push(entry.bytes);
      }
    }
    if (fresh.length === 0 || this.#comparesOnly) return;
    log.appended = true;
    await this.#storage.append(generationKey(log.key, log.generation ?? ''), fresh, { writer, signal: this.#options.signal });
    this.#counts.entries += fresh.length;
    this.#report();
  }

  async #finishLog(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    this.#inLog = false;
    if (!log?.appended) return;
    const now = (await readPointer(this.#storage, log.key, { signal: this.#options.signal }))?.value;
    if (now?.current === log.generation && now?.rewriting === undefined) return;
    throw new ConflictError(`The log ${log.key} was rewritten while it was imported, and may lack some of it; import again.`, { key: log.key });
  }

  async #takeBlob(digest: Digest, frames: AsyncIterator<ExportFrame>): Promise<void> {
    const pieces = piecesOf(digest, frames);
    if (this.#comparesOnly) {
      while (!(await pieces.next()).done);
      return;
    }
    await this.#storage.writeBlob(pieces, { digest, signal: this.#options.signal });
    this.#counts.blobs++;
    this.#report();
  }

  async #takeRecord({ key, blobs }: HeaderOf<'record'>, body: Uint8Array): Promise<void> {
    assertKey(key);
    if (key === this.#different) return;
    this.#pending.push({ kind: 'put', key, bytes: new Uint8Array(body), blobs, condition: 'absent' });
    this.#pendingBytes += body.length;
    if (this.#pending.length >= recordsPerBatch || this.#pendingBytes >= batchBytes) await this.#flush();
  }

  /** Writes the records that wait, where there are none, and compares where there are. */
  async #flush(): Promise<void> {
    const operations = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (operations.length === 0) return;
    const { signal } = this.#options;
    const fresh = this.#compare(operations, await this.#storage.read(operations.map(({ key }) => key), { signal }));
    if (this.#comparesOnly || fresh.length === 0) return;
    const results = await this.#storage.write(fresh, { signal });
    const refused = fresh.filter((_, i) => !results[i]?.ok);
    this.#counts.records += fresh.length - refused.length;
    this.#report();
    if (refused.length === 0) return;
    // Someone wrote these at the same time.
    for (const { key } of this.#compare(refused, await this.#storage.read(refused.map(({ key }) => key), { signal }))) this.#conflict('record', key);
  }

  /** The operations whose records are not there. */
  #compare(operations: readonly PutOperation[], present: readonly (StoredRecord | undefined)[]): PutOperation[] {
    return operations.filter(({ key, bytes, blobs = [] }, i) => {
      const record = present[i];
      if (record === undefined) return true;
      if (recordDigest(record) === recordDigest({ bytes, blobs })) this.#counts.known++;
      else this.#conflict('record', key);
      return false;
    });
  }

  #conflict(kind: ImportConflict['kind'], key: Key): void {
    this.#conflictCount++;
    if (this.#conflicts.length < maxConflicts) this.#conflicts.push({ kind, key });
  }

  #report(): void {
    const { records, entries, blobs } = this.#counts;
    this.#options.onProgress?.({ phase: 'import', done: records + entries + blobs });
  }

  #conflictError(): ConflictError {
    const { kind, key } = this.#conflicts[0]!;
    const others = this.#conflictCount > 1 ? ` and ${this.#conflictCount - 1} more` : '';
    return new ConflictError(
      `The ${kind} ${key}${others} is there already and different; nothing was written from there on. Import into another store, delete what is to be replaced, or keep what is there with onConflict: 'keep'.`,
      { key, conflicts: this.#conflicts, count: this.#conflictCount },
    );
  }

  #withProgress(error: unknown): IntegrityError {
    const { message, details } = error as IntegrityError;
    const { records, entries, blobs } = this.#counts;
    return new IntegrityError(`${message} ${records} records, ${entries} entries and ${blobs} blobs before that were imported; import it again from an undamaged copy, which goes on from there.`, {
      ...details,
      records,
      entries,
      blobs,
      cause: error,
    });
  }
}

async function* piecesOf(digest: Digest, frames: AsyncIterator<ExportFrame>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const next = await frames.next();
    if (next.done === true || (next.value.header.kind !== 'piece' && next.value.header.kind !== 'blob-end')) {
      throw new IntegrityError(`The export is damaged: the blob ${digest} does not end.`, { key: digest });
    }
    if (next.value.header.kind === 'blob-end') return;
    yield next.value.body;
  }
}
