import type { Undo } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';

/** The state of a record at one moment. Compare for equality only. */
export type Version = string;

/** A place in a log: how far each of its writers has been read. Opaque; give it back as `after`. */
export type LogPosition = string;

/** What an adapter can do, as data. The conformance suite reads it. */
export interface AdapterSupports extends RecordSupports {
  /** The largest entry of a log, in bytes. */
  readonly maxEntryBytes: number;
}

/** What an adapter can do besides logs, as data. */
export interface RecordSupports {
  /** What an acknowledged write survives: nothing (`memory`), the death of the process (`buffered`), or loss of power too (`flushed`). */
  readonly durability: 'memory' | 'buffered' | 'flushed';
  /** Whether several processes, tabs or clients may work on one store at once. */
  readonly sharedBetweenProcesses: boolean;
  /** The largest record, in bytes; larger values belong in blobs. */
  readonly maxRecordBytes: number;
  /**
   * Whether it shows a part of a store and shares blobs with the rest, as a view of `withPrefix` does: a blob that no record here names may be named elsewhere.
   * @default false
   */
  readonly sharesBlobs?: boolean | undefined;
}

/** A record as it is stored. */
export interface StoredRecord {
  /** What was put; the caller's own copy. */
  readonly bytes: Uint8Array;
  /** What it is at: another after every write. */
  readonly version: Version;
  /** The blobs that the record refers to and so keeps from being collected. */
  readonly blobs: readonly Digest[];
}

/** How records are read. */
export interface ReadOptions extends OperationOptions {
  /** Asks the store itself and nothing that keeps copies of it, for decisions that must rest on what is true now. @default false */
  readonly fresh?: boolean | undefined;
  /**
   * The version at which the caller has read a record before and still has it, until this read is done. A record that is at that version may come with its version only, without bytes and blobs, which saves
   * reading and sending them; an adapter need not ask, and what keeps copies of records for others does not pass it on. @default nothing
   */
  readonly holds?: ((key: Key) => Version | undefined) | undefined;
}

/** Under which condition a write takes effect: the record must not exist, or must still be at a version. */
export type WriteCondition = 'absent' | VersionMatch;

/** The condition that a record is still what someone read. */
export interface VersionMatch {
  /** The version that the record must be at. */
  readonly match: Version;
}

/** Writes a record. */
export interface PutOperation {
  /** Tells a put from a delete. */
  readonly kind: 'put';
  /** Which record is written. */
  readonly key: Key;
  /** What it becomes. */
  readonly bytes: Uint8Array;
  /** The blobs that the record refers to. @default none */
  readonly blobs?: readonly Digest[] | undefined;
  /** @default none: the write always takes effect */
  readonly condition?: WriteCondition | undefined;
  /**
   * Names this write: repeated under the same name, it is not done again and gives its first result, even after others have written. An adapter remembers
   * at least the last 10,000 named writes of a store. @default unnamed
   */
  readonly operationId?: string | undefined;
}

/** Deletes a record; deleting what is not there succeeds unless a version was asked for. */
export interface DeleteOperation {
  /** Tells a delete from a put. */
  readonly kind: 'delete';
  /** Which record is deleted. */
  readonly key: Key;
  /** @default none: the delete always takes effect */
  readonly condition?: VersionMatch | undefined;
  /** Names this delete, as for a put. @default unnamed */
  readonly operationId?: string | undefined;
}

/** One write of a batch. */
export type WriteOperation = PutOperation | DeleteOperation;

/** What became of one write: done, or refused because its condition did not hold. */
export type WriteResult = WriteDone | WriteRefused;

/** A write that took effect. */
export interface WriteDone {
  /** Tells it from a refusal. */
  readonly ok: true;
  /** The version that the record is at now; `undefined` after a delete. */
  readonly version: Version | undefined;
}

/** A write whose condition did not hold and which changed nothing. */
export interface WriteRefused {
  /** Tells it from success. */
  readonly ok: false;
  /** Why it was refused: the record is not what the condition asks for. */
  readonly reason: 'conflict';
  /** The version that the record is at instead; `undefined` when there is none. */
  readonly version: Version | undefined;
}

/** What `list` looks for. */
export interface ListQuery {
  /** What is listed. @default 'record' */
  readonly kind?: 'record' | 'log' | 'blob' | undefined;
  /** Keys begin with it, by bytes; need not end at a slash. Blobs are listed by digest and take no prefix. @default '' */
  readonly prefix?: string | undefined;
  /** Keys greater than this one only. @default from the first */
  readonly after?: string | undefined;
  /** At most this many. @default 1000 */
  readonly limit?: number | undefined;
}

/** One line of a list. */
export interface ListEntry {
  /** The key of a record or log, or the digest of a blob. */
  readonly key: string;
  /** Version of a record; for a log or blob, something that changes when it does. Writing a blob anew changes it too. */
  readonly version: Version;
  /** Bytes of the value, of all the entries of a log, or of the blob. */
  readonly size: number;
}

/** Part of a list, ascending by bytes. */
export interface ListPage {
  /** The entries of this part. */
  readonly entries: readonly ListEntry[];
  /** Give it as `after` for the next page; absent when there is none. */
  readonly next?: string | undefined;
}

/** How entries are appended. */
export interface AppendOptions extends OperationOptions {
  /** Names this append: repeated under the same writer, it is recognised and not written twice. @default unnamed */
  readonly operationId?: string | undefined;
  /** Whose sequence the entries continue, as a key segment. @default the adapter instance's own, unique to it */
  readonly writer?: string | undefined;
  /** `buffered` returns when the entries would survive the death of the process, without waiting for the disk. @default the adapter's own */
  readonly durability?: 'buffered' | 'flushed' | undefined;
}

/** Which entries of a log are read. */
export interface LogQuery extends OperationOptions {
  /** Only entries that this position had not reached. @default from the beginning */
  readonly after?: LogPosition | undefined;
  /**
   * The bytes of an entry are used before the next one is asked for, and not afterwards: an adapter may hand out memory of its own, which it then writes over,
   * and spares itself a copy. @default false: they are the caller's own
   */
  readonly transient?: boolean | undefined;
}

/** One entry of a log. */
export interface LogEntry {
  /** Who appended it. */
  readonly writer: string;
  /** Its place in its writer's sequence, from 1 without gaps. */
  readonly sequence: number;
  /** What was appended. */
  readonly bytes: Uint8Array;
  /** The position just behind this entry in this reading. */
  readonly position: LogPosition;
}

/** A stored blob. */
export interface BlobRef {
  /** The digest of its bytes, by which it is read. */
  readonly digest: Digest;
  /** How many bytes it has. */
  readonly size: number;
}

/** How a blob is written. */
export interface BlobOptions extends OperationOptions {
  /** The digest that the bytes must have; others are refused with `IntegrityError` and nothing is kept. @default any */
  readonly digest?: Digest | undefined;
}

/** Which bytes of a blob are read. */
export interface ReadBlobOptions extends OperationOptions {
  /** From byte `start` (included) to `end` (excluded). A whole read checks the digest as it goes, a partial one cannot. @default the whole blob */
  readonly range?: BlobRange | undefined;
}

/** How a blob is deleted. */
export interface DeleteBlobOptions extends OperationOptions {
  /** Deletes it only while it is at this version, as `list` gives it: `ConflictError` when it was written anew meanwhile, and it stays. @default whatever its version */
  readonly match?: Version | undefined;
}

/** A part of a blob, in bytes. */
export interface BlobRange {
  /** The first byte that is read, from 0. */
  readonly start: number;
  /** The first byte that is not read any more. @default to the end */
  readonly end?: number | undefined;
}

/** How the layout of a store is looked through. */
export interface InspectOptions extends LongOperationOptions {
  /** Also mends what can be mended without a decision: leftovers older than `graceMs` are removed. @default false */
  readonly repair?: boolean | undefined;
  /** How old a leftover must be before it counts as one, in milliseconds: what is younger may belong to a running writer. @default a day */
  readonly graceMs?: number | undefined;
}

/** Something that is wrong in a store, or was left behind in it. */
export interface StoreFinding {
  /** `damage` is a loss that only a copy can mend; `leftover` is what a dead process left and takes nothing but space. */
  readonly kind: 'damage' | 'leftover';
  /** The key, digest or place in the layout. */
  readonly where: string;
  /** What is wrong and what to do, for a person. */
  readonly message: string;
  /** Whether it was mended by this look. */
  readonly repaired: boolean;
}

/** A change of state that the process which guards it makes for its callers. */
export interface DomainCommand {
  /** Whose state it is. */
  readonly domain: 'registry';
  /** The method of the domain's class. */
  readonly method: string;
  /** What the method is given: values of the codec. */
  readonly input: unknown;
  /** The part of the store that it concerns, as for `withPrefix`; empty for the whole. */
  readonly prefix: string;
}

/** An adapter of records and blobs, without the three methods of logs: what `withSegmentedLog` makes a whole one of. */
export interface RecordAdapter {
  /** What it is and where, for messages, such as `filesystem /var/lib/models`. */
  readonly name: string;
  /** What it can do. */
  readonly supports: RecordSupports;
  /** The records at `keys`, in that order; `undefined` where there is none. */
  read(keys: readonly Key[], options?: ReadOptions): Promise<(StoredRecord | undefined)[]>;
  /** Puts and deletes in order, each all or nothing with a condition and a result of its own; one flush for all. Operations on one key see each other. */
  write(operations: readonly WriteOperation[], options?: OperationOptions): Promise<WriteResult[]>;
  /** Keys of records or logs, or digests of blobs, ascending by bytes. */
  list(query?: ListQuery, options?: OperationOptions): Promise<ListPage>;
  /** Stores bytes under their digest; storing what is there already refreshes it. */
  writeBlob(source: AsyncIterable<Uint8Array>, options?: BlobOptions): Promise<BlobRef>;
  /** The bytes of a blob in chunks, or `undefined` when it is not there. Chunks that were yielded before an `IntegrityError` are not to be trusted. */
  readBlob(digest: Digest, options?: ReadBlobOptions): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Deletes a blob; harmless when there is none. */
  deleteBlob(digest: Digest, options?: DeleteBlobOptions): Promise<void>;
  /**
   * Calls `wake` soon after a record or log may have changed, until it is undone. A hint and no more: it may come for nothing, and for the writes of other processes it
   * may not come; whoever must know looks again from time to time. @default absent: no hints
   */
  onChange?(wake: () => void): Undo;
  /** Looks for what the layout itself has wrong or left behind, beside what reading every record, log and blob would show. @default absent: there is nothing of the kind */
  inspect?(options?: InspectOptions): AsyncIterable<StoreFinding>;
  /** Sends a command to the process that guards a domain's state, whose direct writes it refuses. @default absent: callers write the state themselves */
  call?(command: DomainCommand, options?: OperationOptions): Promise<unknown>;
  /** Waits for what is under way and lets go of all resources. Calls after it fail with code `closed`; a second one is harmless. */
  close(): Promise<void>;
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What a storage adapter implements; everything else is derived once. The promises behind each method are the conformance suite's, `modelkeep/conformance`:
 * acknowledged means there, all or nothing, compare-and-swap is exact, keys cannot leave the store, a retried write is one's own.
 */
export interface StorageAdapter extends RecordAdapter {
  /** What it can do. */
  readonly supports: AdapterSupports;
  /** Appends entries, all or none, to one writer's sequence of a log, which begins with its first entry. */
  append(log: Key, entries: readonly Uint8Array[], options?: AppendOptions): Promise<LogPosition>;
  /** The entries of every writer of a log, each writer's in order, as of the time of reading; none when there is no such log. */
  readLog(log: Key, query?: LogQuery): AsyncIterable<LogEntry>;
  /** Deletes a log with all its entries; harmless when there is none. */
  deleteLog(log: Key, options?: OperationOptions): Promise<void>;
}
